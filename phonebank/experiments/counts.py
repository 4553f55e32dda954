"""Counts the results of an experiment's calls, separately for each arm. An arm is one of the
scripts that the experiment compares.

Where people are counted, each person counts once, even after several calls, because calls to the
same person are not independent of each other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.scripts.versions import script_of


@dataclass
class ArmCounts:
    """One arm's counts.

    The keys of `steps_passed` are sets of step ids. Each value is the number of people reached
    whose calls have answers to exactly these steps. A key of `shifts` is the difference between a
    person's two ratings: the second rating minus the first, from -10 to 10. The value is the number
    of people with this difference. If a person gave both ratings in several conversations, only the
    last of these conversations is used. `versions` maps each script version's id to the number of
    calls that used this version.
    """

    calls: int = 0
    people: int = 0
    reached: int = 0
    conversations: int = 0
    yeses: int = 0
    steps_passed: Counter[frozenset[str]] = field(default_factory=Counter)
    shifts: Counter[int] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)


_PEOPLE = text("""
SELECT arm_id, sum(calls)::bigint AS calls, count(*) AS people,
       count(*) FILTER (WHERE reached) AS reached,
       count(*) FILTER (WHERE conversation) AS conversations,
       count(*) FILTER (WHERE yes) AS yeses
FROM (SELECT experiment_arm_id AS arm_id, count(*) AS calls, bool_or(reached) AS reached,
             bool_or(conversation) AS conversation, bool_or(yes) AS yes
      FROM call
      WHERE experiment_arm_id = ANY (:arm_ids) AND counted AND recorded_at < :until
      GROUP BY experiment_arm_id, contact_id) person
GROUP BY arm_id
""")

_CALLS_SINCE = text("""
SELECT count(*) FROM call
WHERE experiment_arm_id = ANY (:arm_ids) AND counted AND recorded_at >= :since
""")

_VERSIONS = text("""
SELECT experiment_arm_id AS arm_id, script_version_id, count(*) AS calls
FROM call
WHERE experiment_arm_id = ANY (:arm_ids) AND counted AND recorded_at < :until
      AND script_version_id IS NOT NULL
GROUP BY experiment_arm_id, script_version_id
""")

_STEPS = text("""
SELECT arm_id, steps, count(*) AS people
FROM (SELECT call.experiment_arm_id AS arm_id,
             array_agg(DISTINCT answer.step_id ORDER BY answer.step_id) AS steps
      FROM call JOIN answer ON answer.call_id = call.id
      WHERE call.experiment_arm_id = ANY (:arm_ids) AND call.counted AND call.reached
            AND call.recorded_at < :until
      GROUP BY call.experiment_arm_id, call.contact_id) person
GROUP BY arm_id, steps
""")

_SHIFTS = text("""
SELECT arm_id, shift, count(*) AS people
FROM (SELECT DISTINCT ON (call.experiment_arm_id, call.contact_id)
             call.experiment_arm_id AS arm_id,
             (after.value #>> '{}')::int - (before.value #>> '{}')::int AS shift
      FROM call
      JOIN unnest(CAST(:version_ids AS integer[]), CAST(:firsts AS text[]),
                  CAST(:seconds AS text[])) AS rated(version_id, first, second)
          ON rated.version_id = call.script_version_id
      JOIN answer before ON before.call_id = call.id AND before.step_id = rated.first
      JOIN answer after ON after.call_id = call.id AND after.step_id = rated.second
      WHERE call.experiment_arm_id = ANY (:arm_ids) AND call.counted AND call.conversation
            AND call.recorded_at < :until
            AND jsonb_typeof(before.value) = 'number' AND jsonb_typeof(after.value) = 'number'
      ORDER BY call.experiment_arm_id, call.contact_id, call.recorded_at DESC) person
GROUP BY arm_id, shift
""")


def counts_of(arm_ids: Sequence[int], until: datetime) -> dict[int, ArmCounts]:
    """Return the counts of each arm. The keys are the arms' ids. Only calls that were recorded
    before `until` and have `counted` set are included.

    All counts of an arm without calls are 0.
    """
    counts = {arm_id: ArmCounts() for arm_id in arm_ids}
    given = {"arm_ids": list(arm_ids), "until": until}
    for row in db.session.execute(_PEOPLE, given):
        arm = counts[row.arm_id]
        arm.calls, arm.people, arm.reached = row.calls, row.people, row.reached
        arm.conversations, arm.yeses = row.conversations, row.yeses
    for row in db.session.execute(_VERSIONS, given):
        counts[row.arm_id].versions[row.script_version_id] = row.calls
    for row in db.session.execute(_STEPS, given):
        counts[row.arm_id].steps_passed[frozenset(row.steps)] += row.people
    for row in db.session.execute(_SHIFTS, given | _ratings_in(counts)):
        counts[row.arm_id].shifts[row.shift] += row.people
    return counts


def _ratings_in(counts: dict[int, ArmCounts]) -> dict[str, list[Any]]:
    """Return the parameters of the query `_SHIFTS`: the arms' script versions that ask for a rating
    twice, and the two rating steps of each version."""
    rated = []
    for version_id in {version_id for arm in counts.values() for version_id in arm.versions}:
        script = script_of(version_id)
        if script is not None and script.first_rating and script.second_rating:
            rated.append((version_id, script.first_rating, script.second_rating))
    return {
        "version_ids": [version_id for version_id, _, _ in rated],
        "firsts": [first for _, first, _ in rated],
        "seconds": [second for _, _, second in rated],
    }


def calls_since(arm_ids: Sequence[int], since: datetime) -> int:
    """Return how many of these arms' calls were recorded at `since` or later and have `counted`
    set."""
    given = {"arm_ids": list(arm_ids), "since": since}
    return int(db.session.execute(_CALLS_SINCE, given).scalar_one())
