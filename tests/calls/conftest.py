"""Fixtures for real calls: an Asterisk, and people who answer."""

from collections.abc import Iterator

import pytest

from tests.calls.asterisk import HOW_TO_INSTALL, Asterisk, why_not


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    outcomes = terminalreporter.stats.get("skipped", [])
    skipped = [outcome for outcome in outcomes if "no Asterisk" in str(outcome.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} tests with real calls were skipped, because there is no Asterisk. "
            f"To get one: {HOW_TO_INSTALL}"
        )


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Asterisk]:
    """Asterisk and people, started once for all tests of this run."""
    if reason := why_not():
        pytest.skip(reason)
    started = Asterisk()
    try:
        started.start()
        started.start_people()
        yield started
    finally:
        started.stop()
