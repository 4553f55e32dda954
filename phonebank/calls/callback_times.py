"""Works out the time of a callback from what a caller or an organiser tapped or typed.

This module only interprets the input. `retry_policy.decide` moves the time into calling hours.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Call, Campaign, Contact
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.time_zones import time_zone

LATER_TODAY = "later_today"
TOMORROW = "tomorrow"
NEXT_WEEK = "next_week"
CHOSEN = "chosen"
PRESETS = {
    LATER_TODAY: "In 3 hours",
    TOMORROW: "This time tomorrow",
    NEXT_WEEK: "This time next week",
}

LATER_BY = timedelta(hours=3)
# A caller may promise a time up to this far ahead.
AHEAD_AT_MOST = timedelta(days=92)


def callback_time(
    preset: str, day: str, clock: str, zone: ZoneInfo, now: datetime
) -> datetime | None:
    """Return the promised time (aware), or None if no time was given.

    `preset` is CHOSEN, "" or one of the keys of PRESETS. `day` and `clock` are ISO text
    (2026-05-07, 18:30) in the contact's time zone. Both are ignored if `preset` is one of the keys
    of PRESETS. A day without a time means the current time on that day, and a time without a day
    means today.

    Raises InvalidInputError for an unknown preset, and for CHOSEN if `day` and `clock` are both
    blank. Also raises InvalidInputError if `day` or `clock` is not ISO text, or if together they
    mean a time that is not in the future or is more than AHEAD_AT_MOST ahead. These errors are not
    raised if `day` and `clock` are ignored.
    """
    if preset == LATER_TODAY:
        return now + LATER_BY
    local = now.astimezone(zone)
    if preset in (TOMORROW, NEXT_WEEK):
        # `local` is local time, so the time of day stays the same even if the clocks change.
        return local + timedelta(days=1 if preset == TOMORROW else 7)
    if preset not in ("", CHOSEN):
        raise InvalidInputError(
            "That isn't one of the times to call back.", "Choose one of the buttons."
        )
    if not day.strip() and not clock.strip():
        if preset == CHOSEN:
            raise InvalidInputError(
                "Say when to call back.", "Enter a day, or tap one of the buttons."
            )
        return None
    chosen = datetime.combine(_date(day, local.date()), _time(clock, local.time()), zone)
    if chosen <= now:
        raise InvalidInputError("That time has passed.", "Choose a later day or time.")
    if chosen - now > AHEAD_AT_MOST:
        raise InvalidInputError("That's more than three months away.", "Choose an earlier day.")
    return chosen


def zone_of(call: Call) -> ZoneInfo:
    """Return the time zone of the call's contact. If the contact may be in several zones, return
    the first of them. If no zone is known, return the first time zone of the campaign's country."""
    contact = db.session.get_one(Contact, call.contact_id)
    campaign = db.session.get_one(Campaign, call.campaign_id)
    zones = zones_in_key(contact.zone_key) or tuple(rules_of(campaign).time_zones.value)
    return time_zone(zones[0])


def _date(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else today
    except ValueError:
        raise InvalidInputError(
            "That isn't a date.", "Write the date like this: 2026-05-07."
        ) from None


def _time(text: str, now: time) -> time:
    try:
        clock = time.fromisoformat(text.strip()) if text.strip() else now
    except ValueError:
        raise InvalidInputError(
            "That isn't a time of day.", "Write the time like this: 18:30."
        ) from None
    return clock.replace(second=0, microsecond=0, tzinfo=None)
