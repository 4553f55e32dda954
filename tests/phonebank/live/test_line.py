"""Boards over real websockets to two web processes: moving, catching up, shut to others."""

import json
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
import socketio
import websocket
from flask import Flask

from phonebank.accounts import sessions
from phonebank.core.db import db
from phonebank.models import Account, Caller, CallerState, now
from phonebank.parties import participants, services
from phonebank.roster import devices
from phonebank.roster.admit import admit
from phonebank.roster.remove import remove
from tests.factories import create_account
from tests.phonebank.live.conftest import Line, OwnRedis, Web, within
from tests.phonebank.live.party_room import (
    Room,
    gives_away_the_contact,
    open_room,
    secret_contact,
)
from tests.signing_in import session_cookie, signed_in

pytestmark = pytest.mark.timing

# Seconds. A signalled change shows within one; a machine busy with other tests may need longer.
SOON = 3


@pytest.fixture
def room(live_context: Flask) -> Room:
    room = open_room()
    db.session.commit()
    return room


def watch(lines: list[Line], web: Web, room: Room) -> Line:
    """A television on the party's board, with its first figures."""
    line = Line(web.url, "/board", {"token": room.party.board_token}).connect()
    lines.append(line)
    within(3, line.board)
    return line


def record(room: Room, name: str = "Sam", signal: bool = True, **values: Any) -> None:
    """An outcome committed by another process than the boards'; its signal may get lost."""
    room.record(room.join(name), **values)
    if not signal:
        db.session.info.pop("after_commit")
    db.session.commit()


def cookie(app: Flask, session: dict) -> str:
    return f"session={session_cookie(app, session)}"


def signed_in_cookie(app: Flask, account: Account) -> str:
    """The cookie of somebody who has signed in."""
    return cookie(app, signed_in(account))


def joined(app: Flask, caller: Caller) -> str:
    """The cookie of a caller's device."""
    return cookie(app, {"caller": {"id": caller.id, "token": caller.device_token}})


def test_an_outcome_is_on_every_board_within_a_second(
    room: Room, webs: list[Web], lines: list[Line]
) -> None:
    boards = [watch(lines, web, room) for web in webs for _ in range(2)]
    seconds = []
    for conversations in range(1, 6):
        record(room, conversation=True)
        seconds.append(
            within(
                SOON,
                lambda n=conversations: all(b.board()["conversations"] == n for b in boards),
            )
        )
    assert median(seconds) < 1


def test_a_host_who_signs_out_is_cut_off_and_their_other_browser_stays(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    proof = {"party": room.party.id}
    cookies = [signed_in_cookie(live_context, room.host) for _ in range(2)]
    here, there = (Line(webs[0].url, "/board", proof, cookie).connect() for cookie in cookies)
    lines += [here, there]
    sessions.end_one(room.host, min(known.id for known in sessions.sessions_of(room.host)))
    db.session.commit()
    within(8, lambda: any(event == "gone" for event, _ in here.heard))
    within(SOON, lambda: not here.client.connected)
    again = Line(webs[1].url, "/board", proof, cookies[0])
    with pytest.raises(socketio.exceptions.ConnectionError):
        again.connect()
    assert again.refusal["data"]["status"] == 401
    assert there.say("snapshot")["ok"]
    assert all(event != "gone" for event, _ in there.heard)


def test_who_may_no_longer_run_a_party_is_cut_off(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    kit, ada = create_account("host"), create_account("organiser")
    room.party.cohosts.append(kit)
    db.session.commit()
    accounts = {"kit": kit, "ada": ada, "host": room.host}
    watching = {}
    for name, account in accounts.items():
        session = signed_in_cookie(live_context, account)
        watching[name] = Line(webs[0].url, "/board", {"party": room.party.id}, session).connect()
        lines.append(watching[name])
    room.party.cohosts.remove(kit)
    ada.active = False
    db.session.commit()
    for name in ("kit", "ada"):
        within(8, lambda line=watching[name]: any(event == "gone" for event, _ in line.heard))
    record(room)
    within(SOON, lambda: watching["host"].board().get("calls") == 1)
    assert not any(event == "gone" for event, _ in watching["host"].heard)
    assert watching["kit"].board().get("calls") != 1


def test_a_lost_signal_costs_five_seconds_at_most(
    room: Room, webs: list[Web], lines: list[Line]
) -> None:
    board = watch(lines, webs[0], room)
    for calls in (1, 2):
        record(room, signal=False)
        within(5, lambda n=calls: board.board()["calls"] == n)


def test_an_emptied_redis_changes_nothing(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    board = watch(lines, webs[0], room)
    record(room)
    within(SOON, lambda: board.board()["calls"] == 1)
    live_context.extensions["redis_for_live"].flushall()
    record(room)
    within(SOON, lambda: board.board()["calls"] == 2)


def test_boards_move_without_redis_and_faster_when_it_is_back(
    room: Room, webs: list[Web], lines: list[Line], own_redis: OwnRedis
) -> None:
    board = watch(lines, webs[0], room)
    own_redis.stop()
    try:
        record(room)
        within(5, lambda: board.board()["calls"] == 1)
        newcomer = watch(lines, webs[1], room)
        assert newcomer.board()["calls"] == 1
    finally:
        own_redis.start()
    record(room)
    within(5, lambda: board.board()["calls"] == 2)
    record(room)
    within(SOON, lambda: board.board()["calls"] == 3 == newcomer.board()["calls"])


def test_a_board_whose_process_was_killed_comes_back_by_itself(
    room: Room, webs: list[Web], lines: list[Line]
) -> None:
    board, other = watch(lines, webs[1], room), watch(lines, webs[0], room)
    webs[1].kill()
    record(room)
    within(SOON, lambda: other.board()["calls"] == 1)
    webs[1].start()
    within(5, lambda: board.board()["calls"] == 1)
    record(room)
    within(SOON, lambda: board.board()["calls"] == 2)


def test_settings_and_people_reach_the_board(
    room: Room, webs: list[Web], lines: list[Line]
) -> None:
    board = watch(lines, webs[0], room)
    services.set_goal(room.party, 80)
    services.start_break(room.party)
    db.session.commit()
    within(SOON, lambda: (board.board()["goal"], board.board()["notice"]) == (80, "Break"))


def test_a_replaced_link_cuts_the_television_off(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    board = watch(lines, webs[0], room)
    host = Line(
        webs[0].url, "/board", {"party": room.party.id}, signed_in_cookie(live_context, room.host)
    ).connect()
    lines.append(host)
    services.change_board_link(room.party)
    db.session.commit()
    within(SOON, lambda: ("gone", {}) in board.heard)
    within(SOON, lambda: not board.client.connected)
    record(room)
    within(SOON, lambda: host.board()["calls"] == 1)
    assert board.board()["calls"] == 0
    with pytest.raises(socketio.exceptions.ConnectionError):
        board.connect()
    assert board.refusal["data"]["status"] == 410


@pytest.mark.parametrize(
    ("proof", "status"),
    [
        (None, 422),
        ("a string", 422),
        ({"token": "guessed"}, 410),
        ({"token": {"$ne": ""}}, 422),
        ({"party": "1"}, 422),
        ({"party": True}, 422),
        ({"party": 10**20}, 422),
        ({"party": 1}, 401),
    ],
)
def test_a_board_without_its_proof_is_refused(
    room: Room, webs: list[Web], proof: object, status: int
) -> None:
    line = Line(webs[0].url, "/board", proof)
    with pytest.raises(socketio.exceptions.ConnectionError):
        line.connect()
    assert line.refusal["data"]["status"] == status
    assert line.heard == []


def test_a_host_watches_their_own_party_and_no_other(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    stranger = create_account("host")
    organiser = create_account("organiser")
    db.session.commit()
    for account in (room.host, organiser):
        line = Line(
            webs[0].url, "/board", {"party": room.party.id}, signed_in_cookie(live_context, account)
        ).connect()
        lines.append(line)
        within(3, line.board)
    cookie_of_another = signed_in_cookie(live_context, stranger)
    line = Line(webs[0].url, "/board", {"party": room.party.id}, cookie_of_another)
    with pytest.raises(socketio.exceptions.ConnectionError):
        line.connect()
    assert line.refusal["data"]["status"] == 404


def test_a_forged_event_is_answered_with_an_error_and_changes_nothing(
    room: Room, webs: list[Web], lines: list[Line]
) -> None:
    board = watch(lines, webs[0], room)
    other = watch(lines, webs[0], room)
    for event, data in (
        ("board", {"version": 10**15, "conversations": 999}),
        ("admit", {"caller": 1}),
        ("gone", {}),
        ("", None),
    ):
        answer = board.say(event, data)
        assert answer["ok"] is False
        assert answer["error"]["message"]
    assert board.say("snapshot", "with", "too", "much")["ok"] is False
    # The library hands these to the handlers of connecting itself; nothing comes of them.
    board.client.emit("connect", {"token": "guessed"}, namespace="/board")
    assert board.say("snapshot")["board"]["conversations"] == 0
    assert other.board()["conversations"] == 0
    assert ("gone", {}) not in other.heard


def test_a_caller_has_no_line_to_the_host_and_none_to_others(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    mallory, priya = room.join("Mallory"), room.join("Priya")
    db.session.commit()
    session = joined(live_context, mallory)
    # The host's board is not opened by a caller's cookie.
    host = Line(webs[0].url, "/board", {"party": room.party.id}, session)
    with pytest.raises(socketio.exceptions.ConnectionError):
        host.connect()
    assert host.refusal["data"]["status"] == 401
    own = Line(webs[0].url, "/caller", cookie=session).connect()
    other = Line(webs[0].url, "/caller", cookie=joined(live_context, priya)).connect()
    lines += [own, other]
    for event, data in (
        ("message", {"text": "Everybody go home"}),
        ("party", {"paused": True, "ended": True}),
        ("removed", {"caller": priya.id}),
        ("admitted", {}),
    ):
        answer = own.say(event, data)
        assert answer["ok"] is False
        assert answer["error"]["message"]
    told = {
        "ok": True,
        "state": "admitted",
        "paused": False,
        "ended": False,
        "seconds": None,
    }
    assert other.say("state") == told
    assert other.heard == []


def test_another_sites_page_cannot_open_a_line(room: Room, webs: list[Web]) -> None:
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(
            webs[0].url,
            headers={"Origin": "https://evil.example"},
            auth={"token": room.party.board_token},
            transports=["websocket"],
            namespaces=["/board"],
        )


def test_a_line_does_not_compress_which_would_cost_more_memory_than_the_line(
    webs: list[Web],
) -> None:
    """Browsers offer it; the window kept for each line is a quarter of a megabyte."""
    line = websocket.create_connection(
        f"{webs[0].url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket",
        header=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
    )
    try:
        assert "sec-websocket-extensions" not in line.getheaders()
        assert str(line.recv()).startswith('0{"sid"')
    finally:
        line.close()


def test_a_caller_whom_nobody_knows_is_refused(room: Room, webs: list[Web]) -> None:
    line = Line(webs[0].url, "/caller")
    with pytest.raises(socketio.exceptions.ConnectionError):
        line.connect()
    assert line.refusal["data"]["status"] == 401


def test_a_callers_screens_hear_what_the_host_does_and_nothing_after_removal(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    sam, priya = room.join("Sam", state=CallerState.WAITING), room.join("Priya")
    db.session.commit()
    # Two tabs of one caller, on two processes.
    sams = [Line(web.url, "/caller", cookie=joined(live_context, sam)).connect() for web in webs]
    priyas = Line(webs[1].url, "/caller", cookie=joined(live_context, priya)).connect()
    lines += [*sams, priyas]
    assert sams[0].say("state") == {
        "ok": True,
        "state": "waiting",
        "paused": False,
        "ended": False,
        "seconds": None,
    }
    admit([sam])
    services.start_break(room.party)
    participants.send_message(room.party, "Pizza is here")
    db.session.commit()
    for line in sams:
        within(SOON, lambda line=line: ("message", {"text": "Pizza is here"}) in line.heard)
        assert ("admitted", {}) in line.heard
    on_break = ("party", {"paused": True, "ended": False, "seconds": 0})
    within(SOON, lambda: on_break in priyas.heard)
    assert priyas.heard.count(on_break) == 1
    assert ("admitted", {}) not in priyas.heard

    remove(sam)
    db.session.commit()
    for line in sams:
        within(SOON, lambda line=line: ("removed", {}) in line.heard)
    participants.send_message(room.party, "After Sam went")
    db.session.commit()
    within(SOON, lambda: ("message", {"text": "After Sam went"}) in priyas.heard)
    assert all(("message", {"text": "After Sam went"}) not in line.heard for line in sams)
    assert ("removed", {}) not in priyas.heard
    # The device is out everywhere: its old cookie opens no line.
    with pytest.raises(socketio.exceptions.ConnectionError):
        Line(webs[0].url, "/caller", cookie=sams[0].cookie).connect()


def test_a_caller_renews_the_hold_of_their_own_call_over_the_line(
    room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    sam, priya = room.join("Sam"), room.join("Priya")
    ended, mine, other = room.record(sam), room.hand_out(sam), room.hand_out(priya)
    soon = now() + timedelta(seconds=100)
    mine.expires_at = other.expires_at = soon
    db.session.commit()
    line = Line(webs[0].url, "/caller", cookie=joined(live_context, sam)).connect()
    lines.append(line)
    # Proxies that keep an idle line for the shortest time keep it for 50 seconds.
    assert line.client.eio.ping_interval < 50
    answer = line.say("renew", {"call": str(mine.id)})
    assert answer["ok"]
    assert 290 < answer["seconds_left"] <= 300
    bad: list[object] = [{"call": str(call.id)} for call in (other, ended)]
    bad += [{"call": "1"}, {"call": 7}, [], None]
    assert [line.say("renew", asked)["error"]["status"] for asked in bad] == [404] * len(bad)
    db.session.expire_all()
    assert (mine.expires_at - soon).total_seconds() > 190
    assert other.expires_at == soon
    assert sam.seen_at is not None
    # The line may stay open for some seconds after the device has lost its session.
    devices.end_session(sam)
    db.session.info.pop("after_commit")
    db.session.commit()
    assert line.say("renew", {"call": str(mine.id)})["error"]["status"] == 401


@pytest.mark.parametrize("word_is_lost", [False, True])
def test_a_device_whose_session_ends_is_cut_off_and_no_other(
    word_is_lost: bool, room: Room, webs: list[Web], lines: list[Line], live_context: Flask
) -> None:
    sam, priya = room.join("Sam"), room.join("Priya")
    db.session.commit()
    sams = [Line(web.url, "/caller", cookie=joined(live_context, sam)).connect() for web in webs]
    priyas = Line(webs[1].url, "/caller", cookie=joined(live_context, priya)).connect()
    lines += [*sams, priyas]
    devices.end_session(sam)
    if word_is_lost:
        db.session.info.pop("after_commit")
    db.session.commit()
    for line in sams:
        within(8 if word_is_lost else 1, lambda line=line: not line.client.connected)
        assert ("removed", {}) in line.heard
        again = Line(line.url, "/caller", cookie=line.cookie)
        with pytest.raises(socketio.exceptions.ConnectionError):
            again.connect()
        assert again.refusal["data"]["status"] == 401
    assert priyas.say("state")["ok"]
    assert priyas.heard == []


def test_no_event_of_a_board_names_the_person_called(
    room: Room, webs: list[Web], lines: list[Line]
) -> None:
    board = watch(lines, webs[0], room)
    sam = room.join("Sam")
    room.record(sam, conversation=True, yes=True, contact=secret_contact(room))
    db.session.commit()
    within(SOON, lambda: board.board()["calls"] == 1)
    everything = json.dumps(board.heard, ensure_ascii=False)
    assert "Sam" in everything
    assert not gives_away_the_contact(everything)
    assert not gives_away_the_contact(webs[0].log())
