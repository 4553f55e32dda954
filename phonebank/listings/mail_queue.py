"""The queue of e-mails to guests, each with the time at which it is due. For each guest, the queue
has at most one e-mail of each kind for each value of the listing's `sequence`. When an event
changes and its guests must know about it, `sequence` goes up by one. These functions do not
commit."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.listings.times import reminder_times
from phonebank.models import Guest, GuestMail, GuestState, Listing, MailKind

REMINDERS = (MailKind.DAY_BEFORE, MailKind.SOON, MailKind.THANKS)


def queue_mail(guest: Guest, listing: Listing, kind: MailKind, at: datetime) -> None:
    """Queue an e-mail to a guest, due at `at`. If the e-mail says that the guest is accepted, queue
    the reminders too.

    A guest who cancelled and asked again must get an e-mail of the same kind again. The queue can
    have only one of these e-mails. So this function first deletes an earlier e-mail of this kind if
    it was sent or is no longer needed (`done_at` is set).
    """
    db.session.execute(
        delete(GuestMail).where(
            GuestMail.guest_id == guest.id,
            GuestMail.kind == kind,
            GuestMail.sequence == listing.sequence,
            GuestMail.done_at.is_not(None),
        )
    )
    _insert([_row(guest.id, kind, listing.sequence, at)])
    if kind == MailKind.ACCEPTED:
        _queue_reminders([guest.id], listing, at)


def queue_for_guests(
    listing: Listing, kind: MailKind, states: Collection[GuestState], at: datetime
) -> None:
    """Queue an e-mail to every guest of the listing who is in one of the `states`. If the e-mail is
    about a change, queue new reminders for the accepted guests who have no reminder in the queue.
    """
    ids = list(
        db.session.scalars(
            select(Guest.id).where(Guest.listing_id == listing.id, Guest.state.in_(states))
        )
    )
    _insert([_row(guest_id, kind, listing.sequence, at) for guest_id in ids])
    if kind == MailKind.CHANGED:
        waiting = set(
            db.session.scalars(
                select(GuestMail.guest_id).where(
                    GuestMail.guest_id.in_(ids),
                    GuestMail.kind.in_(REMINDERS),
                    GuestMail.done_at.is_(None),
                )
            )
        )
        accepted = set(
            db.session.scalars(
                select(Guest.id).where(Guest.id.in_(ids), Guest.state == GuestState.ACCEPTED)
            )
        )
        _queue_reminders(accepted - waiting, listing, at)


def forget_reminders(listing: Listing) -> None:
    """Delete all unsent reminders for a listing's guests."""
    guests = select(Guest.id).where(Guest.listing_id == listing.id)
    _drop(GuestMail.guest_id.in_(guests))


def forget_reminders_of(guest: Guest) -> None:
    """Delete all unsent reminders for one guest."""
    _drop(GuestMail.guest_id == guest.id)


def _drop(which: object) -> None:
    db.session.execute(
        delete(GuestMail).where(
            which,  # type: ignore[arg-type]
            GuestMail.kind.in_(REMINDERS),
            GuestMail.done_at.is_(None),
        )
    )


def _queue_reminders(guest_ids: Collection[int], listing: Listing, at: datetime) -> None:
    due = reminder_times(listing.starts_at, listing.time_zone)
    _insert(
        [
            _row(guest_id, kind, listing.sequence, moment)
            for guest_id in guest_ids
            for kind, moment in due.items()
            if moment > at
        ]
    )


def _row(guest_id: int, kind: MailKind, sequence: int, due_at: datetime) -> dict[str, object]:
    return {
        "guest_id": guest_id,
        "kind": kind,
        "sequence": sequence,
        "due_at": due_at,
        "was_sent": False,
    }


def _insert(rows: list[dict[str, object]]) -> None:
    if rows:
        db.session.execute(insert(GuestMail).on_conflict_do_nothing(), rows)
