"""Turns a name, as lists write it, into a first and a last name that a caller can say. Pure
functions."""

import re

from phonebank.csv_input.cells import tidy, words

_TITLES = words(
    "mr mrs miss ms mx dr prof professor rev revd sir dame lord lady cllr hon herr frau"
)
_SUFFIXES = words("jr sr ii iii iv esq phd md obe mbe cbe")
# Words that begin a last name of several words: "Ludwig van der Berg".
_PARTICLES = words(
    "van von der den de del della di da dos du la le las los bin ibn al el ap ab ferch mac st"
)
# Programs and people write these in place of a name, in the languages of the lists.
_NO_NAME_AS_WRITTEN = words("NULL null NaN nan NIL None none NA \\N")
_NO_NAME = words("n/a n.a n.a. n/d n/k k.a k.a. s/n unknown blank empty tbc tba") | {
    "no name", "name unknown", "not known", "not given", "not provided", "first name unknown",
    "unbekannt", "keine angabe", "ohne namen", "k. a",
    "inconnu", "inconnue", "sans nom", "non renseigné", "non communiqué",
    "desconocido", "desconocida", "sin nombre", "no consta",
    "anhysbys", "dim enw",
}  # fmt: skip
_ROMAN = words("II III IV")
_CONSONANT_VOWEL = re.compile("[B-DF-HJ-NP-TV-Z][AEIOUY]")


def read_name(text: str) -> str:
    """Tidy a name. A name in capitals is changed to mixed case, so "O'NEIL" becomes "O'Neil".
    Initials such as "AJ" stay in capitals.

    Return "" for "N/A", "NULL", "#N/A", "-", "?" and other placeholders.
    """
    name = tidy(text)
    if _is_no_name(name):
        return ""
    if not name.isupper():
        return name
    return " ".join(map(_capitalise, name.split(" ")))


def split_full_name(text: str) -> tuple[str, str]:
    """Split "First Last", "LAST, First" or "LAST First" into a first and a last name.

    A title before the first name is removed. Middle names stay with the first name. A single word
    counts as a first name. A title and a single word ("Mrs Jones") together become the last name,
    because a caller asks for "Mrs Jones".
    """
    name = tidy(text).strip(" ,")
    if _is_no_name(name):
        return "", ""
    before, comma, after = name.partition(",")
    if comma and after.strip(" .").casefold() not in _SUFFIXES:
        first, last = _strip_titles(after.split()), before.split()
        return read_name(" ".join(first)), read_name(" ".join(last))
    parts = [part for part in name.replace(",", " ").split() if not _is_no_name(part)]
    bare = _strip_titles(parts)
    if len(bare) < 2:
        whole = read_name(" ".join(parts))
        return ("", whole) if len(bare) < len(parts) else (whole, "")
    if _is_shouted(bare[0]) and not any(map(_is_shouted, bare[1:])):
        return " ".join(bare[1:]), read_name(bare[0])  # DUPONT Marie
    start = _start_of_last_name(bare)
    return read_name(" ".join(bare[:start])), read_name(" ".join(bare[start:]))


def _is_no_name(name: str) -> bool:
    """Whether a cell contains no name. Such a cell may be empty or contain a word such as
    "unknown". A single word that begins with # is an error value of a spreadsheet, so it is no name
    either.

    "Null", "Nan" and "Nil" are also real names: Jennifer Null, Nan Goldin, Nil Sala. So a word such
    as "null" counts as a missing name only if it is written as programs write it: "NULL" or "null".
    """
    if not (name.isalpha() or any(map(str.isalpha, name))) or (name[0] == "#" and " " not in name):
        return True
    return name in _NO_NAME_AS_WRITTEN or name.casefold().strip("().[]<> ") in _NO_NAME


def _capitalise(word: str) -> str:
    if word in _ROMAN or (len(word) == 2 and not _CONSONANT_VOWEL.fullmatch(word)):
        return word  # AJ and TJ are initials, LI and JO are names
    name = re.sub(r"[^\W\d_]+", lambda letters: letters[0].capitalize(), word)
    name = re.sub(r"\bMc(?=[a-z]{2})([a-z])", lambda letters: "Mc" + letters[1].upper(), name)
    return re.sub(r"(?<=['’])S$", "s", name)


def _is_shouted(word: str) -> bool:
    return len(word) > 2 and word.isupper() and word.isalpha()


def _strip_titles(parts: list[str]) -> list[str]:
    start = 0
    while start < len(parts) and parts[start].strip(".").casefold() in _TITLES:
        start += 1
    return parts[start:]


def _start_of_last_name(parts: list[str]) -> int:
    """Return the index of the word at which the last name starts. This is the first particle (such
    as "van") between the first and the last word. Without such a particle, the last name is the
    last word. But if the last of three or more words is a suffix (such as "Jr"), the last name
    starts at the word before the suffix."""
    for index in range(1, len(parts) - 1):
        if parts[index].strip(".").casefold() in _PARTICLES:
            return index
    has_suffix = len(parts) > 2 and parts[-1].strip(".").casefold() in _SUFFIXES
    return len(parts) - (2 if has_suffix else 1)
