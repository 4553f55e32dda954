"""Measures how long the tabs of a very large campaign take.

The bar (docs/benchmarks.md): with 1,000,000 people and 5,000,000 calls, the 95th percentile of each
tab is under 300 ms.

    python -m bench.glance [PEOPLE] [CALLS]
"""

import statistics
import sys
import time

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text

from bench import people
from bench.measuring import cpu_of, servers
from bench.servers import cookies_of, migrated_app, stores
from phonebank.accounts import sessions
from phonebank.campaigns.jobs import count_days
from phonebank.core.db import db
from phonebank.models import Account, CallEnding, Caller, CallerState, Party, Role, RoleName
from phonebank.models.state_column import state_text

BAR = 0.3  # seconds
TIMES = 40
CALLERS, PARTIES = 2_000, 20
DAYS, HOURS_A_DAY = 60, 8
# One statement makes this many calls.
AT_ONCE = 250_000

# The calls are spread evenly over the hours of the campaign. In each hour every caller who is there
# makes 30 calls, and each hour has other callers. One call in ten is a conversation.
_CALLS = state_text(
    """
INSERT INTO call (id, campaign_id, contact_id, caller_id, party_id, script_version_id, phone,
                  household, started_at, expires_at, ended_at, ending, outcome, recorded_at,
                  reached, conversation, yes, counted, late, note, too_fast, turn)
SELECT gen_random_uuid(), :campaign_id,
       CAST(:first_contact AS bigint) + (n * 7919) % CAST(:people AS bigint),
       CAST(:first_caller AS bigint) + caller, CAST(:first_party AS integer) + caller % :parties,
       CASE WHEN hour < 240 THEN CAST(:earlier AS integer) ELSE CAST(:version AS integer) END,
       '', '[]', at - interval '1 minute', at, at, :recorded, outcome, at,
       outcome NOT IN ('no_answer', 'answerphone', 'busy', 'not_in_service'),
       outcome = 'talked', outcome = 'talked' AND n % 3 = 0, true, false, '', false, 0
FROM generate_series(CAST(:first AS bigint), :last) AS n
CROSS JOIN LATERAL (SELECT n / :calls_an_hour) AS h(hour)
CROSS JOIN LATERAL (
    SELECT (hour * 331 + n % :callers_an_hour) % :callers,
           CAST(:begin AS timestamptz) + (hour / :hours_a_day) * interval '1 day'
               + (hour % :hours_a_day) * interval '1 hour'
               + (n % :calls_an_hour) * interval '1 hour' / (:calls_an_hour + 1),
           (ARRAY['no_answer', 'no_answer', 'no_answer', 'no_answer', 'no_answer', 'no_answer',
                  'no_answer', 'no_answer', 'no_answer', 'no_answer', 'no_answer', 'answerphone',
                  'answerphone', 'answerphone', 'busy', 'talked', 'talked', 'refused', 'bad_time',
                  'wrong_number'])[1 + abs(hashint8(n)) % 20]
) AS made(caller, at, outcome)
""",
    recorded=CallEnding.RECORDED,
)
_ANSWERS = text("""
INSERT INTO answer (call_id, step_id, value, answered_at)
SELECT call.id, step, value, call.recorded_at
FROM call
CROSS JOIN LATERAL (VALUES
    ('rating_before', to_jsonb((abs(hashtext(call.id::text)) % 11)::text)),
    ('rating_after', to_jsonb((abs(hashtext('a' || call.id::text)) % 11)::text)),
    ('vote_ask', to_jsonb((ARRAY['yes', 'probably', 'no'])[1 + abs(hashtext(call.id::text)) % 3]))
) AS said(step, value)
WHERE call.campaign_id = :campaign_id AND call.conversation
""")
_TALLIES = text("""
INSERT INTO tally (campaign_id, party_id, caller_id, hour, calls, reached, conversations, yeses,
                   ranked, version)
SELECT campaign_id, party_id, caller_id, date_trunc('hour', recorded_at, 'UTC'), count(*),
       count(*) FILTER (WHERE reached), count(*) FILTER (WHERE conversation),
       count(*) FILTER (WHERE yes), count(*) FILTER (WHERE conversation), count(*)
FROM call WHERE campaign_id = :campaign_id AND counted GROUP BY 1, 2, 3, 4
""")


def build(number: int, calls: int) -> tuple[int, int]:
    """Make a campaign with `number` people and `calls` calls in the last DAYS days. Return the ids
    of the campaign and of an account. Commits."""
    db.session.execute(text("SET statement_timeout = 0"))
    campaign_id, _ = people.build(number)
    account = Account(email="ada@example.org", name="Ada", fs_uniquifier="0" * 32)
    db.session.add(account)
    db.session.flush()
    parties = [
        Party(campaign_id=campaign_id, host_id=account.id, title=f"Party {n}", goal=200)
        for n in range(PARTIES)
    ]
    db.session.add_all(parties)
    db.session.flush()
    first_party = parties[0].id
    db.session.execute(
        insert(Caller),
        [
            {
                "campaign_id": campaign_id,
                "party_id": first_party + n % PARTIES,
                "first_name": f"Sam{n}",
                "state": CallerState.ADMITTED,
            }
            for n in range(CALLERS)
        ],
    )
    version = db.session.scalar(text("SELECT max(id) FROM script_version"))
    calls_an_hour = -(-calls // (DAYS * HOURS_A_DAY))
    values = {
        "campaign_id": campaign_id,
        "first_contact": db.session.scalar(
            text("SELECT min(id) FROM contact WHERE campaign_id = :id"), {"id": campaign_id}
        ),
        "people": number,
        "first_caller": db.session.scalar(select(Caller.id).order_by(Caller.id).limit(1)),
        "first_party": first_party,
        "parties": PARTIES,
        "callers": CALLERS,
        "version": version,
        "earlier": version,
        "hours_a_day": HOURS_A_DAY,
        "calls_an_hour": calls_an_hour,
        "callers_an_hour": max(1, calls_an_hour // 30),
        "begin": db.session.scalar(
            text(
                "SELECT date_trunc('day', now(), 'UTC') + interval '14 hours'"
                " - :days * interval '1 day'"
            ),
            {"days": DAYS},
        ),
    }
    db.session.commit()
    for first in range(0, calls, AT_ONCE):
        # This switches off foreign key checks, as in `people.build`.
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(
            _CALLS, values | {"first": first, "last": min(first + AT_ONCE, calls) - 1}
        )
        db.session.commit()
    for statement in (_ANSWERS, _TALLIES):
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(statement, {"campaign_id": campaign_id})
        db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
    return campaign_id, account.id


def addresses(campaign_id: int) -> dict[str, str]:
    """Return the address of each tab, and of pages that choose or sort."""
    campaign = f"/campaigns/{campaign_id}"
    return {
        "Today": campaign,
        "Today, renewed": f"{campaign}?part=1",
        "People": f"{campaign}/queue",
        "Lists": f"{campaign}/lists",
        "Script": f"{campaign}/scripts",
        "Callers": f"{campaign}/callers",
        "Callers, by share": f"{campaign}/callers?sort=share",
        "Parties": f"{campaign}/parties",
        "Results": f"{campaign}/answers",
        "Results, one list": f"{campaign}/answers?list=1&party=1",
        "Settings": f"{campaign}/settings",
    }


def browser_of(app: Flask, account_id: int) -> FlaskClient:
    """Return a browser that is signed in as an organiser."""
    with app.app_context():
        account = db.session.get_one(Account, account_id)
        role = db.session.scalar(select(Role).where(Role.name == RoleName.ORGANISER))
        account.roles.append(role or Role(name=RoleName.ORGANISER))
        session = {
            "_user_id": account.fs_uniquifier,
            "_fresh": True,
            "fs_paa": time.time(),
            "account_session": sessions.create_session(account, "The bench"),
        }
        db.session.commit()
    client = app.test_client()
    client.set_cookie("session", str(cookies_of(app).dumps(session)))
    return client


def time_tabs(client: FlaskClient, campaign_id: int) -> bool:
    """Print the times of each tab. Return whether all of them kept the bar."""
    kept = True
    for name, address in addresses(campaign_id).items():
        took = []
        client.get(address)  # the first loads modules and templates
        worked = _processor_seconds()
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = client.get(address)
            took.append(time.perf_counter() - began)
            assert answer.status_code == 200, (address, answer.status_code)
        p95 = sorted(took)[int(0.95 * TIMES)]
        print(
            f"{name}: median {1000 * statistics.median(took):.0f} ms, p95 {1000 * p95:.0f} ms,"
            f" {1000 * (_processor_seconds() - worked) / TIMES:.0f} ms of processor time",
            flush=True,
        )
        kept &= p95 < BAR
    return kept


def _processor_seconds() -> float:
    """Return the processor time of this process and of PostgreSQL so far. On a machine with much
    else to do it says more than the clock."""
    return time.process_time() + sum(cpu_of(one) for one in servers()["postgres"])


def main(number: int = 1_000_000, calls: int = 5_000_000) -> bool:
    """Print how long each tab took. Return whether all of them kept the bar."""
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            campaign_id, account_id = build(number, calls)
            began = time.perf_counter()
            count_days()
            print(f"all days counted in {time.perf_counter() - began:.0f} s", flush=True)
        kept = time_tabs(browser_of(app, account_id), campaign_id)
    print(f"{number:,} people, {calls:,} calls: {'kept' if kept else 'MISSED'}")
    return kept


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]]
    sys.exit(not main(*sizes))
