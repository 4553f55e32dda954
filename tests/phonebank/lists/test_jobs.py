"""Imports through killed workers, two workers at once, and people who ask not to be called."""

import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psutil
import pytest
from sqlalchemy import insert, select, text, update

from phonebank.calls.claim import claim
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.jobs import enqueue
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import batching, imports
from phonebank.lists.jobs import ImportFailedError, import_list, resume_imports
from phonebank.lists.persist import may_overlap, store_batch
from phonebank.lists.uploads import SupersededError, rows_of
from phonebank.models import (
    Campaign,
    Contact,
    ContactList,
    RefusedRow,
    Suppression,
    UploadChunk,
    now,
)
from phonebank.suppressions.entries import suppress
from tests.factories import create_caller, create_contact, create_list, drama_number
from tests.phonebank.lists.upload_desk import Desk, rows


def everybody(count: int) -> str:
    """A file in which each tenth row is refused, each seventh a duplicate of the one before."""
    lines = ["First name,Last name,Phone"]
    for n in range(count):
        phone = "none" if n % 10 == 9 else drama_number(n // 7)
        name = n - 1 if n % 7 == 6 else n
        lines.append(f"Voter{name},Example,{phone}")
    return "\n".join(lines) + "\n"


def left_behind(desk: Desk, list_id: int) -> None:
    """Make an import look stopped for a while."""
    with desk.app.app_context():
        long_ago = now() - imports.STALLED_AFTER - timedelta(seconds=1)
        db.session.execute(
            update(ContactList).where(ContactList.id == list_id).values(progress_at=long_ago)
        )
        db.session.commit()


@contextmanager
def worker_process(config: Config) -> Iterator[psutil.Process]:
    """A worker as the Procfile runs it, killed with its children if it is still there."""
    environment = {
        **os.environ,
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": config.secret_key,
        "PASSWORD_SALT": config.password_salt,
        "TOTP_SECRET": config.totp_secret,
        "PHONEBANK_MODE": config.mode,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "phonebank.cli", "worker"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        kill(psutil.Process(process.pid))
        process.wait()


def kill(process: psutil.Process) -> None:
    """Kill the worker with -9, and every process it has forked."""
    for each in [process, *process.children(recursive=True)]:
        each.kill()


def in_thread(desk: Desk, function: Callable[..., None], *args: int) -> threading.Thread:
    def run() -> None:
        with desk.app.app_context():
            function(*args)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def first_batch(desk: Desk, content: str) -> tuple[batching.Batch, int]:
    """A file's first batch, ready to be stored, and its list, whose import has begun."""
    batches, list_id = all_batches(desk, content)
    return batches[0], list_id


def all_batches(desk: Desk, content: str) -> tuple[list[batching.Batch], int]:
    """A file's batches, ready to be stored, and its list, whose import has begun."""
    list_id = desk.upload(content)
    desk.confirm(list_id)
    contact_list = imports.begin_import(list_id)
    assert contact_list
    mapping = Mapping.of(contact_list.headers, contact_list.mapping)
    file = rows_of(contact_list)
    next(file)
    batches = list(batching.prepare_batches(file, 0, mapping, "GB", False))
    db.session.commit()
    return batches, list_id


def wait_for_a_lock() -> None:
    """Wait until a transaction waits for another."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    give_up_at = time.monotonic() + 20
    with db.engine.connect() as connection:
        while not connection.scalar(waiting):
            assert time.monotonic() < give_up_at, "nobody waits"
            connection.rollback()
            time.sleep(0.01)


def wait_until_read(desk: Desk, list_id: int, more_than: int) -> None:
    # The worker and the processes that it starts load the app first, on a busy machine for half a
    # minute.
    give_up_at = time.monotonic() + 90
    while desk.standing(list_id)["rows_read"] <= more_than:
        assert time.monotonic() < give_up_at, "the worker does not get on"
        time.sleep(0.02)


@pytest.mark.crash
@pytest.mark.timeout(400)
def test_a_killed_worker_s_import_goes_on_and_counts_every_row_once(
    desk: Desk, config: Config
) -> None:
    list_id = desk.upload(everybody(60_000))
    desk.confirm(list_id)
    read = 0
    for _ in range(2):
        with worker_process(config) as worker:
            wait_until_read(desk, list_id, more_than=read)
            time.sleep(random.uniform(0, 0.4))
            kill(worker)
        standing = desk.standing(list_id)
        assert standing["state"] == "importing"
        assert read < standing["rows_read"] < 60_000, "it was not killed in the middle"
        read = standing["rows_read"]
        left_behind(desk, list_id)
        with desk.app.app_context():
            resume_imports()

    desk.work()

    with desk.app.app_context():
        refused = db.session.query(RefusedRow).count()
        stored = db.session.query(Contact).count()
        assert db.session.query(UploadChunk).count() == 0
    expected_refused = 60_000 // 10
    numbers = {
        (n - 1 if n % 7 == 6 else n, drama_number(n // 7)) for n in range(60_000) if n % 10 != 9
    }
    assert (stored, refused) == (len(numbers), expected_refused)
    standing = desk.standing(list_id)
    assert standing["state"] == "ready"
    assert standing["rows_read"] == 60_000
    assert standing["rows_stored"] == stored
    assert standing["rows_refused"] == refused
    assert standing["rows_duplicate"] == 60_000 - stored - refused


def test_an_import_that_is_done_is_not_done_again(desk: Desk) -> None:
    list_id = desk.upload(rows(20))
    desk.confirm(list_id)
    with desk.app.app_context():
        enqueue(import_list, list_id)
    desk.work()
    before = desk.standing(list_id)

    with desk.app.app_context():
        import_list(list_id)

    assert desk.standing(list_id) == before
    assert before["rows_stored"] == len(desk.contacts()) == 20


def test_two_workers_at_one_list_store_it_once(desk: Desk) -> None:
    list_id = desk.upload(rows(30_000))
    desk.confirm(list_id)
    both = [in_thread(desk, import_list, list_id) for _ in range(2)]
    for thread in both:
        thread.join()

    standing = desk.standing(list_id)
    assert standing["state"] == "ready"
    assert standing["rows_read"] == standing["rows_stored"] == 30_000
    assert len(desk.contacts()) == 30_000


def test_a_batch_is_stored_once_or_not_at_all(desk: Desk) -> None:
    with desk.app.app_context():
        batch, list_id = first_batch(desk, rows(5))
        store_batch(batch, list_id)
        db.session.rollback()
        assert desk.standing(list_id)["rows_read"] == 0

        store_batch(batch, list_id)
        db.session.commit()
        with pytest.raises(SupersededError):
            store_batch(batch, list_id)
        db.session.rollback()

    standing = desk.standing(list_id)
    assert (standing["rows_read"], standing["rows_stored"]) == (5, 5)
    assert len(desk.contacts()) == 5


def test_a_batch_is_inserted_beside_the_one_before_and_committed_after_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH", 5)
    with desk.app.app_context():
        (first, second), list_id = all_batches(desk, rows(10))
        seen: list[int] = []

        def store_first() -> None:
            seen.append(db.session.query(Contact).count())  # the second batch, not yet committed
            with desk.app.app_context():
                store_batch(first, list_id)
                seen.append(db.session.query(Contact).count())
                db.session.commit()

        store_batch(second, list_id, wait_for_turn=store_first)
        db.session.commit()
    assert seen == [5, 5]
    assert desk.standing(list_id)["rows_read"] == desk.standing(list_id)["rows_stored"] == 10
    assert len(desk.contacts()) == 10


def test_a_batch_is_never_committed_without_the_one_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH", 5)
    with desk.app.app_context():
        (_, second), list_id = all_batches(desk, rows(10))
        with pytest.raises(SupersededError):
            store_batch(second, list_id, wait_for_turn=lambda: None)
        db.session.rollback()
    assert desk.contacts() == []
    assert desk.standing(list_id)["rows_read"] == 0


def test_somebody_suppressed_while_their_batch_waits_for_its_turn_is_suppressed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH", 2)
    with desk.app.app_context():
        (first, second), list_id = all_batches(desk, rows(4))

        def suppress_meanwhile() -> None:
            with desk.app.app_context():
                store_batch(first, list_id)
                suppress(drama_number(3), "call")
                db.session.commit()

        store_batch(second, list_id, wait_for_turn=suppress_meanwhile)
        db.session.commit()
    suppressed = [c.phone for c in desk.contacts(list_id) if c.suppressed_at]
    assert suppressed == [drama_number(3)]


def test_only_batches_without_a_common_person_overlap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH", 1)
    a, b, c = (drama_number(n) for n in range(3))
    content = f"First name,Phone,Other phone\nAda,{a},\nBea,{b},{a}\nAda,{c},{a}\n"
    with desk.app.app_context():
        (ada, bea, ada_again), list_id = all_batches(desk, content)
        contact_list = db.session.get_one(ContactList, list_id)
        assert may_overlap(bea, ada, contact_list)  # a household, and not one person
        assert may_overlap(ada_again, bea, contact_list)
        assert not may_overlap(ada_again, ada, contact_list)
        bea.do_not_call.add(b)
        assert not may_overlap(bea, ada, contact_list)
        assert not may_overlap(ada_again, bea, contact_list)
        contact_list.update_targets = ["email"]
        assert not may_overlap(ada_again, batching.Batch(0), contact_list)


def test_callers_get_the_first_people_while_the_rest_is_still_being_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH", 2)
    with desk.app.app_context():
        batch, list_id = first_batch(desk, rows(5))
        store_batch(batch, list_id)
        db.session.commit()
        caller = create_caller(db.session.get_one(Campaign, desk.campaign_id), None)
        db.session.commit()
        assert claim(caller).contact.phone in (drama_number(0), drama_number(1))
        db.session.commit()
    standing = desk.standing(list_id)
    assert (standing["state"], standing["rows_read"]) == ("importing", 2)


def test_a_person_who_asks_not_to_be_called_during_an_import_is_not_called(desk: Desk) -> None:
    list_id = desk.upload(everybody(40_000))
    desk.confirm(list_id)

    importing = in_thread(desk, import_list, list_id)
    asked = 0
    # There are a thousand such numbers. On a slow machine all of them could ask.
    while importing.is_alive() and asked < 500:
        with desk.app.app_context():
            suppress(drama_number(asked), "call")
            db.session.commit()
        asked += 1
        time.sleep(0.002)
    importing.join()

    assert asked > 50, "nobody asked while it ran"
    with desk.app.app_context():
        still_callable = select(Contact.phone).where(
            Contact.phone.in_(select(Suppression.phone)), Contact.suppressed_at.is_(None)
        )
        assert db.session.scalars(still_callable).all() == []
        assert db.session.query(Contact).filter(Contact.suppressed_at.is_(None)).count() > 0


def test_a_person_who_asks_while_their_batch_is_stored_is_suppressed_with_it(
    desk: Desk,
) -> None:
    with desk.app.app_context():
        batch, list_id = first_batch(desk, rows(5))
        # Another transaction is just entering the batch's last person: the batch waits for it.
        other = create_contact(
            create_list(db.session.get_one(Campaign, desk.campaign_id)),
            phone=drama_number(4),
            name_key="voter4 example",
        )
        db.session.flush()

        def run() -> None:
            store_batch(batch, list_id)
            db.session.commit()

        storing = in_thread(desk, run)
        wait_for_a_lock()
        with db.engine.begin() as asking:
            asking.execute(
                insert(Suppression).values(phone=drama_number(2), source="call", reason="asked")
            )
        db.session.delete(other)
        db.session.commit()
        storing.join()

    assert [c.phone for c in desk.contacts(list_id)] == [drama_number(n) for n in range(5)]
    assert [bool(c.suppressed_at) for c in desk.contacts(list_id)] == [n == 2 for n in range(5)]


def test_an_import_waits_for_a_suppression_that_is_not_committed(desk: Desk) -> None:
    list_id = desk.upload(rows(5))
    desk.confirm(list_id)
    with desk.app.app_context():
        suppress(drama_number(2), "call")  # has looked for contacts, and is not committed yet
        importing = in_thread(desk, import_list, list_id)
        wait_for_a_lock()
        db.session.commit()
        importing.join()

    assert desk.standing(list_id)["state"] == "ready"
    assert [bool(c.suppressed_at) for c in desk.contacts()] == [n == 2 for n in range(5)]


def test_an_import_nobody_is_at_is_taken_up_by_the_clock(desk: Desk) -> None:
    list_id = desk.upload(rows(20))
    desk.confirm(list_id)
    with desk.app.app_context():
        imports.begin_import(list_id)
        db.session.commit()
        desk.app.extensions["redis"].flushdb()  # and Redis has lost the job
        resume_imports()
    desk.work()
    assert desk.standing(list_id)["state"] == "importing", "it may still be under way"

    left_behind(desk, list_id)
    with desk.app.app_context():
        resume_imports()
    desk.work()
    assert desk.standing(list_id)["state"] == "ready"


def test_an_import_that_gets_no_further_is_given_up_with_a_reason(desk: Desk) -> None:
    list_id = desk.upload(rows(20))
    desk.confirm(list_id)
    with desk.app.app_context():
        for _ in range(imports.TRIES_AT_MOST):
            assert imports.begin_import(list_id)
            db.session.commit()
    desk.work()

    standing = desk.standing(list_id)
    assert standing["state"] == "failed"
    assert "could not continue" in standing["fault"]
    with desk.app.app_context():
        assert db.session.query(UploadChunk).count() == 0


def test_a_fault_in_the_database_puts_no_personal_data_into_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    list_id = desk.upload(rows(20))
    desk.confirm(list_id)
    with desk.app.app_context():
        db.session.execute(
            text("ALTER TABLE contact ADD CONSTRAINT broken CHECK (first_name <> 'Voter7')")
        )
        db.session.commit()
    try:
        with (
            desk.app.app_context(),
            caplog.at_level(logging.DEBUG),
            pytest.raises(ImportFailedError) as broke,
        ):
            import_list(list_id)
    finally:
        with desk.app.app_context():
            db.session.execute(text("ALTER TABLE contact DROP CONSTRAINT broken"))
            db.session.commit()

    assert "IntegrityError" in caplog.text
    said = caplog.text + str(broke.getrepr(style="long", chain=True).reprcrash)
    assert "Voter" not in said
    assert "7946" not in said
    assert broke.value.__suppress_context__
    assert desk.standing(list_id)["rows_read"] == 0


def test_an_upload_that_nobody_confirms_is_deleted_after_a_day(desk: Desk) -> None:
    old, fresh = desk.upload(rows(3)), desk.upload(rows(3))
    with desk.app.app_context():
        db.session.execute(
            update(ContactList)
            .where(ContactList.id == old)
            .values(created_at=now() - imports.UNCONFIRMED_FOR - timedelta(minutes=1))
        )
        db.session.commit()
        resume_imports()
        assert db.session.scalars(select(ContactList.id)).all() == [fresh]
        assert db.session.scalars(select(UploadChunk.contact_list_id)).all() == [fresh]
