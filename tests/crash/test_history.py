"""Tests the judge: for each kind of fault, one history that has it and one that does not.

A history is a few entries of the ledger, as the soak's database would keep them.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.crash import history
from tests.crash.history import ALLOWANCE, PROMISE_ALLOWANCE, Promise, Promises
from tests.crash.ledger import Entry

AT = datetime(2026, 5, 5, 18, 30, tzinfo=UTC).timestamp()  # 13:30 in Chicago, 14:30 in New York
PHONE = "+441134960001"
ROW: dict[str, Any] = {
    "call": {
        "phone": PHONE, "campaign_id": 1, "caller_id": 7, "contact_id": 5, "party_id": 3,
        "started_at": "", "expires_at": "", "ended_at": None, "ending": None, "outcome": None,
        "turn": 0, "counted": False, "late": False,
    },
    "campaign": {"state": "running", "hours": {}},
    "party": {"state": "open", "paused": False, "break_until": None, "door_open": True},
    "contact_list": {"state": "ready", "removed": False},
    "caller": {
        "state": "admitted", "campaign_id": 1, "party_id": 3, "first_name": "Ada",
        "hidden": False, "list_ids": [], "languages": [],
    },
    "suppression": {"phone": PHONE},
}  # fmt: skip
PERSON = {"list_id": 9, "zone_key": "America/Chicago|America/New_York", "language": ""}


class Story:
    """What happened from `AT` on: each call of `change` is one committed change that took `takes`
    seconds."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}

    def change(
        self, after: float, what: str, key: object, takes: float = 0.01, by: str = "", **to: Any
    ) -> "Story":
        """Change a row to these values so many seconds after `AT`. Calls and callers are new."""
        about = what, str(key)
        new = what in ("call", "caller", "suppression")
        before = self.rows.get(about) or (None if new else ROW[what])
        row = {**(before or ROW[what]), **to}
        beside = PERSON | to.pop("person", {}) if what == "call" and before is None else None
        row.pop("person", None)
        if what == "call" and before is None and "started_at" not in to:
            row["started_at"] = datetime.fromtimestamp(AT + after, UTC).isoformat()
        self.rows[about] = row
        no = len(self.entries)
        at = AT + after
        self.entries.append(Entry(no, at, at + takes, what, str(key), before, row, beside, by))
        return self

    def gone(self, after: float, what: str, key: object) -> "Story":
        """Delete the row."""
        at, row = AT + after, self.rows.pop((what, str(key)))
        self.entries.append(Entry(len(self.entries), at, at, what, str(key), row, None))
        return self


def ended(how: str | None, **values: Any) -> dict[str, Any]:
    return {"ended_at": "some time", "ending": how, **values}


LATE = ALLOWANCE + 0.5
ENDED = ended("expired")

# For each fault: what the judge must say, the history that has it, and one that does not.
MUTATIONS: dict[str, tuple[str, Story, Story]] = {
    "one person in two calls": (
        "in two calls at once",
        Story().change(0, "call", "a").change(5, "call", "b").change(9, "call", "a", **ENDED),
        Story().change(0, "call", "a").change(4, "call", "a", **ENDED).change(5, "call", "b"),
    ),
    "an undo that opens a call beside another": (
        "in two calls at once",
        Story().change(0, "call", "a").change(1, "call", "a", **ENDED).change(2, "call", "b")
        .change(3, "call", "a", ended_at=None, ending=None),
        Story().change(0, "call", "a").change(1, "call", "a", **ENDED).change(2, "call", "b")
        .change(3, "call", "b", **ENDED).change(4, "call", "a", ended_at=None, ending=None),
    ),
    "a claim after never again": (
        "after the number was suppressed",
        Story().change(0, "suppression", PHONE).change(1, "call", "a"),
        Story().change(0, "suppression", PHONE).gone(1, "suppression", PHONE)
        .change(2, "call", "a"),
    ),
    "decided before the lock was waited for: the campaign": (
        "the campaign was paused",
        Story().change(0, "campaign", 1, state="paused").change(LATE, "call", "a"),
        Story().change(0, "campaign", 1, state="paused").change(1, "call", "a")
        .change(2, "campaign", 1, state="running").change(3, "call", "a", **ENDED)
        .change(9, "call", "b"),
    ),
    "decided before the lock was waited for: the campaign's end": (
        "the campaign was ended",
        Story().change(0, "campaign", 1, state="ended").change(LATE, "call", "a"),
        Story().change(0, "campaign", 2, state="ended").change(LATE, "call", "a"),
    ),
    "decided before the lock was waited for: the party's break": (
        "the party was on a break",
        Story().change(0, "party", 3, break_until="20:00").change(LATE, "call", "a"),
        Story().change(0, "party", 3, paused=True).change(1, "party", 3, paused=False)
        .change(LATE, "call", "a"),
    ),
    "decided before the lock was waited for: the party's end": (
        "the party was ended",
        Story().change(0, "party", 3, state="ended").change(LATE, "call", "a"),
        Story().change(0, "party", 3, state="locked").change(LATE, "call", "a"),
    ),
    "decided before the lock was waited for: the list": (
        "the contact_list was taken out of calling",
        Story().change(0, "contact_list", 9, removed=True).change(LATE, "call", "a"),
        Story().change(0, "contact_list", 8, removed=True).change(LATE, "call", "a"),
    ),
    "a removed caller gets a contact": (
        "the caller was removed",
        Story().change(0, "caller", 7).change(1, "caller", 7, state="removed")
        .change(1 + LATE, "call", "a"),
        Story().change(0, "caller", 7).change(1, "call", "a")
        .change(2, "caller", 7, state="removed"),
    ),
    "the time was taken before the lock was waited for": (
        "a false beginning",
        Story().change(180, "call", "a", started_at=datetime.fromtimestamp(AT, UTC).isoformat()),
        Story().change(2, "call", "a", started_at=datetime.fromtimestamp(AT, UTC).isoformat()),
    ),
    "resume beats end": (
        "a campaign that was ended is running",
        Story().change(0, "campaign", 1, state="ended").change(1, "campaign", 1, state="running"),
        Story().change(0, "campaign", 1, state="ended").change(1, "campaign", 1, state="paused")
        .change(2, "campaign", 1, state="running"),
    ),
    "unlock beats a party's end": (
        "a party that was ended is open",
        Story().change(0, "party", 3, state="ended").change(1, "party", 3, state="open"),
        Story().change(0, "party", 3, state="locked").change(1, "party", 3, state="open"),
    ),
    "put back beats an undone upload": (
        "an undone list was put back",
        Story().change(0, "contact_list", 9, state="undone", removed=True)
        .change(1, "contact_list", 9, removed=False),
        Story().change(0, "contact_list", 9, removed=True)
        .change(1, "contact_list", 9, removed=False),
    ),
    "let in re-admits who was removed": (
        "a caller that was removed is admitted",
        Story().change(0, "caller", 7, state="waiting").change(1, "caller", 7, state="removed")
        .change(2, "caller", 7, state="admitted", by="organiser"),
        Story().change(0, "caller", 7, state="waiting").change(2, "caller", 7, state="admitted"),
    ),
    "a host renames a caller of another host's party": (
        "acted on another host's caller (party 4)",
        Story().change(0, "caller", 7, party_id=4)
        .change(1, "caller", 7, first_name="Rude", by="host of 3"),
        Story().change(0, "caller", 7).change(1, "caller", 7, first_name="Rude", by="host of 3"),
    ),
    "a host's removal shuts another's door": (
        "acted on another host's party (party 4)",
        Story().change(0, "party", 4, door_open=False, by="host of 3"),
        Story().change(0, "party", 4, door_open=False, by="host of 4"),
    ),
    "an open door is read before it was shut": (
        "by a door that was shut",
        Story().change(0, "party", 3, door_open=False).change(LATE, "caller", 7, by="guest"),
        Story().change(0, "party", 3, door_open=False)
        .change(LATE, "caller", 7, state="waiting", by="guest")
        .change(LATE + 1, "caller", 7, state="admitted", by="organiser"),
    ),
    "a late outcome counts twice, by two clocks": (
        "counted although another caller had them since",
        Story().change(0, "call", "a").change(1, "call", "a", **ENDED).change(2, "call", "b")
        .change(3, "call", "a", outcome="busy", counted=True, late=True),
        Story().change(0, "call", "a").change(1, "call", "a", **ENDED).change(2, "call", "b")
        .change(3, "call", "a", outcome="busy", counted=False, late=True),
    ),
    "beyond a caller's lists": (
        "beyond its caller's limits",
        Story().change(0, "caller", 7, list_ids=[8]).change(LATE, "call", "a"),
        Story().change(0, "caller", 7, list_ids=[8, 9]).change(LATE, "call", "a"),
    ),
    "beyond a caller's languages": (
        "beyond its caller's limits",
        Story().change(0, "caller", 7).change(LATE, "call", "a", person={"language": "cy"}),
        Story().change(0, "caller", 7, languages=["cy"])
        .change(LATE, "call", "a", person={"language": "cy"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(MUTATIONS))
def test_a_history_with_the_fault_is_found_and_one_without_it_passes(fault: str) -> None:
    says, with_it, without = MUTATIONS[fault]
    found = history.broken(with_it.entries)
    assert any(says in sentence for sentence in found), found
    assert history.broken(without.entries) == []


def promised(*until: float, heard: float = 0) -> Promises:
    return {"a": [Promise(AT + heard, AT + seconds, AT + seconds) for seconds in until]}


def test_a_contact_lost_before_a_promised_end_is_found() -> None:
    story = Story().change(0, "call", "a").change(10, "call", "a", **ENDED)
    # The hold was renewed until 20 s, and only the first end was in the database.
    lost = list(history.broken_promises(story.entries, promised(10, 20)))
    assert "taken away 10.0 s before it was promised" in lost[0]
    assert list(history.broken_promises(story.entries, promised(10))) == []
    # The two clocks differ, and times are in whole seconds.
    assert list(history.broken_promises(story.entries, promised(9 + PROMISE_ALLOWANCE))) == []
    # The promise came after an undo had opened the call again.
    assert list(history.broken_promises(story.entries, promised(30, heard=15))) == []
    given_back = Story().change(0, "call", "a").change(10, "call", "a", **ended("given_back"))
    assert list(history.broken_promises(given_back.entries, promised(20))) == []


def test_a_renewal_refused_while_a_promise_stands_is_found() -> None:
    refused = {"a": [(AT + 4, AT + 5)]}
    held = Story().change(0, "call", "a").change(9, "call", "a", **ENDED)
    assert list(history.refused_before_promised(held.entries, promised(20), refused))
    assert list(history.refused_before_promised(held.entries, promised(6), refused)) == []
    ended_by_them = Story().change(0, "call", "a").change(4, "call", "a", **ended("taken_away"))
    assert not list(history.refused_before_promised(ended_by_them.entries, promised(20), refused))
    # The call had an outcome when the renewal was refused, and the undo came before the refusal.
    undone = ended_by_them.change(4.5, "call", "a", **ended(None))
    assert not list(history.refused_before_promised(undone.entries, promised(20), refused))


def test_less_promised_than_before_is_found() -> None:
    # The hold was renewed until 400 s. After a reload the page gets the first end, 300 s.
    renewed, reloaded = Promise(100, 400, 401), Promise(310, 299, 301)
    told = {"a": [Promise(0, 300, 300), renewed, reloaded]}
    assert "99.0 s less" in next(history.shortened(told))
    # The answer took ten seconds, and the server may have given it in any of them.
    assert list(history.shortened({"a": [renewed, Promise(320, 390, 400)]})) == []
    # The page was asked for before the renewal, and came after it.
    assert list(history.shortened({"a": [renewed, Promise(101, 299, 302)]})) == []


@pytest.mark.parametrize(
    ("opening", "faults"), [((780, 960), 0), ((840, 960), 1), ((900, 960), 2), ((780, 870), 1)]
)
def test_out_of_hours_in_any_possible_zone_is_found(opening: tuple[int, int], faults: int) -> None:
    given = Story().change(0, "call", "a").entries
    assert len(list(history.out_of_hours(given, 1, opening))) == faults
    assert list(history.out_of_hours(given, 2, opening)) == []


def test_hours_that_were_changed_hold_from_their_commit_on() -> None:
    week = {day: ["13:00", "14:00"] for day in history.DAYS}
    story = Story().change(0, "campaign", 1, hours=week).change(LATE, "call", "a")
    # Calling is open in Chicago, and has shut in New York.
    assert len(list(history.out_of_hours(story.entries, 1, (780, 960)))) == 1
    at_once = Story().change(0, "campaign", 1, hours=week).change(0.5, "call", "a")
    assert list(history.out_of_hours(at_once.entries, 1, (780, 960))) == []


def test_a_call_after_never_again_was_acknowledged_is_found() -> None:
    given = Story().change(5, "call", "a").entries
    assert list(history.given_after(given, {PHONE: AT + 4}))
    assert list(history.given_after(given, {PHONE: AT + 6})) == []


def test_a_callers_own_callbacks_are_beyond_no_limits() -> None:
    story = Story().change(0, "caller", 7, list_ids=[8])
    story.change(-60, "call", "a").change(-50, "call", "a", **ended("recorded"))
    judged: Callable[[Iterable[Entry]], Any] = lambda them: list(history.beyond_limits(list(them)))  # noqa: E731
    first, end = story.entries[1:]
    again = Story().change(LATE, "call", "b").entries[0]
    numbered = [
        Entry(no, e.at, e.committed, e.what, e.key, e.before, e.after, e.beside)
        for no, e in enumerate([first, end, story.entries[0], again])
    ]
    assert judged(numbered) == []
    assert len(judged(numbered[2:])) == 1


def test_removed_callers_and_their_calls_are_known() -> None:
    story = Story().change(0, "caller", 7).change(1, "call", "a")
    story.change(2, "caller", 7, state="removed").change(2, "call", "a", **ended("taken_away"))
    assert history.removed_calls(story.entries) == {"a": AT + 2}
    assert history.removals(story.entries) == 1
