"""Checks callers' names and parties' titles, because televisions show them. Pure functions."""

import unicodedata

from phonebank.core.errors import InvalidInputError

NAME_AT_MOST = 40  # characters

# Emoji are built with these invisible characters. Every other invisible character is refused,
# because it can reverse the words after it, or make two names look alike.
_JOINERS = {"\N{ZERO WIDTH JOINER}", "\N{VARIATION SELECTOR-16}"}
_EMOJI_TAGS = {chr(code) for code in range(0xE0020, 0xE0080)}
# Unicode general categories: control, format, surrogate, private use, unassigned, line and
# paragraph separator (The Unicode Standard, section 4.5).
_REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_name(text: str, what: str = "name") -> str:
    """Return the name in composed form (NFC), without extra spaces. `what` is the word for the name
    in the error's message, for example "title".

    Raises InvalidInputError if the name has no visible character, or has more than 40 characters.
    Also raises InvalidInputError if the name has a character that cannot be shown, except the
    invisible characters with which emoji are built. Emoji and all alphabets are allowed. The
    function does not escape HTML, because pages do that.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if any(_is_refused(letter) for letter in name):
        raise InvalidInputError(
            f"The {what} has a character in it that we can't show.",
            "Type it again by hand instead of pasting it.",
        )
    name = " ".join(name.split())
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in name):
        raise InvalidInputError(f"The {what} is empty.", f"Type a {what}.")
    if len(name) > NAME_AT_MOST:
        raise InvalidInputError(
            f"The {what} has {len(name)} characters.", f"Use up to {NAME_AT_MOST} characters."
        )
    return name


def _is_refused(letter: str) -> bool:
    if letter in _JOINERS or letter in _EMOJI_TAGS:
        return False
    return unicodedata.category(letter) in _REFUSED
