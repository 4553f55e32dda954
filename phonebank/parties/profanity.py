"""Finds slurs and bad words in names, and in other texts that many people see. The word list has
the English words of glin-profanity and the words in MISSING.

Only whole words are checked, so Scunthorpe and Hancock are allowed. The real names in NAMES are
allowed too, although they are on the word list. A host may give a caller any name that `clean_name`
allows, even with a word from the list (`participants.rename_caller`).
"""

import re
import unicodedata
from functools import cache

from glin_profanity import Filter

from phonebank.core.errors import InvalidInputError

# These words are on the list and are real names: first names and surnames.
NAMES = ("Butt", "Coon", "Cumming", "Dick", "Hooker", "Kike", "Lolita", "Semen")
# Marks between two letters of one word. Hyphens are not among these marks, because a hyphen is
# usual in names (Po-On).
_BETWEEN_LETTERS = re.compile(r"(?<=[^\W\d_])[._·•]+(?=[^\W\d_])")
# These words are missing from the list.
MISSING = ("chink", "gook", "nazi", "pikey", "raghead", "wanker", "wog")


def refuse_bad_words(name: str) -> None:
    """Raise InvalidInputError if the name has a word that is on the word list and is not in NAMES.
    A dot or an underscore between the word's letters does not hide the word."""
    plain = _in_plain_letters(name)
    if _filter().is_profane(plain) or _filter().is_profane(_BETWEEN_LETTERS.sub("", plain)):
        raise InvalidInputError(
            "We can't show that name on the board.",
            "Type another name. If it's your real name, type an initial: your host can correct it.",
        )


def _in_plain_letters(name: str) -> str:
    """Return the name with every letter outside A to Z replaced by a letter from A to Z. (Here A to
    Z includes a to z.)

    The filter treats a letter outside A to Z as the end of a word. Without the replacement, the
    filter would find a bad word in Analía and in Assía. Inside a word, accents are dropped, because
    an accent could hide a bad word (fück). But an accent on the last letter makes a different word
    (Rapé). So does any letter that is not made from a letter of A to Z, such as a Greek letter or
    “ß”. A letter of these two kinds is replaced by "v", because no word on the list ends with a
    "v".
    """
    name = unicodedata.normalize("NFKC", name)
    return "".join(
        _plain(letter, is_last=not name[place + 1 : place + 2].isalnum())
        for place, letter in enumerate(name)
    )


def _plain(letter: str, is_last: bool) -> str:
    if letter.isascii() or not (letter.isalpha() or unicodedata.combining(letter)):
        return letter
    base = unicodedata.normalize("NFKD", letter)[0]
    return base if base.isascii() and base.isalpha() and not is_last else "v"


@cache
def _filter() -> Filter:
    # The filter does not read digits as letters here. If it did, it would match parts of words and
    # refuse "Shiite".
    return Filter(
        {
            "languages": ["english"],
            "custom_words": list(MISSING),
            "ignore_words": [name.lower() for name in NAMES],
            "word_boundaries": True,
        }
    )
