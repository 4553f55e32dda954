"""Recognises files that are not tables saved as text. The first bytes of a file show what kind of
file it is.

The first bytes that are listed here come from the formats' own specifications (ZIP APPNOTE 4.3.7,
MS-CFB 2.2, ISO 32000, PNG, JFIF, RFC 1952 and so on).
"""

SAVE_AS_CSV = "Open it, choose “Save as” and “CSV UTF-8”, and upload that."
UNPACK = "Unpack it and upload the CSV file inside."

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0",
        "excel",
        f"This is an old Excel workbook (.xls), not a CSV file. {SAVE_AS_CSV}",
    ),
    (b"%PDF", "pdf", "This is a PDF, not a CSV file. Export the list as CSV where it came from."),
    (
        b"\x1f\x8b",
        "archive",
        f"This is a compressed file (gzip). {UNPACK}",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        "archive",
        f"This is a 7-Zip archive. {UNPACK}",
    ),
    (b"Rar!", "archive", f"This is a RAR archive. {UNPACK}"),
    (b"\x89PNG", "image", "This is a picture (PNG), not a CSV file."),
    (b"\xff\xd8\xff", "image", "This is a picture (JPEG), not a CSV file."),
    (b"GIF8", "image", "This is a picture (GIF), not a CSV file."),
    (b"{\\rtf", "document", "This is a word processor document, not a CSV file."),
    (
        b"SQLite format 3",
        "database",
        "This is a database file. Export a table as CSV.",
    ),
    (b"BEGIN:VCARD", "vcard", "This is an address book (vCard), not a CSV file. Export it as CSV."),
)

_TEXT_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"<!doctype html",
        "web_page",
        "This is a web page. Download the list as CSV.",
    ),
    (b"<html", "web_page", "This is a web page. Download the list as CSV."),
    (b"<table", "web_page", f"This is a web page saved as a spreadsheet. {SAVE_AS_CSV}"),
    (b"<?xml", "xml", f"This is an XML file, not a CSV file. {SAVE_AS_CSV}"),
    (b'{"', "json", "This is a JSON file, not a CSV file. Export the list as CSV."),
    (b"[{", "json", "This is a JSON file, not a CSV file. Export the list as CSV."),
)


def detect_other_kind(head: bytes) -> tuple[str, str] | None:
    """If a file is plainly not a table saved as text, return why: a code for the reason, and a
    message for people.

    Otherwise return None. `head` is the beginning of the file: at least a few kilobytes, or the
    whole file.
    """
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip_kind(head)
    for beginning, reason, message in _BEGINNINGS:
        if head.startswith(beginning):
            return reason, message
    text = head[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for beginning, reason, message in _TEXT_BEGINNINGS:
        if text.startswith(beginning):
            return reason, message
    return None


def _detect_zip_kind(head: bytes) -> tuple[str, str]:
    if b"opendocument" in head:
        return "opendocument", f"This is an OpenDocument spreadsheet, not a CSV file. {SAVE_AS_CSV}"
    if b"word/" in head:
        return "document", "This is a Word document, not a CSV file."
    if b"xl/" in head or b"[Content_Types].xml" in head:
        return "excel", f"This is an Excel workbook, not a CSV file. {SAVE_AS_CSV}"
    if b"Index/" in head or b".iwa" in head:
        return "numbers", f"This is a Numbers document, not a CSV file. {SAVE_AS_CSV}"
    return "archive", f"This is a zip archive. {UNPACK}"
