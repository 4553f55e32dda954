"""Turns the rows of a file into batches that are ready to store. A batch has contacts, refused
rows, and numbers for the do-not-call list."""

import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import Row
from phonebank.lists.normalise import ContactRow, RefusedRow, normalise
from phonebank.phones.number_places import time_zones_of
from phonebank.phones.postcodes import time_zones_of_postcode
from phonebank.rules.time_zones import canonical_name, zones_key, zones_of_country

# One transaction stores this many rows, which takes about half a second. If the worker is killed,
# no more than this is lost.
BATCH = 10_000

# The columns of `Batch.contacts`, in order.
COLUMNS = (
    "ordinal",
    "phone",
    "name_key",
    "first_name",
    "last_name",
    "phone_original",
    "other_phones",
    "external_id",
    "postcode",
    "email",
    "language",
    "zone_key",
    "fields",
    "tags",
)


@dataclass
class Batch:
    """Some rows of a file, prepared for storing. `first` is the index of the first row, and `rows`
    is the number of rows. The row below the header has index 0."""

    first: int
    rows: int = 0
    # The contacts as text for COPY: a line for each, with tabs between its cells. The text is made
    # here, so that one batch is prepared while another is stored.
    contacts: bytes = b""
    contact_rows: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    # The number of rows that say "do not call", and every number in them.
    do_not_call_rows: int = 0
    do_not_call: set[str] = field(default_factory=set)
    zone_keys: set[str] = field(default_factory=set)
    languages: set[str] = field(default_factory=set)
    has_tags: bool = False
    # Every number of the contacts, each with the person's name. A batch that has none of these has
    # none of the people.
    people: set[str] = field(default_factory=set)


def prepare_batches(
    rows: Iterator[Row], first: int, mapping: Mapping, country: str, allow_drama: bool
) -> Generator[Batch]:
    """Yield batches of up to BATCH rows that are ready to store, starting with the row at index
    `first`.

    `rows` are the rows below the header, and `country` is the ISO 3166-1 code of the campaign's
    country. Raises InvalidFileError at the first row that cannot be read.
    """
    for start, chunk in chunks_from(rows, first):
        yield prepare_batch(chunk, start, mapping, country, allow_drama)


def chunks_from(rows: Iterator[Row], first: int) -> Iterator[tuple[int, list[Row]]]:
    """Yield the rows, starting with the row at index `first`, in chunks of up to BATCH rows. With
    each chunk, yield the index of its first row."""
    left = islice(rows, first, None)
    while chunk := list(islice(left, BATCH)):
        yield first, chunk
        first += len(chunk)


def prepare_batch(
    chunk: list[Row], first: int, mapping: Mapping, country: str, allow_drama: bool
) -> Batch:
    """Prepare one chunk of rows, as `prepare_batches` does. `first` is the index of the chunk's
    first row."""
    read = (_read(row, mapping, country, allow_drama) for row in chunk)
    return batch_of(read, first, len(chunk), country)


def batch_of(read: Iterable[ContactRow | RefusedRow], first: int, rows: int, country: str) -> Batch:
    """Return a batch of the rows in `read`, which are results of `normalise`. `first` is the index
    of the batch's first row, and `rows` is the batch's number of rows."""
    batch = Batch(first, rows=rows)
    lines = []
    for row in read:
        if isinstance(row, RefusedRow):
            batch.refused.append(row)
        elif row.do_not_call:
            batch.do_not_call_rows += 1
            batch.do_not_call.update((row.phone, *row.other_phones))
        else:
            zone_key = _zone_key(row, country)
            batch.zone_keys.add(zone_key)
            batch.languages.add(row.language)
            batch.contact_rows += 1
            batch.has_tags = batch.has_tags or bool(row.tags)
            name_key = f"{row.first_name} {row.last_name}".casefold()
            batch.people.add(f"{row.phone} {name_key}")
            for number in row.other_phones:
                batch.people.add(f"{number} {name_key}")
            lines.append(_line(row, name_key, zone_key))
    batch.contacts = "".join(lines).encode()
    return batch


def _read(row: Row, mapping: Mapping, country: str, allow_drama: bool) -> ContactRow | RefusedRow:
    """Return the result of `normalise`. If the row is refused, empty its cells in the columns that
    the organiser left out (target IGNORE), because these cells are not stored. But if the row has a
    fault such as too many cells, keep all its cells, because they may be in the wrong columns."""
    found = normalise(row, mapping, country, allow_drama)
    if isinstance(found, RefusedRow) and not row.fault:
        found.cells = mapping.cells_to_store(found.cells)
    return found


def _line(row: ContactRow, name_key: str, zone_key: str) -> str:
    """Return a contact as a line for COPY, with the cells of COLUMNS.

    Nothing needs to be quoted, because `tidy` has left no tab and no line break in any cell.
    """
    others = ",".join(row.other_phones) if row.other_phones else ""
    return (
        f"{row.row_number}\t{row.phone}\t{name_key}"
        f"\t{row.first_name}\t{row.last_name}\t{row.phone_original}\t{{{others}}}"
        f"\t{row.external_id or ''}\t{row.postcode or ''}\t{row.email or ''}"
        f"\t{row.language}\t{zone_key}\t{_fields_as_json(row.fields)}"
        f"\t{json.dumps(row.tags) if row.tags else '[]'}\n"
    )


def _fields_as_json(fields: dict[str, str]) -> str:
    # If the json module made the whole object, it would take three times as long.
    pairs = [f"{_text_as_json(name)}: {_text_as_json(value)}" for name, value in fields.items()]
    return f"{{{', '.join(pairs)}}}"


_text_as_json = json.JSONEncoder().encode


def _zone_key(row: ContactRow, country: str) -> str:
    """Return the time zones in which the person may be, as text for the contact's column
    `zone_key`. Return "" if the zones are unknown or too many.

    If the row gives no time zone, the zones of the postcode are used. If the postcode shows no
    zone, the zones of the numbers are used. If the row gives a time zone of the campaign's country,
    that zone is used. Some words in a row, such as "MST", fit several zones. Of these zones, those
    that also fit the postcode or the numbers are used. If none of them fits, all of them are used.
    A time zone outside the country is used together with the zones of the postcode or the numbers,
    but never alone. If the result is "", `rules.calling_hours` uses all zones of the country.
    """
    of_postcode = time_zones_of_postcode(row.postcode, country) if row.postcode else ()
    told = of_postcode or _zones_of_numbers((row.phone, *row.other_phones))
    if not row.time_zone:
        return _zones_key(told)
    said = tuple(row.time_zone.split("|"))
    if not any(canonical_name(zone) in zones_of_country(country) for zone in said):
        # A campaign's database often fills in the time zone of the campaign's office. So a call
        # must be inside calling hours both in this zone and in the zones of the person's postcode
        # or numbers.
        return _zones_key((*said, *told)) if told else ""
    if len(said) > 1:
        # "MST" may mean the time of Denver or of Phoenix. The person's postcode or numbers say
        # which.
        here = {canonical_name(zone) for zone in told}
        said = tuple(zone for zone in said if canonical_name(zone) in here) or said
    return _zones_key(said)


def _zones_of_numbers(phones: tuple[str, ...]) -> tuple[str, ...]:
    """Return the time zones of all the numbers, because callers may try any of the numbers. If the
    zones of one of the numbers are unknown, return no zones."""
    of_each = [time_zones_of(phone) for phone in phones]
    return tuple(zone for zones in of_each for zone in zones) if all(of_each) else ()


@lru_cache(maxsize=4096)
def _zones_key(zones: tuple[str, ...]) -> str:
    return zones_key(zones)
