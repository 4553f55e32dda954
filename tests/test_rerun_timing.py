"""Tests that CI reruns only tests that measure seconds, and only a few of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ("-p", "xdist", "-p", "no:cacheprovider")

# This test fails until it has run so many times.
FAILS_FIRST = """
from pathlib import Path
import pytest

def run(name, failures):
    runs = Path(__file__).with_name(name)
    done = len(runs.read_text()) if runs.exists() else 0
    runs.write_text("x" * (done + 1))
    assert done >= failures

"""


def file_with(*tests: tuple[str, int]) -> str:
    """The text of test functions, each with its marker ("" for none) and how often it fails."""
    functions = [
        f"{f'@pytest.mark.{marker}' if marker else ''}\n"
        f"def test_{number}():\n    run('runs_{number}', {failures})\n"
        for number, (marker, failures) in enumerate(tests)
    ]
    return FAILS_FIRST + "\n".join(functions)


@pytest.fixture
def rerun(tmp_path):
    """A function that runs the tests of a text. It returns the exit code, the output, and how often
    each test ran."""

    def run(text: str, *arguments: str):
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  timing\n  slow\n")
        (tmp_path / "test_some.py").write_text(text)
        ran = subprocess.run(
            [sys.executable, "-m", "tools.rerun_timing", *PLUGINS, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTEST_ADDOPTS": "",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        runs = [len(path.read_text()) for path in sorted(tmp_path.glob("runs_*"))]
        return ran.returncode, ran.stderr, runs

    return run


def test_a_run_without_failures_is_not_repeated(rerun) -> None:
    code, said, runs = rerun(file_with(("timing", 0), ("", 0)))
    assert (code, said, runs) == (0, "", [1, 1])


@pytest.mark.parametrize("at_once", [(), ("-n", "2")], ids=["one process", "workers"])
def test_only_the_failed_tests_that_measure_seconds_run_again(rerun, at_once) -> None:
    code, said, runs = rerun(
        file_with(("timing", 1), ("timing", 0), ("", 0), ("timing", 1)), *at_once
    )
    assert (code, runs) == (0, [2, 1, 1, 2])
    assert "Reran 2 tests marked timing: all passed." in said


def test_what_fails_twice_fails(rerun) -> None:
    code, said, runs = rerun(file_with(("timing", 2), ("timing", 1)))
    assert (code, runs) == (1, [2, 2])
    assert "Reran 2 tests marked timing: not all passed." in said


def test_any_other_failed_test_fails_at_once(rerun) -> None:
    code, said, runs = rerun(file_with(("timing", 1), ("slow", 1), ("", 0)))
    assert (code, runs) == (1, [1, 1, 1])
    assert "Reran 0 tests: 1 of the failed tests are not marked timing." in said


def test_three_are_rerun_and_four_are_not(rerun) -> None:
    assert rerun(file_with(*[("timing", 1)] * 3))[::2] == (0, [2, 2, 2])
    code, said, runs = rerun(file_with(*[("timing", 3)] * 4))
    assert (code, runs) == (1, [3, 3, 3, 1])
    assert "Reran 0 tests: 4 tests marked timing failed, over 3." in said


@pytest.mark.parametrize(
    "text",
    ["import nothing_of_that_name", "def test_x(no_such_fixture): pass"],
    ids=["file", "test"],
)
def test_what_cannot_run_at_all_is_not_repeated(rerun, text) -> None:
    code, said, _ = rerun(text)
    assert code != 0
    assert "Rerunning" not in said


def test_a_worker_that_dies_is_a_fault(rerun) -> None:
    dies = "import os, pytest\n@pytest.mark.timing\ndef test_dies():\n    os._exit(1)\n"
    code, said, _ = rerun(dies, "-n", "2")
    assert code != 0
    assert "Rerunning" not in said
