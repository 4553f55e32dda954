"""Keeps track of which lists have been screened. Screening a list means to compare its numbers with
the country's register of people who do not want calls.

For each list, an organiser states when the list was screened, or why the list does not need
screening. If the country's law forbids calls to lists that have not been screened, a new list is
paused until an organiser has made this statement. The list is paused again when its screening is
older than the law allows. The calling code commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import or_, select, update

from phonebank.audit.record import record_audit
from phonebank.contact_queue.campaign_hours import date_in_first_zone
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, ContactList, ListPurpose, ListState, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS
from phonebank.rules.countries import countries, rules_for

# An organiser is warned this many days before a screening gets too old.
WARNED_BEFORE = 7
LONGEST_REASON = 200  # characters


class ScreeningState(StrEnum):
    """What is known about a list's screening: its comparison with the register of people who do not
    want calls."""

    NONE = "none"  # the country has no such register
    UNSAID = "unsaid"
    NOT_NEEDED = "not_needed"  # an organiser says so, with the reason
    FRESH = "fresh"
    ENDS_SOON = "ends_soon"
    OLD = "old"


@dataclass(frozen=True)
class Screening:
    """A list's screening. `register` names the country's register of people who do not want calls.
    `days` is the number of days for which a screening is valid. `until` is the last day on which
    this screening is valid, or None without a screening. `blocks` says whether the law forbids
    calls to a list without a valid screening."""

    state: ScreeningState
    register: str = ""
    days: int = 0
    blocks: bool = False
    until: date | None = None

    @property
    def stops_calls(self) -> bool:
        """Whether the law currently forbids calls to the list."""
        return self.blocks and self.state in (ScreeningState.UNSAID, ScreeningState.OLD)


def blocks_calls(campaign: Campaign) -> bool:
    """Whether the law forbids calls to those lists of this campaign that have no valid screening.
    Screening means that a list was compared with the register of people who do not want calls.

    The numbers of a demonstration do not belong to real people, so the law does not apply to them.
    """
    rule = rules_for(campaign.country).screening
    return rule is not None and rule.blocks and not campaign.allow_drama_numbers


def begin_unscreened(contact_list: ContactList, campaign: Campaign) -> None:
    """Pause a new list if the law forbids calls to lists that were not compared with the register
    of people who do not want calls. `attest` resumes the list."""
    if blocks_calls(campaign):
        contact_list.screening_lapsed = contact_list.removed = True


def stopped_lists(campaign: Campaign) -> Sequence[int]:
    """Return the ids of the lists that are paused because their screening is missing or too old.
    Screening means that a list was compared with the register of people who do not want calls.
    Uploads that are not confirmed, have failed or were undone are left out."""
    query = select(ContactList.id).where(
        ContactList.campaign_id == campaign.id,
        ContactList.screening_lapsed,
        ContactList.state.in_((ListState.READY, *LIST_STATES_IN_PROGRESS)),
    )
    return db.session.scalars(query.order_by(ContactList.id)).all()


def screening_of(contact_list: ContactList, campaign: Campaign) -> Screening:
    """Return what is known today about a list's screening (comparison with the register of people
    who do not want calls)."""
    rule = rules_for(campaign.country).screening
    if rule is None:
        return Screening(ScreeningState.NONE)
    what = (rule.register, rule.days.value, blocks_calls(campaign))
    if contact_list.screening_not_needed:
        return Screening(ScreeningState.NOT_NEEDED, *what)
    if contact_list.screened_on is None:
        return Screening(ScreeningState.UNSAID, *what)
    until = contact_list.screened_on + timedelta(days=rule.days.value)
    left = (until - date_in_first_zone(campaign)).days
    state = (
        ScreeningState.OLD
        if left < 0
        else ScreeningState.ENDS_SOON
        if left <= WARNED_BEFORE
        else ScreeningState.FRESH
    )
    return Screening(state, *what, until)


def attest(
    contact_list: ContactList,
    campaign: Campaign,
    screened_on: date | None,
    account: Account,
    reason: str = "",
) -> None:
    """Store an organiser's statement about a list's screening. `screened_on` is the day on which
    the list was compared with the register of people who do not want calls. If the list needs no
    screening, `screened_on` is None and `reason` says why.

    If the list is paused because of its screening, it is resumed. Raises InvalidInputError if the
    date is in the future, or if the law forbids calls to a list whose screening is that old. Also
    raises InvalidInputError if the reason is needed and is missing or too long. Raises
    ConflictError if the country has no known register, or if the list was undone.
    """
    rule = rules_for(campaign.country).screening
    if rule is None:
        raise ConflictError(
            "We know no register for this campaign's country.", "There is nothing to screen."
        )
    reason = " ".join(reason.split()) if screened_on is None else ""
    if screened_on is None and not 0 < len(reason) <= LONGEST_REASON:
        raise InvalidInputError(
            "Say why this list doesn't need to be screened.",
            f"Use at most {LONGEST_REASON} characters.",
        )
    today = date_in_first_zone(campaign)
    if screened_on is not None and screened_on > today:
        raise InvalidInputError("That day is in the future.", "Enter the day of the screening.")
    oldest = today - timedelta(days=rule.days.value)
    if screened_on is not None and blocks_calls(campaign) and screened_on < oldest:
        raise InvalidInputError(
            f"A screening counts for {rule.days.value} days, and this one is older.",
            f"Screen the list against {rule.register} again, and enter that day.",
        )
    lock_row(contact_list)
    if contact_list.state == ListState.UNDONE:
        raise ConflictError("This upload was undone.", "Upload the file again.")
    before, reason_before = _as_text(contact_list), contact_list.screening_reason
    contact_list.screened_on = screened_on
    contact_list.screening_not_needed = screened_on is None
    contact_list.screening_reason = reason
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
        # The reason may name a person, and an audit entry is never deleted.
        after={"screened": _as_text(contact_list)}
        | ({"reason": "changed"} if reason != reason_before else {}),
    )


def pause_old_screenings() -> int:
    """Pause each list whose screening is missing or too old, in countries whose law forbids calls
    to such lists. Screening means that a list was compared with the register of people who do not
    want calls. Demonstrations are left out. Return how many lists were paused."""
    paused = 0
    for country in countries():
        rule = rules_for(country).screening
        if rule is None or not rule.blocks:
            continue
        real = select(Campaign).where(
            Campaign.country == country, Campaign.allow_drama_numbers.is_(False)
        )
        for campaign in db.session.scalars(real).all():
            oldest = date_in_first_zone(campaign) - timedelta(days=rule.days.value)
            ended = db.session.execute(
                update(ContactList)
                .where(
                    ContactList.campaign_id == campaign.id,
                    ContactList.purpose == ListPurpose.CALL,
                    or_(ContactList.screened_on < oldest, ContactList.screened_on.is_(None)),
                    ContactList.screening_not_needed.is_(False),
                    ContactList.removed.is_(False),
                )
                .values(removed=True, screening_lapsed=True)
            )
            paused += ended.rowcount  # type: ignore[attr-defined]
    return paused


def refuse_unscreened(contact_list: ContactList) -> None:
    """Raise ConflictError if the law forbids calls to the list because its screening is missing or
    too old. Screening means that a list was compared with the register of people who do not want
    calls."""
    campaign = db.session.get_one(Campaign, contact_list.campaign_id)
    screening = screening_of(contact_list, campaign)
    if screening.state is ScreeningState.UNSAID and screening.blocks:
        raise ConflictError(
            f"Nobody has said when this list was screened against {screening.register}.",
            "Enter the screening's day on the list's page, or say why none is needed.",
        )
    if screening.stops_calls:
        raise ConflictError(
            f"This list was screened more than {screening.days} days ago.",
            f"Screen it against {screening.register} again, and enter that day.",
        )


def _as_text(contact_list: ContactList) -> str:
    if contact_list.screening_not_needed:
        return "not needed"
    return contact_list.screened_on.isoformat() if contact_list.screened_on else "unsaid"
