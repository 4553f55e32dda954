"""Pledges: promises to host a party. People at the call-out can take places at the pledged parties.
The functions of this module do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from phonebank.callouts.areas import Area
from phonebank.callouts.board import begin_change, show_change
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.models import CallOut, Party, Pledge, PledgeSeat, SignUp
from phonebank.places.distance import km_between

CHAIRS_AT_MOST = 100
SHOWN_AT_MOST = 40


@dataclass(frozen=True)
class Offer:
    """A pledged party that a person at the call-out may go to. The party is `km` kilometres from
    the person's area and has `left` free places. `first_name` is the name of the future host.
    `has_email` says whether the future host gave an e-mail address: without an address, the pledge
    never becomes a party. `mine` says whether the person has already taken a place at this party.
    `is_invited` says whether the job has already run `invite_seat` for this place, which usually
    e-mails the person."""

    pledge: Pledge
    first_name: str
    km: float
    left: int
    has_email: bool
    mine: bool
    is_invited: bool


def is_pledged(party: Party) -> bool:
    """Whether the party was promised at a call-out."""
    return bool(db.session.scalar(select(exists().where(Pledge.party_id == party.id))))


def pledge(call_out: CallOut, person: SignUp, starts_at: datetime, area: Area, chairs: int) -> None:
    """Store a person's pledge. A second pledge by the same person replaces the first.

    Raises InvalidInputError if the number of chairs is out of range, or smaller than the number of
    places that people have taken. Raises ConflictError if the person's pledge has already become a
    party.
    """
    if not 1 <= chairs <= CHAIRS_AT_MOST:
        raise InvalidInputError(
            f"Choose from 1 to {CHAIRS_AT_MOST} chairs.", "Count the people who can sit down."
        )
    begin_change(call_out)
    own = pledge_of(person)
    if own is None:
        own = Pledge(call_out_id=call_out.id, sign_up_id=person.id)
        db.session.add(own)
    elif own.party_id is not None:
        raise ConflictError("This party is set up already.", "Change it on its own page.")
    elif (taken := places_taken(own)) > chairs:
        coming = "1 person is" if taken == 1 else f"{taken} people are"
        raise InvalidInputError(f"{coming} coming already.", "Choose more chairs.")
    own.starts_at, own.chairs = starts_at, chairs
    own.country, own.area = area.country, area.area
    own.latitude, own.longitude = area.latitude, area.longitude
    show_change(call_out)


def pledge_of(person: SignUp) -> Pledge | None:
    """Return this person's pledge, or None."""
    return db.session.scalar(select(Pledge).where(Pledge.sign_up_id == person.id))


def take_back(call_out: CallOut, person: SignUp) -> None:
    """Delete a person's pledge, if there is one, with the places that people have taken at the
    pledged party. Raises ConflictError if the pledge has already become a party."""
    begin_change(call_out)
    own = pledge_of(person)
    if own is None:
        return
    if own.party_id is not None:
        raise ConflictError("Your party is set up already.", "Cancel it on its own page.")
    db.session.delete(own)
    show_change(call_out)


def offers_for(call_out: CallOut, person: SignUp) -> list[Offer]:
    """Return the pledged parties that are nearest to the person's area, up to SHOWN_AT_MOST,
    nearest first. Other pledged parties at which the person has taken a place come after these.
    Parties without a free place are included. The person's own pledge is not included."""
    taken = (
        select(PledgeSeat.pledge_id, func.count().label("taken"))
        .group_by(PledgeSeat.pledge_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Pledge, SignUp.first_name, SignUp.email, func.coalesce(taken.c.taken, 0))
        .join(SignUp, SignUp.id == Pledge.sign_up_id)
        .outerjoin(taken, taken.c.pledge_id == Pledge.id)
        .where(Pledge.call_out_id == call_out.id, Pledge.sign_up_id != person.id)
    ).all()
    seats = db.session.scalars(select(PledgeSeat).where(PledgeSeat.sign_up_id == person.id))
    mine = {seat.pledge_id: seat for seat in seats}
    here = (person.latitude, person.longitude)
    offers = [
        Offer(
            pledged,
            first_name,
            km_between(here, (pledged.latitude, pledged.longitude)),
            pledged.chairs - count,
            email is not None,
            pledged.id in mine,
            pledged.id in mine and mine[pledged.id].invited_at is not None,
        )
        for pledged, first_name, email, count in rows
    ]
    offers.sort(key=lambda offer: (offer.km, offer.pledge.starts_at))
    return offers[:SHOWN_AT_MOST] + [offer for offer in offers[SHOWN_AT_MOST:] if offer.mine]


def take_seat(call_out: CallOut, person: SignUp, pledge_id: int) -> None:
    """Give the person a place at a pledged party. If the person already has a place there, nothing
    changes.

    Raises NotFoundError if the call-out does not have this pledge (any more), and ConflictError if
    the party is full or is the person's own.
    """
    begin_change(call_out)
    wanted = db.session.get(Pledge, pledge_id, populate_existing=True)
    if wanted is None or wanted.call_out_id != call_out.id:
        raise NotFoundError("This party isn't there any more.", "Choose another.")
    if wanted.sign_up_id == person.id:
        raise ConflictError("This is your own party.", "Choose another.")
    known = db.session.get(PledgeSeat, (wanted.id, person.id))
    if known is not None:
        return
    if places_taken(wanted) >= wanted.chairs:
        raise ConflictError("This party has just become full.", "Choose another.")
    db.session.execute(insert(PledgeSeat).values(pledge_id=wanted.id, sign_up_id=person.id))
    show_change(call_out)


def leave_seat(call_out: CallOut, person: SignUp, pledge_id: int) -> None:
    """Give up the person's place at a pledged party."""
    begin_change(call_out)
    db.session.execute(
        delete(PledgeSeat).where(
            PledgeSeat.pledge_id == pledge_id, PledgeSeat.sign_up_id == person.id
        )
    )
    show_change(call_out)


def pledges_of(call_out: CallOut) -> Sequence[tuple[Pledge, SignUp, int]]:
    """Return the call-out's pledges in the order in which the parties start. Each pledge comes with
    the person who pledged and the number of places that people have taken."""
    seats = (
        select(func.count())
        .where(PledgeSeat.pledge_id == Pledge.id)
        .correlate(Pledge)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Pledge, SignUp, seats)
        .join(SignUp, SignUp.id == Pledge.sign_up_id)
        .where(Pledge.call_out_id == call_out.id)
        .order_by(Pledge.starts_at, Pledge.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def let_host(call_out: CallOut) -> None:
    """Set `lets_host` for a call-out that was set up without it, so that the people who pledged can
    become hosts."""
    begin_change(call_out)
    call_out.lets_host = True
    show_change(call_out)


def places_taken(pledged: Pledge) -> int:
    """Return how many places people have taken at a pledged party."""
    taken = select(func.count()).where(PledgeSeat.pledge_id == pledged.id)
    return db.session.scalar(taken) or 0
