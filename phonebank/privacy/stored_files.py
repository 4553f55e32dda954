"""Erases a person from stored uploads, from refused rows, and from do-not-call files whose numbers
are not on the do-not-call list yet. Also erases the person from the data that is kept for undoing
calls to other people. The calling code commits."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from sqlalchemy import delete, insert, select, text, update

from phonebank.core.db import db
from phonebank.core.locks import get_locked
from phonebank.csv_input.rows import Dialect, InvalidFileError, read_record_texts, sniff
from phonebank.lists.uploads import CHUNK, chunks_of
from phonebank.models import (
    BatchState,
    Campaign,
    ContactList,
    RefusedRow,
    SuppressionBatch,
    UploadCheck,
    UploadChunk,
    now,
)
from phonebank.privacy.person import Person

# This replaces an erased row. It is still a row, so that an import continues at the right place.
ERASED_CELL = "-"
ROWS_AT_ONCE = 500

_OTHERS_LOSSES = text("""
UPDATE call SET contact_before = jsonb_set(contact_before, '{lost_the_number}', (
    SELECT coalesce(jsonb_agg(loss), '[]')
    FROM jsonb_array_elements(contact_before -> 'lost_the_number') AS loss
    WHERE EXISTS (SELECT FROM contact WHERE id = (loss ->> 0)::bigint AND phone <> '')
))
WHERE contact_before ? 'lost_the_number' AND EXISTS (
    SELECT FROM jsonb_array_elements(contact_before -> 'lost_the_number') AS loss
    WHERE NOT EXISTS (SELECT FROM contact WHERE id = (loss ->> 0)::bigint AND phone <> '')
)
""")
_OTHERS_SNAPSHOTS = text("""
UPDATE set_aside_call SET
    before = jsonb_set(before, '{others}', (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(before -> 'others')
        WHERE EXISTS (SELECT FROM contact WHERE id = key::bigint AND phone <> ''))),
    after = jsonb_set(after, '{others}', (
        SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(after -> 'others')
        WHERE EXISTS (SELECT FROM contact WHERE id = key::bigint AND phone <> '')))
WHERE EXISTS (
    SELECT FROM jsonb_object_keys(before -> 'others') AS key
    WHERE NOT EXISTS (SELECT FROM contact WHERE id = key::bigint AND phone <> '')
)
""")


def stored_lists(person: Person) -> Sequence[int]:
    """In the person's campaigns, find the uploads whose file is still stored. Return the ids of
    these uploads."""
    query = select(ContactList.id).where(
        ContactList.campaign_id.in_(person.campaign_ids),
        select(UploadChunk.number).where(UploadChunk.contact_list_id == ContactList.id).exists(),
    )
    return db.session.scalars(query.order_by(ContactList.id)).all()


def erase_from_upload(contact_list_id: int, person: Person) -> bool:
    """In a stored upload, replace each row about the person with ERASED_CELL. Return whether any
    row was replaced.

    If a row was replaced, the stored file is rewritten in UTF-8, and the list has a new
    `file_version`. The new version stops a worker that is importing the file, so the calling code
    must enqueue the import again. Raises SupersededError if another job changes the file at the
    same moment.
    """
    contact_list = db.session.get(ContactList, contact_list_id)
    if contact_list is None or not is_in_upload(contact_list, person):
        return False
    contact_list = get_locked(ContactList, contact_list_id)
    if contact_list is None:
        return False
    dialect = Dialect(**contact_list.dialect)
    country = _country_of(contact_list)
    texts = _without(read_record_texts(chunks_of(contact_list_id), dialect), person, country)
    # The new pieces get numbers below 0 at first, and replace the old pieces at the end.
    total = last = 0
    for data in _in_pieces(texts):
        last, total = last - 1, total + len(data)
        db.session.execute(
            insert(UploadChunk).values(contact_list_id=contact_list_id, number=last, data=data)
        )
    of_list = UploadChunk.contact_list_id == contact_list_id
    db.session.execute(delete(UploadChunk).where(of_list, UploadChunk.number >= 0))
    db.session.execute(update(UploadChunk).where(of_list).values(number=-1 - UploadChunk.number))
    contact_list.dialect = asdict(replace(dialect, encoding="utf-8"))
    contact_list.bytes_total = total
    contact_list.mark_counts = {}
    db.session.execute(delete(UploadCheck).where(UploadCheck.contact_list_id == contact_list_id))
    contact_list.file_version += 1
    contact_list.progress_at = now()
    return True


def erase_from_refused_rows(person: Person) -> int:
    """In the person's campaigns, delete the refused rows that are about the person. Return how many
    rows were deleted."""
    query = (
        select(RefusedRow, Campaign.country)
        .join(ContactList, ContactList.id == RefusedRow.contact_list_id)
        .join(Campaign, Campaign.id == ContactList.campaign_id)
        .where(Campaign.id.in_(person.campaign_ids))
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    theirs = [
        (row.contact_list_id, row.row_number)
        for row, country in db.session.execute(query)
        if person.is_in([str(cell) for cell in row.cells], country)
    ]
    for list_id, number in theirs:
        db.session.execute(
            delete(RefusedRow).where(
                RefusedRow.contact_list_id == list_id, RefusedRow.row_number == number
            )
        )
    return len(theirs)


def erase_from_do_not_call_files(person: Person) -> int:
    """Erase the person from the do-not-call files whose numbers are not on the do-not-call list
    yet. ERASED_CELL replaces each line that has one of the person's numbers.

    A file that cannot be read any more is deleted if it may contain the person. Return how many
    files were rewritten or deleted.
    """
    changed = 0
    for batch_id in _do_not_call_files():
        batch = get_locked(SuppressionBatch, batch_id)
        if batch is None or batch.data is None or not _may_be_in_data(batch.data, person):
            continue
        changed += 1
        try:
            records = read_record_texts([batch.data], sniff(batch.data))
            by_number = _by_number(person)
            batch.data = b"".join(_in_pieces(_without(records, by_number, batch.country)))
        except InvalidFileError:
            db.session.delete(batch)
    return changed


def do_not_call_files_with(person: Person) -> list[str]:
    """Return the names of the do-not-call files that have one of the person's numbers. Only files
    whose numbers are not on the do-not-call list yet are searched. A file that cannot be read any
    more is included if it may contain the person."""
    return [
        batch.filename
        for batch_id in _do_not_call_files()
        if (batch := db.session.get(SuppressionBatch, batch_id)) and _has_number(batch, person)
    ]


def erase_from_snapshots() -> None:
    """Find everyone who has been erased or deleted, and erase them from the data that is kept for
    undoing calls to other people."""
    db.session.execute(_OTHERS_LOSSES)
    db.session.execute(_OTHERS_SNAPSHOTS)


def is_in_upload(contact_list: ContactList, person: Person) -> bool:
    """Whether a stored upload has a row about the person."""
    records = read_record_texts(chunks_of(contact_list.id), Dialect(**contact_list.dialect))
    country = _country_of(contact_list)
    return any(person.may_be_in(t) and person.is_in(row.cells, country) for row, t in records)


def _do_not_call_files() -> Sequence[int]:
    query = select(SuppressionBatch.id).where(
        SuppressionBatch.state == BatchState.UPLOADED, SuppressionBatch.data.is_not(None)
    )
    return db.session.scalars(query.order_by(SuppressionBatch.id)).all()


def _has_number(batch: SuppressionBatch, person: Person) -> bool:
    if batch.data is None or not _may_be_in_data(batch.data, person):
        return False
    try:
        records = read_record_texts([batch.data], sniff(batch.data))
        return any(_by_number(person).is_in(row.cells, batch.country) for row, _ in records)
    except InvalidFileError:
        return True


def _may_be_in_data(data: bytes, person: Person) -> bool:
    return person.may_be_in(data.decode("utf-8", "replace").replace("\0", ""))


def _by_number(person: Person) -> Person:
    """Return a copy of the person with an empty name, so that lines are recognised by the number
    alone. A do-not-call file often has no names."""
    return replace(person, name_key="")


def _without(records: Iterator[tuple[object, str]], person: Person, country: str) -> Iterator[str]:
    for row, own in records:
        is_theirs = person.may_be_in(own) and person.is_in(row.cells, country)  # type: ignore[attr-defined]
        yield ERASED_CELL + own[len(own.rstrip("\r\n")) :] if is_theirs else own


def _in_pieces(texts: Iterator[str]) -> Iterator[bytes]:
    piece = bytearray()
    for one in texts:
        piece += one.encode("utf-8", "replace")
        if len(piece) >= CHUNK:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _country_of(contact_list: ContactList) -> str:
    return db.session.get_one(Campaign, contact_list.campaign_id).country
