"""Tests and benchmarks wait for what is to happen, not for a second or more to go by."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What sleeps, and how much of its argument is a second.
SLEEPS = {"sleep": 1, "wait_for_timeout": 1000}
SLEEPERS = {"time", "gevent", "asyncio"}

# Where the time that goes by is itself what is tried or measured. No test waits in these.
PACED = {
    "bench/boards.py::run_phase": "what it costs when nothing happens, for so long",
    "bench/call_outs.py::main": "so many pledges a second",
    "bench/callers.py::watch": "how long the phones are measured",
    "bench/handsets.py::_begin": "the pause of a phone that was not answered",
    "bench/handsets.py::_draw_next": "the pause that a busy server asks for",
    "bench/handsets.py::_send_until_settled": "the same for an outcome",
    "bench/handsets.py::_wait_for_person": "the pause of the waiting page",
    "bench/hall.py::measure_crowd": "so many sign-ups a minute",
    "bench/hall.py::send": "the pause of a phone that is told to try again",
    "bench/million.py::upload": "a picture of an import that has got somewhere",
    "bench/outcomes.py::main": "so many outcomes a second",
    "bench/telephone.py::dial": "so many dials a second",
    "bench/visitors.py::visit": "so many visitors a second",
    "tests/calls/test_load.py::test_a_hundred_volunteers": "how long the load lasts",
    "tests/calls/test_softphone.py::test_a_browser_hears_a_person_and_is_heard": "how long",
    "tests/calls/test_asterisk_backend.py::test_a_caller_who_waits_hears_that_the_line_works": "how"
    " often the sound comes",
    "tests/browser/line_server.py::snapshot": "a server that is as slow as the test says",
    "tests/phonebank/webhooks/receiver.py::do_POST": "a program that never answers a webhook",
    "tests/killed_workers.py::kill_workers": "a random moment before the next change",
    "tests/crash/bad_line.py::ask": "a request of the soak that is late",
    "tests/crash/bad_line.py::send": "a copy of it that is later",
    "tests/crash/site.py::wait": "how long the soak leaves the killed part dead",
    "tests/crash/soak.py::_kill_things": "how often the soak kills something",
    "tests/crash/staff.py::hold_up": "how long the soak's callers wait for a lock",
    "tests/crash/staff.py::commit_then": "how long a change of the soak stands",
}


class Sleeps(ast.NodeVisitor):
    """A file's sleeps: function, line, and the most seconds, or None where the file tells none."""

    def __init__(self, text: str) -> None:
        self.found: list[tuple[str, int, float | None]] = []
        self._function = ""
        self._values: dict[str, list[ast.expr]] = {}
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._values.setdefault(target.id, []).append(node.value)
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer, self._function = self._function, node.name
        self.generic_visit(node)
        self._function = outer

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's own name

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        is_method = isinstance(node.func, ast.Attribute)
        owner = _name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name == "wait_for_timeout" or (name == "sleep" and (not is_method or owner in SLEEPERS)):
            most = self._most(node.args[0], frozenset()) if node.args else None
            seconds = None if most is None else most / SLEEPS[name]
            self.found.append((self._function, node.lineno, seconds))
        self.generic_visit(node)

    def _most(self, node: ast.expr, seen: frozenset[str]) -> float | None:
        """Return the largest number that this expression can be; None if the file does not show
        it."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return value
            case ast.Name(id=name) | ast.Attribute(attr=name) if name not in seen:
                return _largest(self._most(v, seen | {name}) for v in self._values.get(name, []))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return _largest(self._most(part, seen) for part in parts)
            case ast.Starred(value=value):
                return self._most(value, seen)
            case ast.Call(func=func, args=args):
                each = [self._most(arg, seen) for arg in args]
                if _name(func) == "min":
                    return min((most for most in each if most is not None), default=None)
                if _name(func) in {"max", "uniform", "choice"}:
                    return _largest(iter(each))
        return None


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _largest(each: Iterator[float | None]) -> float | None:
    numbers = list(each)
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None


def long_sleeps(text: str) -> list[tuple[str, int]]:
    """The function and the line of each sleep that may last over a second."""
    return [
        (function, line)
        for function, line, seconds in Sleeps(text).found
        if seconds is None or seconds > 1
    ]


def test_nothing_sleeps_over_a_second() -> None:
    found = Counter(
        f"{path.relative_to(ROOT)}::{function}"
        for folder in ("tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        for function, _ in long_sleeps(path.read_text())
    )
    too_many = found - Counter(dict.fromkeys(PACED, 1))
    assert not too_many, f"wait for what is to happen instead: {sorted(too_many)}"
    assert not set(PACED) - set(found), "no longer there: take them off the list"


@pytest.mark.parametrize(
    "text",
    [
        "time.sleep(1.5)",
        "gevent.sleep(2)",
        "await asyncio.sleep(30)",
        "sleep(2)",
        "page.wait_for_timeout(1001)",
        "time.sleep(30 - time.time() % 30)",
        "time.sleep(seconds)",
        "LONG = 3\ntime.sleep(LONG)",
        "SHORT = 1\nSHORT = 2\ntime.sleep(SHORT)",
        "time.sleep(max(0.1, due - now()))",
        "RANGE = (0.5, 2)\ntime.sleep(dice.uniform(*RANGE))",
    ],
)
def test_a_long_sleep_is_found(text: str) -> None:
    indented = text.replace("\n", "\n    ")
    assert long_sleeps(f"async def waits(seconds):\n    {indented}\n")


@pytest.mark.parametrize(
    "text",
    [
        "time.sleep(1)",
        "page.wait_for_timeout(1000)",
        "PAUSE = 0.5\ntime.sleep(PAUSE)",
        "time.sleep(min(pause, 1.0))",
        "time.sleep(random.uniform(0, 0.4))",
        "sleep_of(page, 3_600_000)",
        "phone.sleep(5)",
    ],
)
def test_a_short_one_is_not(text: str) -> None:
    assert long_sleeps(text) == []
