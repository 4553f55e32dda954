"""A party's code: as people type it, as a link, as a picture, as an invitation. Pure."""

import re
import unicodedata
from urllib.parse import unquote

import segno

# A join link, however much of it was copied, and whatever stands behind the code.
_LINK = re.compile(r"/join/([^/?#&\s]+)", re.IGNORECASE)
_CAMPAIGN_LINK = re.compile(r"/c/([^/?#\s]+)", re.IGNORECASE)
# "The code is ABC123", "go to phones.example/join and type ABC123".
_SAID = re.compile(r"\b(?:code|type|join)\b(?:\s+is\b)?[\s:=]+(\S.*)$", re.IGNORECASE | re.DOTALL)
# A code has letters and digits only. All else stands between or around them where somebody read it
# aloud, copied it with its dot, or pasted it from a message.
_NO_LETTERS = re.compile(r"[\W_]+")


def normalised_code(text: str) -> str:
    """A code as stored, from one as typed or pasted: by itself or in its link, in small or
    full-width letters, with spaces, dashes, dots, quotes or marks that nobody can see."""
    plain = unicodedata.normalize("NFKC", unquote(text))
    link = _LINK.search(plain)
    while not link and (said := _SAID.search(plain)):
        plain = said[1]
    return _NO_LETTERS.sub("", link[1] if link else plain).upper()


def campaign_token_in(text: str) -> str | None:
    """The token of a campaign's own join link, where somebody pasted that for a party's code."""
    link = _CAMPAIGN_LINK.search(unquote(text))
    return link[1] if link else None


def join_link(base_url: str, code: str) -> str:
    """The address that callers join a party by."""
    return f"{base_url}/join/{code}"


def short_address(base_url: str) -> str:
    """The place to type a code, as it is read aloud: no scheme."""
    return base_url.split("://", 1)[-1] + "/join"


def qr_picture(link: str) -> str:
    """A QR code of the link as an SVG element without a size of its own.

    Error correction M: it stays readable with 15 % of it lost to glare (ISO/IEC 18004).
    """
    return segno.make(link, error="m", micro=False).svg_inline(omitsize=True, border=2)


def invitation(
    title: str, when: str, link: str, code: str, base_url: str, on_behalf_of: str
) -> str:
    """Words to send to friends."""
    return (
        f"Come to my phone party: {title}, {when}.\n"
        f"We'll make calls together for {on_behalf_of}. All you need is a phone. We'll show you "
        "the rest.\n"
        f"Join here: {link}\n"
        f"Or go to {short_address(base_url)} and type {code}."
    )
