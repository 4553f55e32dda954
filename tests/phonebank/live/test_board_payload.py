"""A board's words and places, without any store."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.live import board_payload
from phonebank.live.board_payload import (
    Figures,
    Recent,
    Score,
    feed_text,
    leaders,
    payload,
    version_of,
)

EIGHT = datetime(2026, 1, 13, 20, 0, tzinfo=UTC)


def figures(**values) -> Figures:
    defaults: dict[str, Any] = {
        "party_id": 1,
        "campaign_id": 1,
        "board_token": "t",
        "title": "Tuesday night",
        "goal": 50,
        "state": "open",
        "paused": False,
        "campaign_state": "running",
        "celebrate": True,
        "break_until": None,
        "time_zone": "Europe/London",
        "message": None,
        "message_at": None,
        "code": "ABCDEF",
        "read_at": EIGHT,
        "age": 0,
        "tally_version": 0,
        "calls": 0,
        "reached": 0,
        "conversations": 0,
        "yeses": 0,
        "last_ten": 0,
        "active": 0,
        "ringing": [],
        "waiting": 0,
        "held": 0,
        "helping": 0,
        "people": "",
        "scores": [],
        "recent": [],
    }
    return Figures(**defaults | values)


scores = st.dictionaries(
    st.integers(1, 60), st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=9)
).map(
    lambda names_by_score: [
        Score(conversations, sorted(names)[: board_payload.NAMES_TOGETHER], len(names))
        for conversations, names in names_by_score.items()
    ]
)


@given(scores)
def test_a_place_is_one_more_than_the_callers_who_did_better(scores: list[Score]) -> None:
    for row in leaders(scores):
        better = sum(s.callers for s in scores if s.conversations > row["conversations"])
        assert row["place"] == better + 1


@given(scores)
def test_five_places_at_most_and_the_best_first(scores: list[Score]) -> None:
    rows = leaders(scores)
    assert [row["conversations"] for row in rows] == sorted(
        (row["conversations"] for row in rows), reverse=True
    )
    assert all(row["place"] <= 5 for row in rows)
    assert len(rows) <= 5
    assert bool(rows) == bool(scores)


def test_callers_with_as_many_share_a_place() -> None:
    rows = leaders([Score(2, ["Kit"], 1), Score(4, ["Ada", "Sam"], 2)])
    assert [(row["place"], row["names"]) for row in rows] == [(1, "Ada and Sam"), (3, "Kit")]


def test_a_crowd_in_one_place_is_counted() -> None:
    assert leaders([Score(1, ["Ada", "Kit", "Sam"], 9)])[0]["names"] == "Ada, Kit, Sam and 6 more"


@given(scores, st.integers(1, 60))
def test_everyone_who_shares_a_place_is_named_as_far_as_the_list_has_room(
    scores: list[Score], length: int
) -> None:
    long = [Score(s.conversations, [n * length for n in s.names], s.callers) for s in scores]
    rows = leaders(long)
    shown = [
        re.findall(r"[abc]+", row["names"].split(" more")[0].replace("and", "")) for row in rows
    ]
    assert all(shown), "a place names one at least"
    spare = board_payload.LETTERS_OF_PLACES
    for row, names in zip(rows, shown, strict=True):
        score = next(s for s in long if s.conversations == row["conversations"])
        spare -= sum(len(name) + 2 for name in names)
        if len(names) < score.callers:
            assert row["names"].endswith(f"{score.callers - len(names)} more")
            assert spare < len(score.names[len(names)]) + 2
        assert spare >= 0 or len(names) == 1


def test_the_hosts_message_shows_for_three_minutes_and_not_after_the_end() -> None:
    sent = {"message": "Pizza!", "message_at": EIGHT - timedelta(minutes=2)}
    assert payload(figures(**sent))["message"] == "Pizza!"
    assert payload(figures(**sent, state="ended"))["message"] == ""
    sent["message_at"] = EIGHT - timedelta(minutes=3)
    assert payload(figures(**sent))["message"] == ""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"conversation": False}, "Sam made a call"),
        ({"conversation": True}, "Sam had a conversation"),
        ({"conversation": False, "first_call": True}, "Sam made their first call"),
        ({"conversation": True, "first_call": True}, "Sam had their first conversation"),
        ({"conversation": True, "first_yes": True}, "Sam got the first yes"),
        ({"conversation": True, "name": None}, "Someone had a conversation"),
    ],
)
def test_the_feed_tells_who_and_never_to_whom(call: dict, words: str) -> None:
    defaults = {"name": "Sam", "first_call": False, "first_yes": False, "at": EIGHT}
    assert feed_text(Recent(**defaults | call)) == words


@given(
    st.tuples(st.integers(0, 900_000), st.integers(0, 10**10 - 1)),
    st.tuples(st.integers(0, 900_000), st.integers(0, 10**10 - 1)),
)
def test_versions_order_by_tallies_then_by_time_and_javascript_counts_them_exactly(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    versions = [version_of(figures(tally_version=t, age=s)) for t, s in (first, second)]
    assert (versions[0] < versions[1]) == (first < second)
    assert max(versions) < 2**53


@pytest.mark.parametrize(
    ("conversations", "percent", "milestone", "to_go"),
    [
        (0, 0, 0, "50 to go"),
        (12, 24, 0, "38 to go"),
        (13, 26, 25, "37 to go"),
        (49, 98, 75, "1 to go"),
        (50, 100, 100, "Goal reached"),
        (61, 122, 100, "Goal reached, and 11 more"),
    ],
)
def test_how_far_along_the_room_is(
    conversations: int, percent: int, milestone: int, to_go: str
) -> None:
    shown = payload(figures(conversations=conversations))
    assert (shown["percent"], shown["milestone"], shown["to_go"]) == (percent, milestone, to_go)
    assert 0 <= shown["fill"] <= 100


def test_the_answered_rate_is_a_dash_before_any_call() -> None:
    assert payload(figures())["answered"] == "–"
    assert payload(figures(calls=8, reached=3))["answered"] == "38%"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ""),
        ({"paused": True}, "Break"),
        ({"campaign_state": "paused"}, "Calling is paused"),
        ({"campaign_state": "draft"}, "Calling hasn't started yet"),
        ({"campaign_state": "ended"}, "The campaign has ended"),
        # Summer time, in the party's own zone.
        (
            {
                "read_at": datetime(2026, 7, 1, 19, 0, tzinfo=UTC),
                "break_until": datetime(2026, 7, 1, 19, 10, tzinfo=UTC),
            },
            "Break until 20:10",
        ),
        ({"break_until": EIGHT - timedelta(seconds=1)}, ""),
        ({"state": "ended", "paused": True}, "The party has ended. Thank you!"),
    ],
)
def test_what_everybody_should_know(values: dict, words: str) -> None:
    assert payload(figures(**values))["notice"] == words


def test_the_status_sentence_says_the_whole_board() -> None:
    shown = payload(figures(conversations=12, calls=1, active=3, paused=True))
    assert shown["status"] == ("Break. 12 of 50 conversations, 1 call, 3 callers calling now.")


@pytest.mark.parametrize(
    ("names", "active", "words"),
    [
        ([], 0, ""),
        (["Ada"], 1, "Ada"),
        (["Ada", "Kit"], 2, "Ada and Kit"),
        (["Ada", "Bo", "Cy", "Di", "Ed"], 17, "Ada, Bo, Cy, Di, Ed and 12 more"),
        # Whom the host hid is counted and not named.
        ([], 1, "Someone"),
        ([], 3, "3 callers"),
        (["Ada"], 2, "Ada and 1 more"),
        # Long names leave room for fewer.
        (["Ada", "Bartholomew", "Gwendolyn"], 3, "Ada, Bartholomew and 1 more"),
        (["Bartholomew Featherstonehaugh", "Bo"], 9, "Bartholomew Feather… and 8 more"),
    ],
)
def test_who_rings_in_words(names: list[str], active: int, words: str) -> None:
    assert payload(figures(ringing=names, active=active))["ringing"] == words


@given(st.lists(st.integers(0, 900), min_size=12, max_size=12))
def test_the_bars_of_the_hour_fit_and_stand_in_order(hour: list[int]) -> None:
    heights = payload(figures(), hour=hour)["hour"]
    assert len(heights) == 12
    assert all(0 <= height <= 100 for height in heights)
    assert all((height > 0) == (calls > 0) for height, calls in zip(heights, hour, strict=True))
    if max(hour) >= 5:
        assert heights[hour.index(max(hour))] == 100
    for one, calls in zip(heights, hour, strict=True):
        for other, more in zip(heights, hour, strict=True):
            assert one <= other or calls > more


def test_an_hour_with_few_calls_looks_like_one() -> None:
    shown = payload(figures(), hour=[0] * 11 + [1])
    assert shown["hour"] == [0] * 11 + [20]
    assert shown["hour_words"] == "1 call in the last hour. The busiest five minutes had 1."
