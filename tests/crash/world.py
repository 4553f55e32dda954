"""The campaigns of the soak: one at any hour, one with hours in zones all around the world, and a
side campaign where nobody calls and every button is pressed at once.

Every number is from a range kept for drama, or for fiction in North America (NPA-555-0100 to 0199),
which no one has.
"""

import itertools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from phonebank.accounts.accounts import create_account
from phonebank.core.db import db
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    ListState,
    Party,
    RoleName,
    Script,
    ScriptVersion,
)
from phonebank.roster.pace import AT_ANY_PACE
from phonebank.rules.time_zones import zones_key

PARTIES = 10  # hosts end most of them
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# One zone for nearly every whole hour around the world.
ZONES = """
Pacific/Honolulu America/Anchorage America/Los_Angeles America/Denver America/Chicago
America/New_York America/Puerto_Rico America/Sao_Paulo America/Noronha Atlantic/Azores
Europe/London Europe/Berlin Europe/Athens Africa/Nairobi Asia/Dubai Asia/Karachi Asia/Dhaka
Asia/Bangkok Asia/Singapore Asia/Tokyo Australia/Brisbane Pacific/Guadalcanal Pacific/Auckland
""".split()  # noqa: SIM905

# Retries come as soon as the rules permit, so that people are called again within minutes.
RETRY_RULES = {
    "attempts_at_most": 20,
    "attempts_a_day_at_most": 3,
    "household_rest_minutes": 0,
    "outcomes": {
        key: {"rest_minutes": 1, "another_time_of_day": False, "retries_at_most": 5}
        for key in ("no_answer", "answerphone", "busy", "hung_up", "line_fault", "skipped")
    },
}

SCRIPT = """\
slug: soak
language: en
title: A script for the soak
purpose: To be walked by processes.
provenance: Written for the soak.
licence: CC0-1.0
identification: This is {{ caller_name }}, for {{ on_behalf_of }}.
main_question: support
first_rating: support
yes:
  help: [yes]
steps:
  - id: support
    kind: question
    title: Support
    words: From zero to ten?
    answer: scale
    next: help
  - id: help
    kind: ask
    title: Help
    words: Will you help?
    answer: choice
    choices:
      - key: yes
        label: "Yes"
        goto: goodbye
      - key: no
        label: "No"
        goto: goodbye
  - id: goodbye
    kind: close
    title: Goodbye
    words: Goodbye.
cards: []
practice: []
"""


@dataclass(frozen=True)
class World:
    """The campaigns that were set up: the links to join by, the boards to watch, and the people in
    each campaign.

    `opening` is the hours, in minutes after local midnight, of the campaign with hours. Lists are
    those that were there at the start. `side_parties`: the last two are in use.
    """

    any_hour_id: int
    by_the_clock_id: int
    opening: tuple[int, int]
    contacts: int
    party_links: list[str]
    campaign_link: str
    by_the_clock_link: str
    list_ids: dict[int, list[int]] = field(default_factory=dict)
    board_tokens: dict[int, str] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    side_id: int = 0
    host_id: int = 0
    side_parties: list[int] = field(default_factory=list)

    @property
    def campaign_ids(self) -> tuple[int, int]:
        """The two campaigns that volunteers call for."""
        return self.any_hour_id, self.by_the_clock_id


def build(contacts: int, seconds: float, hold_seconds: int, dice: random.Random) -> World:
    """Store the campaigns, two of them with so many contacts each. Commits."""
    host = create_account("host@example.org", "Hari", [RoleName.HOST])
    any_hour = _campaign("At any hour", "GB", host, hold_seconds, allow_drama_numbers=True)
    opening = _opening_around_now(seconds)
    by_the_clock = _campaign("By the clock", "US", host, hold_seconds, hours=hours(*opening))
    # Both campaigns have people on the same numbers: one call at a time applies to the number, and
    # "never again" to both campaigns.
    numbers = list(_numbers())
    dice.shuffle(numbers)
    any_hours_lists = _contacts(any_hour, numbers, contacts, [zones_key(["Europe/London"])], dice)
    pairs = [zones_key(pair) for pair in itertools.pairwise(ZONES)]
    zones = [zones_key([zone]) for zone in ZONES] + pairs
    by_the_clocks_lists = _contacts(by_the_clock, numbers, contacts, zones, dice)
    parties = [
        Party(campaign_id=any_hour.id, host_id=host.id, title=f"Party {n}", door_open=True)
        for n in range(PARTIES)
    ]
    db.session.add_all(parties)
    side = _campaign("Beside", "GB", host, hold_seconds, allow_drama_numbers=True)
    db.session.commit()
    built = World(
        any_hour.id,
        by_the_clock.id,
        opening,
        contacts,
        [f"/join/{party.code}" for party in parties],
        f"/c/{any_hour.join_token}",
        f"/c/{by_the_clock.join_token}",
        {any_hour.id: any_hours_lists, by_the_clock.id: by_the_clocks_lists},
        {party.id: party.board_token for party in parties},
        numbers[: contacts // 4],
        side.id,
        host.id,
    )
    for _ in range(2):
        side_party(built)
    return built


def side_party(world: World) -> None:
    """Make one more party in the side campaign, with its door shut. Commits."""
    party = Party(campaign_id=world.side_id, host_id=world.host_id, title="Beside")
    db.session.add(party)
    db.session.commit()
    world.side_parties.append(party.id)


def hours(start: int, end: int) -> dict[str, list[str]]:
    """A week's hours, the same each day, from minutes after midnight."""
    return {day: [f"{m // 60:02}:{m % 60:02}" for m in (start, end)] for day in DAYS}


def _campaign(name: str, country: str, host: Account, hold_seconds: int, **values: Any) -> Campaign:
    campaign = Campaign(
        name=name,
        on_behalf_of="the Soak",
        country=country,
        state=CampaignState.RUNNING,
        door_open=True,
        retry_rules=RETRY_RULES,
        hold_seconds=hold_seconds,
        **AT_ANY_PACE,
        **values,
    )
    db.session.add(campaign)
    db.session.flush()
    script = Script(campaign_id=campaign.id, name="Soak")
    db.session.add(script)
    db.session.flush()
    version = ScriptVersion(script_id=script.id, number=1, source=SCRIPT)
    db.session.add(version)
    db.session.flush()
    script.published_version_id, campaign.script_id = version.id, script.id
    campaign.hosts.append(host)
    return campaign


def _opening_around_now(seconds: float) -> tuple[int, int]:
    """Hours by which some zones are open now and others shut, and one shuts half-way through."""
    half_way = datetime.now(UTC) + timedelta(seconds=seconds / 2)
    for zone in ZONES:
        local = half_way.astimezone(ZoneInfo(zone))
        minutes = local.hour * 60 + local.minute
        # These are well inside what the United States permit, 8:00 to 21:00.
        if 12 * 60 <= minutes < 18 * 60 and local.minute == half_way.minute:
            # No contact is given in the last two minutes, which are for dialling.
            return minutes - 150, minutes + 3
    raise AssertionError("it is noon somewhere")


def _numbers() -> "list[str]":
    british = [f"+44{area}4960{n:03d}" for area in (113, 114, 116, 117, 118, 121, 131, 141, 151)
               for n in range(1000)]  # fmt: skip
    american = [f"+1{npa}55501{n:02d}" for npa in range(201, 990) if npa % 100 != 11
                for n in range(100)]  # fmt: skip
    return british + american


def _contacts(
    campaign: Campaign,
    numbers: list[str],
    count: int,
    zone_keys: list[str],
    dice: random.Random,
) -> list[int]:
    """Three lists. Three people share each number, one contact in eight has a second number, and
    one in eight speaks Welsh.

    Returns the ids of the lists.
    """
    lists = [
        ContactList(
            campaign_id=campaign.id,
            name=f"List {n}",
            filename="soak.csv",
            state=ListState.READY,
            priority=n // 2,
            zone_keys=zone_keys,
            languages=["", "cy"],
        )
        for n in range(3)
    ]
    db.session.add_all(lists)
    db.session.flush()
    rows: list[dict[str, Any]] = []
    for n in range(count):
        shared = n % 3 != 0
        zone_key = rows[-1]["zone_key"] if shared else dice.choice(zone_keys)
        rows.append(
            {
                "campaign_id": campaign.id,
                "contact_list_id": lists[n % 3].id,
                "first_name": f"Voter{n}",
                "last_name": "Example",
                "name_key": f"voter{n} example",
                "phone": numbers[n - 1] if shared else numbers[n],
                "other_phones": [numbers[-1 - n]] if dice.random() < 0.125 else [],
                "zone_key": zone_key,
                "language": "cy" if dice.random() < 0.125 else "",
            }
        )
    db.session.execute(insert(Contact), rows)
    return [contact_list.id for contact_list in lists]
