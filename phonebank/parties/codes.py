"""Finds a party's code in what people type, and writes the code into links and invitations. Pure
functions."""

import re
import unicodedata
from urllib.parse import unquote

# This matches a join link that was copied whole or in part, with any text after the code.
_LINK = re.compile(r"/join/([^/?#&\s]+)", re.IGNORECASE)
_CAMPAIGN_LINK = re.compile(r"/c/([^/?#\s]+)", re.IGNORECASE)
# This matches texts like "The code is ABC123" and "go to phones.example/join and type ABC123".
_SAID = re.compile(r"\b(?:code|type|join)\b(?:\s+is\b)?[\s:=]+(\S.*)$", re.IGNORECASE | re.DOTALL)
# A code has only letters and digits. People add other characters when they type a code that is read
# aloud to them, or copy a full stop after the code from a message.
_NO_LETTERS = re.compile(r"[\W_]+")


def normalise_code(text: str) -> str:
    """Return a typed or pasted code, in the form in which codes are stored.

    The text may be the code alone, or a link or sentence that contains the code. The code may be
    written with lower-case or full-width letters, spaces, dashes, dots, quotes or invisible
    characters.
    """
    plain = unicodedata.normalize("NFKC", unquote(text))
    link = _LINK.search(plain)
    while not link and (said := _SAID.search(plain)):
        plain = said[1]
    return _NO_LETTERS.sub("", link[1] if link else plain).upper()


def find_campaign_token(text: str) -> str | None:
    """A caller may have pasted a campaign's join link in place of a party's code. If `text` has
    such a link, return the link's token. Otherwise return None."""
    link = _CAMPAIGN_LINK.search(unquote(text))
    return link[1] if link else None


def join_link(base_url: str, code: str) -> str:
    """Return the address at which callers join a party."""
    return f"{base_url}/join/{code}"


def short_address(base_url: str) -> str:
    """Return the address of the page on which callers type a code. The address has no "https://" at
    its beginning, because people read the address aloud."""
    return base_url.split("://", 1)[-1] + "/join"


def invitation(
    title: str, when: str, link: str, code: str, base_url: str, on_behalf_of: str
) -> str:
    """Return the plain text of an invitation that a host can send to friends."""
    return (
        f"Come to my phone party: {title}, {when}.\n"
        f"We'll make calls together for {on_behalf_of}. All you need is a phone. We'll show you "
        "the rest.\n"
        f"Join here: {link}\n"
        f"Or go to {short_address(base_url)} and type {code}."
    )
