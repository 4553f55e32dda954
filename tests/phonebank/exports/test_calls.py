"""The calls file is read from the database while it is sent."""

import tracemalloc

from flask import Flask
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.exports.calls import calls_file
from tests.factories import create_contact
from tests.phonebank.exports.room import create_room, make_call


def test_memory_stays_flat_however_many_calls(app_context: Flask) -> None:
    room = create_room()
    create_contact(room.contact_list)
    make_call(room, "talked", {"vote": "ours"}, note="word " * 20)
    db.session.execute(
        text(
            "INSERT INTO call SELECT ("
            " jsonb_populate_record(call, jsonb_build_object('id', gen_random_uuid()))).*"
            " FROM call, generate_series(1, 8000)"
        )
    )
    db.session.commit()

    tracemalloc.start()
    size = sum(len(chunk) for chunk in calls_file(room.campaign))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 2_000_000
    assert peak < 1_500_000
