"""People who ask to come to a listed event, the e-mails that they get, and which of them are
blocked. The module also has strangers' requests for an e-mail about a new event."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_type


class GuestState(StrEnum):
    """The stages of a guest."""

    NEW = "new"  # asked, but has not confirmed the request yet
    ASKED = "asked"  # the host has to answer
    QUEUED = "queued"  # on the waiting list, because the event is full
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"  # by the guest
    BLOCKED = "blocked"  # the person is blocked, but sees the page of a guest who waits


class Guest(Base):
    """Somebody who asked to come to an event. The row has a first name and an e-mail address."""

    __tablename__ = "guest"
    __table_args__ = (state_check(GuestState), UniqueConstraint("listing_id", "email"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"))
    first_name: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(255), index=True)
    # The secret part of the guest's own link, which is only in their e-mails.
    token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    state: Mapped[GuestState] = mapped_column(state_type(GuestState), default=GuestState.NEW)
    created_at: Mapped[datetime] = mapped_column(default=now)
    # When the guest confirmed the request, on the page whose link is only in their e-mail. This
    # shows that the address is theirs. It can stay None for an event by video.
    confirmed_at: Mapped[datetime | None]
    # Since when the guest has waited for the host's answer, or for a place.
    waiting_since: Mapped[datetime] = mapped_column(default=now)
    # When the guest agreed to get news of the campaign. This has nothing to do with the event.
    news_consent_at: Mapped[datetime | None]
    # When the guest answered a reminder with "Yes, I'm still coming".
    coming_at: Mapped[datetime | None]
    reminders_stopped_at: Mapped[datetime | None]
    # The caller that the guest became at the party.
    caller_id: Mapped[int | None] = mapped_column(ForeignKey("caller.id", ondelete="SET NULL"))


class MailKind(StrEnum):
    """The kinds of `GuestMail`. The e-mail that asks a guest to confirm a request is not a
    `GuestMail`."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    QUEUED = "queued"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    DAY_BEFORE = "day_before"
    SOON = "soon"
    THANKS = "thanks"


class GuestMail(Base):
    """An e-mail to be sent to a guest. Once `done_at` is set, nobody tries to send the e-mail
    again. It was sent, was given up, or was no longer of use. `was_sent` says whether it was
    sent."""

    __tablename__ = "guest_mail"
    __table_args__ = (
        state_check(MailKind, "kind"),
        UniqueConstraint("guest_id", "kind", "sequence"),
        Index("ix_guest_mail_due", "due_at", postgresql_where="done_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    guest_id: Mapped[int] = mapped_column(ForeignKey("guest.id", ondelete="CASCADE"))
    kind: Mapped[MailKind] = mapped_column(state_type(MailKind))
    # The listing's sequence when the e-mail was queued. It distinguishes a second change of the
    # listing from the first.
    sequence: Mapped[int]
    due_at: Mapped[datetime]
    # If the mail server did not take the e-mail: when it is sent again.
    put_off_until: Mapped[datetime | None]
    # When the mail server took the e-mail, when the e-mail was given up, or when it turned out to
    # be no longer of use.
    done_at: Mapped[datetime | None]
    was_sent: Mapped[bool] = mapped_column(default=False)


class AddressSight(Base):
    """A record that a guest got the street address of a listing. `how` says where the guest got it:
    "page", "mail" or "calendar"."""

    __tablename__ = "address_sight"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    guest_id: Mapped[int] = mapped_column(ForeignKey("guest.id", ondelete="CASCADE"), index=True)
    how: Mapped[str] = mapped_column(String(10))
    seen_at: Mapped[datetime] = mapped_column(default=now)


class BlockedGuest(Base):
    """A blocked person. The campaign's hosts see neither the person's open requests nor any later
    ones. The row has only a keyed hash of the person's e-mail address."""

    __tablename__ = "blocked_guest"

    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True
    )
    email_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    blocked_at: Mapped[datetime] = mapped_column(default=now)


class NearAlert(Base):
    """A stranger's request to get one e-mail as soon as there is an event near a place."""

    __tablename__ = "near_alert"
    __table_args__ = (UniqueConstraint("email", "country", "place_code"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(255))
    country: Mapped[str] = mapped_column(String(2))
    place_code: Mapped[str] = mapped_column(String(120))
    area: Mapped[str] = mapped_column(String(200))
    latitude: Mapped[float]
    longitude: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(default=now)
