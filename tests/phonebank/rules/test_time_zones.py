"""Time zones come from the pinned database and not from the machine's, which may be old."""

from datetime import UTC, datetime, timedelta

import pytest

from phonebank.rules.time_zones import (
    UnknownTimeZoneError,
    canonical_name,
    time_zone,
    time_zone_names,
)


def test_vancouver_keeps_its_summer_clocks_in_winter_since_2026() -> None:
    """The database of 2025 does not know it; a caller would call at half past nine at night."""
    january = datetime(2027, 1, 15, 12, tzinfo=UTC)
    offset = january.astimezone(time_zone("America/Vancouver")).utcoffset()
    assert offset == timedelta(hours=-7)


@pytest.mark.parametrize("name", ["", "Etc/Unknown", "GMT+1", "../etc/passwd", "europe/london"])
def test_a_name_that_is_not_in_the_database_is_refused_in_words(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="is not a time zone: use a name such as"):
        time_zone(name)


def test_every_name_in_the_database_can_be_read() -> None:
    assert len(time_zone_names()) > 500
    assert all(time_zone(name).key == name for name in time_zone_names())


def test_an_alias_has_the_clocks_of_the_name_it_stands_for() -> None:
    assert canonical_name("Europe/Jersey") == canonical_name("Europe/London") == "Europe/London"
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13)]
    for name in time_zone_names():
        one, other = time_zone(name), time_zone(canonical_name(name))
        assert all(
            m.astimezone(one).utcoffset() == m.astimezone(other).utcoffset() for m in moments
        )
