"""Makes parties for `bench.boards`, with calls of the last two and a half hours. The calls are made
inside PostgreSQL."""

from dataclasses import dataclass

from flask import Flask
from sqlalchemy import insert, text

from bench import people
from bench.servers import cookies_of
from phonebank.core.db import db
from phonebank.models import Account, CallEnding, Caller, CallerState, Party
from phonebank.models.state_column import state_text

CALLERS_EACH = 10
CALLS_EACH = 20

# Two and a half hours of calls: one in four is a conversation, one in twelve a yes.
_CALLS = state_text(
    """
INSERT INTO call (id, campaign_id, contact_id, caller_id, party_id, phone, household, started_at,
                  expires_at, ended_at, ending, outcome, recorded_at, reached, conversation, yes,
                  counted, late, note, too_fast, turn)
SELECT gen_random_uuid(), c.campaign_id, 1 + (c.id * :each + n) % :contacts, c.id, c.party_id,
       '+999', '[]', at - interval '40 seconds', at, at, :recorded,
       CASE WHEN n % 4 = 0 THEN 'talked' ELSE 'no_answer' END, at, n % 4 = 0, n % 4 = 0, n % 12 = 0,
       true, false, '', false, 0
FROM caller c, generate_series(1, :each) AS n,
     LATERAL (SELECT now() - n * interval '450 seconds' - (c.id % 450) * interval '1 second') t(at)
WHERE c.campaign_id = :campaign_id
""",
    recorded=CallEnding.RECORDED,
)
_TALLIES = text("""
INSERT INTO tally (campaign_id, party_id, caller_id, hour, calls, reached, conversations, yeses,
                   ranked, version)
SELECT campaign_id, party_id, caller_id, date_trunc('hour', recorded_at, 'UTC'), count(*),
       count(*) FILTER (WHERE reached), count(*) FILTER (WHERE conversation),
       count(*) FILTER (WHERE yes), count(*) FILTER (WHERE conversation), count(*)
FROM call WHERE campaign_id = :campaign_id GROUP BY 1, 2, 3, 4
""")


@dataclass(frozen=True)
class Rooms:
    """The parties of one campaign. `boards` has the token of each party's board, and `cookies` has
    the cookie of each caller's device."""

    campaign_id: int
    boards: dict[int, str]
    cookies: list[str]


def build(app: Flask, parties: int) -> Rooms:
    """Make a campaign with this many parties. Each party has ten callers, who have been calling for
    two and a half hours. Commits."""
    contacts = 5 * CALLERS_EACH * parties
    campaign_id, _ = people.build(contacts)
    host = Account(email="host@example.org", name="Ada", fs_uniquifier="0" * 32)
    db.session.add(host)
    db.session.flush()
    rows = [
        Party(campaign_id=campaign_id, host_id=host.id, title=f"Party {n}", goal=200)
        for n in range(parties)
    ]
    db.session.add_all(rows)
    db.session.flush()
    boards = {party.id: party.board_token for party in rows}
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    campaign = {"campaign_id": campaign_id}
    db.session.execute(
        insert(Caller),
        [
            {
                "campaign_id": campaign_id,
                "party_id": party.id,
                "first_name": f"Sam{n}",
                "state": CallerState.ADMITTED,
            }
            for party in rows
            for n in range(CALLERS_EACH)
        ],
    )
    db.session.execute(_CALLS, campaign | {"each": CALLS_EACH, "contacts": contacts})
    db.session.execute(_TALLIES, campaign)
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    devices = db.session.execute(text("SELECT id, device_token FROM caller ORDER BY id")).all()
    serializer = cookies_of(app)
    return Rooms(
        campaign_id,
        boards,
        [
            "session=" + serializer.dumps({"caller": {"id": one, "token": token}})
            for one, token in devices
        ],
    )
