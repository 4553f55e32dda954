"""Lets two people act on one row at the same moment, on two connections, and compares the result
with a simple model.

The second person reads everything before the first one writes, acts before the first one commits,
and commits last. The result must be the same as if they had acted one after the other. Two actions
make two pairs, one for each order.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.core.errors import PhonebankError

State = dict[str, Any]
Rows = Any
Becomes = Callable[[State], State | None]


@dataclass(frozen=True)
class Act:
    """One action: `do` takes the rows as the actor read them, and `becomes` maps a plain state to
    the next. `becomes` returns None if the action is refused in words."""

    name: str
    do: Callable[[Rows], object]
    becomes: Callable[[State], State | None]


@dataclass(frozen=True)
class Place:
    """The rows to act on. `made` makes and commits new rows, and returns the key to find them.
    `read` reads them as a request does at its start. `state` returns the values that the test
    compares."""

    made: Callable[[], Any]
    read: Callable[[Any], Rows]
    state: Callable[[Any], State]


def one_row(kind: Any, make: Callable[[], Any], state: Callable[[Any], State]) -> Place:
    """A place with one row."""

    def made() -> int:
        row = make()
        db.session.commit()
        return row.id

    return Place(
        made,
        lambda row_id: db.session.get_one(kind, row_id),
        lambda row_id: state(db.session.get_one(kind, row_id)),
    )


def always(**changes: Any) -> Callable[[State], State | None]:
    """Describe an action that is never refused. Afterwards the state has these values."""
    return lambda state: state | changes


def only_from(key: str, allowed: Iterable[Any], **changes: Any) -> Callable[[State], State | None]:
    """Describe an action that is refused unless the state's `key` has one of the allowed values."""
    values = list(allowed)
    return lambda state: state | changes if state[key] in values else None


def faults_of_all_pairs(app: Flask, place: Place, acts: Iterable[Act]) -> list[str]:
    """Try each pair of actions in both orders. Returns a sentence for each result that the model
    does not allow."""
    acts = list(acts)
    return [
        fault for first in acts for second in acts for fault in _faults(app, place, first, second)
    ]


def _faults(app: Flask, place: Place, first: Act, second: Act) -> Iterator[str]:
    where = place.made()
    before = place.state(where)
    db.session.rollback()
    refused = _run(app, place, where, first, second)
    db.session.rollback()
    db.session.expire_all()
    after = place.state(where)
    db.session.rollback()
    expected, expected_refused = before, []
    for act in (first, second):
        then = act.becomes(expected)
        expected_refused.append(then is None)
        expected = expected if then is None else then
    if after != expected or refused != expected_refused:
        differs = {
            key: (after.get(key), expected[key])
            for key in expected
            if after.get(key) != expected[key]
        }
        yield (
            f"{first.name}, then {second.name}, from {before}:"
            f" (is, should be) {differs}, refused {refused}, should be {expected_refused}"
        )


def _run(app: Flask, place: Place, where: Any, first: Act, second: Act) -> list[bool]:
    """Run both actions. Returns for each whether it was refused."""
    has_read, may_act, may_commit = threading.Event(), threading.Event(), threading.Event()

    def act_second() -> bool:
        with app.app_context():
            rows = place.read(where)
            has_read.set()
            may_act.wait(10)
            refused = _is_refused(second, rows)
            acted.set()
            may_commit.wait(10)
            _finish(refused)
            return refused

    acted = threading.Event()
    with ThreadPoolExecutor(1) as elsewhere:
        rows = place.read(where)
        running = elsewhere.submit(act_second)
        if not has_read.wait(10):
            running.result()  # raises the error of the second
        refused = _is_refused(first, rows)
        if not refused:
            db.session.flush()
        may_act.set()
        _wait_until_second_waits(acted, running)
        _finish(refused)
        may_commit.set()
        return [refused, running.result(20)]


def _is_refused(act: Act, rows: Rows) -> bool:
    try:
        act.do(rows)
    except PhonebankError:
        return True
    return False


def _finish(refused: bool) -> None:
    if refused:
        db.session.rollback()
    else:
        db.session.commit()


def _wait_until_second_waits(acted: threading.Event, running: Any) -> None:
    """Wait until the second person waits for a lock of the first, or has acted without waiting."""
    give_up = time.monotonic() + 20
    with closing(db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")) as looking:
        while not (acted.wait(0.002) or running.done()):
            if looking.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
                return
            assert time.monotonic() < give_up
