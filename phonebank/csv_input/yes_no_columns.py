"""Decides what to do with a row that has a certain value in a yes-or-no column. Such a column is,
for example, "Do not call".

A known word decides the action, unless an organiser chooses another action. For an unknown word, an
organiser sees how often the word occurs, and decides what it means. So an unknown word puts nobody
on the do-not-call list before an organiser has read the word.
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache, lru_cache

from phonebank.csv_input import yes_no_words
from phonebank.csv_input.cells import words


class Action(StrEnum):
    """The actions that a cell in a yes-or-no column can cause for its row."""

    SUPPRESS = "suppress"  # every number of the row goes on the do-not-call list
    CALL = "call"  # the person is stored as if the column did not exist
    DROP_NUMBER = "drop_number"  # the column's number is left out
    SET_ASIDE = "set_aside"  # the row is refused, for an organiser to read
    ASK = "ask"  # unknown: an organiser decides before any row is stored


# The targets of yes-or-no columns, with the actions that organisers may choose.
MARKS: dict[str, tuple[Action, ...]] = {
    "do_not_call": (Action.SUPPRESS, Action.CALL, Action.SET_ASIDE),
    "consent": (Action.CALL, Action.SUPPRESS, Action.SET_ASIDE),
    "bad_number": (Action.DROP_NUMBER, Action.CALL, Action.SET_ASIDE),
}

# These keys stand for whole kinds of values. No cell has such a key, because the key of a word
# contains no brackets.
OWN_NUMBER = "<own number>"
OTHER_NUMBER = "<other number>"
DATE = "<date>"

_LONGEST_KEY = 120  # characters
_NUMERIC = re.compile(r"([+-]?)0*([0-9]{1,6})(?:[.,]0+)?")
_DATES = re.compile(
    r"[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}\.?(?:[ T]+[0-9]{1,2}:[0-9]{2}.*)?"
    r"|[0-9]{1,2}(?:st|nd|rd|th|\.)? [^\W\d_]{3,10}\.? [0-9]{2,4}"
    r"|[^\W\d_]{3,10} [0-9]{1,2},? [0-9]{4}"
    r"|[0-9]{1,2}-[^\W\d_]{3,4}-[0-9]{2,4}",
    re.IGNORECASE,
)
_NUMBER_LIKE = re.compile(r"\+?[0-9(][0-9 ()./-]{6,24}")
# A cell with only these signs is empty. Other signs, such as * and ?, may have a meaning.
_DASHES = frozenset("-_.~=/\\|:;,'\"‘’“”`´‐‑‒–—―−·… ")
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´"))
_SIGNS = frozenset("✓✔☑✅☒√✗✘❌☐")
# The ASCII characters that `fold` replaces with a space or removes. Most cells are ASCII, and each
# name of a list is folded.
_FOLDED_ASCII = {
    code: " " if chr(code).isspace() or unicodedata.category(chr(code))[0] in "PSZ" else None
    for code in range(128)
    if not chr(code).isalnum()
} | _APOSTROPHES
# Two cells have the same number if this many last digits agree: +44 20 7946 0123 and 020 7946 0123.
_DIGITS_THAT_TELL = 8


def fold_ascii(text: str) -> str:
    """Return an ASCII text in lower case and without punctuation. The result may have several
    spaces between two words."""
    return text.lower().translate(_FOLDED_ASCII)


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return a text in the form in which texts are compared: in lower case, and without accents,
    punctuation and invisible characters.

    " Ne_pas appeler! " becomes "ne pas appeler". Ticks and crosses such as "✓" stay. A question
    mark shows doubt, so the result then ends with " ?": "TPS?" becomes "tps ?". But if a text has a
    "#", its question marks are removed, because Excel's errors, such as "#NAME?", have them.
    """
    if text.isascii():
        said = " ".join(fold_ascii(text).split())
        return f"{said} ?".strip() if "?" in text and "#" not in text else said
    doubtful = "?" in (wide := unicodedata.normalize("NFKC", text)) and "#" not in wide
    kept: list[str] = []
    spelt = unicodedata.normalize("NFKD", wide.translate(_APOSTROPHES).casefold())
    for c in spelt.translate(_APOSTROPHES):
        if c.isalnum() or c in _SIGNS:
            kept.append(c)
        elif c.isspace() or unicodedata.category(c)[0] in "PSZ":
            kept.append(" ")
    said = " ".join("".join(kept).split())
    return f"{said} ?".strip() if doubtful else said


def key_of(cell: str, own_numbers: Iterable[str] = ()) -> str:
    """Return the key of a cell's value in a yes-or-no column. Values with the same key are counted
    together, and an organiser chooses one action for them.

    The key is usually the cell's words as `fold` returns them. The key of a short number has no
    leading zeros and no ".0". The key of a date is DATE, and the key of a telephone number is
    OWN_NUMBER or OTHER_NUMBER. If a cell is empty or has only signs such as dashes, its key is "".
    `own_numbers` are the row's cells with telephone numbers. If the cell repeats a number from
    `own_numbers`, the key is OWN_NUMBER. A repeated number often means that the number is on a
    do-not-call register.
    """
    key = _key_of(cell)
    if key == OTHER_NUMBER and _ends_like_one(cell, own_numbers):
        return OWN_NUMBER
    return key


@lru_cache(maxsize=65536)
def _key_of(cell: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", cell).split())
    if all(c in _DASHES or not c.isprintable() for c in text):
        return ""
    if text == "\\N":  # PostgreSQL's NULL, not the letter N
        return "null"
    bare = text.strip("'\"=()[] ")
    numeric = _NUMERIC.fullmatch(bare)
    if numeric:
        sign = "-" if numeric[1] == "-" and numeric[2] != "0" else ""
        return sign + numeric[2]
    if _DATES.fullmatch(bare):
        return DATE
    if _NUMBER_LIKE.fullmatch(bare) and sum(map(str.isdigit, bare)) >= _DIGITS_THAT_TELL - 1:
        return OTHER_NUMBER
    return (fold(text) or text)[:_LONGEST_KEY]


def _ends_like_one(cell: str, own_numbers: Iterable[str]) -> bool:
    end = _digits(cell)[-_DIGITS_THAT_TELL:]
    return any(end == _digits(own)[-_DIGITS_THAT_TELL:] for own in own_numbers)


def _digits(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isdecimal())


def reading_of(target: str, key: str) -> Action:
    """Return the action that a value's words mean in a column with this target.

    `target` is one of the targets in MARKS, and `key` is what `key_of` returned for the cell.
    Return Action.ASK if the words are unknown, or may have two meanings.
    """
    said = _readings(target).get(key) or _read_repeated_word(target, key)
    if said is None and target == "do_not_call":
        said = _read_register_answer(key)
    return said or Action.ASK


def _read_repeated_word(target: str, key: str) -> Action | None:
    """Return the action for a value in which every word means yes, or every word means no. Examples
    are "0 - No" and "Y (yes)". Return None for any other value."""
    said = key.split()
    for plain in (_YES, _NO):
        if said and plain.issuperset(said):
            return _readings(target).get(said[0])
    return None


def _read_register_answer(key: str) -> Action | None:
    """Return the action for a value that names a do-not-call register and gives the register's
    answer. An example is "TPS: no match".

    Return Action.CALL for a value in which "not" stands before words that mean "do not call". An
    example is "not suppressed". Return None for any other value.
    """
    said = key.split()
    telling = [word for word in said if word not in _REGISTERS]
    while telling and len(telling) < len(said) and telling[-1] in _BEFORE_A_REGISTER:
        telling.pop()
    told = " ".join(telling)
    if told != key and told in _TOLD_BY_A_REGISTER:
        return _TOLD_BY_A_REGISTER[told]
    if said and said[0] in _NOT and " ".join(said[1:]) in _DNC_YES - _YES:
        return Action.CALL
    return None


@cache
def _readings(target: str) -> dict[str, Action]:
    yes, no, *_ = MARKS[target]
    said = {
        "do_not_call": (
            (*_DNC_YES, OWN_NUMBER),
            ("", *_keys(yes_no_words.NOTHING), *_DNC_NO),
        ),
        "consent": (
            (*_keys(yes_no_words.YES), *_keys(yes_no_words.MAY_CALL)),
            (*_keys(yes_no_words.NO), *_keys(yes_no_words.DO_NOT_CALL)),
        ),
        "bad_number": (
            (*_keys(yes_no_words.YES), *_keys(yes_no_words.BAD_NUMBER)),
            ("", *_keys(yes_no_words.NOTHING | yes_no_words.NO), *_keys(yes_no_words.GOOD_NUMBER)),
        ),
    }
    for_yes, for_no = said[target]
    both = set(for_yes).intersection(for_no)
    if target == "do_not_call":
        both |= _keys(yes_no_words.EITHER_WAY)
    return {key: no for key in for_no if key not in both} | {
        key: yes for key in for_yes if key not in both
    }


def _keys(phrases: frozenset[str]) -> frozenset[str]:
    return frozenset(_key_of(phrase) for phrase in phrases)


_DNC_YES = _keys(yes_no_words.YES | yes_no_words.DO_NOT_CALL | yes_no_words.LISTED)
_DNC_NO = _keys(yes_no_words.NO | yes_no_words.MAY_CALL | yes_no_words.NOT_LISTED)
_YES = _keys(yes_no_words.YES)
_NO = _keys(yes_no_words.NO)
_BEFORE_A_REGISTER = words("on of with by in at the")
_NOT = words("not nicht ddim")
_REGISTERS = frozenset(
    {"tps", "ctps", "mps", "dnc", "bloctel", "robinson", "is", "status", "result"}
)
_TOLD_BY_A_REGISTER = dict.fromkeys(
    _keys(yes_no_words.YES | yes_no_words.LISTED), Action.SUPPRESS
) | (dict.fromkeys(_keys(yes_no_words.NO | yes_no_words.NOT_LISTED), Action.CALL))
