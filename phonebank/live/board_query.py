"""Reads the figures of several parties' boards in a single statement, so that all these figures are
from the same moment.

The work for a board grows with the number of callers in its party, and with the number of the
party's calls in the last ten minutes.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from phonebank.accounts.sessions import SIGNED_IN_FOR
from phonebank.core.db import db
from phonebank.live.board_payload import (
    BEST_FROM,
    FEED_LINES,
    NAMES_CALLING,
    NAMES_TOGETHER,
    PLACES,
    Figures,
    Recent,
    Score,
)
from phonebank.models import CallerState, RoleName, now
from phonebank.models.call import OUTCOME_WITHIN
from phonebank.models.state_column import state_text

# - A caller is calling now if their latest call is open, or was recorded in the last two minutes.
#   So callers stay in the count between two calls.
# - If a host hid or removed a caller, the board leaves out the name and keeps the calls.
# - A call is a personal best if it makes this clock hour the caller's best hour. An outcome, even a
#   corrected one, comes within OUTCOME_WITHIN of its claim, so the index finds every call that can
#   count. The hour is a FILTER and not a condition. With a condition, PostgreSQL expects few calls
#   and reads all calls of the campaign.
# - Each inner query is for one party, by an index that begins with the party or with its callers.
# - `read_at` is the time of the statement. It is the same for all boards of the statement, and fits
#   what the statement sees. The time at each row would make a long reading look newer than a short
#   one that began later and saw more. Two readings could have the same time of the transaction.
_FIGURES = state_text(
    """
SELECT p.id AS party_id, p.campaign_id, p.board_token, p.title, p.goal, p.state, p.paused,
       campaign.state AS campaign_state, p.celebrate, p.break_until, p.time_zone,
       p.message, p.message_at, p.code, statement_timestamp() AS read_at,
       floor(extract(epoch FROM statement_timestamp() - p.created_at) * 1000)::bigint AS age,
       sums.tally_version, sums.calls, sums.reached, sums.conversations, sums.yeses,
       recently.last_ten, ringing.active, ringing.ringing, door.waiting, door.held, door.helping,
       door.people, scores.scores, feed.recent
FROM party p
JOIN campaign ON campaign.id = p.campaign_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(version), 0)::bigint AS tally_version,
           coalesce(sum(calls), 0)::bigint AS calls,
           coalesce(sum(reached), 0)::bigint AS reached,
           coalesce(sum(conversations), 0)::bigint AS conversations,
           coalesce(sum(yeses), 0)::bigint AS yeses
    FROM tally WHERE party_id = p.id
) sums
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_array(conversations, names, callers)), '[]') AS scores
    FROM (
        SELECT conversations, count(*) AS callers,
               (array_agg(first_name ORDER BY first_name))[1:(:names)] AS names
        FROM (
            SELECT c.first_name, sum(t.ranked)::bigint AS conversations
            FROM tally t JOIN caller c ON c.id = t.caller_id
            WHERE t.party_id = p.id AND NOT c.hidden AND c.state = :admitted
            GROUP BY c.id HAVING sum(t.ranked) > 0
        ) caller_sums
        GROUP BY conversations ORDER BY conversations DESC LIMIT :places
    ) top
) scores
CROSS JOIN LATERAL (
    SELECT count(*) AS last_ten FROM call
    WHERE party_id = p.id AND counted
      AND recorded_at > statement_timestamp() - interval '10 minutes'
) recently
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = :waiting) AS waiting,
           count(*) FILTER (WHERE state = :waiting AND held) AS held,
           count(*) FILTER (WHERE help_asked_at IS NOT NULL AND NOT help_seen
                            AND state <> :removed) AS helping,
           md5(coalesce(string_agg(concat_ws('|', id, state, hidden, first_name,
                                             CASE WHEN NOT help_seen THEN help_asked_at END),
                                   ',' ORDER BY id)
                        FILTER (WHERE state <> :removed), '')) AS people
    FROM caller WHERE party_id = p.id
) door
CROSS JOIN LATERAL (
    SELECT count(*) AS active,
           coalesce((array_agg(c.first_name ORDER BY c.first_name, c.id)
                     FILTER (WHERE NOT c.hidden))[1:(:ringing)], '{}') AS ringing
    FROM caller c
    CROSS JOIN LATERAL (SELECT ended_at, recorded_at FROM call WHERE caller_id = c.id
                        ORDER BY started_at DESC LIMIT 1) latest
    WHERE c.party_id = p.id AND c.state = :admitted
      AND (latest.ended_at IS NULL
           OR latest.recorded_at > statement_timestamp() - interval '2 minutes')
) ringing
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_array(
               CASE WHEN c.hidden OR c.state = :removed THEN NULL ELSE c.first_name END,
               k.conversation,
               NOT EXISTS (SELECT FROM call e WHERE e.caller_id = k.caller_id AND e.counted
                           AND e.recorded_at < k.recorded_at),
               k.yes AND k.recorded_at = (SELECT e.recorded_at FROM call e
                                          WHERE e.party_id = p.id AND e.counted AND e.yes
                                          ORDER BY e.recorded_at LIMIT 1),
               k.recorded_at,
               CASE WHEN k.conversation AND NOT k.too_fast THEN
                   best.conversations >= :best_from
                   AND best.conversations + 1 = (
                       SELECT count(*) FILTER (
                                  WHERE e.recorded_at BETWEEN date_trunc('hour', k.recorded_at,
                                                                         'UTC')
                                                          AND k.recorded_at)
                       FROM call e
                       WHERE e.caller_id = k.caller_id AND e.counted AND e.conversation
                         AND NOT e.too_fast
                         AND e.started_at > k.recorded_at - :outcome_within)
               ELSE false END) ORDER BY k.recorded_at DESC), '[]') AS recent
    FROM (SELECT caller_id, conversation, yes, too_fast, recorded_at FROM call
          WHERE party_id = p.id AND counted AND recorded_at IS NOT NULL
          ORDER BY recorded_at DESC LIMIT :lines) k
    JOIN caller c ON c.id = k.caller_id
    CROSS JOIN LATERAL (
        SELECT coalesce(max(hourly), 0) AS conversations
        FROM (SELECT sum(ranked) AS hourly FROM tally
              WHERE caller_id = k.caller_id AND hour < date_trunc('hour', k.recorded_at, 'UTC')
              GROUP BY hour) hours
    ) best
) feed
WHERE p.id = ANY(:party_ids)
""",
    admitted=CallerState.ADMITTED,
    waiting=CallerState.WAITING,
    removed=CallerState.REMOVED,
)
_VALUES = {
    "names": NAMES_TOGETHER,
    "places": PLACES,
    "lines": FEED_LINES,
    "best_from": BEST_FROM,
    "ringing": NAMES_CALLING,
    "outcome_within": OUTCOME_WITHIN,
}


# PostgreSQL would compile the statement for many boards, which takes longer than running it.
_NO_JIT = text("SET LOCAL jit = off")


def read_figures(party_ids: Iterable[int]) -> dict[int, Figures]:
    """Return the figures of these parties, by party id. Parties that do not exist are left out."""
    db.session.execute(_NO_JIT)
    rows = db.session.execute(_FIGURES, _VALUES | {"party_ids": list(party_ids)})
    return {row.party_id: _figures(row) for row in rows}


# This is the rule of `parties.services.party_for`, for many hosts at once.
_STILL_ALLOWED = text("""
SELECT p.id, a.id, s.id
FROM unnest(
    CAST(:party_ids AS integer[]), CAST(:account_ids AS integer[]), CAST(:session_ids AS bigint[])
) AS w(party, account, session)
JOIN party p ON p.id = w.party
JOIN account a ON a.id = w.account
JOIN account_session s ON s.id = w.session AND s.account_id = a.id
WHERE a.active AND s.created_at > :signed_in_since AND (
    p.host_id = a.id
    OR EXISTS (SELECT FROM party_cohost c WHERE c.party_id = p.id AND c.account_id = a.id)
    OR EXISTS (SELECT FROM account_role ar JOIN role r ON r.id = ar.role_id
               WHERE ar.account_id = a.id AND r.name = :organiser)
    OR EXISTS (SELECT FROM scoped_role sr JOIN campaign c ON c.id = p.campaign_id
               WHERE sr.account_id = a.id AND sr.role = :organiser
               AND (sr.campaign_id = c.id OR sr.chapter_id = c.chapter_id)))
""")


def hosts_still_allowed(hosts: Iterable[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
    """Return the triples in `hosts` for which the host may still see the party's board. Each triple
    has the ids of a party, an account and a session.

    A triple is returned if the account is active and may run the party, and the session is still
    open. A session is open if it has not been ended and began less than SIGNED_IN_FOR ago.
    """
    asked = list(hosts)
    rows = db.session.execute(
        _STILL_ALLOWED,
        {
            "party_ids": [party_id for party_id, _, _ in asked],
            "account_ids": [account_id for _, account_id, _ in asked],
            "session_ids": [session_id for _, _, session_id in asked],
            "organiser": RoleName.ORGANISER,
            "signed_in_since": now() - SIGNED_IN_FOR,
        },
    )
    return {(row[0], row[1], row[2]) for row in rows}


def _figures(row: Row[Any]) -> Figures:
    values = dict(row._mapping)
    values["scores"] = [Score(score[0], score[1], score[2]) for score in values["scores"]]
    values["recent"] = [
        Recent(call[0], call[1], call[2], call[3], datetime.fromisoformat(call[4]), call[5])
        for call in values["recent"]
    ]
    return Figures(**values)
