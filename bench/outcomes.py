"""Records outcomes at a steady rate, in a process of its own.

    python -m bench.outcomes < settings.json

Settings: campaign_id, rate (outcomes a second), seconds (how long to record), and bulk (true or
false). If bulk is false, the service `phonebank.calls.record.record` records each outcome, and each
outcome has its own commit. (This service also serves `POST /calling/person/<id>/outcome`.) If bulk
is true, plain SQL writes ten outcomes at a time into the same tables, because on a shared machine
the service can't record enough outcomes a second. In both cases, the program marks the parties as
changed after the commit, so that their boards (the pages with their figures) are updated.

The output is two rows of JSON. The first row is {"ready": {}}, and is written before the first
outcome. The second row is {"recorded": {"recorded", "backend_cpu"}}, and is written at the end. The
inner "recorded" is a list with one entry for each outcome: [party, the number of the party's calls
including this one, the time of the commit by the machine's monotonic clock]. "backend_cpu" is how
many processor seconds PostgreSQL's process for this program used meanwhile.
"""

import json
import random
import sys
import time
import uuid

import psutil
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from bench.measuring import cpu_of
from phonebank.app import create_app
from phonebank.calls import record as recording
from phonebank.core.db import db
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import CallEnding, Caller, ContactState
from phonebank.models.state_column import state_text

IN_BULK = 10
# One outcome in this many is a conversation.
CONVERSATION_EACH = 4

_CLAIM = state_text(
    """
INSERT INTO call (id, campaign_id, contact_id, caller_id, party_id, phone, household, started_at,
                  expires_at, reached, conversation, yes, counted, late, note, too_fast, turn)
SELECT gen_random_uuid(), c.campaign_id, k.id, c.id, c.party_id, k.phone, '[]',
       now() - interval '40 seconds', now() + interval '1 hour', false, false, false, false, false,
       '', false, 0
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM caller
      WHERE campaign_id = :campaign_id
        AND NOT EXISTS (SELECT FROM call WHERE caller_id = caller.id AND ended_at IS NULL)) c
JOIN (SELECT id, phone, row_number() OVER (ORDER BY id) AS n FROM contact
      WHERE campaign_id = :campaign_id AND state = :callable
        AND NOT EXISTS (SELECT FROM call WHERE contact_id = contact.id
                        AND (ended_at IS NULL OR phone <> '+999'))) k USING (n)
""",
    callable=ContactState.CALLABLE,
)
_OPEN = text("""
SELECT id, caller_id, party_id FROM call WHERE campaign_id = :campaign_id AND ended_at IS NULL
""")
_CALLERS = text("SELECT NULL, id, party_id FROM caller WHERE campaign_id = :campaign_id")
_TOTALS = text(
    "SELECT party_id, sum(calls)::int AS calls FROM tally"
    " WHERE campaign_id = :campaign_id GROUP BY party_id"
)
_CALLS = state_text(
    """
INSERT INTO call (id, campaign_id, contact_id, caller_id, party_id, phone, household, started_at,
                  expires_at, ended_at, ending, outcome, recorded_at, reached, conversation, yes,
                  counted, late, note, too_fast, turn)
SELECT i, :campaign_id, 1, c, p, '+999', '[]', now() - interval '40 seconds', now(), now(),
       :recorded, CASE WHEN t THEN 'talked' ELSE 'no_answer' END, now(), t, t, false, true, false,
       '', false, 0
FROM unnest(CAST(:ids AS uuid[]), CAST(:callers AS bigint[]), CAST(:parties AS integer[]),
            CAST(:talked AS boolean[])) AS w(i, c, p, t)
""",
    recorded=CallEnding.RECORDED,
)
_TALLIES = text("""
INSERT INTO tally AS t (campaign_id, party_id, caller_id, hour, calls, reached, conversations,
                        yeses, ranked, version)
SELECT :campaign_id, p, c, date_trunc('hour', now(), 'UTC'), 1, t::int, t::int, 0, t::int, 1
FROM unnest(CAST(:callers AS bigint[]), CAST(:parties AS integer[]),
            CAST(:talked AS boolean[])) AS w(c, p, t) ORDER BY c
ON CONFLICT (campaign_id, party_id, caller_id, hour) DO UPDATE
SET calls = t.calls + 1, reached = t.reached + excluded.reached,
    conversations = t.conversations + excluded.conversations, ranked = t.ranked + excluded.ranked,
    version = t.version + 1
""")

# (call or None, caller, party)
Turn = tuple[uuid.UUID | None, int, int]


def record(turn: Turn, talked: bool) -> None:
    """Record one outcome through the service."""
    call_id, caller_id, _ = turn
    assert call_id
    caller = db.session.get_one(Caller, caller_id)
    recording.record(caller, call_id, "talked" if talked else "no_answer")
    db.session.commit()


def record_in_bulk(campaign_id: int, turns: list[Turn], talked: list[bool]) -> None:
    """Record several callers' outcomes in one transaction."""
    values = {
        "campaign_id": campaign_id,
        "ids": [uuid.uuid4() for _ in turns],
        "callers": [turn[1] for turn in turns],
        "parties": [turn[2] for turn in turns],
        "talked": talked,
    }
    db.session.execute(_CALLS, values)
    db.session.execute(_TALLIES, values)
    for party in {turn[2] for turn in turns}:
        mark_after_commit(party)
    db.session.commit()


def main() -> None:
    settings = json.load(sys.stdin)
    campaign = {"campaign_id": settings["campaign_id"]}
    bulk = settings["bulk"]
    at_once = IN_BULK if bulk else 1
    recorded: list[tuple[int, int, float]] = []
    committed_at = 0.0

    @event.listens_for(Session, "after_commit", insert=True)
    def note(_: Session) -> None:
        nonlocal committed_at
        committed_at = time.monotonic()

    with create_app().app_context():
        if not bulk:
            db.session.execute(_CLAIM, campaign)
            db.session.commit()
        turns = [tuple(row) for row in db.session.execute(_CALLERS if bulk else _OPEN, campaign)]
        calls = {row.party_id: row.calls for row in db.session.execute(_TOTALS, campaign)}
        backend = psutil.Process(db.session.scalar(text("SELECT pg_backend_pid()")))
        db.session.commit()
        if not bulk and len(turns) < settings["rate"] * settings["seconds"]:
            raise SystemExit("there are more outcomes than callers, who hold one person each")
        random.shuffle(turns)
        before = cpu_of(backend)
        print(json.dumps({"ready": {}}), flush=True)
        began = time.monotonic()
        for number in range(int(settings["rate"] * settings["seconds"]) // at_once):
            due = began + number * at_once / settings["rate"]
            time.sleep(max(0.0, due - time.monotonic()))
            if bulk:
                mine = random.sample(turns, at_once)
                record_in_bulk(
                    settings["campaign_id"],
                    mine,
                    [random.randrange(CONVERSATION_EACH) == 0 for _ in mine],
                )
            else:
                mine = [turns[number % len(turns)]]
                record(mine[0], number % CONVERSATION_EACH == 0)
            for _, _, party in mine:
                calls[party] += 1
                recorded.append((party, calls[party], committed_at))
            db.session.expunge_all()
        spent = cpu_of(backend) - before
    print(json.dumps({"recorded": {"recorded": recorded, "backend_cpu": spent}}), flush=True)


if __name__ == "__main__":
    main()
