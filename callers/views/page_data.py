"""What the volunteer's pages show besides the contact: the campaign, the party, the progress so
far, and the calls that the caller has recorded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from sqlalchemy import JSON, Row, func, select, text

from callers.views.joy import describe_joy
from phonebank.calls.callback_times import zone_of
from phonebank.calls.hold import SEEN_APART, mark_seen
from phonebank.calls.last_call import LastCall, last_call_of
from phonebank.calls.undo import LAST_RECORDED_FIRST, UNDO_WITHIN, may_undo_never_again
from phonebank.core.db import db
from phonebank.models import Answer, Call, CallEnding, Caller, Campaign, Contact, now
from phonebank.models.call import OUTCOME_WITHIN
from phonebank.rules.outcomes import SUPPRESSES, label_of

LAST_CALLS = 100
# For this long after a call has ended without an outcome, the page asks how the call ended.
RECORDABLE_FOR = timedelta(hours=2)
# For this long after a call is recorded, the next page says so.
TOAST_FOR = timedelta(minutes=10)
# A caller who releases a contact sooner than this has not talked to the person.
SHORTEST_CALL = timedelta(seconds=30)

# The number of the party's conversations since the caller recorded the call before their last one.
_TEAM_SINCE = text("""
SELECT count(*) FROM call
WHERE party_id = :party_id AND counted AND conversation AND recorded_at > coalesce(
    (SELECT recorded_at FROM call
     WHERE caller_id = :caller_id AND id <> :call_id AND recorded_at IS NOT NULL
     ORDER BY recorded_no DESC NULLS LAST, recorded_at DESC LIMIT 1), :started_at)
""")
# The page says that the party has reached its goal only while the party has at most this many
# conversations beyond the goal. Only then is the count above needed.
GOAL_IS_NEWS_FOR = 50


@dataclass(frozen=True)
class Toast:
    """What the page says after a call. `said` says which outcome was recorded or undone. `undo` is
    the address for undoing the outcome, or "" if the message has no undo button. `how_far`
    describes the progress so far, and is "" after an undo. `joy` celebrates the call, and is
    usually ""."""

    said: str
    undo: str
    how_far: str
    joy: str


@dataclass(frozen=True)
class OwnCall:
    """The values that a caller may see of a call that they recorded. These values do not include
    the person's name and number, the note, or the text of an answer.

    `letter` is the first letter of the contact's first name, or "?" if the first name is not known.
    The letter helps to tell two calls apart, and identifies nobody.
    """

    id: str
    turn: int
    at: datetime
    outcome: str
    letter: str
    answers: int
    can_undo: bool

    def as_json(self) -> dict[str, Any]:
        """Return this call for an API client. `at` is UTC in ISO 8601."""
        return self.__dict__ | {"at": self.at.isoformat()}


def campaign_of(caller: Caller) -> Campaign:
    """Return the caller's campaign."""
    campaign: Campaign = caller.campaign
    return campaign


def place_of(caller: Caller) -> dict[str, Any]:
    """Return the variables that every page needs: `caller`, `campaign` and `party` (or None)."""
    return {"caller": caller, "campaign": campaign_of(caller), "party": caller.party}


def describe_callback(at: datetime, asked: datetime | None, zone: ZoneInfo) -> str:
    """Describe when the contact will be called again, in the contact's own time. `asked` is the
    time that the caller chose, or None if this time is no longer known. If the call was moved to
    another time because of calling hours, the text says so."""
    there = at.astimezone(zone)
    said = f"Recorded: Call back on {there:%A} {there.day} {there:%B} at {there:%H:%M} their time."
    if asked is None or abs(at - asked) < timedelta(minutes=1):
        return said
    wanted = asked.astimezone(zone)
    day = f"{wanted:%A} at " if wanted.date() != there.date() else ""
    return f"{said} {day}{wanted:%H:%M} is outside calling hours there."


def undone_toast(outcome: str) -> Toast:
    """Return the message that the page shows after an undo. The message has no button."""
    taken = label_of(outcome).lower()
    return Toast(f"Taken back: {taken}. You're with the same person again.", "", "", "")


def toast_of(
    caller: Caller, asked_callback: datetime | None = None, recorded: LastCall | None = None
) -> Toast | None:
    """Return the message about the caller's last recorded call. Return None if the caller has
    recorded no call, if the caller cannot undo the last call, or if the last call was recorded more
    than TOAST_FOR ago.

    `recorded` is the call that this request has recorded. If `recorded` is None, a query reads the
    last call. `asked_callback` is the callback time that the caller has just chosen, or None.
    """
    goal = caller.party.goal if caller.party else 0
    own = {"caller_id": caller.id, "party_id": caller.party_id}
    last = recorded or last_call_of(caller.id, caller.party_id)
    if last is None or not _can_undo(caller, last, is_last=True):
        return None
    if now() - last.recorded_at > TOAST_FOR:
        return None
    said = f"Recorded: {label_of(last.outcome)}."
    if last.callback_at is not None and last.outcome == "call_back":
        call = db.session.get_one(Call, last.id)
        said = describe_callback(last.callback_at, asked_callback, zone_of(call))
    team = f" Team: {last.team} of {goal}." if goal else ""
    calls = _count(last.calls, "call")
    return Toast(
        said,
        url_for("callers.take_back", call_id=last.id, turn=last.turn),
        f"You: {calls}, {_count(last.conversations, 'conversation')}.{team}",
        describe_joy(last, goal, _team_before(last, own, goal)),
    )


def _team_before(last: LastCall, own: dict[str, Any], goal: int) -> int:
    """Return how many conversations the party had when the caller recorded the second-last call. If
    the caller has recorded only one call, return how many the party had when that call began.

    Nobody needs this number if the party has no goal, is below its goal, or is more than
    GOAL_IS_NEWS_FOR conversations beyond its goal. In these cases, return the present number, which
    needs no query.
    """
    if not goal or not goal <= last.team <= goal + GOAL_IS_NEWS_FOR:
        return int(last.team)
    this_call = own | {"call_id": last.id, "started_at": last.started_at}
    return int(last.team - (db.session.scalar(_TEAM_SINCE, this_call) or 0))


def last_calls(caller: Caller, at_most: int = LAST_CALLS) -> list[OwnCall]:
    """Return the last `at_most` calls that the caller has recorded, newest first. If the caller is
    not admitted, `can_undo` is False in all of them."""
    rows = db.session.execute(
        select(
            Call.id,
            Call.turn,
            Call.started_at,
            Call.recorded_at,
            Call.outcome,
            Call.set_aside_at,
            select(func.left(func.coalesce(func.nullif(Contact.first_name, ""), "?"), 1))
            .where(Contact.id == Call.contact_id)
            .scalar_subquery()
            .label("letter"),
            select(func.count())
            .where(Answer.call_id == Call.id, Answer.value != JSON.NULL)
            .scalar_subquery()
            .label("answers"),
        )
        .where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
        .order_by(*LAST_RECORDED_FIRST)
        .limit(at_most)
    ).all()
    return [
        OwnCall(
            str(call.id),
            call.turn,
            call.recorded_at,
            label_of(call.outcome),
            call.letter or "?",
            call.answers,
            can_undo=_can_undo(caller, call, is_last=place == 0),
        )
        for place, call in enumerate(rows)
    ]


def totals_of_today(caller: Caller) -> dict[str, int]:
    """Return the numbers of calls, conversations and yeses that the caller recorded in the last
    twelve hours. Calls that do not count in totals are left out, for example those that an
    organiser has set aside."""
    row = db.session.execute(
        select(
            func.count(),
            func.count().filter(Call.conversation),
            func.count().filter(Call.yes),
        ).where(Call.caller_id == caller.id, Call.counted, Call.recorded_at > now() - UNDO_WITHIN)
    ).one()
    return dict(zip(("calls", "conversations", "yeses"), row, strict=True))


def _can_undo(caller: Caller, call: Row[*tuple[Any, ...]] | LastCall, is_last: bool) -> bool:
    """Whether the page offers to undo a call. The server may still refuse to undo it, for example
    because the person has been called again since."""
    if call.outcome in SUPPRESSES and not may_undo_never_again(call.recorded_at, is_last):
        return False
    in_time = now() - call.started_at < UNDO_WITHIN
    return bool(caller.may_call and call.set_aside_at is None and in_time)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unrecorded_call(caller: Caller) -> Call | None:
    """Return the caller's latest call if it ended in the last two hours and has no outcome. But
    leave this call out if the caller gave the contact back within 30 seconds, and no outcome of the
    call was ever undone.

    If the latest call does not fit, return another call whose outcome the caller has undone. That
    call must have begun in the last sixteen hours (OUTCOME_WITHIN), have ended in the last two
    hours, and have no new outcome. If several such calls fit, return the latest of them. If none
    fits, return None.

    For example, a call ends without an outcome if the caller's time with the contact runs out, or
    if the caller gives the contact back. But the caller may have talked to the person, so the page
    lets the caller say how the call ended.
    """
    latest = select(Call).order_by(Call.handed_out_no.desc().nulls_last(), Call.started_at.desc())
    own = latest.where(Call.caller_id == caller.id).limit(1)
    call = db.session.scalar(own)
    if call is not None and _is_unrecorded(call):
        return call
    undone = own.where(
        Call.started_at > now() - OUTCOME_WITHIN,
        Call.turn > 0,
        Call.outcome.is_(None),
        Call.ended_at > now() - RECORDABLE_FOR,
    )
    return db.session.scalar(undone)


def _is_unrecorded(call: Call) -> bool:
    if call.outcome is not None or call.ended_at is None:
        return False
    was_short = call.ended_at - call.started_at < SHORTEST_CALL
    if call.ending == CallEnding.GIVEN_BACK and was_short and not call.turn:
        return False
    return now() - call.ended_at < RECORDABLE_FOR


def update_last_seen(caller: Caller) -> None:
    """Store the current time as the time at which the caller was last seen. Do nothing if the
    stored time is not more than SEEN_APART ago."""
    if caller.seen_at is None or now() - caller.seen_at > SEEN_APART:
        mark_seen(caller)
