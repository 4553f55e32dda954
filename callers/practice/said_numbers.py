"""Find the number that an invented person says, to compare it with the number that the caller
tapped. Pure functions."""

import re

from scripts_library.script import SCALE

# The words from zero to ten. A word that also means something else is left out, such as "un".
_WORDS = {
    "en": "zero one two three four five six seven eight nine ten",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez",
    "fr": "zéro - deux trois quatre cinq six sept huit neuf dix",
    "cy": "sero - dau tri pedwar pump chwech saith wyth naw deg",
}
_NUMBERS = {
    language: {word: number for number, word in enumerate(words.split())}
    for language, words in _WORDS.items()
}
_NUMBERS["en"]["nought"] = 0
_ENGLISH = _WORDS["en"].split()
_WORD = re.compile(r"\w+")


def number_said(reply: str, language: str) -> int | None:
    """Return the number from 0 to 10 that a reply contains. Return None if the reply contains no
    such number, or two different numbers.

    Digits are recognised in every language. Number words are recognised only in the languages of
    `_WORDS`.
    """
    numbers = _NUMBERS.get(language, {})
    words = _WORD.findall(reply.lower())
    said = {int(word) if word.isdecimal() else numbers.get(word) for word in words} - {None}
    [number] = said if len(said) == 1 else [None]
    return number if number in SCALE else None


def number_word(number: int) -> str:
    """Return the word that the feedback uses for a number from 0 to 10."""
    return _ENGLISH[number]
