"""Updates, take-outs and their undos through killed workers, and two uploads of one file at once.

In `make soak` each phase is killed twenty times, at random moments. In `make test` only one is
killed, and once.
"""

import os
import random
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text

from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.jobs import enqueue
from phonebank.lists import undo
from phonebank.lists.jobs import import_list, resume_imports, undo_import
from phonebank.models import ContactChange, ContactList
from tests.factories import drama_number
from tests.phonebank.lists.test_jobs import in_thread, kill, left_behind, worker_process
from tests.phonebank.lists.test_take_out import stored
from tests.phonebank.lists.upload_desk import Desk

KILLS = int(os.environ.get("KILLS", "1"))
PEOPLE = 12_000 if KILLS > 1 else 6_000

_EVERYONE = text("""
SELECT md5(string_agg(concat_ws('|', external_id, first_name, phone, postcode, state), ','
                      ORDER BY external_id, id)), count(*)
FROM contact
""")


def people(postcode: str) -> str:
    lines = [f"{n},Voter{n},{drama_number(n)},{postcode}" for n in range(PEOPLE)]
    return "ID,First name,Phone,Postcode\n" + "\n".join(lines) + "\n"


def everyone(desk: Desk) -> tuple[str, int]:
    with desk.app.app_context():
        return tuple(db.session.execute(_EVERYONE).one())


def changes(desk: Desk) -> int:
    with desk.app.app_context():
        return db.session.scalar(select(func.count()).select_from(ContactChange)) or 0


def killed_again_and_again(
    desk: Desk,
    config: Config,
    list_id: int,
    has_begun: Callable[[], bool],
    always: bool = False,
) -> None:
    """Kill workers in the middle of a job, then let one finish it."""
    for _ in range(KILLS if always or KILLS > 1 else 0):
        with worker_process(config) as worker:
            give_up_at = time.monotonic() + 60
            while not has_begun() and time.monotonic() < give_up_at:
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.5))
            kill(worker)
        left_behind(desk, list_id)
        with desk.app.app_context():
            resume_imports()
    desk.work()


def undone(desk: Desk, config: Config, list_id: int) -> None:
    before = changes(desk)
    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, list_id))
        db.session.commit()
        enqueue(undo_import, list_id)
    killed_again_and_again(desk, config, list_id, lambda: changes(desk) < before)
    assert desk.standing(list_id)["finished_at"]
    assert changes(desk) == 0


@pytest.mark.crash
def test_killed_workers_change_everyone_once_and_an_undo_brings_everything_back(
    desk: Desk, config: Config
) -> None:
    desk.bring(people("CF10 1EP"))
    before = everyone(desk)
    assert before[1] == PEOPLE

    update = desk.upload(people("CF11 9LL"))
    desk.confirm(update, update_targets=["postcode"])
    killed_again_and_again(desk, config, update, lambda: desk.standing(update)["rows_read"] > 0)
    standing = desk.standing(update)
    assert (standing["state"], standing["rows_updated"]) == ("ready", PEOPLE)
    assert changes(desk) == PEOPLE

    ids = "ID\n" + "".join(f"{n}\n" for n in range(PEOPLE + 100))
    taken = stored(desk, ids, ["external_id"])
    killed_again_and_again(
        desk, config, taken, lambda: desk.standing(taken)["rows_read"] > 0, always=True
    )
    standing = desk.standing(taken)
    assert (standing["rows_updated"], standing["rows_unknown"]) == (PEOPLE, 100)
    assert changes(desk) == 2 * PEOPLE
    with desk.app.app_context():
        states = db.session.scalars(text("SELECT DISTINCT state FROM contact")).all()
    assert states == ["taken_out"]

    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, taken))
        db.session.commit()
        enqueue(undo_import, taken)
    killed_again_and_again(desk, config, taken, lambda: changes(desk) < 2 * PEOPLE)
    undone(desk, config, update)
    assert everyone(desk) == before


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
