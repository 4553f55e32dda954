"""What organisers can do with contact lists. The calling code commits."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import delete, select

from phonebank.core.db import db
from phonebank.core.erased import refuse_erased
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.csv_input.column_mapping import Actions, Mapping
from phonebank.lists.known_people import updatable_targets
from phonebank.lists.screening import refuse_unscreened
from phonebank.lists.yes_no_counts import counts_for, needs_agreement
from phonebank.models import (
    Account,
    Campaign,
    Contact,
    ContactList,
    ListPurpose,
    ListState,
    RefusedRow,
    UploadCheck,
    now,
)

PRIORITIES = {-1: "First", 0: "Normal", 1: "Last"}


def lists_of(campaign: Campaign) -> Sequence[tuple[ContactList, Account | None]]:
    """Return the campaign's lists, newest first, each with the account that uploaded the list, or
    None if that account is unknown."""
    query = (
        select(ContactList, Account)
        .outerjoin(Account, Account.id == ContactList.created_by_id)
        .where(ContactList.campaign_id == campaign.id)
        .order_by(ContactList.id.desc())
    )
    return [(contact_list, account) for contact_list, account in db.session.execute(query)]


def lists_in_calling_order(campaign: Campaign) -> Sequence[ContactList]:
    """Return the campaign's lists of people to call, sorted by priority, and oldest first within a
    priority."""
    return db.session.scalars(
        select(ContactList)
        .where(ContactList.campaign_id == campaign.id, ContactList.purpose == ListPurpose.CALL)
        .order_by(ContactList.priority, ContactList.id)
    ).all()


def names_of(lists: Sequence[ContactList]) -> dict[int, str]:
    """Return the name of each list, by its id. If several lists have the same name, add the day of
    the upload and the number of people, such as "Ward list (30 November 2026, 120 people)". If
    these are the same too, also add the list's id."""
    with_name = Counter(listed.name for listed in lists)
    alike = Counter((listed.name, _day_and_people(listed)) for listed in lists)
    names = {}
    for listed in lists:
        more = _day_and_people(listed)
        if alike[listed.name, more] > 1:
            more += f", number {listed.id}"
        names[listed.id] = f"{listed.name} ({more})" if with_name[listed.name] > 1 else listed.name
    return names


def _day_and_people(listed: ContactList) -> str:
    people = "1 person" if listed.rows_stored == 1 else f"{listed.rows_stored:,} people"
    return f"{listed.created_at.day} {listed.created_at:%B %Y}, {people}"


def list_of(campaign: Campaign, contact_list_id: int) -> ContactList:
    """Return one of the campaign's lists. Raises NotFoundError if the campaign has no such list."""
    contact_list = db.session.get(ContactList, contact_list_id)
    if contact_list is None or contact_list.campaign_id != campaign.id:
        raise NotFoundError("This campaign does not have this list.", "Choose one of its lists.")
    return contact_list


def has_people(campaign: Campaign) -> bool:
    """Whether anybody is on one of the campaign's lists."""
    query = select(Contact.id).where(Contact.campaign_id == campaign.id).limit(1)
    return db.session.scalar(query) is not None


def confirm(
    contact_list: ContactList,
    name: str,
    priority: int,
    targets: list[str],
    actions: Actions | None = None,
    suppressing: int | None = None,
    update_targets: Sequence[str] = (),
    update_empties: bool = False,
) -> None:
    """Store what each column contains (its target), and mark the list as queued for import. The
    calling code enqueues the job.

    `targets` has one target of `column_mapping`, such as "first_name", for each column. `actions`
    are the organiser's decisions about values of yes-or-no columns. If the page asked for
    agreement, `suppressing` is the number of rows whose phone numbers the organiser agreed to put
    on the do-not-call list. For people who are already in the campaign, the values of
    `update_targets` are updated. With `update_empties`, an empty cell deletes the stored value (see
    `UpdatePlan` for exceptions).

    Raises ConflictError in each of these cases:

    - the columns are already confirmed
    - a yes-or-no column has a value whose meaning nobody has decided, or too many values
    - agreement is needed, and `suppressing` is not the number of rows whose numbers would be put on
      the do-not-call list
    - the campaign's people have been erased
    """
    lock_row(contact_list)
    campaign_id = contact_list.campaign_id
    refuse_erased(db.session.get_one(Campaign, campaign_id, populate_existing=True))
    if contact_list.state != ListState.UPLOADED:
        raise ConflictError(
            "This file's columns have already been confirmed.", "Its page shows the progress."
        )
    mapping = Mapping.of(contact_list.headers, targets, actions)
    counts = counts_for(contact_list, mapping)
    if counts.too_many or counts.undecided_values(mapping):
        raise ConflictError(
            "Some values in this file still need a decision.",
            "Go back to its columns and choose what each value means.",
        )
    suppressed = counts.count_suppressed(mapping)
    if needs_agreement(suppressed, contact_list.rows_total) and suppressing != suppressed:
        raise ConflictError(
            f"This would put {suppressed:,} people on the do-not-call list.",
            "Go back to the file's columns. Agree to that number, or change your choices.",
        )
    contact_list.name = name
    contact_list.priority = priority
    contact_list.mapping = targets
    contact_list.mark_actions = mapping.actions
    contact_list.mark_counts = {}
    offered = updatable_targets(mapping)
    contact_list.update_targets = [target for target in offered if target in update_targets]
    contact_list.update_empties = update_empties
    contact_list.state = ListState.QUEUED
    contact_list.progress_at = now()
    db.session.execute(delete(UploadCheck).where(UploadCheck.contact_list_id == contact_list.id))


def confirm_take_out(
    contact_list: ContactList, name: str, targets: list[str], agreed: bool
) -> None:
    """For a file of people who are no longer to be called, store what each column contains, and
    mark the file as queued. The calling code enqueues the job.

    `agreed` says whether the organiser has seen whom the file names and, if the check asked for
    agreement, has agreed. Raises ConflictError if the columns are already confirmed, if the file is
    an upload of another kind, if `agreed` is false, or if the campaign's people have been erased.
    """
    lock_row(contact_list)
    campaign_id = contact_list.campaign_id
    refuse_erased(db.session.get_one(Campaign, campaign_id, populate_existing=True))
    if contact_list.state != ListState.UPLOADED or contact_list.purpose != ListPurpose.TAKE_OUT:
        raise ConflictError(
            "This file's columns have already been confirmed.", "Its page shows the progress."
        )
    if not agreed:
        raise ConflictError(
            "This file names nobody, or too many people.", "Check its columns again."
        )
    contact_list.name = name
    contact_list.mapping = targets
    contact_list.state = ListState.QUEUED
    contact_list.progress_at = now()
    db.session.execute(delete(UploadCheck).where(UploadCheck.contact_list_id == contact_list.id))


def cancel(contact_list: ContactList) -> None:
    """Delete an upload whose columns are not confirmed. Raises ConflictError if its columns are
    confirmed."""
    lock_row(contact_list)
    if contact_list.state != ListState.UPLOADED:
        raise ConflictError("This file has already been imported.", "Undo the import instead.")
    db.session.delete(contact_list)


def pause(contact_list: ContactList) -> None:
    """Stop giving callers people from this list. Raises ConflictError if the list was undone."""
    _lock_unless_undone(contact_list)
    contact_list.removed = True


def resume(contact_list: ContactList) -> None:
    """Give callers people from this list again. Raises ConflictError if the list was undone. Also
    raises ConflictError if the law forbids calls to the list, because its screening is missing or
    too old. Screening means that a list was compared with the register of people who do not want
    calls."""
    _lock_unless_undone(contact_list)
    refuse_unscreened(contact_list)
    contact_list.removed = False


def set_priority(contact_list: ContactList, priority: int) -> None:
    """Set a list's priority. Callers get people from lists with lower numbers first."""
    lock_row(contact_list)
    contact_list.priority = priority


def refused_rows(contact_list: ContactList, at_most: int) -> Sequence[RefusedRow]:
    """Return up to `at_most` refused rows of a list, in the order of the file."""
    return db.session.scalars(
        select(RefusedRow)
        .where(RefusedRow.contact_list_id == contact_list.id)
        .order_by(RefusedRow.row_number)
        .limit(at_most)
    ).all()


def _lock_unless_undone(contact_list: ContactList) -> None:
    """Lock the list. Raises ConflictError if the list was undone, even if that happened after the
    calling code read the list."""
    lock_row(contact_list)
    if contact_list.state == ListState.UNDONE:
        raise ConflictError("This upload was undone.", "Upload the file again.")
