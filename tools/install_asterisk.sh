#!/bin/bash
# Install Asterisk and sipp for the tests that place real calls (make test-calls).
#
#     tools/install_asterisk.sh [FOLDER]
#
# Few Debian releases have Asterisk 22, so it gets a small Debian of its own in a folder, and nothing on
# this machine changes but debootstrap. It takes about three minutes and 700 MB, once, and needs root.
# The packages come from where this machine's apt takes its own. DEBIAN_RELEASE names another release.
set -euo pipefail

folder=${1:-${PHONEBANK_ASTERISK:-${XDG_CACHE_HOME:-$HOME/.cache}/phonebank/asterisk}}
release=${DEBIAN_RELEASE:-forky}
[ ! -e "$folder/.ready" ] || { echo "Asterisk is in $folder"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "Installing Asterisk needs root: sudo $0" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
command -v debootstrap >/dev/null || {
    apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# Security updates have their own source, so the first source of Debian's own is the one to ask.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 'Identifier: Packages' | head -n 1)
[ -n "$mirror" ] || { echo "apt has no Debian source here (or nobody has run apt-get update)" >&2; exit 1; }

made=$folder.new
rm -rf "$made"
mkdir -p "$made"
script=/usr/share/debootstrap/scripts/$release # an older debootstrap does not know a newer release
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
debootstrap --variant=minbase "$release" "$made" "$mirror" "$script" >"$made.log" 2>&1 ||
    { tail -n 5 "$made.log" >&2; exit 1; }
apt-config dump | grep '^Acquire::' >"$made/etc/apt/apt.conf.d/90as-on-the-host" || true
# Asterisk must not start by itself in there.
printf '#!/bin/sh\nexit 101\n' >"$made/usr/sbin/policy-rc.d"
chmod +x "$made/usr/sbin/policy-rc.d"
in_there() { chroot "$made" env DEBIAN_FRONTEND=noninteractive "$@" >>"$made.log" 2>&1 || { tail -n 5 "$made.log" >&2; exit 1; }; }
in_there apt-get update
in_there apt-get install -y --no-install-recommends asterisk sip-tester
in_there apt-get clean
: >"$made/etc/resolv.conf" # it asks nobody for a name, and would wait where there is no network
chroot "$made" /usr/sbin/asterisk -V
touch "$made/.ready"
rm -rf "$folder" "$made.log"
mv "$made" "$folder"
echo "Asterisk is in $folder"
