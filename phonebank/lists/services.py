"""What may be done with contact lists. The caller commits."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select, update

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import get_locked, lock_row
from phonebank.csv_input.column_mapping import Actions, Mapping
from phonebank.lists.uploads import discard
from phonebank.lists.yes_no_counts import asks_about, counts_for
from phonebank.models import Account, Campaign, ContactList, ListState, RefusedRow, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS

# An import stores a batch every second or so: one that stands still this long was left behind.
LEFT_BEHIND_AFTER = timedelta(minutes=2)
# Begun this often and still at the same row: something there breaks it.
TRIES_AT_MOST = 5
# A file whose columns nobody confirmed is people's data that nobody wants.
UNCONFIRMED_FOR = timedelta(days=1)

PRIORITIES = {-1: "First", 0: "Normal", 1: "Last"}


def lists_of(campaign: Campaign) -> Sequence[tuple[ContactList, Account | None]]:
    """The campaign's uploads with who made them, the newest first."""
    query = (
        select(ContactList, Account)
        .outerjoin(Account, Account.id == ContactList.created_by_id)
        .where(ContactList.campaign_id == campaign.id)
        .order_by(ContactList.id.desc())
    )
    return [(contact_list, account) for contact_list, account in db.session.execute(query)]


def in_calling_order(campaign: Campaign) -> Sequence[ContactList]:
    """The campaign's lists, in calling order."""
    return db.session.scalars(
        select(ContactList)
        .where(ContactList.campaign_id == campaign.id)
        .order_by(ContactList.priority, ContactList.id)
    ).all()


def list_of(campaign: Campaign, contact_list_id: int) -> ContactList:
    """One of the campaign's lists. Raises NotFoundError."""
    contact_list = db.session.get(ContactList, contact_list_id)
    if contact_list is None or contact_list.campaign_id != campaign.id:
        raise NotFoundError("This campaign does not have this list.", "Choose one of its lists.")
    return contact_list


def confirm(
    contact_list: ContactList,
    name: str,
    priority: int,
    targets: list[str],
    actions: Actions | None = None,
    suppressing: int | None = None,
) -> None:
    """Say what the columns are; the import may begin.

    `actions` are the organiser's decisions about values of columns of marks; `suppressing` is the
    number of rows they agreed to put on the do-not-call list, where that is asked.

    Raises ConflictError when the columns have been confirmed already, while a value is undecided,
    and when more would be suppressed than was agreed to.
    """
    lock_row(contact_list)
    if contact_list.state != ListState.UPLOADED:
        raise ConflictError(
            "This file's columns have already been confirmed.", "Its page shows the progress."
        )
    mapping = Mapping.of(contact_list.headers, targets, actions)
    counts = counts_for(contact_list, mapping)
    if counts.too_many or counts.undecided(mapping):
        raise ConflictError(
            "Some values in this file still need a decision.",
            "Go back to its columns and choose what each value means.",
        )
    suppressed = counts.suppressed(mapping)
    if asks_about(suppressed, contact_list.rows_total) and suppressing != suppressed:
        raise ConflictError(
            f"This would put {suppressed:,} people on the do-not-call list.",
            "Go back to the file's columns. Agree to that number, or change your choices.",
        )
    contact_list.name = name
    contact_list.priority = priority
    contact_list.mapping = targets
    contact_list.mark_actions = mapping.actions
    contact_list.mark_counts = {}
    contact_list.state = ListState.QUEUED
    contact_list.progress_at = now()


def cancel(contact_list: ContactList) -> None:
    """Forget an upload whose columns are not confirmed. Raises ConflictError when they are."""
    lock_row(contact_list)
    if contact_list.state != ListState.UPLOADED:
        raise ConflictError("This file has already been imported.", "Undo the import instead.")
    db.session.delete(contact_list)


def take_out_of_calling(contact_list: ContactList) -> None:
    """Nobody of this list is handed out any more. Raises ConflictError for an undone list."""
    _lock_unless_undone(contact_list)
    contact_list.removed = True


def put_back_into_calling(contact_list: ContactList) -> None:
    """Hand out this list's people again. Raises ConflictError for an undone list."""
    _lock_unless_undone(contact_list)
    contact_list.removed = False


def set_priority(contact_list: ContactList, priority: int) -> None:
    """Lists with a lower number are called first."""
    lock_row(contact_list)
    contact_list.priority = priority


def begin_import(contact_list_id: int) -> ContactList | None:
    """The list, now being imported; None when it is not waiting to be (any more).

    One that has been begun too often is given up.
    """
    contact_list = get_locked(ContactList, contact_list_id)
    if contact_list is None or contact_list.state not in LIST_STATES_IN_PROGRESS:
        return None
    contact_list.state = ListState.IMPORTING
    contact_list.tries += 1
    if contact_list.tries > TRIES_AT_MOST:
        db.session.flush()
        fail_import(
            contact_list.id,
            f"The import stopped after {contact_list.rows_read:,} rows and could not "
            "continue. That is our fault, not your file's. Upload the file again: people who are "
            "already stored are skipped. If it stops again, tell the person who runs this server.",
        )
        return None
    return contact_list


def finish_import(contact_list_id: int) -> None:
    """The file has been read to its end, and is forgotten."""
    _end_import(contact_list_id, ListState.READY, None)


def fail_import(contact_list_id: int, fault: str) -> None:
    """The file cannot be read further, and is forgotten. What was stored stays until undone."""
    _end_import(contact_list_id, ListState.FAILED, fault)


def lists_left_behind() -> Sequence[int]:
    """Imports that should be under way and are not."""
    return db.session.scalars(
        select(ContactList.id).where(
            ContactList.state.in_(LIST_STATES_IN_PROGRESS),
            ContactList.progress_at < now() - LEFT_BEHIND_AFTER,
        )
    ).all()


def undos_left_behind() -> Sequence[int]:
    """Undos that should be under way and are not."""
    return db.session.scalars(
        select(ContactList.id).where(
            ContactList.state == ListState.UNDONE,
            ContactList.finished_at.is_(None),
            ContactList.progress_at < now() - LEFT_BEHIND_AFTER,
        )
    ).all()


def forget_unconfirmed_uploads() -> None:
    """Delete the files whose columns nobody confirmed within a day."""
    db.session.execute(
        delete(ContactList).where(
            ContactList.state == ListState.UPLOADED,
            ContactList.created_at < now() - UNCONFIRMED_FOR,
        )
    )


def refused_rows(contact_list: ContactList, at_most: int) -> Sequence[RefusedRow]:
    """The first rows that were not stored, in the file's order."""
    return db.session.scalars(
        select(RefusedRow)
        .where(RefusedRow.contact_list_id == contact_list.id)
        .order_by(RefusedRow.row_number)
        .limit(at_most)
    ).all()


def _end_import(contact_list_id: int, state: str, fault: str | None) -> None:
    """Raises nothing: a list that is not being imported (any more) stays as it is."""
    ended = db.session.execute(
        update(ContactList)
        .where(ContactList.id == contact_list_id, ContactList.state == ListState.IMPORTING)
        .values(state=state, fault=fault, finished_at=now(), mark_actions={})
        .returning(ContactList.id)
    ).scalar()
    if ended is not None:
        discard(contact_list_id)


def _lock_unless_undone(contact_list: ContactList) -> None:
    """Lock the list. Raises ConflictError when it was undone, whatever a page last showed."""
    lock_row(contact_list)
    if contact_list.state == ListState.UNDONE:
        raise ConflictError("This upload was undone.", "Upload the file again.")
