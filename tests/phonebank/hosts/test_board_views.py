"""The board's page: what it shows without signing in, and what a link that has ended shows."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from phonebank.core.db import db
from phonebank.live import board_snapshot
from phonebank.models import Party
from phonebank.parties import services
from tests.phonebank.live.party_room import gives_away_the_contact, open_room
from tests.signing_in import sign_in


def board_token(app: Flask, party_id: int) -> str:
    with app.app_context():
        return db.session.get_one(Party, party_id).board_token


@pytest.mark.parametrize(
    "happening",
    ["UPDATE party SET board_token = 'the-next-link'", "DELETE FROM party"],
    ids=["replaced", "gone"],
)
def test_a_link_that_ends_while_its_board_is_read_opens_nothing(
    app_context: Flask, happening: str
) -> None:
    room = open_room()
    db.session.commit()
    token = room.party.board_token
    looked_up: list[str] = []

    def in_between(*args: Any) -> None:
        if "FROM party p" in args[2]:
            with db.engine.begin() as other:
                other.execute(text(happening))
        elif args[2].startswith("SELECT party."):
            looked_up.append(args[2])

    television = app_context.test_client()
    assert f'data-token="{token}"' in television.get(f"/board/{token}").text
    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", in_between)
    try:
        page = television.get(f"/board/{token}")
    finally:
        event.remove(db.engine, "before_cursor_execute", in_between)
    assert page.status_code == 410
    assert "the-next-link" not in page.text
    assert len(looked_up) == 1


def test_the_board_shows_without_sign_in_and_without_scripts(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    television = app.test_client()
    board = television.get(f"/board/{board_token(app, party_id)}")
    assert board.status_code == 200
    figures = dict(re.findall(r'data-figure="(\w+)">([^<]*)<', board.text))
    assert (figures["conversations"], figures["calls"], figures["active"]) == ("1", "1", "1")
    assert "Sam had their first conversation" in board.text
    assert "Tuesday &lt;b&gt;night&lt;/b&gt;" in board.text
    assert '<meta http-equiv="refresh"' in board.text
    assert not gives_away_the_contact(board.text)
    assert television.post(f"/board/{board_token(app, party_id)}").status_code == 405


def test_the_board_of_a_party_that_is_over_thanks_and_shows_the_totals(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    client.post(f"/parties/{party_id}/end")
    television, address = app.test_client(), f"/board/{board_token(app, party_id)}"
    board = television.get(address)
    assert board.status_code == 200
    assert "Thank you!" in board.text
    figures = re.findall(
        r'figure-value">([^<]*)</p>\s*<p class="figure-label">([^<]*)<', board.text
    )
    assert figures == [
        ("1", "conversation"),
        ("1", "call"),
        ("0", "said yes"),
        ("1", "caller"),
    ]
    assert re.search(r'podium-names">Sam<.+podium-place">1<', board.text, re.DOTALL)
    with app.app_context():
        code = db.session.get_one(Party, party_id).code
    for word in ("to go", "Join at", "calling", code):
        assert word not in board.text
    assert not gives_away_the_contact(board.text)
    picture = television.get(f"{address}/picture.svg")
    assert picture.mimetype == "image/svg+xml"
    assert "Kitchen Table" in picture.text
    assert "localhost" in picture.text
    assert television.get("/board/another/picture.svg").status_code == 410


def test_a_replaced_board_link_says_so_and_whom_to_ask(client: FlaskClient) -> None:
    gone = client.get("/board/a-token-from-last-week")
    assert gone.status_code == 410
    assert "Ask the host" in gone.text


def test_a_board_that_polls_gets_the_figures_only_when_they_changed(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = open_room()
    db.session.commit()
    host, television = app_context.test_client(), app_context.test_client()
    sign_in(host, room.host.id)
    link = f"/board/{room.party.board_token}"
    monkeypatch.setattr(board_snapshot, "TAGGED_FOR", 10**10)
    for client, address in ((host, f"/parties/{room.party.id}"), (television, link)):
        tag = ""

        def poll(client: FlaskClient = client, address: str = address) -> tuple[int, Any]:
            nonlocal tag
            asked = {"Accept": "application/json", "If-None-Match": tag}
            answer = client.get(address, headers=asked)
            assert answer.headers["X-Phonebank"]
            tag = answer.headers["ETag"]
            return answer.status_code, answer.json["board"] if answer.data else None

        assert poll()[0] == 200
        assert poll() == (304, None)
        room.record(room.join("Sam"))
        # Redis lost the mark of this call.
        db.session.info.pop("after_commit")
        db.session.commit()
        calls = poll()[1]["calls"]
        assert poll() == (304, None)
        services.set_goal(room.party, 70 + calls)
        db.session.commit()
        assert poll()[1]["goal"] == 70 + calls
        assert poll() == (304, None)
        monkeypatch.setattr(board_snapshot, "TAGGED_FOR", 10**9)
        assert poll()[0] == 200, "time has passed"
        monkeypatch.setattr(board_snapshot, "TAGGED_FOR", 10**10)
    services.change_board_link(room.party)
    db.session.commit()
    old = {"Accept": "application/json", "If-None-Match": tag}
    assert television.get(link, headers=old).status_code == 410
