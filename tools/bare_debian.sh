#!/bin/bash
# Tries the README on a bare Debian, as a person would who has just installed it. For every release.
#
#   sudo tools/bare_debian.sh 13          the two commands of the README, `make run` and `make test`
#   sudo tools/bare_debian.sh 12 run      only `make run`, and a look at its four links
#   sudo tools/bare_debian.sh 13 fast     `make run` and `make test-fast`
#
# The script makes the machine with debootstrap in a folder of its own, with a plain user and only what
# the README says to install, and removes it at the end. The packages come from the same place as this
# machine's own; MIRROR=… names another place. It needs root, and debootstrap.
set -euo pipefail

release=${1:?which Debian: 12 or 13}
what=${2:-all}
case "$release" in
    12) suite=bookworm ;;
    13) suite=trixie ;;
    *) echo "Debian $release is not known here: 12 or 13." >&2; exit 2 ;;
esac
case "$what" in all | fast | run) ;; *) echo "Not “$what”: all, fast or run." >&2; exit 2 ;; esac
[ "$(id -u)" -eq 0 ] || { echo "This needs root: sudo $0 $*" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "First: apt-get install debootstrap" >&2; exit 2; }

repository=$(cd "$(dirname "$0")/.." && pwd)
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | head -n 1)}
machine=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-debian-$release-XXXXXX")
chmod 755 "$machine"
trap 'rm -rf --one-file-system "$machine"' EXIT

echo "== a bare Debian $release in $machine"
debootstrap --variant=minbase --include=ca-certificates,sudo "$suite" "$machine" "$mirror" \
    >"$machine.log" 2>&1 || { tail -n 20 "$machine.log" >&2; exit 1; }
rm "$machine.log"

# The new machine reaches the network as this one does: names, proxy, trusted authorities.
cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/ca-certificates.crt"
grep -ls '^Acquire::' /etc/apt/apt.conf.d/* | xargs -r cp -t "$machine/etc/apt/apt.conf.d/"

chroot "$machine" useradd --create-home --shell /bin/bash ada
echo "ada ALL=(ALL) NOPASSWD: ALL" >"$machine/etc/sudoers.d/ada"
git -C "$repository" bundle create --quiet "$machine/home/ada/phonebank.bundle" HEAD
readme() { git -C "$repository" show HEAD:README.md; }
# Every install command of the README.
readme | grep -o '`sudo apt-get install [^`,]*`' | tr -d '`' |
    sed 's/apt-get install/apt-get install -y -qq --no-install-recommends/' >"$machine/home/ada/installs"

cat >"$machine/home/ada/try.sh" <<'INSIDE'
set -euo pipefail
cd ~
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
sudo -E apt-get update -qq
while read -r line; do echo "== $line"; eval "$line" >/dev/null; done <installs
echo "== git clone, cd, make run"
git -c advice.detachedHead=false clone -q phonebank.bundle phonebank
cd phonebank
setsid make run >../run.log 2>&1 &
run=$!
for _ in $(seq 600); do
    [ "$(grep -c 'http://' ../run.log || true)" -ge 4 ] && break
    kill -0 $run 2>/dev/null || { cat ../run.log; echo "make run ended" >&2; exit 1; }
    sleep 1
done
cat ../run.log
links=$(grep -o 'http://[^ ]*' ../run.log | sort -u)
[ "$(wc -l <<<"$links")" -ge 4 ] || { echo "make run printed no four links" >&2; exit 1; }
for link in $links; do
    .venv/bin/python - "$link" <<'LOOK'
import http.cookiejar, sys, urllib.request
jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
with urllib.request.build_opener(jar).open(sys.argv[1], timeout=30) as page:
    body = page.read().decode()
    assert page.status == 200 and "<h1" in body or "data-board" in body, (page.status, body[:300])
    print("looked at", page.geturl().split("?")[0], len(body), "characters")
LOOK
done
kill -INT -- -$run
wait $run || true
INSIDE
case "$what" in
    all) echo 'echo "== make test"; make test' >>"$machine/home/ada/try.sh" ;;
    fast) echo 'echo "== make test-fast"; make test-fast' >>"$machine/home/ada/try.sh" ;;
esac
chroot "$machine" chown -R ada:ada /home/ada

# The mounts are in a namespace of their own, and go with its last process.
unshare --mount --pid --fork --kill-child --mount-proc="$machine/proc" bash -c '
    set -e
    mount --rbind /dev "$1/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
    exec chroot "$1" su - ada -c "bash try.sh"
' bash "$machine"
echo "== Debian $release: the README holds"
