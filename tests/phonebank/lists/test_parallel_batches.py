"""Large files, whose rows are prepared in several processes."""

import os
import signal
from collections.abc import Callable, Iterator
from threading import Thread

import psutil
import pytest

from phonebank.core.config import Config
from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.dialects import Dialect
from phonebank.csv_input.rows import InvalidFileError, Row, read_rows
from phonebank.lists import batching, jobs
from phonebank.lists.batching import Batch, prepare_batches
from phonebank.lists.jobs import ImportFailedError, import_list, resume_imports
from phonebank.lists.parallel_batches import (
    FEWEST_BATCHES,
    PROCESSES,
    ProcessEndedError,
    is_large,
    prepare_in_parallel,
)
from tests.factories import drama_number
from tests.phonebank.lists.test_jobs import left_behind, wait_until_read, worker_process
from tests.phonebank.lists.test_known_people import undone
from tests.phonebank.lists.upload_desk import Desk, rows

BATCH = 40
HEADERS = ("First name", "Last name", "Phone", "Postcode", "Tags", "Ward", "Do not call")
TARGETS = ("first_name", "last_name", "phone", "postcode", "tags", "field:ward", "do_not_call")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BATCH", BATCH)


def mixed_file(count: int) -> str:
    """A file with people, duplicates, refused rows and rows that say "do not call"."""
    lines = [",".join(HEADERS)]
    for n in range(count):
        phone = "none" if n % 10 == 9 else drama_number(n // 7)
        name = n - 1 if n % 7 == 6 else n
        cells = [f"Zoë{name}", 'O"Brien\\', phone, "CF10 1EP", '"green,new"', "Grangetown\t↑"]
        cells.append("yes" if n % 11 == 10 else "")
        lines.append(",".join(cells) + ",one cell more" * (n % 13 == 12))
    return "\n".join(lines) + "\n"


def people_of(content: str) -> Iterator[Row]:
    found = read_rows(iter([content.encode()]), Dialect("utf-8", ","))
    next(found)
    return found


def prepared(
    prepare: Callable[..., Iterator[Batch]], people: Iterator[Row], first: int = 0
) -> Iterator[Batch]:
    return prepare(people, first, Mapping.of(HEADERS, TARGETS), "GB", False)


def helpers_of(pid: int) -> list[psutil.Process]:
    """The processes that prepare rows for a process or for one that it has forked."""
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "preparing_process" in " ".join(child.cmdline())]


@pytest.mark.parametrize("count", [1, BATCH, BATCH * 2, BATCH * 7 + 5])
def test_several_processes_prepare_the_same_batches_as_one(count: int) -> None:
    content = mixed_file(count)
    alone = list(prepared(prepare_batches, people_of(content), first=count // 3))
    assert list(prepared(prepare_in_parallel, people_of(content), first=count // 3)) == alone
    assert sum(batch.rows for batch in alone) == count - count // 3


def test_rows_above_a_fault_of_the_file_are_prepared() -> None:
    content = mixed_file(BATCH * 4 + 5) + "a\0b\n"
    found: list[Batch] = []
    with pytest.raises(InvalidFileError):
        found.extend(prepared(prepare_in_parallel, people_of(content)))
    assert [batch.first for batch in found] == [0, BATCH, BATCH * 2, BATCH * 3]


def test_a_process_that_is_killed_ends_the_preparation() -> None:
    batches = prepared(prepare_in_parallel, people_of(mixed_file(BATCH * 20)))
    next(batches)
    helpers = helpers_of(os.getpid())
    assert len(helpers) == PROCESSES
    helpers[0].kill()
    with pytest.raises(ProcessEndedError):
        list(batches)
    assert helpers_of(os.getpid()) == []


def test_a_fault_of_our_own_ends_the_preparation_and_quotes_no_row(
    capfd: pytest.CaptureFixture[str],
) -> None:
    too_few_cells = Row(2, ["Voter7"])
    with pytest.raises(ProcessEndedError):
        list(prepared(prepare_in_parallel, iter([too_few_cells])))
    said = capfd.readouterr().err
    assert "IndexError" in said
    assert "normalise" in said
    assert "Voter7" not in said


def test_processes_end_with_a_preparation_that_nobody_needs() -> None:
    batches = prepare_in_parallel(
        people_of(mixed_file(BATCH * 20)), 0, Mapping.of(HEADERS, TARGETS), "GB", False
    )
    next(batches)
    assert helpers_of(os.getpid())
    batches.close()
    assert helpers_of(os.getpid()) == []


def test_a_large_import_is_the_same_in_several_processes_as_in_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = mixed_file(BATCH * 8)
    assert is_large(BATCH * 8)
    assert not is_large(BATCH * FEWEST_BATCHES - 1)
    first = outcome(desk, content)
    monkeypatch.setattr(jobs, "is_large", lambda rows: False)
    assert outcome(desk, content) == first
    assert {last_name for _, _, last_name, *_ in first[1]} == {'O"Brien\\'}
    kinds = ("stored", "refused", "suppressed", "duplicate")
    assert all(first[0][f"rows_{kind}"] > 0 for kind in kinds)


def outcome(desk: Desk, content: str) -> tuple[dict[str, int], list[tuple[object, ...]]]:
    """What an import counted, and everybody it stored. The import is undone."""
    standing = desk.bring(content)
    counts = {name: count for name, count in standing.items() if name.startswith("rows_")}
    everybody: list[tuple[object, ...]] = [
        (one.phone, one.first_name, one.last_name, one.zone_key, one.postcode, one.fields)
        for one in desk.contacts()
    ]
    undone(desk, standing["id"])
    return counts, everybody


def test_an_import_whose_helper_was_killed_goes_on_later(desk: Desk) -> None:
    list_id = desk.upload(rows(BATCH * 200))
    desk.confirm(list_id)

    def kill_a_helper() -> None:
        wait_until_read(desk, list_id, more_than=0)
        helpers_of(os.getpid())[0].send_signal(signal.SIGKILL)

    killer = Thread(target=kill_a_helper)
    killer.start()
    with desk.app.app_context(), pytest.raises(ImportFailedError, match="ProcessEndedError"):
        import_list(list_id)
    killer.join()
    standing = desk.standing(list_id)
    assert standing["state"] == "importing"
    assert 0 < standing["rows_read"] == standing["rows_stored"] < BATCH * 200

    left_behind(desk, list_id)
    with desk.app.app_context():
        resume_imports()
    desk.work()
    assert desk.standing(list_id)["state"] == "ready"
    assert desk.standing(list_id)["rows_stored"] == len(desk.contacts()) == BATCH * 200


@pytest.mark.crash
def test_a_killed_worker_leaves_no_process_behind(desk: Desk, config: Config) -> None:
    list_id = desk.upload(rows(60_000))
    desk.confirm(list_id)
    with worker_process(config) as worker:
        wait_until_read(desk, list_id, more_than=0)
        helpers = helpers_of(worker.pid)
        assert len(helpers) == PROCESSES
        for each in [worker, *worker.children()]:  # not the helpers
            each.kill()
        _, alive = psutil.wait_procs(helpers, timeout=10)
    assert not alive
    assert 0 < desk.standing(list_id)["rows_read"] < 60_000
