"""The page for a caller who gets no contact at the moment, for example because there is nobody to
call. The page shows the reason, the end of the wait if it is known, and the totals of the caller
and the team so far."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template

from callers.views import page_data
from phonebank.calls.claim import NobodyToCallError
from phonebank.calls.eligibility import OnBreakError
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.contact_queue.empty_reasons import SOON, EmptyReason
from phonebank.core.errors import GoneError, PhonebankError
from phonebank.models import Caller, Campaign, now
from phonebank.roster.filters import offered_languages
from phonebank.roster.pace import PacePausedError
from phonebank.rules.time_zones import city_of, time_zone
from phonebank.tallies.totals import party_totals, totals_of_caller
from phonebank.trainings.marks import TrainingRequiredError

# The headings. `{when}` is the time at which the next contact becomes callable, as in “on Sunday at
# 10:00”.
_TITLES = {
    EmptyReason.OUT_OF_HOURS: "Calling is closed for now",
    EmptyReason.RESTING: "Nobody to call right now",
    EmptyReason.ON_SCREENS: "Everyone is being called",
    EmptyReason.BEING_READ: "The list is on its way",
    EmptyReason.LANGUAGE: "Nobody left in your language",
    EmptyReason.OTHER_LISTS: "Your lists are done",
    EmptyReason.FILTER: "Nobody left among the people chosen for you",
    EmptyReason.PAUSED: "The list is paused",
    EmptyReason.SCREENING: "The list isn't ready",
    EmptyReason.EMPTY: "Nobody to call yet",
    EmptyReason.DONE: "That was everyone",
}
_TITLES_WITH_A_TIME = {
    EmptyReason.OUT_OF_HOURS: "Calling opens {when}",
    EmptyReason.RESTING: "The next person is ready {when}",
}
# The page asks for a contact once in this many seconds. At first it asks more often.
ASK_SOON = 30
ASK_SELDOM = 60
_ENDS_SOON = (EmptyReason.ON_SCREENS, EmptyReason.BEING_READ)


@dataclass(frozen=True)
class Waiting:
    """Why a caller gets no contact, for the waiting page.

    `key` differs for each reason and time, so an open page notices when its reason is out of date.
    `next_at` (aware UTC) is the end of the wait, or None if that is unknown. `ask_every` is the
    number of seconds after which the page asks for a contact again. At first, the page asks more
    often. `ask_every` is None if the queue has nobody for the caller until `next_at`, and `next_at`
    is not soon. The page then asks for no contact. When the wait ends, the page opens the briefing,
    where the caller has to tap the button. `pauses` is true if the caller has reached a limit
    (`roster.pace`). The caller must then pause until `next_at`, or until an organiser has reviewed
    the caller. `on_break` is true during a party's break.
    """

    key: str
    reason: PhonebankError
    title: str
    next_at: datetime | None
    ask_every: int | None
    pauses: bool
    on_break: bool

    @property
    def seconds(self) -> int | None:
        """The seconds until the wait ends, or None if that is unknown."""
        return ceil((self.next_at - now()).total_seconds()) if self.next_at else None

    @property
    def spread(self) -> int:
        """The longest time, in seconds, between the end of the wait and the page's next request to
        the server. The page chooses a random moment within this time. Many callers may wait for
        calling to open, and their pages should not all send a request in the same second."""
        return 1 if self.pauses or self.on_break else 15

    @property
    def why(self) -> EmptyReason | None:
        """The reason why the queue has nobody for the caller, or None if the caller waits for
        another reason."""
        return self.reason.why if isinstance(self.reason, NobodyToCallError) else None

    @property
    def needs_training(self) -> bool:
        """Whether the caller must be marked as trained before they can call."""
        return isinstance(self.reason, TrainingRequiredError)

    @property
    def may_ask_now(self) -> bool:
        """Whether the page has a button with which the caller asks for a contact at once. The page
        has this button if `ask_every` is ASK_SOON, except during a pause or a break."""
        return not self.pauses and not self.on_break and self.ask_every == ASK_SOON


def waiting_of(reason: PhonebankError) -> Waiting:
    """Return what the waiting page shows for the error that a claim raised."""
    why = reason.why if isinstance(reason, NobodyToCallError) else None
    on_break, pauses = isinstance(reason, OnBreakError), isinstance(reason, PacePausedError)
    next_at: datetime | None = getattr(reason, "next_at", None)
    key = why or ("break" if on_break else "pace" if pauses else reason.title)
    titles = _TITLES | _TITLES_WITH_A_TIME if next_at else _TITLES
    return Waiting(
        key=f"{key} {next_at.isoformat()}" if next_at else key,
        reason=reason,
        title=titles[why] if why else reason.title,
        next_at=next_at,
        ask_every=_ask_every(why, next_at),
        pauses=pauses,
        on_break=on_break,
    )


def _ask_every(why: EmptyReason | None, next_at: datetime | None) -> int | None:
    if why is None or why in _ENDS_SOON:
        return ASK_SOON
    if next_at is None:
        return ASK_SELDOM
    # If the wait is long, the page waits for a tap. A screen that was left open for hours must not
    # show a person.
    return ASK_SOON if next_at - now() < SOON else None


def render_waiting(waiting: Waiting, caller: Caller) -> str:
    """Return the waiting page."""
    place = page_data.place_of(caller)
    campaign, party = place["campaign"], place["party"]
    zone = time_zone(party.time_zone) if party else first_zone_of(campaign)
    when = describe_moment(waiting.next_at, now(), zone) if waiting.next_at else ""
    return render_template(
        "callers/waiting.html",
        waiting=waiting,
        reason=waiting.reason,
        when=when,
        title=waiting.title.partition("{when}"),
        own=totals_of_caller(caller.id),
        languages=_languages_to_choose(waiting, campaign, caller),
        toast=page_data.toast_of(caller),
        **team_of(caller),
        **place,
    )


def render_ended(over: GoneError, caller: Caller) -> str:
    """Return the page of a caller whose campaign has ended. Only an admitted caller sees the total
    of the party."""
    return render_template(
        "callers/waiting.html",
        waiting=None,
        reason=over,
        title=("The campaign has ended", "", ""),
        own=totals_of_caller(caller.id),
        toast=page_data.toast_of(caller),
        **(team_of(caller) if caller.may_call else {}),
        **page_data.place_of(caller),
    )


def team_of(caller: Caller) -> dict[str, int]:
    """Return the number of conversations of the caller's party, under the key "team". The dict is
    empty for a caller without a party."""
    if caller.party_id is None:
        return {}
    return {"team": party_totals([caller.party_id])[caller.party_id].conversations}


def describe_moment(moment: datetime, at: datetime, zone: ZoneInfo) -> str:
    """Describe a future moment in words, relative to `at`. The words name the city of `zone`.
    Examples are “at 18:40 (London time)”, “tomorrow at 10:00 (London time)” and “on Sunday 6
    December at 10:00 (London time)”. A page with JavaScript shows the day and time in the reader's
    own zone instead."""
    there = moment.astimezone(zone)
    days = (there.date() - at.astimezone(zone).date()) // timedelta(days=1)
    day = "on %A" if days < 7 else f"on %A {there.day} %B"
    day = {0: "", 1: "tomorrow "}.get(days, f"{day} ")
    return f"{there:{day}at %H:%M} ({city_of(zone)} time)"


def _languages_to_choose(waiting: Waiting, campaign: Campaign, caller: Caller) -> dict[str, Any]:
    """Return the names of the languages that the caller can choose, by code. The dict is empty if
    the caller has chosen no languages and waits for a reason other than language. It is also empty
    if there is no language to choose besides the campaign's own."""
    if waiting.why is not EmptyReason.LANGUAGE and not caller.languages:
        return {}
    return offered_languages(campaign, caller)
