"""Whether a list was screened, which means that its numbers were compared with the country's
register of people who want no calls.

An organiser states for each list when it was screened. If the country's law says how long a
screening counts, a list is paused when its screening is older than that, until it is screened
again. The calling code commits.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update

from phonebank.audit.record import record_audit
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, ContactList, ListState, now
from phonebank.rules.countries import countries, rules_for

# An organiser is warned this many days before a screening gets too old.
WARNED_BEFORE = 7


class ScreeningState(StrEnum):
    """What is known about a list's screening."""

    NONE = "none"  # the country has no such register
    UNSAID = "unsaid"
    NOT_NEEDED = "not_needed"  # an organiser says that everyone agreed to be called
    FRESH = "fresh"
    ENDS_SOON = "ends_soon"
    OLD = "old"


@dataclass(frozen=True)
class Screening:
    """A list's screening. `register` names the country's register, `days` is how long a screening
    counts, and `blocks` says that the law stops the calls after that. `until` is its last day."""

    state: ScreeningState
    register: str = ""
    days: int = 0
    blocks: bool = False
    until: date | None = None


def screening_of(contact_list: ContactList, campaign: Campaign) -> Screening:
    """Return what is known about a list's screening today."""
    rule = rules_for(campaign.country).screening
    if rule is None:
        return Screening(ScreeningState.NONE)
    what = (rule.register, rule.days.value, rule.blocks)
    if contact_list.screening_not_needed:
        return Screening(ScreeningState.NOT_NEEDED, *what)
    if contact_list.screened_on is None:
        return Screening(ScreeningState.UNSAID, *what)
    until = contact_list.screened_on + timedelta(days=rule.days.value)
    left = (until - today_in(campaign)).days
    state = (
        ScreeningState.OLD
        if left < 0
        else ScreeningState.ENDS_SOON
        if left <= WARNED_BEFORE
        else ScreeningState.FRESH
    )
    return Screening(state, *what, until)


def attest(
    contact_list: ContactList, campaign: Campaign, screened_on: date | None, account: Account
) -> None:
    """Store an organiser's statement of the day on which a list was screened. None states that the
    list does not need screening, because everyone on it agreed to be called.

    If the list was paused because its screening was too old, it is resumed. Raises
    InvalidInputError if the date is in the future or already too old, and ConflictError if there is
    no register or the list was undone.
    """
    rule = rules_for(campaign.country).screening
    if rule is None:
        raise ConflictError(
            "We know no register for this campaign's country.", "There is nothing to screen."
        )
    today = today_in(campaign)
    if screened_on is not None and screened_on > today:
        raise InvalidInputError("That day is in the future.", "Enter the day of the screening.")
    oldest = today - timedelta(days=rule.days.value)
    if screened_on is not None and rule.blocks and screened_on < oldest:
        raise InvalidInputError(
            f"A screening counts for {rule.days.value} days, and this one is older.",
            f"Screen the list against {rule.register} again, and upload it.",
        )
    lock_row(contact_list)
    if contact_list.state == ListState.UNDONE:
        raise ConflictError("This upload was undone.", "Upload the file again.")
    before = _as_text(contact_list)
    contact_list.screened_on = screened_on
    contact_list.screening_not_needed = screened_on is None
    contact_list.screened_by_id = account.id
    contact_list.screened_at = now()
    if contact_list.screening_lapsed:
        contact_list.screening_lapsed = contact_list.removed = False
    record_audit(
        "list screening stated",
        account=account,
        campaign=campaign,
        subject_kind="list",
        subject_id=contact_list.id,
        before={"screened": before},
        after={"screened": _as_text(contact_list)},
    )


def pause_old_screenings() -> int:
    """Pause the lists whose screening has become too old under the law of their country. Return how
    many lists were paused."""
    paused = 0
    for country in countries():
        rule = rules_for(country).screening
        if rule is None or not rule.blocks:
            continue
        campaigns = db.session.scalars(select(Campaign).where(Campaign.country == country)).all()
        for campaign in campaigns:
            oldest = today_in(campaign) - timedelta(days=rule.days.value)
            ended = db.session.execute(
                update(ContactList)
                .where(
                    ContactList.campaign_id == campaign.id,
                    ContactList.screened_on < oldest,
                    ContactList.screening_not_needed.is_(False),
                    ContactList.removed.is_(False),
                )
                .values(removed=True, screening_lapsed=True)
            )
            paused += ended.rowcount  # type: ignore[attr-defined]
    return paused


def refuse_old(contact_list: ContactList) -> None:
    """Raise ConflictError if the law forbids calls to the list because its screening is too old."""
    campaign = db.session.get_one(Campaign, contact_list.campaign_id)
    screening = screening_of(contact_list, campaign)
    if screening.state is ScreeningState.OLD and screening.blocks:
        raise ConflictError(
            f"This list was screened more than {screening.days} days ago.",
            f"Screen it against {screening.register} again, and enter the day.",
        )


def today_in(campaign: Campaign, at: datetime | None = None) -> date:
    """Return today's date in the first time zone of the campaign's country."""
    return (at or now()).astimezone(first_zone_of(campaign)).date()


def _as_text(contact_list: ContactList) -> str:
    if contact_list.screening_not_needed:
        return "not needed"
    return contact_list.screened_on.isoformat() if contact_list.screened_on else "unsaid"
