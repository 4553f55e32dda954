"""Describes what each caller in a party is doing right now, for the host's list."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, true

from phonebank.core.db import db
from phonebank.models import Call, CallEnding, Caller, CallerState, Party, now

IDLE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Doing:
    """What one caller is doing. `kind` decides how the page shows the caller: "calling", "break",
    "waiting", "idle" or "new"."""

    kind: str
    words: str


NOT_YET = Doing("new", "Hasn't called yet")


def doing_in(party: Party) -> dict[int, Doing]:
    """Return what each admitted caller in the party is doing, by caller id."""
    latest = (
        select(Call.started_at, Call.ended_at, Call.ending)
        .where(Call.caller_id == Caller.id)
        .order_by(Call.started_at.desc())
        .limit(1)
        .lateral()
    )
    rows = db.session.execute(
        select(Caller.id, latest.c.started_at, latest.c.ended_at, latest.c.ending)
        .outerjoin(latest, true())
        .where(Caller.party_id == party.id, Caller.state == CallerState.ADMITTED)
    )
    at = now()
    on_break = party.is_paused(at)
    return {
        row.id: describe_doing(row.started_at, row.ended_at, row.ending, on_break, at)
        for row in rows
    }


def describe_doing(
    started_at: datetime | None,
    ended_at: datetime | None,
    ending: CallEnding | None,
    on_break: bool,
    at: datetime,
) -> Doing:
    """Return what a caller is doing at the moment `at`. The first three parameters describe the
    caller's latest call. All three are None before the first call, and `ended_at` and `ending` are
    None during a call. `on_break` is true during the party's break."""
    if started_at is not None and ended_at is None:
        return Doing("calling", "Calling")
    if on_break:
        return Doing("break", "On a break")
    if ended_at is None:
        return NOT_YET
    if at - ended_at >= IDLE_AFTER:
        return Doing("idle", f"Idle for {_describe_time(at - ended_at)}")
    if ending == CallEnding.GIVEN_BACK:
        return Doing("break", "On a break")
    return Doing("waiting", "Waiting")


def _describe_time(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} minutes"
    hours = minutes // 60
    return "an hour" if hours == 1 else f"{hours} hours"
