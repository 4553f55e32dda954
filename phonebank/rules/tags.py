"""Splits a text into tags or other values, and checks the number and the length of tags. Pure
functions."""

import re

LONGEST_TAG = 40  # characters
TAGS_AT_MOST = 20  # in one text

_BETWEEN_TAGS = re.compile(r"[,;|\n]")


def split_values(words: str) -> list[str]:
    """Split a text at commas, semicolons, vertical bars and line breaks, and return the values.

    The values are in lower case, in the order of the text, and without repetition.
    """
    said = (" ".join(part.split()).lower() for part in _BETWEEN_TAGS.split(words))
    return list(dict.fromkeys(filter(None, said)))


def are_tags(tags: list[str]) -> bool:
    """Whether there are at most TAGS_AT_MOST tags, and each has at most LONGEST_TAG characters."""
    return len(tags) <= TAGS_AT_MOST and all(len(tag) <= LONGEST_TAG for tag in tags)
