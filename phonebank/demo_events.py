"""The events of the demonstration: invented phone parties and other events in three countries."""

import random
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from phonebank.accounts.accounts import create_account
from phonebank.core.db import db
from phonebank.core.secret_text import encrypt
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Listing,
    ListingKind,
    ListingState,
    Party,
    Place,
    RoleName,
    now,
)
from phonebank.places.find import describe_place
from phonebank.rules.countries import rules_for
from phonebank.rules.time_zones import time_zone
from phonebank.trainings.rooms import open_room

# How many events each country has, in which zone, and the languages that people speak there.
COUNTRIES = (
    ("GB", 200, "Europe/London", ["en"]),
    ("DE", 60, "Europe/Berlin", ["de", "en"]),
    ("IE", 40, "Europe/Dublin", ["en"]),
)
HOSTS = (
    "Aisha", "Ben", "Carla", "Dafydd", "Elif", "Finn", "Gita", "Hannah", "Ivo", "Joy", "Kwame",
    "Lena", "Mo", "Nora", "Omar",
)  # fmt: skip
BY_VIDEO_EVERY = 12
# One in this many events is not a party. Its kind and its title are the next of OTHERS.
OTHER_EVERY = 25
OTHERS = (
    (ListingKind.TRAINING, "Learn to call in {}"),
    (ListingKind.CANVASSING, "Knock on doors in {}"),
    (ListingKind.CALL_OUT, "Call-out in {}"),
)
WITHIN = 21  # days


def load() -> None:
    """Store a campaign with its hosts and up to 300 events in towns from the table `place`. Anyone
    can find these events by place and day. A country gets no events if the table has no town there
    with more than 15,000 people. The calling code must commit."""
    campaign = Campaign(
        name="Neighbours everywhere",
        on_behalf_of="the Riverside Neighbours campaign",
        country="GB",
        state=CampaignState.RUNNING,
        controller="the Riverside Neighbours campaign",
        lawful_basis="legitimate_interests",
        lawful_basis_note="It has events only, and calls nobody.",
        ends_on=now().date() + timedelta(days=365),
        retention_days=rules_for("GB").retention_days.value,
    )
    db.session.add(campaign)
    db.session.flush()
    # With this seed the events are the same on every machine.
    choice = random.Random(2016)  # noqa: S311 (invented events, not secrets)
    hosts = [create_account(f"{name.lower()}@example.org", name, [RoleName.HOST]) for name in HOSTS]
    campaign.hosts.extend(hosts)
    for country, count, zone, languages in COUNTRIES:
        towns = db.session.scalars(
            select(Place)
            .where(Place.country == country, Place.population > 15_000)
            .order_by(Place.population.desc(), Place.id)
            .limit(250)
        ).all()
        for number in range(count if towns else 0):
            # Larger towns are chosen more often.
            place = towns[min(int(choice.expovariate(1 / 60)), len(towns) - 1)]
            host = choice.choice(hosts)
            starts_at = _evening(choice, zone)
            by_video = number % BY_VIDEO_EVERY == 0
            if number % OTHER_EVERY == 1:
                kind, title = OTHERS[number // OTHER_EVERY % len(OTHERS)]
                title = title.format(place.name)[:40]
                listing = _listing(campaign, host, place, starts_at, zone, False, kind, title)
            else:
                listing = _party(campaign, host, place, starts_at, zone, by_video)
            listing.places = choice.choice((6, 8, 10, 12, 16))
            listing.languages = languages[: choice.choice((1, len(languages)))]
            listing.step_free = None if by_video else choice.choice((True, False, None))


def _evening(choice: random.Random, zone: str) -> datetime:
    day: date = now().date() + timedelta(days=choice.randint(1, WITHIN))
    return datetime.combine(day, time(choice.choice((18, 19)), 30), time_zone(zone))


def _party(
    campaign: Campaign, host: Account, place: Place, starts_at: datetime, zone: str, by_video: bool
) -> Listing:
    title = f"Phone party in {place.name}"[:40] if not by_video else "Phone party by video"
    party = Party(
        campaign_id=campaign.id,
        host_id=host.id,
        title=title,
        starts_at=starts_at,
        time_zone=zone,
        goal=30,
    )
    db.session.add(party)
    db.session.flush()
    kind = ListingKind.PARTY
    listing = _listing(campaign, host, place, starts_at, zone, by_video, kind, title)
    listing.party_id = party.id
    return listing


def _listing(
    campaign: Campaign,
    host: Account,
    place: Place,
    starts_at: datetime,
    zone: str,
    by_video: bool,
    kind: ListingKind,
    title: str,
) -> Listing:
    listing = Listing(
        campaign_id=campaign.id,
        host_id=host.id,
        kind=kind,
        state=ListingState.SHOWN,
        title=title,
        host_name=host.name,
        starts_at=starts_at,
        time_zone=zone,
        by_video=by_video,
        country=place.country,
        place_code=place.code,
        area=describe_place(place),
        latitude=place.latitude,
        longitude=place.longitude,
        address=None if by_video else encrypt("1 Invented Street"),
        places=1,  # the calling code chooses another number
        checked_at=now(),
    )
    db.session.add(listing)
    if kind == ListingKind.TRAINING:
        db.session.flush()
        open_room(listing)
    return listing
