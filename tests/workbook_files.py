"""Workbooks made by hand, so that a test can make the ones that no spreadsheet program would."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# The cell styles of `xlsx`, by number: a date, a date with a time, a time.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="20"/></cellXfs></styleSheet>'
)

Cell = str | int | float | bool | None


def archive(parts: Mapping[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these parts, in order."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as out:
        for name, data in parts.items():
            out.writestr(name, data)
    return content.getvalue()


def xlsx_parts(sheets: Mapping[str, str], hidden: Sequence[str] = ()) -> dict[str, Any]:
    """The parts of an XLSX file. Each sheet is the XML inside its worksheet element."""
    package = "http://schemas.openxmlformats.org/package/2006"
    states = dict.fromkeys(hidden, ' state="hidden"')
    return {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        + "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}"{states.get(name, "")} r:id="rId{n}"/>'
            for n, name in enumerate(sheets, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet"'
            f' Target="worksheets/sheet{n}.xml"/>'
            for n, _ in enumerate(sheets, 1)
        )
        + f'<Relationship Id="rIdS" Type="{RELATIONS}/styles" Target="styles.xml"/>'
        "</Relationships>",
        "xl/styles.xml": HEAD + STYLES,
    } | {
        f"xl/worksheets/sheet{n}.xml": f'{HEAD}<worksheet xmlns="{MAIN}">{inner}</worksheet>'
        for n, inner in enumerate(sheets.values(), 1)
    }


def xlsx_rows(rows: Sequence[Sequence[Cell]]) -> str:
    """The XML of a sheet with these rows, from A1 on."""
    return (
        "<sheetData>"
        + "".join(
            f'<row r="{n}">'
            + "".join(_xlsx_cell(f"{chr(65 + at)}{n}", value) for at, value in enumerate(row))
            + "</row>"
            for n, row in enumerate(rows, 1)
        )
        + "</sheetData>"
    )


def _xlsx_cell(place: str, value: Cell) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        text = f'<t xml:space="preserve">{escape(value)}</t>'
        return f'<c r="{place}" t="inlineStr"><is>{text}</is></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def xlsx(**sheets: Sequence[Sequence[Cell]]) -> bytes:
    """An XLSX file with these sheets."""
    return archive(xlsx_parts({name: xlsx_rows(rows) for name, rows in sheets.items()}))


def ods_parts(body: str) -> dict[str, Any]:
    """The parts of an ODS file, with the XML of its tables."""
    oasis = "urn:oasis:names:tc:opendocument:xmlns"
    names = "".join(f' xmlns:{name}="{oasis}:{name}:1.0"' for name in ("office", "table", "text"))
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'{HEAD}<manifest:manifest xmlns:manifest="{oasis}:m"/>',
        "content.xml": f'{HEAD}<office:document-content{names} xmlns:calcext="urn:org:'
        'documentfoundation:names:experimental:calc:xmlns:calcext:1.0"><office:body>'
        f"<office:spreadsheet>{body}</office:spreadsheet></office:body>"
        "</office:document-content>",
    }


def ods_table(name: str, rows: Sequence[Sequence[Cell]]) -> str:
    """The XML of a table with these rows."""
    return (
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(
            "<table:table-row>" + "".join(map(_ods_cell, row)) + "</table:table-row>"
            for row in rows
        )
        + "</table:table>"
    )


def _ods_cell(value: Cell) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, bool):
        kind, text = f'boolean" office:boolean-value="{str(value).lower()}', str(value).upper()
    elif isinstance(value, str):
        kind = "string"
        text = "</text:p><text:p>".join(escape(line) for line in value.split("\n"))
    else:
        kind, text = f'float" office:value="{value!r}', str(value)
    return (
        f'<table:table-cell office:value-type="{kind}"><text:p>{text}</text:p></table:table-cell>'
    )


def ods(**sheets: Sequence[Sequence[Cell]]) -> bytes:
    """An ODS file with these sheets."""
    return archive(ods_parts("".join(ods_table(name, rows) for name, rows in sheets.items())))
