"""Trained marks, which say that a caller has been trained: giving a mark, taking a mark back, and
checking whether a caller has a mark. These functions do not commit.

A trainer gives marks to the callers in a training, and a host gives marks to the callers in a
party. A mark belongs to a caller. Some callers belong to a volunteer, a person with a confirmed
e-mail address. Such a caller's mark also counts for the volunteer's other callers in the same
campaign, for example on other devices. A mark is valid until it is taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, NotAllowedError
from phonebank.models import (
    Account,
    Caller,
    CallerState,
    Campaign,
    Party,
    TrainedMark,
    Trainee,
    Training,
    TrainingFor,
    Volunteer,
    VolunteerCaller,
    VolunteerRole,
    now,
)


class TrainingRequiredError(NotAllowedError):
    """The error for a caller who has no trained mark, in a campaign whose callers must have one."""

    title = "A training first"

    def __init__(self) -> None:
        super().__init__(
            "Your campaign asks its callers to be trained first.",
            "Ask your host or an organiser for the next training. Until then you can practise.",
        )


@dataclass(frozen=True)
class Practised:
    """A caller in a training or a party. `mark` is the caller's trained mark, or None if the caller
    has no mark or the mark was taken back."""

    caller: Caller
    mark: TrainedMark | None


def callers_of(party: Party) -> Sequence[Practised]:
    """Return a party's callers, sorted by name. Removed callers are left out."""
    return _practised(Caller.party_id == party.id)


def trainees_of(room: Training) -> Sequence[Practised]:
    """Return the callers who came to a training, sorted by name. Removed callers are left out."""
    came = select(Trainee.caller_id).where(Trainee.listing_id == room.listing_id)
    return _practised(Caller.id.in_(came))


def _practised(which: ColumnElement[bool]) -> Sequence[Practised]:
    rows = db.session.execute(
        select(Caller, TrainedMark)
        .outerjoin(
            TrainedMark,
            (TrainedMark.caller_id == Caller.id) & TrainedMark.taken_back_at.is_(None),
        )
        .where(which, Caller.state != CallerState.REMOVED)
        .order_by(Caller.first_name, Caller.id)
    )
    return [Practised(caller, mark) for caller, mark in rows]


def give_mark(caller: Caller, by: Account | None, trainer: VolunteerRole | None = None) -> None:
    """Give a caller the trained mark, with the current date. If a host gives the mark, `by` is the
    host's account. If a trainer gives the mark, `trainer` is the trainer's role. If the caller
    already has the mark, nothing changes.

    Raises ConflictError if the caller has not finished a practice call.
    """
    if caller.practised_at is None:
        raise ConflictError(
            f"{caller.first_name} hasn't finished a practice call yet.",
            "You can mark them as trained when they have.",
        )
    db.session.execute(
        insert(TrainedMark)
        .values(
            campaign_id=caller.campaign_id,
            caller_id=caller.id,
            first_name=caller.first_name,
            given_by_id=by.id if by is not None else None,
            given_by_trainer_id=trainer.id if trainer is not None else None,
        )
        .on_conflict_do_nothing()
    )


def take_mark_back(caller: Caller, by: Account | None) -> None:
    """Take a caller's mark back, and record this in the audit (the record of what organisers and
    hosts did). The page of the mark's certificate then says that the mark was taken back. `by` is
    the host's account, or None if a trainer takes the mark back. If the caller has no mark, nothing
    changes."""
    taken = db.session.scalars(
        update(TrainedMark)
        .where(TrainedMark.caller_id == caller.id, TrainedMark.taken_back_at.is_(None))
        .values(taken_back_at=now())
        .returning(TrainedMark.id)
    ).all()
    if taken:
        record_audit(
            "trained mark taken back",
            account=by,
            campaign=caller.campaign,
            subject_kind="caller",
            subject_id=caller.id,
            after=None if by is not None else {"by": "a trainer"},
        )


def mark_by_token(token: str) -> TrainedMark:
    """Return the mark whose certificate has a link with this token. Raises GoneError if the mark
    was taken back, or if no mark has this token."""
    mark = db.session.scalar(select(TrainedMark).where(TrainedMark.token == token))
    if mark is None:
        raise GoneError(
            "No certificate has this link.", "Ask the person to send you the link again."
        )
    if mark.taken_back_at is not None:
        raise GoneError("This certificate was taken back.", "Ask the campaign that gave it.")
    return mark


def mark_of(caller: Caller) -> TrainedMark | None:
    """Return a valid trained mark of this caller, or of another caller in this campaign who belongs
    to the same volunteer. If there are several, return the oldest. Return None if there is none."""
    own, other = aliased(VolunteerCaller), aliased(VolunteerCaller)
    same = (
        select(other.caller_id)
        .join(own, own.volunteer_id == other.volunteer_id)
        .where(own.caller_id == caller.id)
    )
    is_theirs = or_(TrainedMark.caller_id == caller.id, TrainedMark.caller_id.in_(same))
    return _valid_mark(caller.campaign_id, is_theirs)


def refuse_untrained(caller: Caller) -> None:
    """Raise TrainingRequiredError if the campaign's callers must have a mark and `mark_of` returns
    None for this caller. For other campaigns, no marks are read from the database."""
    if caller.campaign.training_for == TrainingFor.CALLERS and mark_of(caller) is None:
        raise TrainingRequiredError


def must_train(campaign: Campaign, account: Account) -> bool:
    """Whether this host must train before strangers can find the host's party. The host must train
    if the campaign requires hosts to be trained, and no volunteer with the account's e-mail address
    has a valid mark in this campaign."""
    if campaign.training_for != TrainingFor.HOSTS:
        return False
    callers = (
        select(VolunteerCaller.caller_id)
        .join(Volunteer, Volunteer.id == VolunteerCaller.volunteer_id)
        .where(Volunteer.email == account.email)
    )
    return _valid_mark(campaign.id, TrainedMark.caller_id.in_(callers)) is None


def refuse_untrained_host(campaign: Campaign, account: Account) -> None:
    """Raise NotAllowedError if the host must train first (`must_train`)."""
    if must_train(campaign, account):
        raise NotAllowedError(
            "This campaign asks hosts to be trained before strangers can find their party.",
            "Go to a training. When you have made your practice call there, tap “Keep my calls”, "
            "enter your sign-in e-mail address, open the link that we e-mail you, and tap the "
            "button there.",
        )


def marks_of(volunteer: Volunteer) -> Sequence[TrainedMark]:
    """Return a volunteer's valid marks in all campaigns, newest first."""
    callers = select(VolunteerCaller.caller_id).where(VolunteerCaller.volunteer_id == volunteer.id)
    return db.session.scalars(
        select(TrainedMark)
        .where(TrainedMark.caller_id.in_(callers), TrainedMark.taken_back_at.is_(None))
        .order_by(TrainedMark.given_at.desc(), TrainedMark.id.desc())
    ).all()


def _valid_mark(campaign_id: int, whose: ColumnElement[bool]) -> TrainedMark | None:
    return db.session.scalars(
        select(TrainedMark)
        .where(TrainedMark.campaign_id == campaign_id, TrainedMark.taken_back_at.is_(None), whose)
        .order_by(TrainedMark.given_at)
        .limit(1)
    ).first()
