"""Limits on how many contacts a caller may see.

If a caller who has reached one of these limits asks for the next contact, the caller is paused, and
is flagged for the organisers. The limit NEWCOMERS is different: it makes newcomers wait.

The limits are stored in columns of the `campaign` table. In the code, a limit is called a budget. A
claim gives a caller a contact, and writes a call. So the number of a caller's calls is the number
of contacts that the caller has seen. Each claim also changes the caller's row. If that row has
already changed since the caller's calls were counted, the claim writes nothing and counts again. So
even if fifty requests arrive at once, each request counts the calls of the requests before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ARRAY, Integer, ScalarSelect, column, select, text, update
from sqlalchemy.orm import joinedload

from phonebank.core.db import after_commit, db
from phonebank.core.errors import NotRunningError
from phonebank.live.caller_events import PARTY, emit_to_callers
from phonebank.models import Caller, Campaign, PaceFlag
from phonebank.rules.outcomes import NOT_AN_ATTEMPT, SUPPRESSES

# The limits. Each is the name of a column of the campaign.
AN_HOUR = "people_an_hour"
A_MINUTE = "people_a_minute"
NO_CALLS = "no_calls_in_a_row"
UNRECORDED = "unrecorded_an_hour"
DO_NOT_CALLS = "do_not_calls_an_hour"
FAST_DO_NOT_CALLS = "fast_do_not_calls_an_hour"
# The limit that all newcomers from one address share: see `blocked_addresses`.
NEWCOMERS = "newcomers_people_an_hour"

# The column must hold a time, so this time means “until an organiser has reviewed the caller”.
UNTIL_LOOKED_AT = datetime(9999, 1, 1, tzinfo=UTC)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
AFTER_NO_CALLS = timedelta(minutes=5)
# After this many pauses within TIMES_WITHIN for a limit in `_ESCALATES`, an organiser must review
# the caller.
TIMES_AT_MOST = 3
TIMES_WITHIN = timedelta(days=1)
# A pause for an hourly limit ends when a tenth of the limit is free again. If the pause ended
# earlier, the caller would see one person and be paused again.
FREE_AGAIN = 10


@dataclass(frozen=True)
class Kind:
    """The words for one limit.

    `message` tells the caller why the caller is paused. `evidence` tells the organiser what
    happened. In `evidence`, `{seen}` stands for the number of contacts that counted towards the
    limit. `label` and `why` explain the limit's field in the organisers' form for the limits.
    """

    key: str
    label: str
    why: str
    message: str
    evidence: str


# The defaults of `models.Campaign` come from these numbers. An unanswered call takes half a minute:
# 15 seconds of ringing (what "No answer" asks for), and the taps before and after. So even a caller
# without a single conversation can make at most 120 calls an hour. A dead number takes 8 seconds:
# dialling, the tone, two taps. Three do-not-calls within 3 seconds of seeing the contact
# (`calls.speed_check`) are not mistaken taps. The other defaults are our own choice, far above what
# a volunteer does in an evening.
KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            AN_HOUR,
            "People an hour",
            "An unanswered call takes about half a minute, so a caller can make at most 120 an "
            "hour.",
            "You've seen as many people as one caller can call in an hour.",
            "{seen} people within an hour",
        ),
        Kind(
            A_MINUTE,
            "People a minute",
            "Even a dead number takes about eight seconds: dialling, the tone, two taps.",
            "You've gone from person to person faster than a phone can dial.",
            "{seen} people within a minute",
        ),
        Kind(
            NO_CALLS,
            "People in a row without a call",
            "People who were skipped, given back or left until time ran out, and failed calls.",
            "You've seen many people in a row and called none of them.",
            "{seen} people in a row without a call",
        ),
        Kind(
            UNRECORDED,
            "People an hour without an outcome",
            "People who were given back, or left on the screen until time ran out.",
            "You've seen many people this hour without saying how the calls ended.",
            "{seen} people within an hour without an outcome",
        ),
        Kind(
            DO_NOT_CALLS,
            "“Never call again” an hour",
            "This counts “Do not call” and “Has died”. Over this limit, an organiser must review "
            "the caller before they can continue.",
            "You've put many people on the do-not-call list within an hour.",
            "{seen} people put on the do-not-call list within an hour",
        ),
        Kind(
            FAST_DO_NOT_CALLS,
            "“Never call again” within 3 seconds",
            "This counts “Do not call” and “Has died” within an hour, if the caller recorded them "
            "within 3 seconds of seeing the person. Over this limit, an organiser must review the "
            "caller before they can continue.",
            "You've put people on the do-not-call list faster than anyone could have called them.",
            "{seen} people put on the do-not-call list within 3 seconds of being seen",
        ),
    )
}
BUDGETS = (*KINDS, NEWCOMERS)
# A campaign that wants no such limit sets it to this number. No caller sees that many people.
BUDGET_AT_MOST = 100_000
# Tests and benchmarks call faster than people, so they set up their campaigns with these limits.
AT_ANY_PACE = dict.fromkeys(BUDGETS, BUDGET_AT_MOST)
# A pause for one of these limits always ends only after an organiser's review. For the limits in
# `_ESCALATES`, this begins with the third pause.
_ASKS_AT_ONCE = frozenset({DO_NOT_CALLS, FAST_DO_NOT_CALLS})
_ESCALATES = frozenset({A_MINUTE, NO_CALLS, UNRECORDED})

_never, _no_call = (tuple(sorted(keys)) for keys in (SUPPRESSES, NOT_AN_ATTEMPT))
# The subquery reads one range of the index ix_call_caller_started. The range has at most as many
# rows as the hourly limit. The result is one array, because each column costs the claim time.
_SEEN = text(f"""
SELECT ARRAY[
    count(*) FILTER (WHERE ended_at IS NULL),
    count(*) FILTER (WHERE outcome IN {_never} AND too_fast),
    count(*) FILTER (WHERE outcome IN {_never}),
    count(*) FILTER (WHERE outcome IS NULL),
    count(*) FILTER (
        WHERE started_at > greatest(last_call, CASE WHEN paused_until <= :at THEN paused_until END,
                                    :at - interval '1 hour')
    ),
    count(*),
    count(*) FILTER (WHERE started_at > :at - interval '1 minute')
]
FROM (
    SELECT started_at, ended_at, outcome, too_fast, paused_until,
           max(started_at) FILTER (WHERE outcome NOT IN {_no_call}) OVER () AS last_call
    FROM caller k JOIN call ON call.caller_id = k.id
    WHERE k.id = :caller_id AND started_at > greatest(:at - interval '1 hour', k.pace_from)
) sight
""")  # noqa: S608
# The order of the numbers in `_SEEN` after the first. A caller who is over several limits is paused
# for the first one in this order.
_IN_ORDER = (FAST_DO_NOT_CALLS, DO_NOT_CALLS, UNRECORDED, NO_CALLS, AN_HOUR, A_MINUTE)
# This query finds when the oldest calls that count are an hour old, so that the caller may see
# somebody again.
_SOME_FREE_AT = text("""
SELECT started_at FROM call
WHERE caller_id = :caller_id
  AND started_at > greatest(:hour_ago, (SELECT pace_from FROM caller WHERE id = :caller_id))
  AND (outcome IS NULL OR NOT :unrecorded)
ORDER BY started_at OFFSET :free LIMIT 1
""")
_FLAG = text("""
INSERT INTO pace_flag AS flag (campaign_id, caller_id, kind, seen, budget, times, first_at, last_at)
VALUES (:campaign_id, :caller_id, :kind, :seen, :budget, 1, :at, :at)
ON CONFLICT (caller_id, kind) WHERE looked_at IS NULL DO UPDATE
SET seen = excluded.seen, budget = excluded.budget, last_at = excluded.last_at,
    times = CASE WHEN flag.last_at > :day_ago THEN flag.times + 1 ELSE 1 END
RETURNING times
""")
_PAUSE = text("""
UPDATE caller SET paused_until = :until, pause_kind = :kind WHERE id = :caller_id
""")


class PacePausedError(NotRunningError):
    """The error for a caller who is paused because they have reached a limit. `next_at` (aware,
    UTC) is when the caller may continue. None means that an organiser must review the caller
    first."""

    title = "A short pause"

    def __init__(self, kind: str, until: datetime) -> None:
        self.next_at = None if until == UNTIL_LOOKED_AT else until
        told = KINDS[kind].message if kind in KINDS else "Calling is paused for you."
        if self.next_at is None:
            self.title = "An organiser needs to check first"
            super().__init__(
                f"{told} We've told the organisers, and one of them needs to check before you "
                "continue. What you recorded is safe. If you have to wait long, ask the person "
                "who sent you the link.",
                "Keep this page open.",
            )
        else:
            super().__init__(f"{told} What you recorded is safe.", "Keep this page open.")


def refuse_paused(caller: Caller, at: datetime) -> None:
    """Raise PacePausedError if the caller is paused. This function runs no query, because it uses
    the caller's row, which has already been read."""
    if caller.paused_until is not None and caller.paused_until > at:
        raise PacePausedError(caller.pause_kind, caller.paused_until)


@dataclass(frozen=True)
class OverBudget:
    """A limit that a caller has reached. `kind` is the name of the limit, and `seen` is how many
    contacts count towards the limit. `budget` is the number that the campaign allows.
    """

    kind: str
    seen: int
    budget: int


@dataclass(frozen=True)
class Sights:
    """How many contacts a caller has seen within the last hour. If an organiser has ended a pause
    of the caller within that hour, only contacts since then count. `held` is how many of these
    contacts are on the caller's screen now. `counts` says, by the name of each limit, how many of
    these contacts count towards that limit."""

    held: int
    counts: dict[str, int]

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Sights":
        """Make a Sights from the numbers that the subquery `sights_seen` has read."""
        held, *counts = numbers
        return cls(held, dict(zip(_IN_ORDER, counts, strict=True)))

    def over_budget(self, campaign: Campaign) -> OverBudget | None:
        """Return a limit that the caller has reached, or None if the caller may see one more
        contact. If the caller has reached several limits, return the first of them in
        `_IN_ORDER`."""
        for kind, seen in self.counts.items():
            budget = getattr(campaign, kind)
            if seen >= budget:
                return OverBudget(kind, seen, budget)
        return None


def sights_seen() -> ScalarSelect[list[int]]:
    """Return a subquery that reads what `Sights.of` needs. The subquery's parameters are
    `:caller_id` and `:at`.

    A claim (which gives a caller a contact) runs a query that reads the contact. The subquery is
    added to this query as a column.
    """
    return _SEEN.columns(column("sights", ARRAY(Integer))).scalar_subquery()


def pause(caller: Caller, over: OverBudget, at: datetime) -> PacePausedError:
    """Pause and flag a caller, at the moment `at`, because the caller has reached the limit `over`.
    Return the error to raise.

    The view must commit the pause and the flag even though the error is raised. The caller's row
    must have been locked before the calls were counted.
    """
    times = flag(caller, over.kind, over.seen, over.budget, at)
    until = _until(caller, over, at)
    if over.kind in _ASKS_AT_ONCE or (over.kind in _ESCALATES and times >= TIMES_AT_MOST):
        until = UNTIL_LOOKED_AT
    values: dict[str, Any] = {"until": until, "kind": over.kind, "caller_id": caller.id}
    db.session.execute(_PAUSE, values)
    return PacePausedError(over.kind, until)


def pause_end(caller: Caller, at: datetime) -> datetime | Literal["look"] | None:
    """Return when the caller's pause ends: a time, or "look" if an organiser must review the caller
    first. Return None if the caller is not paused at `at`."""
    if caller.paused_until is None or caller.paused_until <= at:
        return None
    return "look" if caller.paused_until == UNTIL_LOOKED_AT else caller.paused_until


def evidence_of(flag: PaceFlag) -> str:
    """Return in words what the flag reports, with the number of contacts that counted towards the
    limit."""
    if flag.kind == NEWCOMERS:
        return f"Joined from an address whose new callers saw {flag.seen} people within an hour"
    return KINDS[flag.kind].evidence.format(seen=flag.seen)


def open_flags(campaign_id: int, at_most: int = 50) -> Sequence[PaceFlag]:
    """Return up to `at_most` of the campaign's flags that no organiser has reviewed yet. The most
    recent flag is first. The caller of each flag is read too."""
    return db.session.scalars(
        select(PaceFlag)
        .options(joinedload(PaceFlag.caller))
        .where(PaceFlag.campaign_id == campaign_id, PaceFlag.looked_at.is_(None))
        .order_by(PaceFlag.last_at.desc())
        .limit(at_most)
    ).all()


def flags_of(caller: Caller) -> Sequence[PaceFlag]:
    """Return all flags of a caller, the most recent first."""
    query = select(PaceFlag).where(PaceFlag.caller_id == caller.id)
    return db.session.scalars(query.order_by(PaceFlag.last_at.desc())).all()


def end_pause(caller: Caller, at: datetime) -> None:
    """End the caller's pause. Contacts that the caller got up to `at` no longer count towards the
    limits. After the commit, the caller's page continues automatically."""
    db.session.execute(
        update(Caller).where(Caller.id == caller.id).values(paused_until=at, pace_from=at)
    )
    caller_id = caller.id
    after_commit(lambda: emit_to_callers([caller_id], PARTY))


def flag(caller: Caller, kind: str, seen: int, budget: int, at: datetime) -> int:
    """Flag a caller because of the limit `kind`, so that the organisers know.

    Return how many times in a row the caller has been flagged because of this limit, with less than
    a day between one time and the next. The count begins again after an organiser's review.
    """
    values = {
        "campaign_id": caller.campaign_id,
        "caller_id": caller.id,
        "kind": kind,
        "seen": seen,
        "budget": budget,
        "at": at,
        "day_ago": at - TIMES_WITHIN,
    }
    return int(db.session.execute(_FLAG, values).scalar_one())


def _until(caller: Caller, over: OverBudget, at: datetime) -> datetime:
    if over.kind == A_MINUTE:
        return at + MINUTE
    if over.kind == NO_CALLS:
        return at + AFTER_NO_CALLS
    free = over.seen - over.budget + max(1, over.budget // FREE_AGAIN)
    oldest = db.session.scalar(
        _SOME_FREE_AT,
        {
            "caller_id": caller.id,
            "hour_ago": at - HOUR,
            "unrecorded": over.kind == UNRECORDED,
            "free": max(0, free - 1),
        },
    )
    return max(at + MINUTE, (oldest or at) + HOUR)
