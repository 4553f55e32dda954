"""A worker writes a file piece by piece. If the worker is lost, its pieces are deleted."""

import tracemalloc
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from phonebank.core.db import db
from phonebank.exports import files, jobs
from phonebank.exports.jobs import look_after_exports, make_export
from phonebank.models import Account, Campaign, Export, ExportKind, ExportPiece, ExportState, now
from tests.factories import create_account, create_contact
from tests.killed_workers import KILLS, kill_workers
from tests.phonebank.exports.room import create_room, make_call


@pytest.fixture
def campaign(app_context: Flask, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign with 8,001 calls."""
    monkeypatch.setattr(jobs, "ROWS_A_PIECE", 500)
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
    return room.campaign


def asked_for(campaign: Campaign) -> int:
    account = db.session.scalars(select(Account)).first() or create_account()
    export, is_new = files.ask_for(campaign, account, ExportKind.CALLS, None)
    assert is_new
    db.session.commit()
    return export.id


def content(export_id: int) -> bytes:
    db.session.expire_all()
    export = db.session.get_one(Export, export_id)
    assert export.state == ExportState.READY
    assert (export.rows_written, export.rows_total) == (8001, 8001)
    return b"".join(files.pieces_of(db.engine, export_id, export.bytes_written))


def test_memory_stays_flat_however_many_calls(campaign: Campaign) -> None:
    export_id = asked_for(campaign)
    tracemalloc.start()
    make_export(export_id)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(content(export_id)) > 2_000_000
    assert peak < 1_500_000


def test_a_worker_that_is_killed_at_any_moment_is_replaced(campaign: Campaign) -> None:
    whole = asked_for(campaign)
    make_export(whole)
    left = KILLS
    while left > 0:
        export_id = asked_for(campaign)

        def another_begins(export_id: int = export_id) -> None:
            export = db.session.get_one(Export, export_id, populate_existing=True)
            assert export.state == ExportState.WORKING, "nobody can download half a file"
            lost = update(Export).values(progress_at=now() - timedelta(hours=1))
            db.session.execute(lost.where(Export.id == export_id))
            db.session.commit()
            look_after_exports()

        kill_workers(
            partial(make_export, export_id),
            partial(begun_and_written, export_id),
            another_begins,
            min(left, files.TRIES_AT_MOST - 1),
        )
        left -= files.TRIES_AT_MOST - 1
        make_export(export_id)
        assert content(export_id) == content(whole)


def begun_and_written(export_id: int) -> tuple[int, bool]:
    """How often workers have begun a file, and whether the present one has stored a piece."""
    export = db.session.get_one(Export, export_id, populate_existing=True)
    found = export.tries, export.rows_written > 0
    db.session.rollback()
    return found


def test_a_worker_that_was_taken_for_lost_writes_nothing_more(campaign: Campaign) -> None:
    export_id = asked_for(campaign)
    slow = files.begin(export_id)
    assert slow is not None
    db.session.expunge(slow)
    files.add_piece(slow, 0, b"half", 1)
    db.session.execute(update(Export).values(progress_at=now() - timedelta(hours=1)))
    assert files.put_back_stalled() == [export_id]
    db.session.commit()
    make_export(export_id)
    before = content(export_id)
    with pytest.raises(files.SupersededError):
        files.add_piece(slow, 1, b"late", 1)
    db.session.rollback()
    assert content(export_id) == before


def test_a_file_that_never_gets_done_fails_and_leaves_nothing(campaign: Campaign) -> None:
    export_id = asked_for(campaign)
    for _ in range(files.TRIES_AT_MOST):
        begun = files.begin(export_id)
        assert begun is not None
        files.add_piece(begun, 0, b"half", 1)
        db.session.execute(update(Export).values(progress_at=now() - timedelta(hours=1)))
        files.put_back_stalled()
        db.session.expire_all()
    assert db.session.get_one(Export, export_id).state == ExportState.FAILED
    assert db.session.scalar(select(ExportPiece.number)) is None
    assert asked_for(campaign) != export_id
