"""Files as campaigns send them, read a chunk at a time."""

import codecs
import csv
import io
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.csv_input.column_guesses import guess_columns
from phonebank.csv_input.rows import (
    HEAD_BYTES,
    LONGEST_COLUMN_NAME,
    LONGEST_LINE,
    MOST_COLUMNS,
    Dialect,
    InvalidFileError,
    Row,
    read_rows,
    sniff,
)


def read(content: bytes, chunk: int = 7) -> list[Row]:
    """The rows of a file that arrives `chunk` bytes at a time."""
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    return list(read_rows(chunks, sniff(content)))


def cells(content: bytes) -> list[list[str]]:
    return [row.cells for row in read(content)]


def refusal(content: bytes) -> InvalidFileError:
    with pytest.raises(InvalidFileError) as refused:
        read(content, chunk=HEAD_BYTES)
    return refused.value


PEOPLE = [["Name", "Phone", "Town"], ["Zoë Núñez", "020 7946 0123", "Bath"], ["Ŵyn", "", "Bala"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(encoding: str, delimiter: str, line_end: str) -> None:
    text = line_end.join(delimiter.join(row) for row in PEOPLE) + line_end
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    assert cells((mark + text).encode(encoding)) == PEOPLE


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a", "\r\n\x1a\r\n", "\x1a\x1a"])
def test_the_mark_that_dos_ends_a_text_with_is_no_fault(end: str) -> None:
    assert cells(f"Name,Phone\r\nAda,1{end}".encode()) == [["Name", "Phone"], ["Ada", "1"]]


def test_windows_1252() -> None:
    content = "Name;Phone\r\nRenée O’Brien – “Red”;020 7946 0123\r\n".encode("cp1252")
    assert sniff(content).encoding == "cp1252"
    assert cells(content)[1] == ["Renée O’Brien – “Red”", "020 7946 0123"]


def test_utf8_that_breaks_in_the_middle_loses_no_row_and_no_letter() -> None:
    head = b"Name,Phone\n" + b"Ann,020 7946 0123\n" * (HEAD_BYTES // 18 + 1)
    late = "Renée,020 7946 0124\n".encode("cp1252") + "Zoë,020 7946 0125\n".encode()
    rows = read(head + late, chunk=4096)
    assert [row.cells[0] for row in rows[-2:]] == ["Renée", "Zoë"]
    assert len(rows) == 1 + HEAD_BYTES // 18 + 1 + 2


def test_two_exports_of_different_kinds_pasted_together() -> None:
    content = "Name,Phone\nZoë,1\nŴyn,2\n".encode() + "Renée,3\n".encode("cp1252")
    assert [row[0] for row in cells(content)] == ["Name", "Zoë", "Ŵyn", "Renée"]


def test_utf8_cut_off_in_the_last_letter() -> None:
    assert cells("Name,Phone\nAnn,1\nZoë".encode()[:-1])[-1] == ["ZoÃ", ""]


def test_mixed_line_ends() -> None:
    assert cells(b"Name,Phone\r\nA,1\nB,2\rC,3") == [
        ["Name", "Phone"],
        ["A", "1"],
        ["B", "2"],
        ["C", "3"],
    ]


def test_rows_are_numbered_as_the_spreadsheet_numbers_them() -> None:
    rows = read(b'\nName,Phone\n\n"A\r\nB\n\nC",1\n ,\nD,2\n')
    assert [(row.number, row.cells) for row in rows] == [
        (2, ["Name", "Phone"]),
        (4, ["A\r\nB\n\nC", "1"]),
        (6, ["D", "2"]),
    ]


def test_excels_separator_line_is_no_row() -> None:
    content = b"sep=;\r\nName;Phone\r\nSmith, Ann;1\r\n"
    assert sniff(content).delimiter == ";"
    assert read(content) == [Row(1, ["Name", "Phone"]), Row(2, ["Smith, Ann", "1"])]
    assert cells("\ufeffsep=|\nName|Phone\nA|1\n".encode("utf-16"))[0] == ["Name", "Phone"]


def test_ragged_rows() -> None:
    rows = read(b"Name,Phone,Town\nA\nB,2,Bath,,\nC,3,Bath,Avon\n")
    assert rows[1:] == [
        Row(2, ["A", "", ""]),
        Row(3, ["B", "2", "Bath"]),
        Row(4, ["C", "3", "Bath", "Avon"], "extra_cells"),
    ]


def test_empty_columns_on_the_right_are_not_columns() -> None:
    rows = read(b"Name,Phone" + b"," * 300 + b"\nA,1" + b"," * 300 + b"\n")
    assert [row.cells for row in rows] == [["Name", "Phone"], ["A", "1"]]


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        (b"Name;Phone;Address\nA;1;1 High St, Bath, Avon\nB;2;2 High St, Bath, Avon\n", ";"),
        (b"Name,Phone\nSmith; A,1\nJones; B,2\n", ","),
        (b"Voter File VANID\tFirstName\tPref Phone \n1\tA, B\t2\n", "\t"),
        (b"Phone\n020 7946 0123\n", ","),
        (b"Phone\n020 7946 0123; 020 7946 0124\n020 7946 0125\n", ","),
        (b"A list of people\nName|Phone|Town\nA|1|B\nC|2|D\n", "|"),
        (b'"Name","Phone","Notes"\n"A","1","x; y; z\nx; y; z"\n"B","2","x"\n', ","),
    ],
)
def test_delimiter(head: bytes, delimiter: str) -> None:
    assert sniff(head).delimiter == delimiter


def test_spaces_after_commas_do_not_break_quotation_marks() -> None:
    assert cells(b'"Name", "Phone"\n"Smith, Ann", "1"\n') == [
        ["Name", "Phone"],
        ["Smith, Ann", "1"],
    ]


def test_single_quotation_marks() -> None:
    assert cells(b"'Name','Phone'\n'Smith, Ann','1'\n")[1] == ["Smith, Ann", "1"]
    assert cells(b"Name,Phone\n'Tis,1\n")[1] == ["'Tis", "1"]


def test_a_stray_quotation_mark_is_read_as_spreadsheets_do() -> None:
    assert cells(b'Name,Phone\n"Bob" Smith,1\nAnn "Red" Lee,2\n"Di" Fox,"x\ny"\nE,4\n')[1:] == [
        ["Bob Smith", "1"],
        ['Ann "Red" Lee', "2"],
        ["Di Fox", "x\ny"],
        ["E", "4"],
    ]


@pytest.mark.parametrize(
    ("after", "survivors"),
    [
        ("Cy,3\nDi,4\n", ["Cy", "Di"]),
        ('Cy,3\n"Di",4\nEd,5\n', ["Cy", "Di", "Ed"]),
        ('Cy,3\n"Di" Fox,"4"\nEd,5\n', ["Cy", "Di Fox", "Ed"]),
        ("Cy,3\n" * (LONGEST_LINE // 4), ["Cy"] * (LONGEST_LINE // 4)),
        ("", []),
    ],
)
def test_an_unclosed_quotation_mark_costs_its_own_row_only(
    after: str, survivors: list[str]
) -> None:
    rows = list(read_rows([b'Name,Phone\nAl,1\n"Bo,2\n', after.encode()], Dialect("utf-8", ",")))
    assert rows[1] == Row(2, ["Al", "1"])
    assert (rows[2].number, rows[2].fault) == (3, "unclosed_quote")
    assert [row.cells[0] for row in rows[3:]] == survivors
    assert [row.number for row in rows[3:]] == list(range(4, 4 + len(survivors)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n\r\n  \n", "empty"),
        (codecs.BOM_UTF8, "empty"),
        ("\ufeff \n".encode("utf-16-le"), "empty"),
        (b",,,\n,,\n", "empty"),
        (b"Name,Phone\n", "header_only"),
        (b"Name,Phone\n\n,\n", "header_only"),
        (b"Ann,Lee,020 7946 0123\nBo,Fox,020 7946 0124\n", "no_header"),
        (b"Ann,+442079460123\nBo,+442079460124\n", "no_header"),
        (b"Ann,ann@example.org\nBo,bo@example.org\n", "no_header"),
        (b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml \xa2\x04 xl/workbook.xml", "excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "excel"),
        (b"PK\x03\x04\x14mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "opendocument"),
        (b"PK\x03\x04\x14\x00 voters.csv Name,Phone", "archive"),
        (b"\x1f\x8b\x08\x00", "archive"),
        (b"%PDF-1.7\n", "pdf"),
        (b"\x89PNG\r\n\x1a\n\x00", "image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image"),
        (b"<!DOCTYPE html>\n<html>", "web_page"),
        (b"\n<html><body><table>", "web_page"),
        (b'[{"name": "Ann"}]', "json"),
        (b"BEGIN:VCARD\nFN:Ann", "vcard"),
        (b"Name,Phone\nAnn,\x001\n", "nul_bytes"),
        ("Name,Phone\nAnn,1\n".encode("utf-16-le"), "nul_bytes"),
        (b"Name,Phone\n" + b"Ann,1\n" * HEAD_BYTES + b"Bo,\x002\n", "nul_bytes"),
        (bytes(range(1, 255)) * 4, "not_text"),
        (b'"Name,Phone\nAnn,1\n', "unclosed_quote"),
    ],
)
def test_refusals_are_named(content: bytes, reason: str) -> None:
    refused = refusal(content)
    assert refused.reason == reason
    assert refused.message[0].isupper()
    assert refused.message[-1] == "."


def test_an_excel_workbook_is_told_what_to_do() -> None:
    message = refusal(b"PK\x03\x04 xl/worksheets/sheet1.xml").message
    assert "Excel workbook" in message
    assert "CSV" in message


def test_too_many_columns_says_how_many() -> None:
    header = ",".join(f"c{n}" for n in range(200))
    assert "200 columns. We can read at most 150" in refusal(f"{header}\n1\n".encode()).message
    most = ",".join(f"c{n}" for n in range(MOST_COLUMNS))
    assert len(cells(f"{most}\n1\n".encode())[0]) == MOST_COLUMNS


def test_years_and_dates_are_column_names() -> None:
    assert cells(b"Name,2024,20241105,2024-11-05\nA,1,1,1\n")[0][1:] == [
        "2024",
        "20241105",
        "2024-11-05",
    ]


def test_a_line_of_a_hundred_megabytes_is_refused_before_it_is_read() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"Name,Phone\n"
        for _ in range(1600):
            taken += 1
            yield b"x" * 65536

    with pytest.raises(InvalidFileError) as refused:
        list(read_rows(endless(), Dialect("utf-8", ",")))
    assert refused.value.reason == "line_too_long"
    assert taken < 20


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [" ", "a ", "(", "a@", ".", '""', "''", "a1", "Phone "])
def test_a_column_name_of_a_megabyte_takes_no_more_than_a_moment(unit: str) -> None:
    name = f"a@{unit * (LONGEST_LINE // len(unit) - 20)}@"
    header = next(read_rows([f"{name},Phone\nAnn,1\n".encode()], Dialect("utf-8", ","))).cells
    assert len(header[0]) == LONGEST_COLUMN_NAME
    guess_columns([name, "Phone"], [[name, "1"]])


def test_a_row_just_short_of_a_megabyte_is_read() -> None:
    cell = "x" * (LONGEST_LINE - 10)
    assert cells(f"Name,Phone\nA,{cell}\n".encode())[1] == ["A", cell]


def test_rows_come_as_they_are_asked_for() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"Name,Phone\nA,1\n" + b"B,2\n" * 20_000
        raise AssertionError("read further than asked")

    assert next(islice(read_rows(chunks(), Dialect("utf-8", ",")), 1, None)).cells == ["A", "1"]


def test_memory_stays_flat() -> None:
    line = b"Ann,020 7946 0123," + b"x" * 200 + b"\n"
    chunk = line * (65536 // len(line))

    def chunks() -> Iterator[bytes]:
        yield b"Name,Phone,Notes\n"
        for _ in range(160):  # ten megabytes
            yield chunk

    tracemalloc.start()
    rows = sum(1 for _ in read_rows(chunks(), Dialect("utf-8", ",")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 1 + 160 * (65536 // len(line))
    assert peak < 1_000_000


# What may stand in a cell: anything a person's keyboard and a UTF-8 file can hold.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\x1a\ufeff", exclude_categories=["Cs"]),
    max_size=12,
)
WINDOWS_TEXT = st.text(st.characters(codec="cp1252", exclude_characters="\0\x1a"), max_size=12)


def tables(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    """Rows of one width whose first cell is never blank, so that none is skipped or trimmed."""
    first = texts.map(lambda text: "a" + text)
    return st.integers(1, 5).flatmap(
        lambda width: st.lists(
            st.tuples(first, *[texts] * (width - 1)).map(list), min_size=1, max_size=6
        )
    )


@settings(max_examples=300)
@given(
    data=st.data(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quotechar=st.sampled_from(['"', "'"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    chunk=st.integers(1, 40),
)
def test_what_a_spreadsheet_writes_is_what_is_read(
    data: st.DataObject, encoding: str, delimiter: str, quotechar: str, quoting: Any, chunk: int
) -> None:
    table = data.draw(tables(WINDOWS_TEXT if encoding == "cp1252" else TEXT))
    header = [f"column {n}" for n, _ in enumerate(table[0])]
    file = io.StringIO()
    csv.writer(
        file, delimiter=delimiter, quotechar=quotechar, quoting=quoting, lineterminator="\r\n"
    ).writerows([header, *table])
    content = file.getvalue().encode(encoding)
    chunks = [content[at : at + chunk] for at in range(0, len(content), chunk)]
    rows = list(read_rows(chunks, Dialect(encoding, delimiter, quotechar)))
    assert [row.cells for row in rows] == [header, *table]
    assert all(row.fault is None for row in rows)
    assert [row.number for row in rows] == list(range(1, len(table) + 2))


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.text(",;\t|\"'\r\n ab1\0é\ufeff", max_size=60).map(str.encode)
    | st.text(",\n\"'aé", max_size=30).map(lambda text: text.encode("utf-16")),
    st.integers(1, 20),
)
def test_any_bytes_are_rows_or_a_refusal(content: bytes, chunk: int) -> None:
    try:
        rows = read(content, chunk)
    except InvalidFileError:
        return
    assert len(rows) > 1
    width = len(rows[0].cells)
    for row in rows[1:]:
        assert row.fault in (None, "extra_cells", "unclosed_quote")
        assert len(row.cells) == width or row.fault
        assert "\0" not in "".join(row.cells)
    assert [row.number for row in rows] == sorted({row.number for row in rows})
