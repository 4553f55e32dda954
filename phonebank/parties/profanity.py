"""Slurs and bad words that callers give as names, known by the list of glin-profanity.

Whole words only, so that nobody from Scunthorpe and no Hancock is refused; names that people bear
are let through; and a host may call anybody whatever they like (see `people.rename_caller`).
"""

import unicodedata
from functools import cache

from glin_profanity import Filter

from phonebank.core.errors import InvalidInputError

# On the list, and on birth certificates: first names, surnames, and a Pakistani and a Spanish one.
NAMES = ("Butt", "Coon", "Cumming", "Dick", "Hooker", "Kike", "Lolita", "Semen")
# Not on the list, and shown on nobody's television.
MISSING = ("chink", "gook", "nazi", "pikey", "raghead", "wanker", "wog")


def refuse_bad_words(name: str) -> None:
    """Raise InvalidInputError where a word of the name is on the list, spelled out or broken up by
    dots."""
    if _filter().is_profane(_in_plain_letters(name)):
        raise InvalidInputError(
            "We can't show that name on the board.",
            "Type another name. If it's your real name, type an initial: your host can correct it.",
        )


def _in_plain_letters(name: str) -> str:
    """The name as the filter must read it, which takes every letter beyond A to Z for the end of a
    word, and would find a bad one in Analía and Assía.

    An accent within a word is left away, so that it hides nothing (fück). At the end of a word it
    makes another word (Rapé), as does a letter of another alphabet: "q" stands for these, with
    which no word on the list ends.
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
    return base if base.isascii() and base.isalpha() and not is_last else "q"


@cache
def _filter() -> Filter:
    # No substitution of digits for letters: with it, whole words are no longer whole, and "Shiite"
    # is refused.
    return Filter(
        {
            "languages": ["english"],
            "custom_words": list(MISSING),
            "ignore_words": [name.lower() for name in NAMES],
            "word_boundaries": True,
        }
    )
