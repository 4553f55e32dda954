"""The board's page, where something happens to the party while its figures are read."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from phonebank.core.db import db
from tests.phonebank.live.party_room import open_room


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
