"""What boards read, against real rows: equal to the tallies and to a recount of the calls."""

from datetime import timedelta

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from phonebank.core.db import db
from phonebank.live import board_query
from phonebank.live.board_payload import payload
from phonebank.live.board_query import read_figures
from phonebank.models import Call, Caller, CallerState, Party, now
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import party_totals
from tests.factories import create_contact
from tests.phonebank.live.party_room import open_room


def shown(party: Party) -> dict:
    db.session.flush()
    return payload(read_figures([party.id])[party.id])


def test_a_new_party_has_an_empty_board(app_context: Flask) -> None:
    board = shown(open_room(goal=30).party)
    assert (board["goal"], board["calls"], board["conversations"], board["active"]) == (30, 0, 0, 0)
    assert board["leaders"] == board["feed"] == []


def test_the_figures_are_the_partys_own(app_context: Flask) -> None:
    room, other = open_room(), open_room()
    sam = room.join("Sam")
    room.record(sam, conversation=True, yes=True)
    room.record(sam, reached=True)
    room.record(sam)
    other.record(other.join("Elsewhere"), conversation=True)
    board = shown(room.party)
    assert (board["calls"], board["conversations"], board["yeses"]) == (3, 1, 1)
    assert board["answered"] == "67%"
    assert "Elsewhere" not in str(board)


def test_the_last_ten_minutes_are_ten_minutes(app_context: Flask) -> None:
    room = open_room()
    sam = room.join("Sam")
    for minutes in (0, 9, 11):
        room.record(sam, at=now() - timedelta(minutes=minutes))
    assert shown(room.party)["last_ten"] == 2


def test_who_rings_now(app_context: Flask) -> None:
    room = open_room()
    room.hand_out(room.join("Holding"))
    room.record(room.join("JustDone"), at=now() - timedelta(minutes=1, seconds=50))
    room.record(room.join("Gone"), at=now() - timedelta(minutes=2, seconds=10))
    room.join("Sitting")
    room.join("Waiting", state=CallerState.WAITING)
    room.hand_out(room.join("Shy", hidden=True))
    room.hand_out(room.join("Rude", state=CallerState.REMOVED))
    board = shown(room.party)
    assert board["active"] == 3
    assert board["ringing"] == "Holding, JustDone and 1 more"


def test_of_many_who_ring_a_handful_is_named(app_context: Flask) -> None:
    room = open_room()
    for name in ("Zoë", "Ed", "Di", "Cy", "Bo", "Ada", "Flo"):
        room.hand_out(room.join(name))
    assert shown(room.party)["ringing"] == "Ada, Bo, Cy, Di, Ed and 2 more"


def test_leaders_share_places_and_callers_without_a_conversation_have_none(
    app_context: Flask,
) -> None:
    room = open_room()
    for name, conversations in (("Kit", 1), ("Sam", 2), ("Ada", 2), ("Bo", 0)):
        caller = room.join(name)
        room.record(caller)
        for _ in range(conversations):
            room.record(caller, conversation=True)
    places = [(row["place"], row["names"]) for row in shown(room.party)["leaders"]]
    assert places == [(1, "Ada and Sam"), (3, "Kit")]


def test_too_fast_conversations_are_in_the_total_and_win_no_place(app_context: Flask) -> None:
    room = open_room()
    sam, ada = room.join("Sam"), room.join("Ada")
    room.record(sam, conversation=True)
    for _ in range(5):
        room.record(ada, conversation=True, too_fast=True)
    board = shown(room.party)
    assert board["conversations"] == 6
    assert [(row["names"], row["conversations"]) for row in board["leaders"]] == [("Sam", 1)]
    assert "fast" not in str(board)


def test_hidden_and_removed_callers_lose_their_names_and_keep_their_calls(
    app_context: Flask,
) -> None:
    room = open_room()
    for name, values in (("Shy", {"hidden": True}), ("Rude", {"state": CallerState.REMOVED})):
        room.record(room.join(name, **values), conversation=True)
    board = shown(room.party)
    assert board["conversations"] == 2
    assert board["leaders"] == []
    assert "Shy" not in str(board)
    assert "Rude" not in str(board)
    assert all("Someone" in line["text"] for line in board["feed"])


def test_the_feed_is_the_last_five_newest_first_with_firsts_marked(app_context: Flask) -> None:
    room = open_room()
    sam, priya = room.join("Sam"), room.join("Priya")
    start = now() - timedelta(minutes=10)
    for minute, (caller, conversation, yes) in enumerate(
        [
            (sam, False, False),
            (sam, True, True),
            (sam, True, True),
            (sam, False, False),
            (priya, True, False),
            (sam, False, False),
        ]
    ):
        room.record(
            caller, conversation=conversation, yes=yes, at=start + timedelta(minutes=minute)
        )
    feed = shown(room.party)["feed"]
    assert [line["text"] for line in feed] == [
        "Sam made a call",
        "Priya had their first conversation",
        "Sam made a call",
        "Sam had a conversation",
        "Sam got the first yes",
    ]
    assert [line["moment"] for line in feed] == [False, True, False, False, True]


def test_joining_changes_what_the_host_is_shown(app_context: Flask) -> None:
    room = open_room()
    before = shown(room.party)
    room.join("Sam", state=CallerState.WAITING)
    after = shown(room.party)
    assert (before["waiting"], after["waiting"]) == (0, 1)
    assert before["people"] != after["people"]


def test_many_boards_are_read_in_one_statement(app_context: Flask) -> None:
    rooms = [open_room() for _ in range(3)]
    for calls, room in enumerate(rooms):
        sam = room.join("Sam")
        for _ in range(calls):
            room.record(sam)
    read = read_figures([room.party.id for room in rooms] + [10**6])
    assert [read[room.party.id].calls for room in rooms] == [0, 1, 2]
    assert len(read) == 3


def test_boards_read_together_are_of_one_moment_and_the_next_reading_is_newer(
    app_context: Flask,
) -> None:
    """By what a later row's clock says, a long reading would be newer than one that saw more."""
    parties = [open_room().party.id for _ in range(5)]
    first, second = (list(read_figures(parties).values()) for _ in range(2))
    assert len({figures.read_at for figures in first}) == 1
    assert first[0].read_at < second[0].read_at


def test_a_personal_best_is_news_once_it_beats_an_hour_worth_beating(app_context: Flask) -> None:
    room = open_room()
    sam, ada = room.join("Sam"), room.join("Ada")
    hour = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for minute in (1, 2):
        room.record(sam, conversation=True, at=hour + timedelta(minutes=minute))
    later = hour + timedelta(hours=1)
    room.record(sam, conversation=True, at=later + timedelta(minutes=1))
    # Neither somebody's first hour nor a call saved too fast is a best.
    for minute in (2, 3, 4):
        room.record(ada, conversation=True, at=later + timedelta(minutes=minute))
    corrected = room.record(sam, conversation=True, at=later + timedelta(minutes=5))
    corrected.started_at -= timedelta(hours=12)
    room.record(sam, conversation=True, too_fast=True, at=later + timedelta(minutes=6))
    room.record(sam, conversation=True, at=later + timedelta(minutes=7))
    room.record(sam, conversation=True, at=later + timedelta(minutes=8))
    feed = shown(room.party)["feed"]
    assert [(line["text"], line["moment"]) for line in feed] == [
        ("Sam had a conversation", False),
        ("Sam set a personal best", True),
        ("Sam had a conversation", False),
        ("Sam had a conversation", False),
        ("Ada had a conversation", False),
    ]


actions = st.lists(
    st.tuples(
        st.sampled_from(
            ["no answer", "reached", "conversation", "too fast", "yes", "undo", "remove", "hide"]
        ),
        st.integers(0, 2),
    ),
    max_size=25,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions)
def test_the_board_equals_a_recount_after_every_action(app_context: Flask, actions: list) -> None:
    room = open_room()
    callers = [room.join(name) for name in ("Ada", "Bo", "Cy")]
    calls: list[Call] = []
    last_version = -1
    for action, index in actions:
        caller = callers[index]
        if action == "undo":
            if calls:
                room.undo(call := calls.pop())
                db.session.delete(call)
        elif action == "remove":
            caller.state = CallerState.REMOVED
        elif action == "hide":
            caller.hidden = not caller.hidden
        else:
            calls.append(
                room.record(
                    caller,
                    conversation=action in ("conversation", "yes", "too fast"),
                    too_fast=action == "too fast",
                    yes=action == "yes",
                    reached=action != "no answer",
                )
            )
        db.session.flush()
        figures = read_figures([room.party.id])[room.party.id]
        seen = (figures.calls, figures.reached, figures.conversations, figures.yeses)
        totals = party_totals([room.party.id])[room.party.id]
        assert seen == room.recount()
        assert seen == (totals.calls, totals.reached, totals.conversations, totals.yeses)
        assert differences(room.campaign.id) == []
        assert payload(figures)["version"] >= last_version
        last_version = payload(figures)["version"]
    db.session.rollback()


def test_a_personal_best_is_looked_for_among_its_callers_own_calls(app_context: Flask) -> None:
    """However many people ring: PostgreSQL is not tempted to read the campaign's whole hour."""
    room = open_room()
    ids = {"campaign_id": room.campaign.id, "party_id": room.party.id}
    db.session.execute(insert(Caller), [ids | {"first_name": f"Sam{n}"} for n in range(500)])
    db.session.execute(
        text("""
            INSERT INTO call (id, campaign_id, contact_id, caller_id, party_id, phone, household,
                              started_at, expires_at, ended_at, ending, outcome, recorded_at,
                              reached, conversation, yes, counted, late, note, too_fast, turn)
            SELECT gen_random_uuid(), campaign_id, :contact_id, id, party_id, '', '[]', at, at, at,
                   'recorded', 'talked', at, true, n % 4 = 0, false, true, false, '', false, 0
            FROM caller, generate_series(1, 40) AS n,
                 LATERAL (SELECT now() - n * interval '7 minutes'
                                       - id % 420 * interval '1 second') t(at)
            WHERE campaign_id = :campaign_id
        """),
        {"campaign_id": room.campaign.id, "contact_id": create_contact(room.contact_list).id},
    )
    db.session.execute(text("ANALYZE call, caller, party, tally"))
    statement = text(f"EXPLAIN {board_query._FIGURES}")
    plan = "\n".join(
        db.session.scalars(statement, board_query._VALUES | {"party_ids": [room.party.id]})
    )
    conditions = [line for line in plan.splitlines() if "Cond:" in line and "recorded_at" in line]
    assert conditions
    assert all("party_id =" in line or "caller_id =" in line for line in conditions), plan
