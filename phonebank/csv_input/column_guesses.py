"""Guesses what a list's columns contain, from their names and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from phonebank.csv_input.cells import tidy_email
from phonebank.csv_input.column_mapping import IGNORE, PHONE_TARGETS, SEVERAL_COLUMNS
from phonebank.csv_input.column_names import (
    NAME_ALONE,
    NUMBERED,
    TARGET_OF,
    WEAK,
    WITHIN_A_LONGER_NAME,
    is_about_someone_else,
    mark_target_of,
    plain_name,
    words_of,
)


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """A guess about a column. If `sure` is false, an organiser should check the guess."""

    index: int
    header: str
    target: str
    sure: bool
    samples: tuple[str, ...]  # up to three values, for the organiser to check


def guess_columns(headers: Sequence[str], samples: Sequence[Sequence[str]]) -> list[ColumnGuess]:
    """Guess what each column contains (its target, such as "phone") from its name, or from its
    values if the name says nothing.

    `samples` are rows with one cell for each header. A hundred rows are enough. A column whose name
    and values say nothing gets the target IGNORE. If the names of several columns suggest a target
    that only one column may have, all of them except one get IGNORE. If the name says that the
    column is about someone else, as in "Spouse's phone", the values are not used.
    """
    values = [
        [value for cells in samples if index < len(cells) and (value := cells[index].strip())]
        for index in range(len(headers))
    ]
    names = [_guess_by_name(header, of) for header, of in zip(headers, values, strict=True)]
    targets = _fit_name_columns(headers, _keep_surest_names(names))
    for index, named in enumerate(names):
        if named.target == IGNORE and not is_about_someone_else(headers[index]):
            targets[index] = _guess_by_content(values[index], taken=targets)
    return [
        ColumnGuess(
            index,
            header,
            targets[index],
            sure=names[index].sure and targets[index] == names[index].target,
            samples=tuple(value[:60] for value in dict.fromkeys(values[index]))[:3],
        )
        for index, header in enumerate(headers)
    ]


class _NameGuess(NamedTuple):
    target: str
    sure: bool = False
    rank: int = 1000  # its place among its target's names; the surest name has 0


def _guess_by_name(header: str, values: Sequence[str]) -> _NameGuess:
    """Guess a column's target, such as "phone", from its name. The guess is IGNORE if the name says
    nothing. If the name may mean a phone number or something else, `values` help to decide."""
    header = _GOOGLES.sub(r"\1", header)
    name = plain_name(header)
    found = TARGET_OF.get(name)
    if found is None and (mark := _guess_mark(header, values)):
        return mark
    if found is None:
        name = name.rstrip("0123456789")
        found = TARGET_OF.get(name)
        if found is None or found[0] not in NUMBERED:
            return _NameGuess(_guess_by_last_words(header))
    target, rank = found
    if target in PHONE_TARGETS and values and _share(_holds_digits, values) < 0.2:
        # The name suggests phones, but the cells have no digits. "Number" may be a house number.
        return _NameGuess(IGNORE if name in WEAK else target, rank=rank)
    return _NameGuess(target, name not in WEAK, rank)


def _guess_mark(header: str, values: Sequence[str]) -> _NameGuess | None:
    """Guess the target of a yes-or-no column from its name, such as "Is deceased" or "May we call
    you?". Return None if the column does not seem to be a yes-or-no column."""
    found = mark_target_of(header)
    if found is None or (found[0] != "do_not_call" and _share(_holds_digits, values) > 0.5):
        return None  # "Mobile (opted in)" and "Wrong number" may be columns of numbers
    return _NameGuess(*found)


# Google Contacts exports "Phone 1 - Label" beside "Phone 1 - Value".
_GOOGLES = re.compile(r"^(.*\d)\s+-\s+Value$", re.IGNORECASE)


def _guess_by_last_words(header: str) -> str:
    """Return the target of the longest known name at the end of a header. For example, "Voter's
    mobile number" ends with the known name "mobile number". A name counts only if its target is in
    WITHIN_A_LONGER_NAME, if the name has at most four words, and if the name is not in WEAK. Return
    IGNORE if the header does not end with such a name, or is about someone else."""
    words = words_of(header)
    if is_about_someone_else(header):
        return IGNORE
    for start in range(max(1, len(words) - 4), len(words)):
        name = "".join(words[start:])
        target, _ = TARGET_OF.get(name, (IGNORE, 0))
        if target in WITHIN_A_LONGER_NAME and name not in WEAK:
            return target
    return IGNORE


def _keep_surest_names(names: Sequence[_NameGuess]) -> list[str]:
    """Return a target for each column. Some targets may belong to only one column. If the names of
    several columns suggest such a target, the column with the surest name gets the target, and the
    others get IGNORE."""
    targets = [named.target for named in names]
    for target in set(targets) - SEVERAL_COLUMNS:
        rivals = [index for index, named in enumerate(names) if named.target == target]
        rivals.remove(min(rivals, key=lambda index: names[index].rank))
        for index in rivals:
            targets[index] = IGNORE
    return targets


def _fit_name_columns(headers: Sequence[str], targets: list[str]) -> list[str]:
    """Return the targets, with corrections for columns that have people's names. A header such as
    "Name" may not say which names its column has. Then the headers of the other columns decide. For
    example, if there is a column "Vorname" (first name), a column "Name" counts as a column of last
    names."""
    first, last, full = (name in targets for name in ("first_name", "last_name", "full_name"))
    change: dict[str, str] = {}
    if full and (first or last):
        change = {"full_name": IGNORE if first and last else "last_name" if first else "first_name"}
    elif first != last and NAME_ALONE.intersection(map(plain_name, headers)):
        change = {"first_name": "full_name", "last_name": "full_name"}
    return [change.get(target, target) for target in targets]


def _guess_by_content(values: Sequence[str], taken: Sequence[str]) -> str:
    """Guess from a column's values whether the column has e-mail addresses, postcodes or phone
    numbers, and return its target. Return IGNORE if the values say nothing, or if `taken` has a
    target of that kind already."""
    if "email" not in taken and _share(tidy_email, values) > 0.8:
        return "email"
    if "postcode" not in taken and _share(_is_postcode, values) > 0.8:
        return "postcode"
    if not set(PHONE_TARGETS).intersection(taken) and _share(_is_phone, values) > 0.6:
        return "phone"
    return IGNORE


def _share(test: Callable[[str], object], values: Sequence[str]) -> float:
    return sum(1 for value in values if test(value)) / len(values) if values else 0.0


def _holds_digits(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= 6


def _is_postcode(value: str) -> bool:
    """Whether a value is a full British or Canadian postcode. ZIP codes are not recognised. They
    have only digits, so they look like other numbers."""
    british = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
    canadian = r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]"
    return re.fullmatch(f"{british}|{canadian}", value.upper()) is not None


def _is_phone(value: str) -> bool:
    """Whether a value looks like a phone number. Such a value has 9 to 15 digits, and either begins
    with "0", "+" or "(", or has spaces, dots or hyphens between its digits."""
    digits = sum(map(str.isdigit, value))
    return (
        9 <= digits <= 15
        and re.fullmatch(r"[0+(][0-9 ().+-]+|[0-9]+[ .-][0-9 .-]+", value) is not None
    )
