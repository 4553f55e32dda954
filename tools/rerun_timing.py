"""Run pytest, and then rerun the tests that may have failed only because the machine was busy.

    python -m tools.rerun_timing [pytest's arguments]

A test marked `timing` measures seconds, and a shared machine may stall for that long. If only such
tests fail, and at most three of them, the failed tests are run once more, one at a time. Otherwise
nothing is run again. A test that sometimes fails although it measures no seconds has found a fault.
"""

import subprocess
import sys

import pytest

MARKER = "timing"
AT_MOST = 3


class FailedTests:
    """A pytest plugin that notes which tests failed, and whether each is marked `timing`."""

    def __init__(self) -> None:
        self.is_timing: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.is_timing[report.nodeid] = MARKER in report.keywords


def main(arguments: list[str]) -> int:
    """Run pytest, with at most one rerun. Return the exit code of the last run."""
    failed = FailedTests()
    code = int(pytest.main(arguments, plugins=[failed]))
    if code != pytest.ExitCode.TESTS_FAILED:
        return code
    others = [test for test, is_timing in failed.is_timing.items() if not is_timing]
    if others or not failed.is_timing:
        _say(f"Reran 0 tests: {len(others)} of the failed tests are not marked {MARKER}.")
        return code
    if len(failed.is_timing) > AT_MOST:
        _say(
            f"Reran 0 tests: {len(failed.is_timing)} tests marked {MARKER} failed, over {AT_MOST}."
        )
        return code
    _say(f"Rerunning {len(failed.is_timing)} tests marked {MARKER}, one at a time.")
    again = subprocess.run([sys.executable, "-m", "pytest", *failed.is_timing], check=False)
    _say(f"Reran {len(failed.is_timing)} tests marked {MARKER}: {_outcome(again.returncode)}.")
    return again.returncode


def _outcome(code: int) -> str:
    return "all passed" if code == pytest.ExitCode.OK else "not all passed"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
