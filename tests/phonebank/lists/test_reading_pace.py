"""How fast a file is read, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from phonebank.lists.reading_pace import describe_pace

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("done", "seconds", "already", "said"),
    [
        (0, 60, 0, ""),
        (50_000, 1, 0, ""),
        (100_000, 10, 0, "10,000 rows a second, about 2 minutes left."),
        (100_000, 10, 50_000, "5,000 rows a second, about 3 minutes left."),
        (990_000, 99, 0, "10,000 rows a second, a few seconds left."),
        (800_000, 100, 0, "8,000 rows a second, about 20 seconds left."),
        (1_000, 100, 0, "10 rows a second, about 28 hours left."),
        (1, 100, 0, "Less than 1 row a second, about 27778 hours left."),
    ],
)
def test_the_pace_and_what_is_left(done: int, seconds: int, already: int, said: str) -> None:
    since = AT - timedelta(seconds=seconds)
    assert describe_pace(done, 1_000_000, since, AT, already) == said


def test_nothing_is_said_before_a_worker_has_begun() -> None:
    assert describe_pace(10, 20, None, AT) == ""
