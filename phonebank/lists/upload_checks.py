"""Stores checks of uploads that have too many rows to count while a page loads. A check says what
would happen to the rows of an upload, and a job finds this out.

A check is deleted when an organiser confirms the upload's columns, or when a person in the campaign
is erased. It is also deleted with its upload. The calling code commits, but `record_progress`
commits by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists.imports import STALLED_AFTER
from phonebank.lists.known_people import UpdatePlan
from phonebank.lists.uploads import SupersededError
from phonebank.models import Contact, ContactList, ListState, UploadCheck, now

# A page counts this many rows itself, which takes about a second.
ROWS_AT_ONCE = 10_000

Choices = dict[str, list[str]]


def needs_job(contact_list: ContactList) -> bool:
    """Whether the file has too many rows to count while a page loads."""
    return contact_list.rows_total > ROWS_AT_ONCE


def check_of(contact_list: ContactList) -> UploadCheck | None:
    """Return the check of an upload, or None if the upload has no check. The check may be running,
    finished or failed."""
    return db.session.get(UploadCheck, contact_list.id, populate_existing=True)


def begin_check(
    contact_list: ContactList, mapping: Mapping, plan: UpdatePlan, token: str, choices: Choices
) -> bool:
    """Begin a check of an upload, unless the upload already has a check for `token`. Return whether
    a check was begun. If so, the calling code enqueues the job.

    The job counts the rows according to `mapping` and `plan`. `token` identifies `mapping` and
    `plan` together (`import_check.token_of`). `choices` has the values of the form on the upload's
    page, by field. These values are stored with the check. If no check is begun and `choices` is
    empty, the stored values stay.
    """
    present = check_of(contact_list)
    if present is not None and present.token == token:
        present.choices = choices or present.choices
        return False
    counted = {
        "targets": list(mapping.targets),
        "actions": mapping.actions,
        "parts": sorted(plan.parts),
        "fields": list(plan.fields),
    }
    values: dict[str, Any] = {"token": token, "plan": counted, "choices": choices, "rows": 0}
    values |= {"found": {}}
    values |= {"fault": None, "begun_at": now(), "progress_at": now()}
    begun = insert(UploadCheck).values(contact_list_id=contact_list.id, **values)
    db.session.execute(begun.on_conflict_do_update(index_elements=["contact_list_id"], set_=values))
    return True


def record_progress(check: UploadCheck, rows: int) -> None:
    """In a separate transaction, store how many rows have been counted so far.

    Raises SupersededError if the check has been deleted, or was replaced because an organiser has
    made other choices.
    """
    with db.engine.begin() as connection:
        moved: CursorResult[Any] = connection.execute(
            _same(check).values(rows=rows, progress_at=now())
        )
    if not moved.rowcount:
        raise SupersededError


def finish_check(check: UploadCheck, rows: int, found: dict[str, Any]) -> None:
    """Store the result of a check. If the check has been replaced or deleted, store nothing. `rows`
    is the total number of rows. `found` is the result, as a dictionary that can be stored as
    JSON."""
    db.session.execute(_same(check).values(rows=rows, found=found))


def fail_check(check: UploadCheck, fault: str) -> None:
    """Store `fault`, a message that tells the organiser why the file cannot be checked. If the
    check has been replaced or deleted, store nothing."""
    db.session.execute(_same(check).values(fault=fault))


def stalled_checks() -> Sequence[int]:
    """Return the ids of uploads whose check has not ended, but has made no progress for
    STALLED_AFTER. The worker of such a check was probably killed."""
    return db.session.scalars(
        select(UploadCheck.contact_list_id)
        .join(ContactList, ContactList.id == UploadCheck.contact_list_id)
        .where(
            ContactList.state == ListState.UPLOADED,
            UploadCheck.found == {},
            UploadCheck.fault.is_(None),
            UploadCheck.progress_at < now() - STALLED_AFTER,
        )
    ).all()


def forget_checks_beside(contact_ids: Collection[int]) -> None:
    """Delete the checks of all uploads to these people's campaigns, because the samples in the
    checks may contain the people's names."""
    campaigns = select(Contact.campaign_id).where(Contact.id.in_(contact_ids))
    lists = select(ContactList.id).where(ContactList.campaign_id.in_(campaigns))
    db.session.execute(delete(UploadCheck).where(UploadCheck.contact_list_id.in_(lists)))


def _same(check: UploadCheck) -> Any:
    return update(UploadCheck).where(
        UploadCheck.contact_list_id == check.contact_list_id,
        UploadCheck.token == check.token,
        UploadCheck.begun_at == check.begun_at,
    )
