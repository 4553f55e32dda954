"""The room of a training. People come in with the training's code and make practice calls, and a
trainer sees who has finished. In the room, nobody gets a real person to call. These functions do
not commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.errors import GoneError, InvalidInputError, NotFoundError
from phonebank.models import (
    Caller,
    CallerState,
    Campaign,
    Listing,
    ListingState,
    TrainedMark,
    Trainee,
    Training,
    Volunteer,
    VolunteerRole,
    VolunteerRoleKind,
    now,
)
from phonebank.models.party import new_code
from phonebank.parties.codes import normalise_code
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words

# The code works from this long before the training until this long after its start.
OPENS_BEFORE_HOURS = 12
OPENS_BEFORE = timedelta(hours=OPENS_BEFORE_HOURS)
CLOSES_AFTER = timedelta(hours=12)
# A trainer's page lists trainings until this long after their start.
LISTED_FOR = timedelta(days=2)


@dataclass(frozen=True)
class TrainingRow:
    """A training on a trainer's page. `came` is the number of people who came, and `trained` is the
    number of these people who have a valid trained mark."""

    training: Training
    came: int
    trained: int


def open_room(listing: Listing, trainer: VolunteerRole | None = None) -> Training:
    """Give a listing of the kind TRAINING a room, if it has none yet. Store `trainer` as the room's
    trainer, and return the room. If `trainer` is None, the room then has no trainer. Raises
    InvalidInputError if `trainer` is not a trainer of the listing's campaign."""
    if trainer is not None and (
        trainer.kind != VolunteerRoleKind.TRAINER or trainer.campaign_id != listing.campaign_id
    ):
        raise InvalidInputError("This person isn't a trainer for this campaign.", "Choose another.")
    room = db.session.get(Training, listing.id)
    if room is None:
        room = Training(listing_id=listing.id, code=_unused_code())
        db.session.add(room)
    room.trainer_id = trainer.id if trainer is not None else None
    db.session.flush()
    return room


def room_of(listing: Listing) -> Training | None:
    """Return the room of a listing, or None if the listing has no room. Only a training has a
    room."""
    return db.session.get(Training, listing.id)


def rooms_in(campaign: Campaign) -> dict[int, Training]:
    """Return the rooms of the campaign's trainings. The keys are the ids of the trainings'
    listings."""
    query = (
        select(Training)
        .join(Listing, Listing.id == Training.listing_id)
        .where(Listing.campaign_id == campaign.id)
    )
    return {room.listing_id: room for room in db.session.scalars(query)}


def room_by_code(text: str) -> Training:
    """Return the training with this typed code. Raises NotFoundError if no training has the code.
    Raises GoneError if the training is cancelled or over, or if it starts more than 12 hours from
    now (OPENS_BEFORE). A training is over 12 hours after its start (CLOSES_AFTER)."""
    room = db.session.scalar(select(Training).where(Training.code == normalise_code(text)))
    if room is None:
        raise NotFoundError("No training has this code.", "Check the code with your trainer.")
    if not is_on(room, now()):
        if room.listing.state == ListingState.CANCELLED:
            raise GoneError("This training is cancelled.", "Look for another one near you.")
        if room.listing.starts_at > now():
            raise GoneError(
                "This training isn't open yet.",
                f"Come back up to {OPENS_BEFORE_HOURS} hours before it starts.",
            )
        raise GoneError("This training is over.", "Look for another one near you.")
    return room


def come_in(room: Training, first_name: str, known: Caller | None = None) -> Caller:
    """Record that a person has come to the training. Return the person's caller, to whom the
    practice calls belong. `known` is the caller who already uses the person's device, or None. If
    `known` is a caller of the training's campaign, return `known`. Otherwise, store and return a
    new caller, who waits until an organiser admits them.

    Raises InvalidInputError if a new caller is needed and `clean_name` or `refuse_bad_words`
    refuses the name.
    """
    if known is not None and known.campaign_id == room.listing.campaign_id:
        caller = known
    else:
        name = clean_name(first_name, "first name")
        refuse_bad_words(name)
        caller = Caller(
            campaign_id=room.listing.campaign_id, first_name=name, state=CallerState.WAITING
        )
        db.session.add(caller)
        db.session.flush()
    db.session.execute(
        insert(Trainee)
        .values(listing_id=room.listing_id, caller_id=caller.id)
        .on_conflict_do_nothing()
    )
    return caller


def trainings_for(volunteer: Volunteer) -> Sequence[TrainingRow]:
    """Return up to 50 trainings of the campaigns in which this volunteer is a trainer, earliest
    first. Cancelled trainings, and trainings that started more than LISTED_FOR ago, are left out.
    Trainings of campaigns whose personal data has been erased or is being erased are left out
    too."""
    marked = exists().where(
        TrainedMark.caller_id == Trainee.caller_id, TrainedMark.taken_back_at.is_(None)
    )
    came = func.count(Trainee.caller_id)
    rows = db.session.execute(
        select(Training, came, came.filter(marked))
        .join(Listing, Listing.id == Training.listing_id)
        .outerjoin(Trainee, Trainee.listing_id == Training.listing_id)
        .where(
            Listing.campaign_id.in_(_trains_for(volunteer)),
            Listing.state != ListingState.CANCELLED,
            Listing.starts_at > now() - LISTED_FOR,
        )
        .group_by(Training.listing_id, Listing.starts_at)
        .order_by(Listing.starts_at, Training.listing_id)
        .limit(50)
    )
    return [TrainingRow(*row) for row in rows]


def room_for(volunteer: Volunteer, listing_id: int) -> tuple[Training, VolunteerRole]:
    """Return a training that this volunteer may run, and the role that lets them run it. Raises
    NotFoundError for any other training."""
    room = db.session.get(Training, listing_id)
    role = None
    if room is not None:
        role = db.session.scalars(
            select(VolunteerRole).where(
                VolunteerRole.campaign_id == room.listing.campaign_id,
                VolunteerRole.email == volunteer.email,
                VolunteerRole.kind == VolunteerRoleKind.TRAINER,
            )
        ).first()
    if room is None or role is None:
        raise NotFoundError("This training isn't among yours.", "Go back to your page.")
    return room, role


def trainee_in(room: Training, caller_id: int) -> Caller:
    """Return a caller who came to the training. Raises NotFoundError for any other caller."""
    found = db.session.get(Trainee, (room.listing_id, caller_id))
    if found is None:
        raise NotFoundError("This person isn't in the training.", "Reload the page.")
    return db.session.get_one(Caller, caller_id)


def is_on(room: Training, at: datetime) -> bool:
    """Whether the code of the training works at `at` (aware)."""
    starts_at = room.listing.starts_at
    return (
        room.listing.state != ListingState.CANCELLED
        and starts_at - OPENS_BEFORE <= at <= starts_at + CLOSES_AFTER
    )


def _trains_for(volunteer: Volunteer) -> Select[int]:
    return (
        select(VolunteerRole.campaign_id)
        .join(Campaign, Campaign.id == VolunteerRole.campaign_id)
        .where(
            VolunteerRole.email == volunteer.email,
            VolunteerRole.kind == VolunteerRoleKind.TRAINER,
            Campaign.erasing_since.is_(None),
        )
    )


def _unused_code() -> str:
    while True:
        code = new_code()
        if db.session.scalar(select(Training.listing_id).where(Training.code == code)) is None:
            return code
