"""Slurs and bad words that callers give as names, known by the list of glin-profanity.

Whole words only, so that nobody from Scunthorpe and no Hancock is refused; names that people bear
are let through; and a host may call anybody whatever they like (see `people.rename_caller`).
"""

from functools import cache

from glin_profanity import Filter

from phonebank.errors import BadInput

# On the list, and on birth certificates: first names, surnames, and a Pakistani and a Spanish one.
NAMES = ("Butt", "Coon", "Cumming", "Dick", "Hooker", "Kike", "Lolita", "Semen")
# Not on the list, and shown on nobody's television.
MISSING = ("chink", "gook", "nazi", "pikey", "raghead", "wanker", "wog")


def refuse_bad_words(name: str) -> None:
    """Raise BadInput where a word of the name is on the list, spelled out or broken up by dots."""
    if _filter().is_profane(name):
        raise BadInput(
            "That name cannot go on the board.",
            "Type another one. If it is your name, type an initial: your host can put it right.",
        )


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
