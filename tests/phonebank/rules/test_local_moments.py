"""A moment in words shows the day and the time of the place."""

from datetime import UTC, datetime

from phonebank.rules.local_moments import describe_moment


def test_a_moment_is_told_in_the_time_of_the_place() -> None:
    late = datetime(2026, 1, 13, 23, 30, tzinfo=UTC)
    assert describe_moment(late, "Europe/London") == "Tuesday 13 January, 23:30"
    assert describe_moment(late, "Europe/Berlin") == "Wednesday 14 January, 00:30"
