"""Tests how the overload benchmark evaluates the phones' requests."""

import pytest

from bench.callers import Request
from bench.handsets import MEAN_CALL, SHARES
from bench.overload import goodput, keeps_up, recovered_after

SLOW, QUICK = 1.5, 0.05


def request(
    at: float, verdict: str = "person", took: float = QUICK, kind: str = "cycle"
) -> Request:
    return Request(at, kind, took, verdict, 0)


def test_goodput_counts_outcomes_that_were_acknowledged() -> None:
    requests = [
        request(1),
        request(1.2, "nobody"),
        request(1.4, "refused"),
        request(1.6, "no answer"),
        request(1.8, "saved", kind="answer"),
    ]
    assert goodput(requests, 2) == 1


@pytest.mark.parametrize(
    ("asked", "took", "kept"), [(10, QUICK, True), (13, QUICK, False), (10, SLOW, False)]
)
def test_servers_keep_up_that_acknowledge_what_is_asked_in_time(
    asked: float, took: float, kept: bool
) -> None:
    assert keeps_up([request(n / 10, took=took) for n in range(100)], asked, 10) is kept


def test_recovery_lasts_until_the_last_bad_second() -> None:
    good = [request(100 + n / 10) for n in range(100)]
    assert recovered_after(good, 100) == 0
    assert recovered_after([*good, request(103.5, "refused")], 100) == 4
    assert recovered_after([*good, request(106.1, "no answer")], 100) == 7
    assert recovered_after([*good, *[request(102, took=SLOW)] * 3], 100) == 3
    assert recovered_after([*good, request(99, "refused")], 100) == 0


def test_a_phone_makes_thirty_calls_an_hour() -> None:
    assert sum(SHARES) == pytest.approx(1)
    assert pytest.approx(120, abs=1) == MEAN_CALL
