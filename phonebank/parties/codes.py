"""A party's code: as people type it, as a link, as a picture, as an invitation. Pure."""

import re

import segno

# What people put between and around the letters of a code they read aloud or copy.
_BETWEEN = re.compile(r"[\s\-–—_.·]+")


def normalised_code(text: str) -> str:
    """A code as stored, from one as typed: case-blind, spaces and dashes ignored."""
    return _BETWEEN.sub("", text).upper()


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
        f"We ring people together for {on_behalf_of}. You need a phone, and somebody shows you "
        "the rest.\n"
        f"Join here: {link}\n"
        f"Or go to {short_address(base_url)} and type {code}."
    )
