"""The jobs for contact lists. They check and import an upload, take people out of calling (stop
calls to them), undo an import, and resume jobs that have stopped. If the law forbids calls to lists
that were not compared with a do-not-call register, or were compared too long ago, a job pauses
these lists."""

import gc
import logging
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from typing import TypeVar

from flask import Flask, current_app
from sqlalchemy import text

from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import CHORES, IMPORTS, URGENT, JobFunction, enqueue, job
from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import InvalidFileError
from phonebank.lists import imports, restore, take_out, undo, upload_checks
from phonebank.lists.batching import Batch, prepare_batches
from phonebank.lists.import_check import check_import
from phonebank.lists.known_people import UpdatePlan, learn_sizes
from phonebank.lists.parallel_batches import is_large, prepare_in_parallel
from phonebank.lists.persist import may_overlap, store_batch, wait_for_open_suppressions
from phonebank.lists.screening import pause_old_screenings
from phonebank.lists.take_out_check import check_take_out
from phonebank.lists.uploads import SupersededError, rows_of
from phonebank.models import Campaign, ContactList, ListPurpose
from phonebank.suppressions.contacts import suppress_listed_of

log = logging.getLogger(__name__)
Done = TypeVar("Done")

# The job that takes people out of calling stops after this many seconds. Otherwise other urgent
# jobs would wait too long, such as the one that gives back people whose callers have gone.
TAKE_OUT_SECONDS = 5.0
# An import stores this many batches at the same time, each over a connection of its own.
BATCHES_AT_ONCE = 2


class ImportFailedError(Exception):
    """The error for a software fault during an import. Its text names the class of the original
    error, and does not quote any row."""


@job(IMPORTS, timeout=6 * 60 * 60)
def import_list(contact_list_id: int) -> None:
    """Import the contacts of a confirmed upload. If an earlier attempt was interrupted, continue
    where it stopped."""
    _prepare_this_process()
    contact_list = imports.begin_import(contact_list_id)
    db.session.commit()
    if contact_list is None:
        return
    try:
        version = contact_list.file_version
        if contact_list.update_targets:
            learn_sizes()
            db.session.commit()
        with closing(_remaining_batches(contact_list)) as batches:
            _store_batches(contact_list.id, version, batches)
        wait_for_open_suppressions()
        db.session.commit()
        suppress_listed_of(contact_list_id)
        imports.finish_import(contact_list_id)
    except SupersededError:
        return
    except InvalidFileError as refused:
        db.session.rollback()
        imports.fail_import(contact_list_id, refused.message)
    except Exception as error:
        # A database error quotes the row that caused it. That row must not get into the log or
        # Redis.
        kind, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        log.error("import of list %s broke: %s\n%s", contact_list_id, kind, where)
        raise ImportFailedError(kind) from None
    db.session.commit()


@job(URGENT, timeout=60)
def take_people_out(contact_list_id: int) -> None:
    """Stop calls to the people whom a confirmed file names. If an earlier run stopped before the
    end of the file, continue where it stopped.

    A job that is not finished after TAKE_OUT_SECONDS enqueues itself again and stops, so that other
    urgent jobs can run.
    """
    stop_at = time.monotonic() + TAKE_OUT_SECONDS
    contact_list = imports.begin_import(contact_list_id)
    db.session.commit()
    if contact_list is None:
        return
    try:
        if contact_list.rows_read == 0:
            learn_sizes()
            db.session.commit()
        if not _take_out_until(stop_at, contact_list):
            enqueue(take_people_out, contact_list_id)
            return
        imports.finish_import(contact_list_id)
    except SupersededError:
        db.session.rollback()
        return
    except InvalidFileError as refused:
        db.session.rollback()
        imports.fail_import(contact_list_id, refused.message)
    db.session.commit()


@job(IMPORTS, timeout=60 * 60)
def check_upload(contact_list_id: int) -> None:
    """Find out what would happen to the rows of a large upload, and store the result. The job uses
    the organiser's choices that were stored when the check was begun."""
    contact_list = db.session.get(ContactList, contact_list_id)
    if contact_list is None:
        return
    check = upload_checks.check_of(contact_list)
    if check is None or check.found or check.fault:
        return
    campaign = db.session.get_one(Campaign, contact_list.campaign_id)
    chosen = check.plan
    mapping = Mapping.of(contact_list.headers, chosen["targets"], chosen["actions"])
    db.session.expunge(check)
    try:

        def progress(rows: int) -> None:
            upload_checks.record_progress(check, rows)

        if contact_list.purpose == ListPurpose.TAKE_OUT:
            counted = check_take_out(campaign, contact_list, mapping, progress)
            upload_checks.finish_check(check, counted.rows, counted.to_json())
        else:
            plan = UpdatePlan(frozenset(chosen["parts"]), tuple(chosen["fields"]))
            found = check_import(campaign, contact_list, mapping, plan, progress)
            upload_checks.finish_check(check, found.rows, found.to_json())
    except SupersededError:
        db.session.rollback()
        return
    except InvalidFileError as refused:
        db.session.rollback()
        upload_checks.fail_check(check, refused.message)
    db.session.commit()


@job(IMPORTS, timeout=6 * 60 * 60)
def undo_import(contact_list_id: int) -> None:
    """Undo an import. Restore the values that the upload changed, and delete its uncalled contacts
    and its tags. Also remove numbers from the do-not-call list if only this upload put them there.
    """
    while _undo_portion(undo.delete_uncalled_contacts, contact_list_id):
        pass
    # A person may wait for another one to give back a number, so this is repeated.
    while _restore_people(contact_list_id):
        pass
    _restore_people(contact_list_id, give_up=True)
    for undo_some in (
        undo.delete_uncalled_contacts,
        undo.take_tags_back,
        undo.lift_numbers,
    ):
        while _undo_portion(undo_some, contact_list_id):
            pass
    undo.finish_undo(contact_list_id)
    db.session.commit()


@job(CHORES, timeout=60)
def resume_imports() -> None:
    """Enqueue again the imports, undos and checks that make no progress, for example because their
    workers were killed. Also delete uploads that nobody has confirmed in time."""
    imports.delete_unconfirmed_uploads()
    db.session.commit()
    for contact_list_id in imports.stalled_imports():
        enqueue(job_that_reads(contact_list_id), contact_list_id)
    for contact_list_id in imports.stalled_undos():
        enqueue(undo_import, contact_list_id)
    for contact_list_id in upload_checks.stalled_checks():
        enqueue(check_upload, contact_list_id)


@job(CHORES, timeout=60)
def pause_lists_of_old_screening() -> None:
    """Pause lists whose screening is missing or too old, if the law of the campaign's country
    forbids calls to such lists. Screening means that a list was compared with the register of
    people who do not want calls."""
    pause_old_screenings()
    db.session.commit()


def job_that_reads(contact_list_id: int) -> JobFunction[[int]]:
    """Return the job that reads this confirmed upload."""
    purpose = db.session.get_one(ContactList, contact_list_id).purpose
    return take_people_out if purpose == ListPurpose.TAKE_OUT else import_list


def _take_out_until(stop_at: float, contact_list: ContactList) -> bool:
    """Read the file's rows in batches, and stop calls to the people whom the rows name. Stop when
    the file ends, or when `time.monotonic()` is past `stop_at` after a batch. Return whether the
    file ended before `stop_at`."""
    list_id, version, first = contact_list.id, contact_list.file_version, contact_list.rows_read
    country = db.session.get_one(Campaign, contact_list.campaign_id).country
    mapping = Mapping.of(contact_list.headers, contact_list.mapping)

    @retry_on_deadlock
    def take_and_commit(batch: list[take_out.Named]) -> None:
        take_out.take_out_batch(list_id, first, batch, version)
        db.session.commit()

    rows = islice(rows_of(contact_list), 1 + first, None)
    while batch := [
        take_out.read_row(row, mapping, country) for row in islice(rows, take_out.BATCH)
    ]:
        take_and_commit(batch)
        first += len(batch)
        if time.monotonic() > stop_at:
            return False
    return True


def _restore_people(contact_list_id: int, give_up: bool = False) -> int:
    """Restore the people whom an undone list changed, in portions, and return how many were
    restored. `give_up` is explained at `restore_changed_contacts`."""
    restored, after = 0, 0
    while portion := _undo_portion(
        partial(restore.restore_changed_contacts, after=after, give_up=give_up), contact_list_id
    ):
        restored, after = restored + portion.restored, portion.last_id
    return restored


@retry_on_deadlock
def _undo_portion(undo_some: Callable[[int], Done], contact_list_id: int) -> Done:
    """Undo one portion of an import, store that the undo makes progress now, and commit. Return
    what `undo_some` returns, such as the size of the portion. Without the stored time of the last
    progress, `resume_imports` would enqueue a long undo again and again."""
    undo.record_progress(contact_list_id)
    done = undo_some(contact_list_id)
    db.session.commit()
    return done


def _remaining_batches(contact_list: ContactList) -> Generator[Batch]:
    campaign = db.session.get_one(Campaign, contact_list.campaign_id)
    rows = rows_of(contact_list)
    next(rows)  # the header
    many = is_large(contact_list.rows_total - contact_list.rows_read)
    prepare = prepare_in_parallel if many else prepare_batches
    return prepare(
        rows,
        contact_list.rows_read,
        Mapping.of(contact_list.headers, contact_list.mapping, contact_list.mark_actions),
        campaign.country,
        campaign.allow_drama_numbers,
    )


def _prepare_this_process() -> None:
    """Change Python's settings so that an import is faster. The settings apply to the whole
    process, which runs only this job and then ends."""
    # Otherwise the garbage collector would look through everything that the worker has loaded
    # several times for each batch.
    gc.freeze()
    # While one thread reads the file, the one that stores a batch waits this long for its turn
    # after each statement. Python's own setting is ten times as long.
    sys.setswitchinterval(0.0005)


def _store_batches(contact_list_id: int, file_version: int, prepared: Iterator[Batch]) -> None:
    """Store each batch while the next ones are being prepared.

    If `may_overlap` allows it, the later of two batches is inserted over a second connection while
    the earlier one is still being stored. This is faster, because PostgreSQL uses at most one
    processor core for each connection. The batches are committed in the order of the file. So an
    interrupted import always continues at the right row (`rows_read`). A larger file does not mean
    more batches in memory.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    @retry_on_deadlock
    def store_and_commit(batch: Batch, before: Future[None] | None) -> None:
        # The commit does not wait for the disk. If PostgreSQL crashes, it may lose the last
        # batches, but then it loses the list's resume point too, and the rows are read again. The
        # commit at the end of the import waits for all of them.
        db.session.execute(text("SET LOCAL synchronous_commit = off"))
        store_batch(batch, contact_list_id, file_version, before.result if before else None)
        db.session.commit()

    def store_one(batch: Batch, before: Future[None] | None) -> None:
        with app.app_context():
            store_and_commit(batch, before)

    contact_list = db.session.get_one(ContactList, contact_list_id)
    with ThreadPoolExecutor(max_workers=BATCHES_AT_ONCE) as storing:
        under_way: deque[tuple[Batch, Future[None]]] = deque()
        for batch in prepared:
            while under_way and (
                len(under_way) == BATCHES_AT_ONCE
                or not all(may_overlap(batch, earlier, contact_list) for earlier, _ in under_way)
            ):
                under_way.popleft()[1].result()
            before = under_way[-1][1] if under_way else None
            under_way.append((batch, storing.submit(store_one, batch, before)))
        for _, stored in under_way:
            stored.result()
