"""The next step that a volunteer may take: becoming a host, a trainer or an organiser. The rules
only suggest the next step: an organiser sees the evidence and decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func, select, true

from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.core.scopes import is_role_in
from phonebank.models import (
    Account,
    Caller,
    Campaign,
    Party,
    Role,
    RoleName,
    ScopedRole,
    Tally,
    TrainedMark,
    Volunteer,
    VolunteerCaller,
    VolunteerRole,
    VolunteerRoleKind,
    account_role,
    campaign_host,
)

# A volunteer must have at least this many evenings and conversations in a campaign before the page
# suggests that they host.
EVENINGS = 2
CONVERSATIONS = 20
# A trained host is ready to train after this many parties at which somebody had a conversation.
PARTIES_TO_TRAIN = 2
# A trainer is ready to organise after this many parties, and this many people whom they trained.
PARTIES_TO_ORGANISE = 3
MARKS_TO_ORGANISE = 10
SHOWN_AT_MOST = 50


class Step(StrEnum):
    """The steps that a volunteer may take after making calls, in order."""

    HOST = "host"
    TRAINER = "trainer"
    ORGANISER = "organiser"


@dataclass(frozen=True)
class Ready:
    """A volunteer who is ready for a step, and the evidence for this. All figures are for one
    campaign. `evenings` is the number of days on which the volunteer recorded a call. `is_trained`
    says whether the volunteer has a valid trained mark. `parties` is the number of parties that the
    volunteer hosted and at which somebody had a conversation. `marks_given` is the number of people
    whom the volunteer marked as trained. Marks that were taken back do not count."""

    step: Step
    volunteer: Volunteer
    evenings: int
    conversations: int
    is_trained: bool
    parties: int
    marks_given: int


def ready_for(step: Step, campaign: Campaign, volunteer: Volunteer | None = None) -> list[Ready]:
    """Return up to SHOWN_AT_MOST volunteers who are ready for a step in this campaign and have not
    taken that step. Volunteers with the most conversations come first. With `volunteer`, only this
    volunteer is considered."""
    day = func.date(func.timezone(first_zone_of(campaign).key, Tally.hour))
    evenings = func.count(day.distinct()).filter(Tally.calls > 0)
    conversations = func.coalesce(func.sum(Tally.conversations), 0)
    is_trained = func.bool_or(TrainedMark.id.is_not(None))
    parties, marks = _parties_hosted(campaign), _marks_given(campaign)
    is_host = _has_account(
        campaign_host.c.account_id == Account.id, campaign_host.c.campaign_id == campaign.id
    )
    is_trainer = exists().where(
        VolunteerRole.email == Volunteer.email,
        VolunteerRole.campaign_id == campaign.id,
        VolunteerRole.kind == VolunteerRoleKind.TRAINER,
    )
    conditions: dict[Step, tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]] = {
        Step.HOST: (
            [~is_host],
            [evenings >= EVENINGS, conversations >= CONVERSATIONS],
        ),
        Step.TRAINER: (
            [is_host, ~is_trainer, parties >= PARTIES_TO_TRAIN],
            [is_trained],
        ),
        Step.ORGANISER: (
            [
                is_trainer,
                ~_organises(campaign),
                parties >= PARTIES_TO_ORGANISE,
                marks >= MARKS_TO_ORGANISE,
            ],
            [],
        ),
    }
    where, having = conditions[step]
    query = (
        select(Volunteer, evenings, conversations, is_trained, parties, marks)
        .join(VolunteerCaller, VolunteerCaller.volunteer_id == Volunteer.id)
        .join(Caller, Caller.id == VolunteerCaller.caller_id)
        .outerjoin(Tally, Tally.caller_id == Caller.id)
        .outerjoin(
            TrainedMark,
            (TrainedMark.caller_id == Caller.id) & TrainedMark.taken_back_at.is_(None),
        )
        .where(Caller.campaign_id == campaign.id, *where)
        .group_by(Volunteer.id)
        .having(and_(true(), *having))
        .order_by(conversations.desc(), Volunteer.id)
        .limit(SHOWN_AT_MOST)
    )
    if volunteer is not None:
        query = query.where(Volunteer.id == volunteer.id)
    return [Ready(step, *row) for row in db.session.execute(query)]


def next_step(volunteer: Volunteer | None, campaign: Campaign) -> Ready | None:
    """Return the first step for which this volunteer is ready in this campaign, or None if there is
    no such step. Also return None if `volunteer` is None."""
    if volunteer is None:
        return None
    found: Sequence[Ready] = [one for step in Step for one in ready_for(step, campaign, volunteer)]
    return found[0] if found else None


def _has_account(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Account.email == Volunteer.email, Account.active, *conditions)


def _organises(campaign: Campaign) -> ColumnElement[bool]:
    in_part = exists().where(
        ScopedRole.account_id == Account.id,
        ScopedRole.role == RoleName.ORGANISER,
        is_role_in(campaign),
    )
    everywhere = exists().where(
        account_role.c.account_id == Account.id,
        account_role.c.role_id == Role.id,
        Role.name == RoleName.ORGANISER,
    )
    return _has_account(in_part | everywhere)


def _parties_hosted(campaign: Campaign) -> ColumnElement[int]:
    """Return an SQL expression that counts the volunteer's parties in the campaign. A party counts
    if the volunteer hosted it and somebody had a conversation at it."""
    return (
        select(func.count())
        .select_from(Party)
        .join(Account, Account.id == Party.host_id)
        .where(
            Account.email == Volunteer.email,
            Party.campaign_id == campaign.id,
            exists().where(Tally.party_id == Party.id, Tally.conversations > 0),
        )
        .correlate(Volunteer)
        .scalar_subquery()
    )


def _marks_given(campaign: Campaign) -> ColumnElement[int]:
    """Return an SQL expression that counts the people in the campaign whom this volunteer has
    marked as trained. Marks that were taken back do not count. A person with marks on several
    devices counts once if the callers on these devices belong to the same volunteer."""
    mark = TrainedMark.__table__.alias("given")
    kept = VolunteerCaller.__table__.alias("kept")
    as_host = select(Account.id).where(Account.email == Volunteer.email)
    as_trainer = select(VolunteerRole.id).where(VolunteerRole.email == Volunteer.email)
    # A caller who belongs to no volunteer counts as one person. No volunteer has a negative id.
    person = func.coalesce(kept.c.volunteer_id, -mark.c.caller_id)
    return (
        select(func.count(person.distinct()))
        .select_from(mark.outerjoin(kept, kept.c.caller_id == mark.c.caller_id))
        .where(
            mark.c.campaign_id == campaign.id,
            mark.c.taken_back_at.is_(None),
            mark.c.given_by_id.in_(as_host.correlate(Volunteer))
            | mark.c.given_by_trainer_id.in_(as_trainer.correlate(Volunteer)),
        )
        .correlate(Volunteer)
        .scalar_subquery()
    )
