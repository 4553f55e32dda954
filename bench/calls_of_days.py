"""Makes the calls of many days, together with the callers, the parties and the answers. SQL
statements make the calls and answers, so no call passes through Python."""

from sqlalchemy import func, insert, select, text

from phonebank.core.db import db
from phonebank.models import CallEnding, Caller, CallerState, Contact, ContactState, Party
from phonebank.models.state_column import state_text

HOURS_A_DAY = 8
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
       CAST(:version AS integer),
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
WHERE call.campaign_id = :campaign_id AND call.conversation AND call.caller_id >= :first_caller
""")
_TALLIES = text("""
INSERT INTO tally (campaign_id, party_id, caller_id, hour, calls, reached, conversations, yeses,
                   ranked, version)
SELECT campaign_id, party_id, caller_id, date_trunc('hour', recorded_at, 'UTC'), count(*),
       count(*) FILTER (WHERE reached), count(*) FILTER (WHERE conversation),
       count(*) FILTER (WHERE yes), count(*) FILTER (WHERE conversation), count(*)
FROM call
WHERE campaign_id = :campaign_id AND counted AND caller_id >= :first_caller GROUP BY 1, 2, 3, 4
""")


# A person who talked, refused or had a wrong number is finished. The others are tried again a day
# after their last call.
_CONTACTS = state_text(
    """
UPDATE contact SET tried = true, attempts = made.calls, last_called_at = made.last,
    state = CASE WHEN made.done THEN :finished ELSE :callable END,
    callable_at = made.last + interval '1 day'
FROM (
    SELECT contact_id, count(*) AS calls, max(recorded_at) AS last,
        bool_or(outcome IN ('talked', 'refused', 'wrong_number')) AS done
    FROM call
    WHERE campaign_id = :campaign_id AND caller_id >= :first_caller GROUP BY contact_id
) AS made
WHERE contact.id = made.contact_id
""",
    finished=ContactState.FINISHED,
    callable=ContactState.CALLABLE,
)


def make(
    campaign_id: int,
    host_id: int,
    calls: int,
    days: int,
    callers: int = 2_000,
    parties: int = 20,
) -> None:
    """Make `calls` calls to a campaign's people, spread over the `days` days before today (UTC). At
    most `callers` new callers make the calls. These callers are in `parties` new parties of the
    host. Commits.

    The database must have a version of a script, because the calls use the newest version of all.
    The ids of the campaign's people must be consecutive numbers.
    """
    db.session.execute(text("SET statement_timeout = 0"))
    made = [
        Party(campaign_id=campaign_id, host_id=host_id, title=f"Party {n}", goal=200)
        for n in range(parties)
    ]
    db.session.add_all(made)
    db.session.flush()
    first_party = made[0].id
    caller_ids = db.session.scalars(
        insert(Caller).returning(Caller.id, sort_by_parameter_order=True),
        [
            {
                "campaign_id": campaign_id,
                "party_id": first_party + n % parties,
                "first_name": f"Sam{n}",
                "state": CallerState.ADMITTED,
            }
            for n in range(callers)
        ],
    ).all()
    first, count = db.session.execute(
        select(func.min(Contact.id), func.count()).where(Contact.campaign_id == campaign_id)
    ).one()
    calls_an_hour = -(-calls // (days * HOURS_A_DAY))
    values = {
        "campaign_id": campaign_id,
        "first_contact": first,
        "people": count,
        "first_caller": caller_ids[0],
        "first_party": first_party,
        "parties": parties,
        "callers": callers,
        "version": db.session.scalar(text("SELECT max(id) FROM script_version")),
        "hours_a_day": HOURS_A_DAY,
        "calls_an_hour": calls_an_hour,
        "callers_an_hour": max(1, calls_an_hour // 30),
        "begin": db.session.scalar(
            text(
                "SELECT date_trunc('day', now(), 'UTC') + interval '14 hours'"
                " - :days * interval '1 day'"
            ),
            {"days": days},
        ),
    }
    db.session.commit()
    for number in range(0, calls, AT_ONCE):
        # This switches off foreign key checks, as in `people.build`.
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(
            _CALLS, values | {"first": number, "last": min(number + AT_ONCE, calls) - 1}
        )
        db.session.commit()
    for statement in (_ANSWERS, _TALLIES, _CONTACTS):
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(statement, values)
        db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
