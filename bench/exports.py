"""Measures how fast the files that organisers download are made, and how much memory that takes.

The bars (docs/benchmarks.md): every file is written at 20,000 rows a second or more. While the
process writes a file, its highest use of memory so far grows by at most 40 MB, however long the
file is.

    python -m bench.exports [CALLS]
"""

import resource
import sys
import time

from sqlalchemy import insert, text

from bench import people
from bench.servers import migrated_app, stores
from phonebank.calls.changed_calls import read_since
from phonebank.core.db import db
from phonebank.exports.files import ask_for
from phonebank.exports.jobs import make_export
from phonebank.inbox.find import find_items
from phonebank.models import Account, CallEnding, Caller, CallerState, Campaign, ExportKind, now
from phonebank.models.state_column import state_text

ROWS_A_SECOND_BAR = 20_000
MEMORY_BAR = 40  # MB: a few pieces of 600 kB, and the memory that Python keeps for reuse
CALLERS = 50

# One call in ten is a conversation with six answers. The others reached nobody.
_CALLS = state_text(
    """
INSERT INTO call (id, campaign_id, contact_id, caller_id, script_version_id, phone, household,
                  started_at, expires_at, ended_at, ending, outcome, recorded_at, reached,
                  conversation, yes, counted, late, note, too_fast, turn)
SELECT gen_random_uuid(), :campaign_id, contact.id,
       (CAST(:caller_ids AS bigint[]))[1 + contact.id % :callers],
       (SELECT id FROM script_version ORDER BY id DESC LIMIT 1), contact.phone, '[]',
       now() - interval '2 hours', now() - interval '1 hour', now() - interval '1 hour', :recorded,
       CASE WHEN contact.id % 10 = 0 THEN 'talked' ELSE 'no_answer' END,
       now() - interval '1 hour', contact.id % 10 = 0, contact.id % 10 = 0, false, true, false,
       CASE WHEN contact.id % 10 = 0 THEN 'Ask again, before the weekend' ELSE '' END, false, 0
FROM contact
WHERE contact.campaign_id = :campaign_id AND contact.id % 100 < CAST(:called AS integer)
""",
    recorded=CallEnding.RECORDED,
)
_ANSWERS = text("""
INSERT INTO answer (call_id, step_id, value, answered_at)
SELECT call.id, step, to_jsonb(value), now()
FROM call CROSS JOIN (VALUES ('opening', 'speaking'), ('introduction', 'happy_to_talk'),
    ('rating_before', '5'), ('issue', 'health'), ('rating_after', '7'), ('vote_ask', 'probably')
) AS said(step, value)
WHERE call.campaign_id = :campaign_id AND call.conversation
""")
# Three of the six answers, so that the inbox has enough rows to be timed.
_NEEDS_ACTION = text("""
UPDATE script_version SET needs_action = jsonb_build_object('issue', jsonb_build_array('health'),
    'introduction', jsonb_build_array('happy_to_talk'), 'vote_ask', jsonb_build_array('probably'))
""")


def build(calls: int, share: float = 1.0) -> tuple[int, int]:
    """Make a campaign with `calls` people. Make one recorded call to each person or, if `share` is
    below 1, only to about this share of the people. Return the ids of the campaign and of an
    account. Commits."""
    db.session.execute(text("SET statement_timeout = 0"))
    campaign_id, _ = people.build(calls)
    account = Account(email="ada@example.org", name="Ada", fs_uniquifier="0" * 32)
    db.session.add(account)
    db.session.flush()
    caller_ids = db.session.scalars(
        insert(Caller).returning(Caller.id),
        [
            {
                "campaign_id": campaign_id,
                "first_name": f"Caller {n}",
                "state": CallerState.ADMITTED,
            }
            for n in range(CALLERS)
        ],
    ).all()
    values = {"campaign_id": campaign_id, "caller_ids": list(caller_ids), "callers": CALLERS}
    values["called"] = round(100 * share)
    # This switches off foreign key checks, as in `people.build`.
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(_CALLS, values)
    db.session.execute(_ANSWERS, {"campaign_id": campaign_id})
    db.session.execute(_NEEDS_ACTION)
    began = time.perf_counter()
    find_items(campaign_id, read_since(campaign_id, now()), now())
    print(f"answers that need action found in {time.perf_counter() - began:.1f} s", flush=True)
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return campaign_id, account.id


def main(calls: int = 200_000) -> bool:
    """Print how fast each kind of file was made, and how much memory that took. Return whether
    every bar was met."""
    kept = True
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            campaign_id, account_id = build(calls)
            # The first file loads modules and fills caches. A worker does that once, so it is not
            # timed.
            for kind in (ExportKind.CANVASS, *ExportKind):
                campaign = db.session.get_one(Campaign, campaign_id)
                account = db.session.get_one(Account, account_id)
                export, _ = ask_for(campaign, account, kind, None)
                db.session.commit()
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                began = time.perf_counter()
                make_export(export.id)
                took = time.perf_counter() - began
                grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
                db.session.refresh(export)
                speed = export.rows_written / took
                print(
                    f"{kind}: {export.rows_written:,} rows, {export.bytes_written / 1e6:.0f} MB in"
                    f" {took:.1f} s: {speed:,.0f} rows a second, {grown:.0f} MB more memory",
                    flush=True,
                )
                kept &= speed >= ROWS_A_SECOND_BAR and grown <= MEMORY_BAR
    print(f"files at {ROWS_A_SECOND_BAR:,} rows a second: {'kept' if kept else 'MISSED'}")
    return kept


if __name__ == "__main__":
    sys.exit(not main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
