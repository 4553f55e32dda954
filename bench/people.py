"""Makes campaigns of any size for benchmarks, and callers for these campaigns. The contacts are
made inside PostgreSQL.

There are too few telephone numbers that are reserved for drama. So the contacts' numbers begin with
+999, a country code that the ITU keeps unassigned. Every contact has a different number, and no
number belongs to a real person.
"""

import json
import re
import secrets
import urllib.request
from dataclasses import dataclass
from http.cookies import SimpleCookie

from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import insert, select, text

from bench.servers import cookies_of
from phonebank.core.db import db
from phonebank.models import (
    Account,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    ContactList,
    ContactState,
    ListState,
    Party,
    Script,
    ScriptVersion,
)
from phonebank.models.state_column import state_text
from phonebank.roster.pace import AT_ANY_PACE
from phonebank.rules.time_zones import zones_key
from scripts_library.library import source_of

LISTS = 3
PARTY_OF = 10
ZONES = [
    zones_key([zone])
    for zone in ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
]

# A list half-way through a campaign: four contacts in ten are tried and waiting or callable again,
# and one in ten is finished.
_CONTACTS = state_text(
    """
INSERT INTO contact (campaign_id, contact_list_id, first_name, last_name, name_key, phone,
                     phone_original, other_phones, language, zone_key, fields, state, tried,
                     callable_at, attempts, attempts_that_day, created_at)
SELECT :campaign_id, (CAST(:list_ids AS integer[]))[1 + n % :lists], 'Voter', 'Number' || n,
       'voter number' || n, '+999' || lpad(CAST(:campaign_id AS text), 2, '0') ||
       lpad(CAST(n AS text), 9, '0'),
       '', '[]', '', (CAST(:zones AS text[]))[1 + n % :zones_count], '{"town": "Riverside"}',
       CASE WHEN n % 10 = 9 THEN :finished ELSE :callable END, n % 10 > 4,
       now() + (hashint8(n) % 86400) * interval '1 second'
             - CASE WHEN n % 10 > 4 THEN interval '0' ELSE interval '2 days' END,
       CAST(n % 10 > 4 AS integer), 0, now()
FROM generate_series(1, :count) AS n
""",
    finished=ContactState.FINISHED,
    callable=ContactState.CALLABLE,
)


@dataclass(frozen=True)
class Device:
    """A caller's browser: its cookie and form token."""

    cookie: str
    token: str


def build(contacts: int) -> tuple[int, str]:
    """Make a running campaign with this many contacts. Return the campaign's id, and the path of
    the link by which callers join. Commits."""
    campaign = Campaign(
        name=f"{contacts:,} contacts",
        on_behalf_of="the Bench",
        country="US",
        state=CampaignState.RUNNING,
        door_open=True,
        # A campaign with drama numbers calls at any hour, so the bench can run at any hour.
        allow_drama_numbers=True,
        # The bench's callers are faster than real people.
        **AT_ANY_PACE,
    )
    db.session.add(campaign)
    db.session.flush()
    script = Script(campaign_id=campaign.id, name="Persuasive conversation")
    db.session.add(script)
    db.session.flush()
    source = source_of("persuasive-conversation", "en")
    version = ScriptVersion(script_id=script.id, number=1, source=source)
    db.session.add(version)
    db.session.flush()
    script.published_version_id, campaign.script_id = version.id, script.id
    lists = [
        ContactList(
            campaign_id=campaign.id,
            name=f"List {n}",
            filename="bench.csv",
            state=ListState.READY,
            zone_keys=ZONES,
            languages=[""],
        )
        for n in range(LISTS)
    ]
    db.session.add_all(lists)
    db.session.flush()
    # This switches off foreign key checks. The rows refer to rows that exist, and millions of
    # checks would take long.
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(
        _CONTACTS,
        {
            "campaign_id": campaign.id,
            "list_ids": [row.id for row in lists],
            "lists": LISTS,
            "zones": ZONES,
            "zones_count": len(ZONES),
            "count": contacts,
        },
    )
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE contact"))
    return campaign.id, f"/c/{campaign.join_token}"


def make_callers(app: Flask, campaign_id: int, count: int) -> tuple[list[Device], dict[int, str]]:
    """Make `count` callers, in parties of up to PARTY_OF callers each. Return the callers' devices,
    and the token of each party's board. Commits."""
    host = Account(email="host@example.org", name="Ada", fs_uniquifier="0" * 32)
    db.session.add(host)
    db.session.flush()
    parties = [
        Party(campaign_id=campaign_id, host_id=host.id, title=f"Party {n}", goal=200)
        for n in range(-(-count // PARTY_OF))
    ]
    db.session.add_all(parties)
    db.session.flush()
    boards = {party.id: party.board_token for party in parties}
    rows = [
        {
            "campaign_id": campaign_id,
            "party_id": parties[n % len(parties)].id,
            "first_name": f"Sam{n}",
            "state": CallerState.ADMITTED,
        }
        for n in range(count)
    ]
    db.session.execute(insert(Caller), rows)
    db.session.commit()
    found = db.session.execute(
        select(Caller.id, Caller.device_token)
        .where(Caller.campaign_id == campaign_id)
        .order_by(Caller.id)
    )
    cookies = cookies_of(app)
    tokens = URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token")
    devices = []
    for caller_id, device_token in found:
        secret = secrets.token_hex(20)
        session = {"caller": {"id": caller_id, "token": device_token}, "csrf_token": secret}
        cookie = cookies.dumps(session | {"_permanent": True})
        devices.append(Device(f"session={cookie}", tokens.dumps(secret)))
    return devices, boards


def join_callers(port: int, link: str, count: int) -> list[Device]:
    """Let `count` callers join by the link, as people do. Return their devices."""
    return [_join(f"http://127.0.0.1:{port}{link}") for _ in range(count)]


def _join(address: str) -> Device:
    with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
        cookie = _cookie(page.headers["Set-Cookie"])
    assert found
    request = urllib.request.Request(  # noqa: S310
        address,
        json.dumps({"first_name": "Sam"}).encode(),
        {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Cookie": cookie,
            "X-CSRFToken": found[1],
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return Device(_cookie(answer.headers["Set-Cookie"]), found[1])


def _cookie(header: str) -> str:
    (morsel,) = SimpleCookie(header).values()
    return f"{morsel.key}={morsel.value}"
