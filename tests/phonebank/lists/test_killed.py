"""Imports, updates, take-outs and their undos through killed workers, and two uploads of one file
at once.

In `make soak` each phase is killed twenty times, at random moments. In `make test` each is killed
once.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import select, text

from phonebank.core.db import db
from phonebank.core.jobs import enqueue
from phonebank.lists import batching, restore, take_out, undo
from phonebank.lists.jobs import import_list, resume_imports, take_people_out, undo_import
from phonebank.models import ContactList
from tests.factories import drama_number
from tests.killed_workers import KILLS, kill_workers
from tests.phonebank.lists.test_jobs import in_thread, left_behind
from tests.phonebank.lists.test_take_out import stored
from tests.phonebank.lists.upload_desk import Desk

# Short portions, so that a process can be killed between any two of them.
AT_ONCE = 200
PEOPLE = 2_000 + 3_500 * KILLS

_EVERYONE = text("""
SELECT md5(string_agg(concat_ws('|', external_id, first_name, phone, postcode, state), ','
                      ORDER BY external_id, id)), count(*)
FROM contact
""")
# What a list has done to people, counted in the people themselves and in its own row.
_DONE = text("""
SELECT (SELECT count(*) FROM contact WHERE contact_list_id = :id) AS stored,
    (SELECT count(*) FROM contact_change WHERE contact_list_id = :id) AS changes,
    (SELECT count(*) FROM contact WHERE postcode = :postcode) AS moved,
    (SELECT count(*) FROM contact WHERE state = 'taken_out') AS taken_out,
    (SELECT count(*) FROM contact) AS people,
    rows_read, rows_stored, rows_updated
FROM contact_list WHERE id = :id
""")
NEW_POSTCODE = "CF11 9LL"


def people(postcode: str) -> str:
    lines = [f"{n},Voter{n},{drama_number(n)},{postcode}" for n in range(PEOPLE)]
    return "ID,First name,Phone,Postcode\n" + "\n".join(lines) + "\n"


def everyone() -> tuple[str, int]:
    return tuple(db.session.execute(_EVERYONE).one())


@pytest.fixture
def in_app(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The desk, with jobs that work in short portions."""
    for module, name in (
        (batching, "BATCH"),
        (take_out, "BATCH"),
        (undo, "AT_ONCE"),
        (restore, "AT_ONCE"),
    ):
        monkeypatch.setattr(module, name, AT_ONCE)
    with desk.app.app_context():
        yield desk


def done(list_id: int) -> dict[str, int]:
    """The columns of _DONE now."""
    row = db.session.execute(_DONE, {"id": list_id, "postcode": NEW_POSTCODE}).one()
    db.session.rollback()
    return dict(row._mapping)


def killed_again_and_again(
    desk: Desk,
    list_id: int,
    job: Callable[[int], object],
    holds: Callable[[dict[str, int]], bool],
) -> None:
    """Kill the workers at a list's job in the middle, then let one finish it. After each kill
    `holds` must be true of the columns of _DONE."""

    def progress_at() -> datetime:
        # One row is read in a moment. If a look counted people, the worker would do many portions
        # in the meantime.
        at = db.session.scalar(select(ContactList.progress_at).where(ContactList.id == list_id))
        db.session.rollback()
        assert at is not None
        return at

    def look() -> None:
        found = done(list_id)
        assert holds(found), found
        left_behind(desk, list_id)
        resume_imports()

    kill_workers(lambda: job(list_id), progress_at, look)
    desk.work()
    db.session.rollback()


def begin_undo(list_id: int) -> None:
    undo.begin_undo(db.session.get_one(ContactList, list_id))
    db.session.commit()
    enqueue(undo_import, list_id)


@pytest.mark.crash
def test_killed_workers_change_everyone_once_and_undos_bring_everything_back(in_app: Desk) -> None:
    desk, half = in_app, PEOPLE // 2
    kept = "\n".join(people("CF10 1EP").split("\n")[: half + 1]) + "\n"
    assert desk.bring(kept)["rows_stored"] == half
    nobody_new = everyone()

    imported = desk.upload(people("CF10 1EP"))
    desk.confirm(imported)
    killed_again_and_again(
        desk,
        imported,
        import_list,
        lambda now: (
            now["people"] - half == now["stored"] == now["rows_stored"]
            and now["rows_stored"] == max(0, now["rows_read"] - half)
        ),
    )
    standing = desk.standing(imported)
    assert (standing["state"], standing["rows_duplicate"]) == ("ready", half)
    before = everyone()
    assert before[1] == PEOPLE

    updated = desk.upload(people(NEW_POSTCODE))
    desk.confirm(updated, update_targets=["postcode"])
    killed_again_and_again(
        desk,
        updated,
        import_list,
        lambda now: now["moved"] == now["changes"] == now["rows_updated"] == now["rows_read"],
    )
    assert desk.standing(updated)["rows_updated"] == PEOPLE

    ids = "ID\n" + "".join(f"{n}\n" for n in range(PEOPLE + 100))
    taken = stored(desk, ids, ["external_id"])
    killed_again_and_again(
        desk,
        taken,
        take_people_out,
        lambda now: now["taken_out"] == now["changes"] == now["rows_updated"] == now["rows_read"],
    )
    standing = desk.standing(taken)
    assert (standing["rows_updated"], standing["rows_unknown"]) == (PEOPLE, 100)
    assert done(taken)["taken_out"] == PEOPLE

    for list_id, column in ((taken, "taken_out"), (updated, "moved")):
        begin_undo(list_id)
        killed_again_and_again(
            desk,
            list_id,
            undo_import,
            lambda now, column=column: now[column] == now["changes"],  # type: ignore[misc]
        )
    assert everyone() == before
    begin_undo(imported)
    killed_again_and_again(
        desk, imported, undo_import, lambda now: now["people"] - half == now["stored"]
    )
    assert everyone() == nobody_new
    for list_id in (taken, updated, imported):
        standing = desk.standing(list_id)
        assert standing["finished_at"], "the undo has ended"
        assert (standing["state"], done(list_id)["changes"]) == ("undone", 0)


def test_two_organisers_upload_the_same_file_at_once(desk: Desk) -> None:
    desk.bring(people("CF10 1EP").split("\n5,", 1)[0] + "\n")  # five are there already
    content = people("CF11 9LL").split("\n3000,", 1)[0] + "\n"
    both = [desk.upload(content) for _ in range(2)]
    for list_id in both:
        desk.confirm(list_id, update_targets=["postcode", "first_name", "phone"])
    threads = [in_thread(desk, import_list, list_id) for list_id in both]
    for thread in threads:
        thread.join()
    ends = [desk.standing(list_id) for list_id in both]
    assert [end["state"] for end in ends] == ["ready", "ready"]
    assert sum(end["rows_stored"] for end in ends) == 3000 - 5
    for end in ends:
        names = ("stored", "updated", "duplicate", "suppressed", "refused")
        assert sum(end[f"rows_{name}"] for name in names) == 3000
    contacts = desk.contacts()
    assert len(contacts) == 3000
    assert {one.postcode for one in contacts} == {"CF11 9LL"}
