"""Who saw a person, and when: the access ledger of one person. These functions do not commit."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import (
    Account,
    Call,
    Caller,
    CallSight,
    Contact,
    ContactSight,
    SightKind,
    now,
)

SHOWN_AT_MOST = 200


@dataclass(frozen=True)
class Sight:
    """One occasion on which somebody saw a person's data. `until` is when the caller's screen
    stopped showing the person. `until` is None if the screen still shows the person, or if the data
    was seen only at the moment `at`. `kind` is "call", "called_back" or a SightKind."""

    at: datetime
    who: str
    kind: str
    until: datetime | None = None


def record_sights(people: Iterable[Contact], account: Account, kind: SightKind) -> None:
    """Record in the access ledger that this organiser sees these people now."""
    at = now()
    db.session.add_all(
        ContactSight(
            campaign_id=person.campaign_id,
            contact_id=person.id,
            account_id=account.id,
            kind=kind,
            at=at,
        )
        for person in {person.id: person for person in people}.values()
    )


def sights_of(contact: Contact) -> list[Sight]:
    """Return up to SHOWN_AT_MOST occasions on which somebody saw this person's data, newest
    first."""
    calls = db.session.execute(
        select(Call.started_at, Caller.first_name, Call.ended_at)
        .join(Caller, Caller.id == Call.caller_id)
        .where(Call.contact_id == contact.id)
        .order_by(Call.started_at.desc())
        .limit(SHOWN_AT_MOST)
    )
    again = db.session.execute(
        select(CallSight.at, Caller.first_name)
        .join(Call, Call.id == CallSight.call_id)
        .join(Caller, Caller.id == Call.caller_id)
        .where(Call.contact_id == contact.id)
        .order_by(CallSight.at.desc())
        .limit(SHOWN_AT_MOST)
    )
    organisers = db.session.execute(
        select(ContactSight.at, Account.name, Account.email, ContactSight.kind)
        .outerjoin(Account, Account.id == ContactSight.account_id)
        .where(ContactSight.contact_id == contact.id)
        .order_by(ContactSight.at.desc())
        .limit(SHOWN_AT_MOST)
    )
    sights = [Sight(at, name, "call", until) for at, name, until in calls]
    sights += [Sight(at, name, "called_back") for at, name in again]
    sights += [Sight(at, name or email or "", kind) for at, name, email, kind in organisers]
    return sorted(sights, key=lambda sight: sight.at, reverse=True)[:SHOWN_AT_MOST]
