"""An organiser's actions on one person: make the person callable again, mark the person as
finished, or put the person's numbers on the do-not-call list. These functions do not commit."""

from typing import Any

from sqlalchemy import String, literal_column, select, type_coerce

from phonebank.audit.record import record_audit
from phonebank.contact_queue.campaign_hours import next_calling_time
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import (
    Account,
    AuditEntry,
    Campaign,
    Contact,
    ContactState,
    SuppressionOrigin,
    now,
)
from phonebank.persons.status import is_on_screen
from phonebank.suppressions import entries as suppressions

# The actions in the audit.
_PUT_BACK = "person put back"
_FINISHED = "person finished"
_VERSION: Any = type_coerce(literal_column("CAST(contact.xmin AS text)"), String)


def person_in(campaign: Campaign, contact_id: int) -> Contact:
    """Return a person of this campaign. Raises NotFoundError if there is no such person, or if the
    person was erased."""
    contact = db.session.get(Contact, contact_id)
    if contact is None or contact.campaign_id != campaign.id or not contact.phone:
        raise NotFoundError("There is no such person in this campaign.", "Search again.")
    return contact


def version_of(contact: Contact) -> str:
    """Return the version of the person's row. Every change of the row, for example by a call,
    changes the version. A form sends back the version that the page was made from. So the server
    notices if the row has changed since then."""
    return str(db.session.scalar(select(_VERSION).where(Contact.id == contact.id)))


def put_back(contact: Contact, campaign: Campaign, version: str, account: Account) -> None:
    """Make a person callable again, from the next moment inside calling hours. If calling hours
    have no such moment in the next few weeks, make the person callable from now. A promised
    callback is cancelled.

    Raises ConflictError if the person's row has changed since `version`, or if the person is in an
    open call or on the do-not-call list.
    """
    _lock(contact, version)
    if contact.suppressed_at is not None:
        raise ConflictError(
            "This person is on the do-not-call list.",
            "Take the number off the list first, if it was put there by mistake.",
        )
    at = now()
    _change(contact, campaign, ContactState.CALLABLE, _PUT_BACK, account)
    contact.callable_at = next_calling_time(campaign, contact.zone_key, at) or at
    contact.rested_at = at
    db.session.flush()


def finish(contact: Contact, campaign: Campaign, version: str, account: Account) -> None:
    """Mark a person as finished, and cancel a promised callback. Nobody calls a finished person
    again in this campaign, unless the person is made callable again, for example by `put_back`.

    Raises ConflictError if the person's row has changed since `version`, or if the person is in an
    open call.
    """
    _lock(contact, version)
    _change(contact, campaign, ContactState.FINISHED, _FINISHED, account)
    db.session.flush()


def is_finished_by_organiser(contact: Contact) -> bool:
    """Whether an organiser has marked the person as finished, and since then no organiser has made
    the person callable again and nobody has called the person."""
    query = (
        select(AuditEntry.action, AuditEntry.at)
        .where(
            AuditEntry.subject_kind == "person",
            AuditEntry.subject_id == str(contact.id),
            AuditEntry.action.in_((_FINISHED, _PUT_BACK)),
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    last = db.session.execute(query).first()
    return (
        last is not None
        and last.action == _FINISHED
        and (contact.last_called_at is None or contact.last_called_at < last.at)
    )


def suppress_person(contact: Contact, campaign: Campaign, account: Account) -> None:
    """Put all numbers of a person on the do-not-call list."""
    suppressions.suppress_all(
        [contact.phone, *contact.other_phones],
        SuppressionOrigin.ORGANISER,
        reason="other",  # the organiser does not say why
        account_id=account.id,
    )
    _audit(contact, campaign, "person put on do-not-call", account)


def _lock(contact: Contact, version: str) -> None:
    lock_row(contact)
    if version_of(contact) != version:
        raise ConflictError(
            "Something about this person has changed since you opened the page.",
            "Look at the page again, then decide.",
        )
    # A claim locks the contact before it writes its call, so this stays true until the commit.
    if is_on_screen(contact):
        raise ConflictError(
            "This person is on a caller's screen or is being called now.",
            "Wait until the call has ended, then reload.",
        )


def _change(
    contact: Contact, campaign: Campaign, state: ContactState, action: str, account: Account
) -> None:
    before = {"state": contact.state}
    contact.state = state
    contact.callback_at = contact.callback_caller_id = None
    _audit(contact, campaign, action, account, before=before, after={"state": state})


def _audit(
    contact: Contact, campaign: Campaign, action: str, account: Account, **values: Any
) -> None:
    record_audit(
        action,
        account=account,
        campaign=campaign,
        subject_kind="person",
        subject_id=contact.id,
        **values,
    )
