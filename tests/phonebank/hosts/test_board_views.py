"""The board's page: what it shows without signing in, and what a link that has ended shows."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from phonebank.core.db import db
from phonebank.models import Party
from tests.phonebank.live.party_room import gives_away_the_contact, open_room


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


def test_the_board_of_a_party_that_is_over_keeps_its_figures(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    client.post(f"/parties/{party_id}/end")
    board = app.test_client().get(f"/board/{board_token(app, party_id)}")
    assert board.status_code == 200
    figures = dict(re.findall(r'data-figure="(\w+)">([^<]*)<', board.text))
    assert (figures["conversations"], figures["calls"]) == ("1", "1")


def test_a_replaced_board_link_says_so_and_whom_to_ask(client: FlaskClient) -> None:
    gone = client.get("/board/a-token-from-last-week")
    assert gone.status_code == 410
    assert "Ask the host" in gone.text
