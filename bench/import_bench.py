"""Measures how long an import takes, compared with the least time that any import needs.

The bar (docs/benchmarks.md): a file of a million rows takes at most 2.0 times as long as
`phonenumbers` needs to parse its numbers and COPY needs to store its rows, on both cores.

A workbook of the same rows is measured too, from the upload on, because a workbook is unpacked
then. It takes at most 3.0 times as long.

    python -m bench.import_bench [ROWS]
"""

import csv
import resource
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import phonenumbers
import psycopg
from sqlalchemy import make_url, text

from phonebank.app import alembic, create_app
from phonebank.core.config import DEVELOPMENT, Config
from phonebank.core.db import db
from phonebank.lists.jobs import import_list
from phonebank.lists.services import confirm
from phonebank.lists.uploads import guesses_of, store_upload
from phonebank.local.servers import LocalServers
from phonebank.models import Campaign, ContactList

BAR = 2.0
WORKBOOK_BAR = 3.0
CORES = 2
COLUMNS = "First name,Last name,Phone,Postcode,E-mail,Membership number,Ward"
DRAMA_AREAS = (113, 114, 116, 117, 118, 121, 131, 141, 151, 161)
DRAMA_RANGES = ("020 7946 0", *(f"0{area} 496 0" for area in DRAMA_AREAS))
FIRST_NAMES = ("Ada", "Bela", "Cara", "Dafydd", "Eve", "Farid", "Gwen", "Hugh", "Ines", "Joan")
LAST_NAMES = ("Archer", "Baker", "Carter", "Dyer", "Fisher", "Hooper", "Mason", "Potter")


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file of `rows` different people. Their landline numbers are reserved for drama.

    libphonenumber accepts these numbers as valid, so no step of the import is skipped.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(COLUMNS + "\r\n")
        writer = csv.writer(file)
        for n in range(rows):
            first = FIRST_NAMES[n % len(FIRST_NAMES)]
            last = f"{LAST_NAMES[n // 7 % len(LAST_NAMES)]}-{n}"
            phone = f"{DRAMA_RANGES[n % len(DRAMA_RANGES)]}{n // 13 % 1000:03d}"
            writer.writerow(
                (first, last, phone, "CF10 1EP", f"{first}.{n}@example.org", n, f"Ward {n % 40}")
            )


def write_workbook(path: Path, table: Path) -> None:
    """Write the rows of a CSV file as a workbook, with all cells as texts."""
    names = "ABCDEFG"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in _PARTS.items():
            package.writestr(name, content)
        with (
            package.open("xl/worksheets/sheet1.xml", "w") as sheet,
            table.open(newline="", encoding="utf-8") as file,
        ):
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, row in enumerate(csv.reader(file), 1):
                cells = "".join(
                    f'<c r="{name}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
                    for name, cell in zip(names, row, strict=True)
                )
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_TYPES}">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def measure_least(path: Path, url: str) -> float:
    """Return the seconds that it takes to parse every number and store every row on both cores, and
    to do nothing else."""
    began = time.perf_counter()
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(_parse_and_copy, [path] * CORES, [url] * CORES, range(CORES)))
    return time.perf_counter() - began


def _parse_and_copy(path: Path, url: str, part: int) -> None:
    with path.open(newline="", encoding="utf-8") as file, psycopg.connect(url) as connection:
        rows = csv.reader(file)
        next(rows)
        with connection.cursor().copy(f"COPY least_{part} FROM STDIN") as copy:
            for number, row in enumerate(rows):
                if number % CORES == part:
                    parsed = phonenumbers.parse(row[2], "GB")
                    if phonenumbers.is_valid_number(parsed):
                        row[2] = phonenumbers.format_number(
                            parsed, phonenumbers.PhoneNumberFormat.E164
                        )
                        copy.write_row(row)


def upload(path: Path) -> ContactList:
    campaign = Campaign(name="Bench", on_behalf_of="Nobody", country="GB")
    db.session.add(campaign)
    db.session.flush()
    with path.open("rb") as file:
        contact_list = store_upload(campaign, None, path.name, file)
    guesses = guesses_of(contact_list)
    confirm(contact_list, "Bench", 0, [guess.target for guess in guesses])
    db.session.commit()
    return contact_list


def main(rows: int = 1_000_000) -> float:
    """Print the times, their ratios and the memory that the import used. Return the ratio, or that
    of the workbook on the same scale if it is worse."""
    with tempfile.TemporaryDirectory(prefix="pb-") as home, LocalServers(Path(home), {}) as servers:
        path = Path(home) / "list.csv"
        write_file(path, rows)
        config = Config(
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            secret_key="k" * 32,
            password_salt="s" * 32,
            totp_secret="t" * 32,
            mode=DEVELOPMENT,
        )
        app = create_app(config)
        with app.app_context():
            alembic.upgrade()
            for part in range(CORES):
                columns = ", ".join(f"c{n} text" for n in range(7))
                db.session.execute(text(f"CREATE TABLE least_{part} ({columns})"))
            db.session.commit()
            url = make_url(servers.database_url).set(drivername="postgresql")
            floor = measure_least(path, url.render_as_string(hide_password=False))

            began = time.perf_counter()
            contact_list = upload(path)
            uploaded = time.perf_counter()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            import_list(contact_list.id)
            took = time.perf_counter() - uploaded
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            db.session.refresh(contact_list)
            assert contact_list.rows_stored == rows, contact_list.rows_stored

            book = Path(home) / "list.xlsx"
            write_workbook(book, path)
            began_book = time.perf_counter()
            of_book = upload(book)
            unpacked = time.perf_counter()
            import_list(of_book.id)
            whole = time.perf_counter() - began_book
            db.session.refresh(of_book)
            assert of_book.rows_stored == rows, of_book.rows_stored
    ratio = took / floor
    print(
        f"{rows:,} rows: parse + COPY alone {floor:.1f} s, upload {uploaded - began:.1f} s, "
        f"import {took:.1f} s ({rows / took:,.0f} rows/s), {grown / 1024:.0f} MB more memory"
    )
    print(f"import / least = {ratio:.2f} (bar: at most {BAR})")
    print(
        f"the same as a workbook: upload {unpacked - began_book:.1f} s, in all {whole:.1f} s, "
        f"{whole / floor:.2f} times the least (bar: at most {WORKBOOK_BAR})"
    )
    return max(ratio, whole / floor * BAR / WORKBOOK_BAR)


if __name__ == "__main__":
    ratio = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    sys.exit(ratio > BAR)
