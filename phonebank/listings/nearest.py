"""The events nearest to a place, as strangers may see them. No function here reads a street
address."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from phonebank.core.db import db
from phonebank.models import (
    Campaign,
    CampaignState,
    Guest,
    GuestState,
    Listing,
    ListingKind,
    ListingState,
)
from phonebank.parties.calendar import LASTS
from phonebank.places.distance import box_around, km_between
from phonebank.rules.languages import LANGUAGES
from phonebank.rules.local_moments import describe_moment, describe_moment_anywhere
from phonebank.rules.time_zones import time_zone

SHOWN_AT_MOST = 20
# Kilometres. People rarely travel farther than this. If no event is nearer, the page also offers
# other ways to take part.
NEAR = 30.0
# The search widens in these steps until it has found enough events. The last step is farther than
# anybody goes.
_REACHES = (8.0, NEAR, 120.0, 500.0)
VIDEO_AT_MOST = 5
# With at most this many events in all, a process reads them all at once and looks among them, which
# takes less time than a query for each page.
READ_AT_MOST = 2_000
# The public rule of the label "needed most".
NEEDED_WITHIN = timedelta(days=7)
NEEDED_RULE = (
    "“Needed most” means that the event is within seven days and fewer than half of its places are "
    "taken."
)
KINDS = {
    ListingKind.PARTY: "Phone party",
    ListingKind.CALL_OUT: "Call-out",
    ListingKind.TRAINING: "Training",
    ListingKind.CANVASSING: "Canvassing",
}
# Public pages read only these columns. The street address is not among them.
_COLUMNS = (
    Listing.id,
    Listing.kind,
    Listing.title,
    Listing.host_name,
    Listing.starts_at,
    Listing.time_zone,
    Listing.by_video,
    Listing.area,
    Listing.country,
    Listing.place_code,
    Listing.latitude,
    Listing.longitude,
    Listing.places,
    Listing.step_free,
    Listing.languages,
    Listing.checked_at,
)
# Latitude and longitude in degrees.
Point = tuple[float, float]


@dataclass(frozen=True)
class Near:
    """One event, as strangers see it. `left` is the number of free places. `checked_at` is the time
    at which the event was last confirmed, in the event's time zone. It is None if nobody has
    confirmed the event yet."""

    id: int
    kind: str
    title: str
    host_name: str
    when: str
    starts_at: datetime
    by_video: bool
    area: str
    left: int
    step_free: bool | None
    languages: tuple[str, ...]
    checked_at: datetime | None
    is_needed: bool

    @property
    def facts(self) -> str:
        """Facts about the event in one line, such as “3 places left · step-free · German”."""
        if self.left:
            facts = [f"{self.left} place{'' if self.left == 1 else 's'} left"]
        else:
            facts = ["Full: waiting list"]
        if self.by_video:
            facts.append("by video")
        elif self.step_free is not None:
            facts.append("step-free" if self.step_free else "not step-free")
        if self.languages:
            facts.append(", ".join(self.languages))
        return " · ".join(facts)

    @property
    def checked(self) -> str:
        """When the event was last confirmed, such as “ · last confirmed on 3 May”. The text is ""
        if nobody has confirmed the event yet."""
        at = self.checked_at
        return f" · last confirmed on {at.day} {at:%B}" if at else ""


class Found(NamedTuple):
    """An event that a search found. `km` is the distance in kilometres from the place of the
    search."""

    km: float
    event: Near


@dataclass(frozen=True)
class Dot:
    """A place that has events, as the map needs it. `count` is the number of these events."""

    country: str
    place_code: str
    area: str
    latitude: float
    longitude: float
    count: int


@dataclass(frozen=True)
class Events:
    """All events that strangers can find, except events by video. `found` has each event with its
    point, from south to north. `latitudes` has the latitudes of these points in the same order."""

    latitudes: list[float]
    found: list[tuple[Point, Near]]


def all_events(at: datetime) -> Events | None:
    """Return all events that strangers can find, except events by video. Return None if there are
    more than READ_AT_MOST such events."""
    query = _shown(at, Listing.by_video.is_(False)).order_by(Listing.latitude)
    rows = db.session.execute(query.limit(READ_AT_MOST + 1)).all()
    if len(rows) > READ_AT_MOST:
        return None
    points = [(row.latitude, row.longitude) for row in rows]
    described = _describe(rows, at)
    found = list(zip(points, described, strict=True))
    return Events([latitude for latitude, _ in points], found)


def nearest(point: Point, at: datetime, events: Events | None = None) -> list[Found]:
    """Return up to twenty events that are at most 500 kilometres away from `point`, nearest first.
    Events by video are left out. Events at the same distance, rounded to 100 metres, are sorted by
    start time.

    `events` is what `all_events` returned a short time ago. If it is None, the events are read from
    the database.
    """
    close: list[tuple[float, Any]] = []
    for reach in _REACHES:
        box = box_around(point, reach)
        found = _read_box(box, at) if events is None else _of_box(box, at, events)
        if len(found) < SHOWN_AT_MOST and reach != _REACHES[-1]:
            continue
        distances = [(km_between(point, where), one) for where, one in found]
        # The corners of the box are farther away than `reach`.
        close = [one for one in distances if one[0] <= reach]
        if len(close) >= SHOWN_AT_MOST:
            break
    close.sort(key=lambda one: (round(one[0], 1), one[1].starts_at, one[1].id))
    shown = close[:SHOWN_AT_MOST]
    described = [one for _, one in shown]
    if events is None:
        described = _describe(described, at)
    return [Found(km, event) for (km, _), event in zip(shown, described, strict=True)]


# The southern, western, northern and eastern edge, in degrees.
_Box = tuple[float, float, float, float]


def _read_box(box: _Box, at: datetime) -> list[tuple[Point, Any]]:
    south, west, north, east = box
    query = _shown(
        at,
        Listing.by_video.is_(False),
        Listing.latitude.between(south, north),
        Listing.longitude.between(west, east),
    )
    return [((row.latitude, row.longitude), row) for row in db.session.execute(query)]


def _of_box(box: _Box, at: datetime, events: Events) -> list[tuple[Point, Near]]:
    south, west, north, east = box
    latitudes = events.latitudes
    band = events.found[bisect_left(latitudes, south) : bisect_right(latitudes, north)]
    return [one for one in band if west <= one[0][1] <= east and one[1].starts_at > at - LASTS]


def by_video(at: datetime) -> list[Near]:
    """Return up to VIDEO_AT_MOST events by video that are not over, soonest first."""
    query = _shown(at, Listing.by_video.is_(True)).order_by(Listing.starts_at, Listing.id)
    rows = db.session.execute(query.limit(VIDEO_AT_MOST)).all()
    return _describe(rows, at)


def near_of(listings: Sequence[Listing], at: datetime) -> list[Near]:
    """Return these listings as strangers see them, in the same order."""
    return _describe(listings, at)


def dots(countries: Sequence[str], at: datetime) -> list[Dot]:
    """Return the places in these countries that have events. Events by video do not count. The
    places with the most events come first."""
    count = func.count().label("count")
    columns = (
        Listing.country, Listing.place_code, Listing.area, Listing.latitude, Listing.longitude,
    )  # fmt: skip
    query = (
        select(*columns, count)
        .where(*_conditions(at), Listing.by_video.is_(False), Listing.country.in_(countries))
        .group_by(*columns)
        .order_by(count.desc(), Listing.place_code)
    )
    return [Dot(*row) for row in db.session.execute(query)]


def _shown(at: datetime, *conditions: ColumnElement[bool]) -> Any:
    return select(*_COLUMNS).where(*_conditions(at), *conditions)


def _conditions(at: datetime) -> tuple[ColumnElement[bool], ...]:
    running = select(Campaign.id).where(
        Campaign.state != CampaignState.ENDED, Campaign.erasing_since.is_(None)
    )
    return (
        Listing.state == ListingState.SHOWN,
        Listing.starts_at > at - LASTS,
        Listing.campaign_id.in_(running),
    )


def _describe(rows: Sequence[Any], at: datetime) -> list[Near]:
    taken = _taken([row.id for row in rows])
    return [
        Near(
            id=row.id,
            kind=KINDS[row.kind],
            title=row.title,
            host_name=row.host_name,
            when=(describe_moment_anywhere if row.by_video else describe_moment)(
                row.starts_at, row.time_zone
            ),
            starts_at=row.starts_at,
            by_video=row.by_video,
            area=row.area,
            left=max(0, row.places - taken.get(row.id, 0)),
            step_free=row.step_free,
            languages=tuple(LANGUAGES[code] for code in row.languages if code in LANGUAGES),
            checked_at=row.checked_at and row.checked_at.astimezone(time_zone(row.time_zone)),
            is_needed=at < row.starts_at <= at + NEEDED_WITHIN
            and taken.get(row.id, 0) * 2 < row.places,
        )
        for row in rows
    ]


def _taken(ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(Guest.listing_id, func.count())
        .where(Guest.listing_id.in_(ids), Guest.state == GuestState.ACCEPTED)
        .group_by(Guest.listing_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}
