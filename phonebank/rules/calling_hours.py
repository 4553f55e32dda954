"""Decides whether a contact may be called now and, if not, when the contact may next be called.

A contact may be called when the local time is inside both the campaign's hours and the country's
permitted hours for that date. If the number may be in several time zones, the local time must be
inside these hours in every one of the zones. A number without a zone counts as being in every zone
of the campaign's country. `countries` reads each country's hours, and
`contact_queue.campaign_hours` selects the campaign's country.

When the clocks change, some local times occur twice and some not at all. So the starts and ends of
calling hours are not converted to UTC one by one. Instead, each UTC day is cut into pieces at the
moments when the zone's offset changes. Within a piece, local time is UTC plus a constant, so the
day's calling hours can be converted to UTC exactly. The results are spans of time in UTC. The start
of a span belongs to the span, and its end does not. The spans are cached, because Phonebank needs
the same few zones and days again and again.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

from phonebank.rules.countries import CountryRules
from phonebank.rules.time_zones import time_zone
from phonebank.rules.week_hours import Opening, WeekHours

TimeOfDay = Literal["morning", "afternoon", "evening"]

# Minutes after local midnight. People answer most from 18:00 to 19:00 and least before 9:00
# (callhub, 2.2 million calls, 2020), so a try in another part of the day may succeed.
TIMES_OF_DAY: dict[TimeOfDay, Opening] = {
    "morning": (0, 12 * 60),
    "afternoon": (12 * 60, 17 * 60),
    "evening": (17 * 60, 24 * 60),
}

# `next_callable` searches this far ahead. That is longer than any series of closed days, and the
# search is still quick.
HORIZON = timedelta(days=60)

_Span = tuple[datetime, datetime]  # the start and the end in UTC; the end is excluded
_Avoid = tuple[TimeOfDay | None, ...]  # for each zone, the part of the day to avoid

_DAY = timedelta(days=1)
_LOOK_FOR_CHANGE_EVERY = timedelta(hours=6)


def zones_in_key(key: str) -> tuple[str, ...]:
    """Return the zones in a key such as "Europe/London|Europe/Paris". The key "" has no zones."""
    return tuple(key.split("|")) if key else ()


def is_callable(
    zones: tuple[str, ...], at: datetime, hours: WeekHours, rules: CountryRules
) -> bool:
    """Whether a contact that may be in any of `zones` may be called at `at` (aware). If `zones` is
    empty, the contact may be in any zone of the country."""
    at = _utc(at)
    return any(
        start <= at < end for start, end in _open(zones or rules.time_zones.value, at, hours, rules)
    )


def next_callable(
    zones: tuple[str, ...],
    at: datetime,
    hours: WeekHours,
    rules: CountryRules,
    *,
    other_time_of_day_than: datetime | None = None,
    within: timedelta = HORIZON,
) -> datetime | None:
    """Return the first moment (in UTC) at or after `at` when the contact may be called.

    Return None if there is no such moment between `at` and `at + within`. If
    `other_time_of_day_than` (a moment) is given, the result is in another part of the day
    (TIMES_OF_DAY) than that moment, in every zone of the contact.
    """
    at = _utc(at)
    zones = zones or rules.time_zones.value
    avoid: _Avoid = ()
    if other_time_of_day_than is not None:
        avoid = tuple(time_of_day(zone, other_time_of_day_than) for zone in zones)
    for start, end in _open_from(zones, at, hours, rules, avoid, within + _DAY):
        if end > at:
            first = max(start, at)
            return first if first <= at + within else None
    return None


def time_of_day(zone: str, at: datetime) -> TimeOfDay:
    """Return which part of the day (morning, afternoon or evening) it is in this zone at the moment
    `at`."""
    local = at.astimezone(time_zone(zone))
    minutes = local.hour * 60 + local.minute
    return next(name for name, (start, end) in TIMES_OF_DAY.items() if start <= minutes < end)


def contact_date(zones: tuple[str, ...], at: datetime, rules: CountryRules) -> date:
    """Return the contact's local date at `at` (aware). If the contact may be in several zones,
    return the earliest of the zones' dates.

    So an attempt counts towards the limit for a day until the next day has begun in every zone.
    """
    return min(at.astimezone(time_zone(zone)).date() for zone in zones or rules.time_zones.value)


def next_contact_date(zones: tuple[str, ...], at: datetime, rules: CountryRules) -> datetime:
    """Return the first moment, in UTC, at which `contact_date` is later than its value at `at`."""
    tomorrow = contact_date(zones, at, rules) + _DAY
    # If a clock change skips midnight, Python converts it to the moment of the change. If midnight
    # comes twice, Python takes the first (PEP 495, fold=0). In both cases the new date begins at
    # that moment.
    return max(
        datetime.combine(tomorrow, datetime.min.time(), time_zone(zone)).astimezone(UTC)
        for zone in zones or rules.time_zones.value
    )


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone: give an aware datetime")
    return at.astimezone(UTC)


def _open(
    zones: tuple[str, ...], at: datetime, hours: WeekHours, rules: CountryRules
) -> tuple[_Span, ...]:
    return _open_everywhere(zones, at.date(), hours, rules, ())


def _open_from(
    zones: tuple[str, ...],
    at: datetime,
    hours: WeekHours,
    rules: CountryRules,
    avoid: _Avoid,
    within: timedelta,
) -> Iterator[_Span]:
    """Yield, in order, the spans of time in which calls are allowed. In each zone, the zone's part
    of the day in `avoid` is left out. The first day is the UTC day of `at`. The last day is the day
    that is `within` later."""
    for n in range(within // _DAY + 1):
        yield from _open_everywhere(zones, at.date() + n * _DAY, hours, rules, avoid)


@lru_cache(maxsize=16_384)
def _open_everywhere(
    zones: tuple[str, ...], day: date, hours: WeekHours, rules: CountryRules, avoid: _Avoid
) -> tuple[_Span, ...]:
    """Return the spans of one UTC day in which calls are allowed in all the zones. In each zone,
    the zone's part of the day in `avoid` is left out."""
    spans: tuple[_Span, ...] | None = None
    for n, zone in enumerate(zones):
        own = _open_in(zone, day, hours, rules, avoid[n] if avoid else None)
        spans = own if spans is None else tuple(_overlaps(spans, own))
    return spans or ()


@lru_cache(maxsize=16_384)
def _open_in(
    zone: str, day: date, hours: WeekHours, rules: CountryRules, avoid: TimeOfDay | None
) -> tuple[_Span, ...]:
    """Return the spans of one UTC day in which calls are allowed in one zone. If `avoid` is given,
    this part of the day is left out."""
    spans: list[_Span] = []
    for start, end, offset in _pieces(zone, day):
        local_start, local_end = start + offset, end + offset
        local_day = local_start.date()
        while local_day <= local_end.date():
            midnight = datetime.combine(local_day, datetime.min.time(), UTC)
            for first, last in _openings(local_day, hours, rules, avoid):
                opens = max(midnight + timedelta(minutes=first), local_start)
                closes = min(midnight + timedelta(minutes=last), local_end)
                if opens < closes:
                    spans.append((opens - offset, closes - offset))
            local_day += _DAY
    return tuple(spans)


def _openings(
    day: date, hours: WeekHours, rules: CountryRules, avoid: TimeOfDay | None
) -> list[Opening]:
    """Return the spans of a local date in which calls are allowed. If `avoid` is given, this part
    of the day is left out. A span's start and end are in minutes after midnight. A span whose end
    is not after its start is empty."""
    own, permitted = hours.days[day.weekday()], rules.permitted_on(day)
    if own is None or permitted is None:
        return []
    start, end = max(own[0], permitted[0]), min(own[1], permitted[1])
    if avoid is None:
        return [(start, end)]
    avoid_start, avoid_end = TIMES_OF_DAY[avoid]
    return [(start, min(end, avoid_start)), (max(start, avoid_end), end)]


def _pieces(zone: str, day: date) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut a UTC day into pieces, and yield the pieces, each with the zone's offset from UTC. The
    offset does not change within a piece. There is nearly always only one piece."""
    tz = time_zone(zone)
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    start, offset = midnight, _offset(midnight, tz)
    steps = _DAY // _LOOK_FOR_CHANGE_EVERY
    for n in range(steps):
        before, after = (midnight + m * _LOOK_FOR_CHANGE_EVERY for m in (n, n + 1))
        if _offset(after, tz) == offset:
            continue
        # The offset changes between these two moments. The loop halves the time between them until
        # it has found the second in which the offset changes.
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            middle = middle.replace(microsecond=0)
            if _offset(middle, tz) == offset:
                before = middle
            else:
                after = middle
        if after < midnight + _DAY:
            yield start, after, offset
            start, offset = after, _offset(after, tz)
    yield start, midnight + _DAY, offset


def _offset(at: datetime, tz: tzinfo) -> timedelta:
    return at.astimezone(tz).utcoffset() or timedelta(0)


def _overlaps(some: tuple[_Span, ...], others: tuple[_Span, ...]) -> Iterator[_Span]:
    """Yield the overlaps between two ordered series of spans."""
    for start, end in some:
        for other_start, other_end in others:
            if max(start, other_start) < min(end, other_end):
                yield max(start, other_start), min(end, other_end)
