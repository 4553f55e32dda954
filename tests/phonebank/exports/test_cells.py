"""No spreadsheet runs the text of a cell."""

import csv
import io
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phonebank.exports.cells import cell_text, copied_line, csv_chunks, safe_text
from phonebank.phones.e164 import read_number

FORMULA_SIGNS = tuple("=+-@\t\r＝＋－＠")
# Text made mostly of what matters here.
tricky = st.text(st.sampled_from(list("=+-@＝＋－＠,;|\t\r\n\"' \x0b\u2028\xa0a1")), max_size=12)
texts = st.one_of(tricky, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))


def write(rows: list[list], header: tuple[str, ...] = ("a", "b", "c"), mark: bool = False) -> str:
    return "".join(csv_chunks(header, rows, mark))


def cells_by(delimiter: str, text: str) -> list[str]:
    """Every cell that a reader sees if it cuts at `delimiter`, rightly or wrongly."""
    return [cell for row in csv.reader(io.StringIO(text), delimiter=delimiter) for cell in row]


@given(st.lists(st.lists(texts, min_size=3, max_size=3), max_size=4))
@example([["=1+1", "+44", "-1"], ["@SUM(A1)", "\t=1", "\r=1"]])
@example([["a", 'b;"=1"', "c"], ["", '";=1', "x\n=1"]])
def test_no_cell_is_a_formula_wherever_the_reader_cuts(rows: list[list[str]]) -> None:
    text = write(rows)
    for delimiter in ",;|\t":
        for cell in cells_by(delimiter, text):
            assert not cell.lstrip().startswith(FORMULA_SIGNS), (delimiter, cell)


@given(st.lists(st.lists(texts, min_size=3, max_size=3), max_size=4))
def test_every_row_is_one_line_and_reads_back(rows: list[list[str]]) -> None:
    text = write(rows)
    assert len(text.splitlines()) == len(rows) + 1
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[1:] == [[safe_text(cell) for cell in row] for row in rows]


@given(texts)
def test_nothing_is_lost_but_line_ends_and_tabs(text: str) -> None:
    def letters(value: str) -> str:
        return re.sub(r"[\s/'\0]", "", value)

    assert letters(safe_text(text)) == letters(text)


@pytest.mark.parametrize(
    "plain", ["Ann O'Hara", "7-9 High Street", "a@b.example", "5 + 5", "héé", ""]
)
def test_plain_text_stays_as_it_is(plain: str) -> None:
    assert safe_text(plain) == plain


def test_a_phone_number_is_text_and_our_import_reads_it() -> None:
    cell = safe_text("+442079460123")
    assert cell == "'+442079460123"
    assert read_number(cell, "GB") == "+442079460123"


def test_values_other_than_text() -> None:
    moment = datetime(2026, 7, 1, 19, 30, 5, 999, tzinfo=ZoneInfo("Europe/London"))
    assert cell_text(moment) == "2026-07-01T18:30:05Z"
    assert [cell_text(v) for v in (True, False, None, 7, -2.5)] == ["yes", "no", "", "7", "-2.5"]


def test_many_rows_come_in_chunks() -> None:
    chunks = list(csv_chunks(("n",), ([n] for n in range(1201))))
    assert len(chunks) == 4
    assert "".join(chunks).split("\r\n")[:3] == ["n", "0", "1"]
    assert "".join(chunks).count("\r\n") == 1202


def test_the_mark_for_excel_is_there_only_when_asked_for() -> None:
    assert write([], mark=True).startswith("\ufeffa,b,c")
    assert write([]).startswith("a,b,c")


# What PostgreSQL's COPY writes for these characters of a value.
COPIED = str.maketrans(
    {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
)
TEXT = st.text(
    st.one_of(
        st.sampled_from("ab 1'=+-@＝,;|\"\\\t\n\r\v\f\x1c\x85\u2028\u3000é"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)


@given(st.lists(TEXT, min_size=2, max_size=6))
def test_a_row_of_copy_becomes_the_same_cells(cells: list[str]) -> None:
    line = copied_line("\t".join(cell.translate(COPIED) for cell in cells))
    [read] = csv.reader([line])
    assert read == [safe_text(cell) for cell in cells]
