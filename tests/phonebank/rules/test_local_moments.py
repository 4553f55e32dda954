"""A moment in words shows the day and the time of the place."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from phonebank.rules.local_moments import describe_moment, last_midnight


def test_a_moment_is_told_in_the_time_of_the_place() -> None:
    late = datetime(2026, 1, 13, 23, 30, tzinfo=UTC)
    assert describe_moment(late, "Europe/London") == "Tuesday 13 January, 23:30"
    assert describe_moment(late, "Europe/Berlin") == "Wednesday 14 January, 00:30"


def test_the_last_midnight_is_the_midnight_of_the_place() -> None:
    late = datetime(2026, 1, 13, 23, 30, 12, 345, tzinfo=UTC)
    berlin = ZoneInfo("Europe/Berlin")
    assert last_midnight(late, ZoneInfo("Europe/London")) == datetime(2026, 1, 13, tzinfo=UTC)
    assert last_midnight(late, berlin) == datetime(2026, 1, 14, tzinfo=berlin)
