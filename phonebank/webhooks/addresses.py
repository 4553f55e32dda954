"""Decides which addresses a webhook may have: only public addresses on the internet, never an
address of this machine or of a private network.

An organiser types the address, and our own machine sends a request to it. Without these rules the
request could reach something that is open only to our machine, such as a database or the hosting
provider's secrets.
"""

import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from phonebank.core.config import current_config
from phonebank.core.errors import InvalidInputError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 500
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Target(NamedTuple):
    """A webhook's address, in parts."""

    is_https: bool
    host: str
    port: int
    path: str


def read_url(url: str) -> Target:
    """Return the parts of a webhook's address. Any scheme is accepted here, but `check_url` accepts
    only https.

    Raises InvalidInputError for text without a host, with an invalid port, or longer than
    LONGEST_URL. Also raises it for an address with a user name or password, with a space, or with
    characters that are not printable ASCII.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode() if not host.isascii() else host
    except (ValueError, UnicodeError):
        host, port, parts = "", None, urlsplit("")
    fits = len(url) <= LONGEST_URL and url.isprintable() and url.isascii() and " " not in url
    if not host or not fits or parts.username or parts.password:
        raise InvalidInputError(
            "This is not a web address that we can send to.",
            "Type it like https://crm.example.org/phonebank, without a name or password in it.",
        )
    is_https = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_https, host, port or (443 if is_https else 80), path)


def check_url(url: str) -> None:
    """Raise InvalidInputError if a webhook may not have this address: if it does not begin with
    https://, or if `read_url` or `public_address` refuses it."""
    target = read_url(url)
    if not url.startswith("https://"):
        raise InvalidInputError(
            "The address must begin with https://.", "Ask for an address with HTTPS."
        )
    public_address(target)


def public_address(target: Target) -> str:
    """Look the host up once, and return the IP address to connect to.

    The calling code must connect to this IP address. It must not look the host up again, because a
    second look-up may return a different address. Raises InvalidInputError if there is no such
    host, if any of the host's addresses is not public, or if the host is Phonebank's own.
    """
    own = urlsplit(current_config().base_url).hostname
    if target.host.lower().rstrip(".") == own:
        raise _not_public()
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidInputError(
            f"We can't find a machine with the name {target.host}.", "Check the address."
        ) from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise _not_public()
    return addresses[0]


def is_public(text: str) -> bool:
    """Whether an IP address is on the public internet and does not belong to this machine."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            return False
        if inside is not None:
            address = inside
    return address.is_global and not address.is_multicast and str(address) not in _own_addresses()


def _own_addresses() -> set[str]:
    return {
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in (socket.AF_INET, socket.AF_INET6)
    }


def _not_public() -> InvalidInputError:
    return InvalidInputError(
        "This address is not on the public internet.",
        "Use an address that anyone on the internet could reach.",
    )
