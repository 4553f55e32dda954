"""Interprets what people type into the field for a postcode or town. Pure functions.

If somebody types a whole British or Canadian postcode, only its first half is looked up. For a
postcode in Northern Ireland, only "BT" is looked up. The first half usually names a district of a
few thousand homes. The table of places does not have the second halves of postcodes.
"""

import re
import unicodedata
from dataclasses import dataclass

# The second half of a British postcode, or its first digit.
_INWARD = re.compile(r"[0-9OI](?:[A-Z0-9]{2})?")
_OUTWARD = re.compile(r"[0-9OI][A-Z0-9]?")
_CANADIAN = re.compile(r"([ABCEGHJ-NPRSTVXY][0-9OI][A-Z]) ?(?:[0-9OI][A-Z0-9][0-9OI])?")
_FIVE_DIGITS = re.compile(r"([0-9OI]{5})(?: ?[0-9]{4})?")
_EIRCODE = re.compile(r"(?:[AC-FHKNPRTV-Y][0-9O][0-9OW]) ?[0-9AC-FHKNPRTV-Y]{4}")
# Letters that people type in place of digits.
_DIGITS = str.maketrans("OI", "01")


@dataclass(frozen=True)
class Typed:
    """What a typed text may mean. `codes` are the postcodes and the postcodes' first halves that
    the text may mean, each as (country, code). `key` is the text in the form in which towns' names
    are stored.

    `is_eircode` says whether the text looks like an Irish postcode. Phonebank has no table of Irish
    postcodes, so it cannot look them up.
    """

    codes: tuple[tuple[str, str], ...]
    key: str
    is_eircode: bool = False


def read_typed(text: str) -> Typed:
    """Return what a typed postcode or town may mean."""
    plain = unicodedata.normalize("NFKC", text).upper()
    code = " ".join(re.sub(r"[^A-Z0-9]+", " ", plain).split())
    codes = [*_british(code), *_canadian(code)]
    if five := _FIVE_DIGITS.fullmatch(code):
        digits = five[1].translate(_DIGITS)
        codes += [("US", digits)] + ([("DE", digits)] if len(code) == 5 else [])
    return Typed(tuple(codes), key_of(text), bool(_EIRCODE.fullmatch(code)))


def _british(code: str) -> list[tuple[str, str]]:
    """Return every British district that the typed code may name, each as ("GB", code). Some of
    these districts may not exist."""
    first, _, second = code.partition(" ")
    if second and not _INWARD.fullmatch(second):
        return []
    outwards = [first]
    if not second and len(first) > 4 and re.fullmatch(r"[0-9OI][A-Z]{2}", first[-3:]):
        outwards = [first[:-3]]
    found = []
    for outward in outwards:
        for letters, rest in ((outward[:1], outward[1:]), (outward[:2], outward[2:])):
            if not letters.isalpha() or not _OUTWARD.fullmatch(rest):
                continue
            if letters == "BT":  # Northern Ireland has one centre
                return [("GB", "BT")]
            # A letter after the first digit may be right (W1A), or may stand for a digit (SW1O).
            digit = rest[:1].translate(_DIGITS)
            found += [("GB", letters + digit + rest[1:]), ("GB", letters + rest.translate(_DIGITS))]
    return list(dict.fromkeys(found))


def _canadian(code: str) -> list[tuple[str, str]]:
    spaced = f"{code[:3]} {code[3:]}" if len(code) == 6 else code
    match = _CANADIAN.fullmatch(spaced)
    if match is None:
        return []
    return [("CA", match[1][0] + match[1][1].translate(_DIGITS) + match[1][2])]


def key_of(name: str) -> str:
    """Return a town's name in the form of the column `key` in the table of places: lower-case
    letters and digits, without accents, and with hyphens between the words. "St" before another
    word becomes "saint"."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    letters = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = re.sub(r"[’']", "", letters)
    key = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    return re.sub(r"(^|-)st-", r"\1saint-", key)


def german_keys(key: str) -> list[str]:
    """Return a list with one other spelling of the key: "ue", "oe" and "ae" become "u", "o" and
    "a". (People may type "ue", "oe" and "ae" for ü, ö and ä.) The list is empty if the key has none
    of these pairs of letters."""
    undotted = re.sub(r"([aou])e", r"\1", key)
    return [undotted] if undotted != key else []
