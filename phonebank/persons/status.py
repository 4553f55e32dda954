"""Finds a person's status in the person's campaign. The status says which group of contacts
("bucket") the person is in, and when the person can be called next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column, select

from phonebank.contact_queue.campaign_hours import is_calling_time, next_calling_time
from phonebank.contact_queue.number_rest import called_elsewhere, rests_until
from phonebank.core.db import db
from phonebank.models import (
    Call,
    Caller,
    CallerState,
    Campaign,
    Contact,
    ContactList,
    ContactState,
    Suppression,
    now,
)


@dataclass(frozen=True)
class Standing:
    """A person's status. `bucket` is a key of `contact_queue.status_counts.BUCKETS`. `next_at`
    (aware) is when a person who only has to wait can be called next. `next_at` is None for any
    other person. `next_at` is also None if calling hours allow no call in the next few weeks.
    `entries` are the do-not-call entries of the person's numbers."""

    bucket: str
    next_at: datetime | None
    entries: list[Suppression]


def status_of(contact: Contact, campaign: Campaign) -> Standing:
    """Return a person's current status. If several buckets (groups of contacts) fit, the status has
    the bucket that comes first in BUCKETS."""
    at = now()
    numbers = [contact.phone, *contact.other_phones]
    entries = list(
        db.session.scalars(
            select(Suppression).where(Suppression.phone.in_(numbers)).order_by(Suppression.phone)
        )
    )
    bucket, next_at = _bucket(contact, campaign, at)
    return Standing(bucket, next_at, entries)


def _bucket(contact: Contact, campaign: Campaign, at: datetime) -> tuple[str, datetime | None]:
    if is_on_screen(contact):
        return "held", None
    if contact.suppressed_at is not None:
        return "suppressed", None
    if db.session.get_one(ContactList, contact.contact_list_id).removed:
        return "removed", None
    if contact.state != ContactState.CALLABLE:
        return str(contact.state), None
    if contact.language not in ("", campaign.language) and not _is_spoken(contact, campaign):
        return "language", None
    opens = next_calling_time(campaign, contact.zone_key, max(at, contact.callable_at))
    if contact.callback_at is not None and contact.callback_at > at:
        return "callback", opens
    rest = _rests_elsewhere_until(contact, campaign)
    if rest is not None and rest > at:
        return "elsewhere", next_calling_time(
            campaign, contact.zone_key, max(rest, contact.callable_at)
        )
    if contact.callable_at > at:
        return "resting", opens
    if not is_calling_time(campaign, contact.zone_key, at):
        return "out_of_hours", opens
    return "ready", None


def is_on_screen(contact: Contact) -> bool:
    """Whether the person is in an open call. In an open call, a caller has the person on the
    screen, or the telephone service is calling the person and no caller has taken the call yet."""
    query = select(Call.id).where(Call.contact_id == contact.id, Call.ended_at.is_(None))
    return db.session.scalar(query) is not None


def _is_spoken(contact: Contact, campaign: Campaign) -> bool:
    query = select(Caller.id).where(
        Caller.campaign_id == campaign.id,
        Caller.state == CallerState.ADMITTED,
        Caller.languages.contains([contact.language]),
    )
    return db.session.scalar(query.limit(1)) is not None


def _rests_elsewhere_until(contact: Contact, campaign: Campaign) -> datetime | None:
    rows: Any = literal_column(called_elsewhere("contact"))
    query = select(rows).where(Contact.id == contact.id)
    return rests_until(db.session.scalar(query), campaign, contact.callback_at)
