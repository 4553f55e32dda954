"""Workbooks as people and as attackers have them, read as the CSV of their list."""

import csv
import io
import struct
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.csv_input.rows import InvalidFileError, read_rows
from phonebank.csv_input.workbook_process import convert
from phonebank.csv_input.workbooks import DIALECT, open_as_csv
from tests.workbook_files import (
    archive,
    ods,
    ods_parts,
    ods_table,
    xlsx,
    xlsx_parts,
    xlsx_rows,
)

PEOPLE = [["Name", "Phone"], ["Ada", "020 7946 0123"]]


def table(workbook: bytes) -> list[list[str]]:
    """The rows of the list in a workbook, with its header."""
    out = io.BytesIO()
    convert(io.BytesIO(workbook), out)
    return [row.cells for row in read_rows([out.getvalue()], DIALECT)]


def refusal(workbook: bytes) -> InvalidFileError:
    with pytest.raises(InvalidFileError) as refused:
        table(workbook)
    return refused.value


def in_a_process(workbook: bytes) -> bytes:
    with open_as_csv(workbook[:100], io.BytesIO(workbook[100:])) as out:
        return out.read()


cells = st.one_of(
    st.text(
        st.sampled_from("aZé9 \n\",;'|\t<&>=+") | st.characters(codec="utf-8", categories=["L"]),
        max_size=8,
    ).filter(lambda text: text == text.strip() and "  " not in text and "\t" not in text),
    st.integers(-(10**14), 10**14),
    st.booleans(),
    st.none(),
)


@settings(max_examples=60)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6
        )
    )
)
def test_a_workbook_is_read_as_the_csv_of_the_same_table(rows: list[list[Any]]) -> None:
    header = ["Phone", *(f"Column {n}" for n in range(1, len(rows[0])))]
    text = io.StringIO()
    shown = [[str(cell).upper() if type(cell) is bool else cell for cell in row] for row in rows]
    csv.writer(text).writerows([header, *shown])
    try:
        expected = [row.cells for row in read_rows([text.getvalue().encode()], DIALECT)]
    except InvalidFileError as refused:
        assert refusal(xlsx(People=[header, *rows])).reason == refused.reason
        assert refusal(ods(People=[header, *rows])).reason == refused.reason
        return
    assert table(xlsx(People=[header, *rows])) == expected
    assert table(ods(People=[header, *rows])) == expected


def test_numbers_dates_formulas_and_errors_are_written_as_people_see_them() -> None:
    sheet = (
        "<dimension ref='A1:XFD10000000'/><sheetData>"
        '<row r="3"><c r="B3" t="str"><v>Phone</v></c><c r="C3" t="str"><v>TPS</v></c></row>'
        '<row r="5"><c r="B5"><v>4.47700900123E+11</v></c>'
        '<c r="C5" t="e"><f>VLOOKUP(B5,X!A:A,1,0)</f><v>#N/A</v></c>'
        '<c r="D5" s="1"><v>45000</v></c>'
        '<c r="E5" s="2"><v>45000.5</v></c><c r="F5" s="3"><v>0.75</v></c><c r="G5"><v>3.1</v></c>'
        '<c r="H5" t="b"><v>1</v></c><c r="I5" t="str"><f>A1</f><v>from a formula</v></c>'
        '<c r="J5" t="e"><f>A9</f><v>#REF!</v></c><c r="K5"><f>NOW()</f></c></row></sheetData>'
    )
    out = io.BytesIO()
    convert(io.BytesIO(archive(xlsx_parts({"S": sheet}))), out)
    header, row = read_rows([out.getvalue()], DIALECT)
    assert (header.number, row.number) == (3, 5)
    assert out.getvalue().decode().splitlines()[4].split(",") == [
        *("447700900123", "#N/A", "2023-03-15", "2023-03-15 12:00:00", "18:00:00", "3.1"),
        *("TRUE", "from a formula", "#REF!"),
    ]


def test_the_errors_of_libreoffice_are_text() -> None:
    body = ods_table("S", [*PEOPLE, ["Bo", "x"]]).replace(
        '<table:table-cell office:value-type="string"><text:p>x</text:p>',
        '<table:table-cell table:formula="of:=[.#REF!]" office:value-type="string"'
        ' office:string-value="" calcext:value-type="error"><text:p>#REF!</text:p>',
    )
    assert table(archive(ods_parts(body)))[2] == ["Bo", "#REF!"]


def test_the_sheet_with_phone_numbers_is_the_list() -> None:
    notes = [["What this is"], ["Our members"]]
    for make in (xlsx, ods):
        assert table(make(About=notes, Members=PEOPLE, Totals=[["Ward", "People"]])) == PEOPLE
    titled = [["Members of the branch"], [], ["Name", "Telephone"], ["Ada", "n/a"]]
    assert table(xlsx(About=notes, Members=titled))[0] == ["Members of the branch"]
    hidden = xlsx_parts({"Old": xlsx_rows(PEOPLE), "New": xlsx_rows(PEOPLE)}, hidden=["Old"])
    assert table(archive(hidden)) == PEOPLE


def test_two_sheets_with_phone_numbers_are_named() -> None:
    refused = refusal(xlsx(Members=PEOPLE, About=[["x"]], **{"Old & gone": PEOPLE}))
    assert refused.reason == "several_sheets"
    assert (
        "2 sheets of this workbook have phone numbers: “Members”, “Old & gone”." in refused.message
    )
    refused = refusal(xlsx(A=[["Ward"], ["North"]], B=[["Town"], ["Bath"]]))
    assert refused.reason == "no_phone_column"
    assert "“A”, “B”" in refused.message
    assert refusal(xlsx(A=[], B=[])).reason == "empty"


def test_cells_merged_across_rows_are_refused_and_those_across_columns_are_not() -> None:
    def merged(place: str) -> bytes:
        merge = f'<mergeCells count="1"><mergeCell ref="{place}"/></mergeCells>'
        return archive(xlsx_parts({"S": xlsx_rows([*PEOPLE, ["Bo", ""]]) + merge}))

    refused = refusal(merged("B2:B3"))
    assert refused.reason == "merged_cells"
    assert "The sheet “S” has cells that are merged across rows (B2:B3)" in refused.message
    assert table(merged("A3:B3"))[2] == ["Bo", ""]
    spanned = ods_table("S", PEOPLE).replace(
        "<table:table-cell ", '<table:table-cell table:number-rows-spanned="2" ', 1
    )
    assert refusal(archive(ods_parts(spanned))).reason == "merged_cells"
    other = ods_table("Members", PEOPLE) + spanned.replace("Phone", "Ward").replace("0123", "")
    assert table(archive(ods_parts(other))) == PEOPLE


def bomb(declared: int) -> bytes:
    """A workbook whose sheet unpacks to 12 MB, whatever size the archive declares for it."""
    parts = xlsx_parts({"S": xlsx_rows(PEOPLE)})
    parts["xl/worksheets/sheet1.xml"] = b" " * (12 << 20)
    data = archive(parts)
    real = struct.pack("<I", 12 << 20)
    return data.replace(real, struct.pack("<I", declared))


def encrypted_zip() -> bytes:
    data = bytearray(xlsx(S=PEOPLE))
    at = data.rfind(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
FAR = xlsx_rows(PEOPLE).replace(
    "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
)
TWELVE_MILLION = FAR.replace("XFD1048576", "B6000000").replace('"1048576"', '"6000000"')
ENTITY = (
    '<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + xlsx_parts({"S": xlsx_rows([["Name", "Phone"], ["&x;", "1"]])})["xl/worksheets/sheet1.xml"]
)


@pytest.mark.parametrize(
    ("workbook", "reason", "words"),
    [
        (lambda: bomb(12 << 20), "workbook_too_large", "at most ten million cells"),
        (lambda: bomb(1000), "damaged_workbook", "damaged"),
        (lambda: bomb(0xFFFFFFF0), "workbook_too_large", "1 GB"),
        (lambda: archive(xlsx_parts({"S": TWELVE_MILLION})), "workbook_too_large", "far below"),
        (
            lambda: archive(xlsx_parts({"S": ""}) | {"xl/worksheets/sheet1.xml": ENTITY}),
            "xml_definitions",
            "definitions that no spreadsheet program writes",
        ),
        (lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "password", "has a password"),
        (lambda: OLE + "Workbook".encode("utf-16-le"), "excel", "old Excel workbook (.xls)"),
        (encrypted_zip, "password", "has a password"),
        (
            lambda: archive(
                ods_parts(ods_table("S", PEOPLE))
                | {"META-INF/manifest.xml": "<manifest:encryption-data/>"}
            ),
            "password",
            "has a password",
        ),
        (
            lambda: archive({"[Content_Types].xml": "", "xl/workbook.bin": b"\x83"}),
            "binary_workbook",
            "binary Excel workbook (.xlsb)",
        ),
        (lambda: xlsx(S=PEOPLE)[:-30], "damaged_workbook", "damaged"),
        (lambda: xlsx(S=PEOPLE)[:900], "damaged_workbook", "damaged"),
        (lambda: archive(xlsx_parts({"S": "<sheetData><row"})), "damaged_workbook", "damaged"),
        (lambda: archive({"word/document.xml": ""}), "document", "Word document"),
        (lambda: archive({"list.csv": "Name,Phone"}), "archive", "zip archive"),
        (
            lambda: archive(
                {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": ""},
                zipfile.ZIP_STORED,
            ),
            "document",
            "not a spreadsheet",
        ),
    ],
)
def test_each_bad_workbook_has_its_own_message(workbook: Any, reason: str, words: str) -> None:
    refused = refusal(workbook())
    assert refused.reason == reason
    assert words in refused.message


def test_a_workbook_is_read_in_a_process_with_limits() -> None:
    assert in_a_process(xlsx(S=PEOPLE)) == b"Name,Phone\nAda,020 7946 0123\n"
    with pytest.raises(InvalidFileError, match="ten million cells"):
        in_a_process(archive(xlsx_parts({"S": FAR})))
    with pytest.raises(InvalidFileError, match="2 sheets"):
        in_a_process(ods(A=PEOPLE, B=PEOPLE))


def test_a_workbook_with_macros_is_read_and_nothing_of_it_runs() -> None:
    macros = xlsx_parts({"S": xlsx_rows(PEOPLE)}) | {"xl/vbaProject.bin": OLE}
    assert table(archive(macros)) == PEOPLE
