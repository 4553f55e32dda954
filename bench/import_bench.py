"""Measures how long an import takes, compared with the least time that any import needs.

For the least time, two processes parse the numbers of a file with the library `phonenumbers`, and
store its rows with COPY. Each process does this for half of the rows. The least time is
measured both before and after the imports, and the mean of both counts. That is fairer if other
programs use the machine during a part of the run.

The bars (docs/benchmarks.md): the import of a file of a million rows takes at most 1.5 times the
least time. The upload and the import of a workbook of the same rows take at most 3.0 times the
least time. (The upload counts here, because it unpacks the workbook.) Processor time is compared as
well, without a bar.

    python -m bench.import_bench [ROWS]
"""

import csv
import os
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
import psycopg
from sqlalchemy import make_url, select, text

from bench.measuring import cpu_of, servers
from phonebank.app import alembic, create_app
from phonebank.core.config import DEVELOPMENT, Config
from phonebank.core.db import FOR_JOBS, db
from phonebank.lists.jobs import import_list
from phonebank.lists.services import confirm
from phonebank.lists.uploads import guesses_of, store_upload
from phonebank.local.servers import LocalServers
from phonebank.models import Campaign, ContactList

BAR = 1.5
WORKBOOK_BAR = 3.0
CORES = 2
COLUMNS = "First name,Last name,Phone,Postcode,E-mail,Membership number,Ward"
DRAMA_AREAS = (113, 114, 116, 117, 118, 121, 131, 141, 151, 161)
DRAMA_RANGES = ("020 7946 0", *(f"0{area} 496 0" for area in DRAMA_AREAS))
FIRST_NAMES = ("Ada", "Bela", "Cara", "Dafydd", "Eve", "Farid", "Gwen", "Hugh", "Ines", "Joan")
LAST_NAMES = ("Archer", "Baker", "Carter", "Dyer", "Fisher", "Hooper", "Mason", "Potter")


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file of `rows` people with different names. They have landline numbers that are
    reserved for drama, and many people share a number.

    The library `phonenumbers` accepts these numbers as valid, so no step of the import is skipped.
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
    """Write the rows of a CSV file as a workbook in which every cell is text."""
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


@dataclass(frozen=True)
class Cost:
    """What a step cost: seconds on the clock, and processor seconds of this process, its children
    that have ended, and PostgreSQL."""

    seconds: float
    processor: float

    @classmethod
    def of(cls, step: Callable[[], object]) -> "Cost":
        """Run a step, and return what it cost."""
        began, spent = time.perf_counter(), _processor_seconds()
        step()
        return cls(time.perf_counter() - began, _processor_seconds() - spent)

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.processor:.1f} s of the processors)"


def _processor_seconds() -> float:
    used = os.times()
    ours = used.user + used.system + used.children_user + used.children_system
    return ours + sum(cpu_of(one) for one in servers()["postgres"])


def measure_least(path: Path, url: str) -> Cost:
    """Parse every number and store every row, in one process for each of the CORES cores, and do
    nothing else. Return what this costs."""
    for part in range(CORES):
        columns = ", ".join(f"c{n} text" for n in range(7))
        db.session.execute(text(f"DROP TABLE IF EXISTS least_{part}"))
        db.session.execute(text(f"CREATE TABLE least_{part} ({columns})"))
    db.session.commit()

    def step() -> None:
        with ProcessPoolExecutor(CORES) as pool:
            list(pool.map(_parse_and_copy, [path] * CORES, [url] * CORES, range(CORES)))

    return Cost.of(step)


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
    """Print the costs, their ratios and the memory that the import used. Return the larger of two
    ratios to the least time: the CSV file's ratio, and the workbook's ratio. The workbook's ratio
    is first scaled so that its bar is BAR as well."""
    with tempfile.TemporaryDirectory(prefix="pb-") as home, LocalServers(Path(home), {}) as local:
        path, book = Path(home) / "list.csv", Path(home) / "list.xlsx"
        write_file(path, rows)
        write_workbook(book, path)
        config = Config(
            database_url=local.database_url,
            redis_url=local.redis_url,
            secret_key="k" * 32,
            password_salt="s" * 32,
            totp_secret="t" * 32,
            mode=DEVELOPMENT,
        )
        with create_app(config, FOR_JOBS).app_context():
            alembic.upgrade()
            url = make_url(local.database_url).set(drivername="postgresql")
            plain_url = url.render_as_string(hide_password=False)
            least = measure_least(path, plain_url)
            uploaded = Cost.of(lambda: upload(path))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            imported = Cost.of(lambda: _import_newest(rows))
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            unpacked = Cost.of(lambda: upload(book))
            of_book = Cost.of(lambda: _import_newest(rows))
            least_again = measure_least(path, plain_url)
    floor = (least.seconds + least_again.seconds) / 2
    least_work = (least.processor + least_again.processor) / 2
    ratio, whole = imported.seconds / floor, unpacked.seconds + of_book.seconds
    print(
        f"{rows:,} rows: parse + COPY alone {least}, again {least_again}; upload {uploaded}; import"
        f" {imported}, {rows / imported.seconds:,.0f} rows/s; {grown / 1024:.0f} MB more memory;"
        f" load average {os.getloadavg()[0]:.1f}"
    )
    print(
        f"import / least = {ratio:.2f} (bar: at most {BAR}); by the processors' time"
        f" {imported.processor / least_work:.2f}"
    )
    print(
        f"the same as a workbook: upload {unpacked}, import {of_book}: {whole / floor:.2f} times"
        f" the least (bar: at most {WORKBOOK_BAR}); by the processors' time"
        f" {(unpacked.processor + of_book.processor) / least_work:.2f}"
    )
    return max(ratio, whole / floor * BAR / WORKBOOK_BAR)


def _import_newest(rows: int) -> None:
    """Import the newest upload, and check that `rows` rows were stored."""
    newest = db.session.scalars(select(ContactList).order_by(ContactList.id.desc())).first()
    assert newest is not None
    import_list(newest.id)
    db.session.refresh(newest)
    assert newest.rows_stored == rows, newest.rows_stored


if __name__ == "__main__":
    ratio = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    sys.exit(ratio > BAR)
