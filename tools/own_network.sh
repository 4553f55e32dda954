#!/bin/bash
# Run a command in a network of its own, with nothing in it but this machine.
#
#     tools/own_network.sh COMMAND …
#
# Chromium sends no sound over the loopback interface, so the network has another one, which leads
# nowhere. A browser offers its address where there is a default route. Where nobody may make such a
# network, the command runs without it, and the tests that need it skip.
set -euo pipefail

if [ "${OWN_NETWORK:-}" != inside ]; then
    export OWN_NETWORK=inside
    if [ "$(id -u)" = 0 ] && unshare --net --mount true 2>/dev/null; then
        exec unshare --net --mount "$0" "$@"
    fi
    export OWN_NETWORK=none
    exec "$@"
fi

ip link set lo up
ip link add eth0 type veth peer name eth1
ip address add 10.99.0.1/24 dev eth0
ip address add 10.99.0.2/24 dev eth1
ip link set eth0 up
ip link set eth1 up
ip route add default via 10.99.0.254 dev eth0
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true

# Names are looked up in files alone. Otherwise each look-up would wait for a name server that isn't
# there. The mounts are this command's own, and go with it.
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
: >"$files/resolv.conf"
printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$files/hosts"
mount --bind "$files/resolv.conf" "$(readlink -f /etc/resolv.conf)"
mount --bind "$files/hosts" /etc/hosts
"$@"
