"""There is a look every day and at the end, and all looks together use at most the error."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from phonebank.experiments.interim_looks import ERROR, HALF_BY_LOOK, Look, error_at, latest_look

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=7000)).map(lambda passed: EPOCH + passed)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def test_all_looks_together_use_up_the_error_and_no_more() -> None:
    total = math.fsum(error_at(look) for look in range(1, 100_001))
    assert total < ERROR
    assert math.isclose(total, ERROR, rel_tol=0.001)
    half = math.fsum(error_at(look) for look in range(1, HALF_BY_LOOK + 1))
    assert math.isclose(half, ERROR / 2)


def test_the_first_look_comes_with_the_first_midnight() -> None:
    assert latest_look(day(1, 18), None, day(1, 23)) is None
    assert latest_look(day(1, 18), None, day(2, 0)) == Look(1, day(2))
    assert latest_look(day(1, 18), None, day(2, 23)) == Look(1, day(2))
    assert latest_look(day(1, 18), None, day(4, 9)) == Look(3, day(4))


def test_stopping_is_the_last_look_whenever_it_is_read() -> None:
    assert latest_look(day(1, 18), day(1, 20), day(9)) == Look(1, day(1, 20))
    assert latest_look(day(1, 18), day(4, 20), day(9)) == Look(4, day(4, 20))


@given(MOMENTS, st.lists(st.timedeltas(timedelta(0), timedelta(days=60)), max_size=40))
def test_no_two_looks_at_other_calls_have_the_same_number(
    started_at: datetime, after: list[timedelta]
) -> None:
    moments = sorted(started_at + passed for passed in after)
    looks = {latest_look(started_at, None, at) for at in moments}
    if moments:
        looks.add(latest_look(started_at, moments[-1], moments[-1]))
    looks.discard(None)
    assert len({look.number for look in looks if look}) == len(looks)
    assert all(look.number >= 1 and look.until >= started_at for look in looks if look)
