"""Checks the kind, the size and the XML of a workbook's file before anything reads its cells.

XLSX and ODS files are zip archives of XML (ISO/IEC 29500, ISO/IEC 26300). An archive may claim to
be small and then unpack to gigabytes. So each XML file in the archive (a part) is unpacked here
once, in pieces, and its bytes are counted.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, BinaryIO

from phonebank.csv_input.dialects import InvalidFileError
from phonebank.csv_input.file_kinds import detect_other_kind

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0"  # the container of old .xls files, and of XLSX files with a password

MOST_BYTES = (
    1 << 30
)  # for all unpacked parts together; a million rows of eight columns need half of this
MOST_PARTS = 10_000
# No real list is compressed as much as this. Small parts may be, because they do no harm.
HIGHEST_RATIO = 200
SMALL_PART = 10 << 20  # bytes, unpacked
PIECE = 1 << 20  # bytes

AS_XLSX = "Open it, choose “Save as” and “Excel workbook (.xlsx)” or “CSV UTF-8”, and upload that."

_ENCRYPTED_XLSX = "EncryptedPackage".encode("utf-16-le")  # as the container's directory names it
_DEFINITIONS = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_LONGEST_TAG = 4096  # bytes; a longer start tag of a cell is not searched

# A cell with an error, such as #REF!. The library that reads the cells returns such cells as empty.
_ERROR_CELL = re.compile(rb"""(<(?:\w+:)?c\s[^<>]*?\bt=)(?:"e"|'e')""")
_ERROR_SIGNS = (b' t="e"', b" t='e'", b'="error"')
_ODS_ERROR_CELL = re.compile(rb"<table:table-cell\s[^<>]*calcext:value-type=\"error\"[^<>]*>")
_ODS_VALUE = re.compile(rb" office:(?:string-|boolean-|date-|time-)?value(?:-type)?=\"[^\"]*\"")
_ODS_MERGED = re.compile(
    rb"<table:table\s[^<>]*?table:name=\"([^\"]*)\"|number-rows-spanned=\"0*(?:[2-9]|1[0-9]+)"
)


class Kind(StrEnum):
    """The kinds of workbooks that can be read."""

    XLSX = "xlsx"
    ODS = "ods"


@dataclass
class Package:
    """The result of checking a workbook."""

    kind: Kind
    has_errors: bool = False  # a cell of some sheet may have an error
    merged: set[str] = field(default_factory=set)  # ODS: sheets with cells merged across rows


def is_package(head: bytes) -> bool:
    """Whether a file begins like a workbook. A file that begins in this way may still be another
    kind of archive or document."""
    return head.startswith((ZIP, OLE))


def check_package(file: BinaryIO) -> Package:
    """Check the kind, the size and the XML parts of a workbook's file, and return what the check
    has found. `file` must be seekable.

    Raises InvalidFileError unless the file is an XLSX or ODS workbook that is safe to read. For
    example, old, binary or damaged workbooks are refused. Workbooks are also refused if they have a
    password, unpack to more than MOST_BYTES or define entities in their XML.
    """
    file.seek(0)
    head = file.read(64 * 1024)
    if head.startswith(OLE):
        raise _ole_error(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise damaged_error() from None
    parts = archive.infolist()
    package = Package(_kind_of(archive, head))
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
        raise too_large_error()
    if any(part.flag_bits & 1 for part in parts) or _is_encrypted(archive):
        raise password_error()
    for part in parts:
        if part.filename.lower().endswith((".xml", ".rels", ".vml")):
            _check_part(file, part, package)
    return package


def write_without_errors(file: BinaryIO, package: Package, copy: BinaryIO) -> None:
    """Write a copy of a checked workbook to `copy`. Each cell that has an error in the workbook has
    the error as text in the copy, such as "#REF!".

    Without the copy, a broken formula in a do-not-call column would be read as an empty cell, and
    an empty cell means "no".
    """
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(copy, "w") as out:
        for part in archive.infolist():
            if not part.filename.lower().endswith(("mimetype", ".xml", ".rels")):
                continue
            with out.open(part.filename, "w", force_zip64=True) as target:
                for data in _whole_tags(archive.open(part)):
                    target.write(_write_errors_as_text(data, package.kind))


def _write_errors_as_text(data: bytes, kind: Kind) -> bytes:
    if kind is Kind.XLSX:
        return _ERROR_CELL.sub(rb'\1"str"', data)
    return _ODS_ERROR_CELL.sub(
        lambda tag: _ODS_VALUE.sub(b"", tag[0]).replace(b" ", b' office:value-type="string" ', 1),
        data,
    )


def _whole_tags(part: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of one part of the archive in pieces. A piece ends inside an XML tag only if
    the tag is longer than PIECE."""
    rest = b""
    while data := part.read(PIECE):
        data = rest + data
        cut = data.rfind(b"<")
        if cut <= 0 or len(data) - cut > PIECE:
            cut = len(data)
        rest = data[cut:]
        yield data[:cut]
    yield rest


def _kind_of(archive: zipfile.ZipFile, head: bytes) -> Kind:
    names = set(archive.namelist())
    if "xl/workbook.bin" in names:
        raise InvalidFileError(
            "binary_workbook", f"This is a binary Excel workbook (.xlsb). {AS_XLSX}"
        )
    if "xl/workbook.xml" in names:
        return Kind.XLSX
    if "content.xml" in names or "encrypted-package" in names:
        if b"opendocument.spreadsheet" in _start_of(archive, "mimetype"):
            return Kind.ODS
        raise InvalidFileError("document", "This is an OpenDocument file, but not a spreadsheet.")
    kind = detect_other_kind(head)
    if kind is None or kind[0] in ("excel", "opendocument"):
        raise damaged_error()
    raise InvalidFileError(*kind)


def _is_encrypted(archive: zipfile.ZipFile) -> bool:
    """Whether an ODS file has a password. Such a file has a part called "encrypted-package", or its
    manifest says how its parts are encrypted."""
    return "encrypted-package" in archive.namelist() or b"encryption-data" in _start_of(
        archive, "META-INF/manifest.xml"
    )


def _start_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the first bytes of the archive's part called `name`, or b"" if there is no such part.
    Raises InvalidFileError if the part is damaged."""
    try:
        with archive.open(name) as part:
            return part.read(PIECE)
    except KeyError:
        return b""
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise damaged_error() from None


def _check_part(file: BinaryIO, part: zipfile.ZipInfo, package: Package) -> None:
    """Unpack one part of a workbook's archive and check its text. Record in `package` whether the
    part has cells with errors, and which sheets have merged cells. Raises InvalidFileError if the
    part is damaged, is too large, or has XML definitions, which no spreadsheet program writes."""
    size, tail, sheet = 0, b"", ""
    for data in _unpack(file, part):
        size += len(data)
        if size > part.file_size:
            raise damaged_error()
        if size > SMALL_PART and size > part.compress_size * HIGHEST_RATIO:
            raise too_large_error()
        seen = tail + data
        if _DEFINITIONS.search(seen):
            raise InvalidFileError(
                "xml_definitions",
                "This workbook has definitions that no spreadsheet program writes, so we did not "
                f"read it. {AS_XLSX}",
            )
        package.has_errors = package.has_errors or any(sign in seen for sign in _ERROR_SIGNS)
        if package.kind is Kind.ODS and part.filename == "content.xml":
            for found in _ODS_MERGED.finditer(seen):
                if found[1] is not None:
                    sheet = found[1].decode("utf-8", "replace")
                else:
                    package.merged.add(sheet)
        tail = seen[-_LONGEST_TAG:]
    if size != part.file_size:
        raise damaged_error()


def _unpack(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack one part of a workbook's archive and yield all its bytes. Python's own reader is not
    used, because it stops at the size that the archive claims. Raises InvalidFileError if the part
    is damaged."""
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(ZIP):
        raise damaged_error()
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(names, 1)
    left = part.compress_size
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise damaged_error()
    inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(PIECE, left))):
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed:
            try:
                data = inflate.decompress(packed, PIECE)
            except zlib.error:
                raise damaged_error() from None
            yield data
            packed = inflate.unconsumed_tail


def _ole_error(file: BinaryIO) -> InvalidFileError:
    """Return the error for a file in Microsoft's old container format: either a workbook with a
    password or an old workbook."""
    file.seek(0)
    tail = b""
    while data := file.read(PIECE):
        if _ENCRYPTED_XLSX in tail + data:
            return password_error()
        tail = data[-len(_ENCRYPTED_XLSX) :]
    return InvalidFileError("excel", f"This is an old Excel workbook (.xls). {AS_XLSX}")


def password_error() -> InvalidFileError:
    """Return the error for a workbook that only opens with a password."""
    return InvalidFileError(
        "password",
        "This workbook has a password, so we can't read it. Open it, save a copy without the "
        "password, and upload that.",
    )


def damaged_error() -> InvalidFileError:
    """Return the error for a workbook that cannot be read."""
    return InvalidFileError("damaged_workbook", f"This workbook is damaged. {AS_XLSX}")


def too_large_error() -> InvalidFileError:
    """Return the error for a workbook that needs more memory, processor time or disk space than the
    limits allow."""
    return InvalidFileError(
        "workbook_too_large",
        "This workbook is too large. We can read at most ten million cells, counting the empty "
        "ones between the first and the last, and at most 1 GB of text. Delete what is far below "
        "or beside the list, or save the list as “CSV UTF-8” and upload that.",
    )
