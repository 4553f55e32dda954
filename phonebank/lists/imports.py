"""Begins and ends imports, finds imports and undos that have stalled, and deletes uploads that
nobody has confirmed. The calling code commits."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select, update

from phonebank.core.db import db
from phonebank.core.locks import get_locked
from phonebank.lists.uploads import discard
from phonebank.models import ContactList, ListPurpose, ListState, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS

# An import stores a batch about every second. An import without progress for this long has stopped.
STALLED_AFTER = timedelta(minutes=2)
# An import fails if workers have begun it this many times without progress, because one of its rows
# probably stops the worker.
TRIES_AT_MOST = 5
# A file whose columns nobody confirms is deleted after this time, because it is personal data that
# nobody uses.
UNCONFIRMED_FOR = timedelta(days=1)


def begin_import(contact_list_id: int) -> ContactList | None:
    """Mark a list as being imported, and return it. Return None if the list has no import to begin
    or continue.

    If workers have already begun the import TRIES_AT_MOST times without progress, mark the import
    as failed and return None.
    """
    contact_list = get_locked(ContactList, contact_list_id)
    if contact_list is None or contact_list.state not in LIST_STATES_IN_PROGRESS:
        return None
    if contact_list.state != ListState.IMPORTING or contact_list.purpose == ListPurpose.CALL:
        # The job that takes people out runs many times for one file, for some seconds each time.
        # Its pace is counted from the first of these runs.
        contact_list.reading_since, contact_list.reading_from = now(), contact_list.rows_read
    contact_list.state = ListState.IMPORTING
    contact_list.tries += 1
    if contact_list.tries > TRIES_AT_MOST:
        db.session.flush()
        done = "out" if contact_list.purpose == ListPurpose.TAKE_OUT else "stored"
        fail_import(
            contact_list.id,
            f"The import stopped after {contact_list.rows_read:,} rows and could not "
            f"continue. That is our fault, not your file's. Upload the file again: people who are "
            f"already {done} are skipped. If it stops again, tell the person who runs this server.",
        )
        return None
    return contact_list


def finish_import(contact_list_id: int) -> None:
    """Mark the import of a list as finished, and delete the stored file. If the list is no longer
    being imported, change nothing."""
    _end_import(contact_list_id, ListState.READY, None)


def fail_import(contact_list_id: int, fault: str) -> None:
    """Mark the import of a list as failed, and delete the stored file. If the list is no longer
    being imported, change nothing. `fault` is the reason, in words for the organiser.

    Contacts that were already stored stay. An organiser can undo the import to delete those of them
    that have not been called.
    """
    _end_import(contact_list_id, ListState.FAILED, fault)


def stalled_imports() -> Sequence[int]:
    """Return the ids of lists whose import has not ended, but has made no progress for
    STALLED_AFTER."""
    return db.session.scalars(
        select(ContactList.id).where(
            ContactList.state.in_(LIST_STATES_IN_PROGRESS),
            ContactList.progress_at < now() - STALLED_AFTER,
        )
    ).all()


def stalled_undos() -> Sequence[int]:
    """Return the ids of lists whose undo has not ended, but has made no progress for
    STALLED_AFTER."""
    return db.session.scalars(
        select(ContactList.id).where(
            ContactList.state == ListState.UNDONE,
            ContactList.finished_at.is_(None),
            ContactList.progress_at < now() - STALLED_AFTER,
        )
    ).all()


def delete_unconfirmed_uploads() -> None:
    """Delete each upload whose columns nobody confirmed within UNCONFIRMED_FOR."""
    db.session.execute(
        delete(ContactList).where(
            ContactList.state == ListState.UPLOADED,
            ContactList.created_at < now() - UNCONFIRMED_FOR,
        )
    )


def _end_import(contact_list_id: int, state: str, fault: str | None) -> None:
    """End the import of a list. If the list is no longer being imported, change nothing."""
    ended = db.session.execute(
        update(ContactList)
        .where(ContactList.id == contact_list_id, ContactList.state == ListState.IMPORTING)
        .values(state=state, fault=fault, finished_at=now(), mark_actions={})
        .returning(ContactList.id)
    ).scalar()
    if ended is not None:
        discard(contact_list_id)
