"""Limits that count only some answers, while many clients try at once, with and without Redis."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from phonebank.app import create_app
from phonebank.core.attempt_limits import AttemptLimit, _local_count
from phonebank.core.config import Config
from phonebank.core.errors import NotFoundError, TooManyRequestsError
from tests.at_once import at_once
from tests.conftest import NO_REDIS

AT_ONCE = 60


@pytest.fixture(scope="module", params=["with Redis", "without Redis"])
def counting_app(request: pytest.FixtureRequest, app: Flask, config: Config) -> Flask:
    if request.param == "with Redis":
        return app
    return create_app(replace(config, redis_url=NO_REDIS))


@pytest.fixture(autouse=True)
def nothing_counted(clean_stores: None) -> Iterator[None]:
    yield
    _local_count.__init__()  # type: ignore[misc]


def wrong_ones(limits: str, scope: str = "test") -> AttemptLimit:
    return AttemptLimit(scope, limits, lambda status: status == 404)


def ask(
    app: Flask, view: Callable[[], object], address: str = "192.0.2.1", method: str = "GET"
) -> int:
    """The status of the view's answer to a request from this address."""
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}, method=method):
        try:
            return view().status_code  # type: ignore[attr-defined]
        except (NotFoundError, TooManyRequestsError) as error:
            return error.status


def no_such_code() -> None:
    raise NotFoundError("There is no such code.")


def test_of_many_guesses_at_once_no_more_than_the_limit_are_answered(counting_app: Flask) -> None:
    guess = wrong_ones("5 per minute")(no_such_code)
    statuses = at_once(*[lambda: ask(counting_app, guess)] * AT_ONCE)
    assert sorted(statuses) == [404] * 5 + [429] * (AT_ONCE - 5)


def test_a_right_guess_among_many_wrong_ones_is_not_answered_past_the_limit(
    counting_app: Flask,
) -> None:
    tries = wrong_ones("5 per minute")
    for _ in range(5):
        assert ask(counting_app, tries(no_such_code)) == 404
    assert ask(counting_app, tries(lambda: "Come in")) == 429


def test_a_room_that_is_right_comes_in_at_once(counting_app: Flask) -> None:
    """More requests than the limit come at once. The requests wait for each other, and none is
    refused."""
    come_in = wrong_ones("5 per minute")(lambda: "Come in")
    assert at_once(*[lambda: ask(counting_app, come_in)] * 20) == [200] * 20


def test_the_smaller_of_two_limits_decides(counting_app: Flask) -> None:
    guess = wrong_ones("9 per minute; 3 per hour")(no_such_code)
    statuses = at_once(*[lambda: ask(counting_app, guess)] * 20)
    assert sorted(statuses) == [404] * 3 + [429] * 17


def test_views_share_a_limit_and_senders_do_not(counting_app: Flask) -> None:
    tries = wrong_ones("2 per minute")
    here, there = tries(no_such_code), tries(no_such_code)
    assert [ask(counting_app, here), ask(counting_app, there)] == [404, 404]
    assert ask(counting_app, here) == 429
    assert ask(counting_app, here, "192.0.2.2") == 404
    other = wrong_ones("2 per minute", "another scope")(no_such_code)
    assert ask(counting_app, other) == 404


def test_a_view_that_breaks_holds_no_place(counting_app: Flask) -> None:
    def breaks() -> None:
        raise ZeroDivisionError

    tries = wrong_ones("2 per minute")
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            ask(counting_app, tries(breaks))
    assert ask(counting_app, tries(lambda: "Come in")) == 200


def test_methods_that_are_not_named_go_free(counting_app: Flask) -> None:
    posts = AttemptLimit("test", "1 per minute", lambda status: status == 404, methods=("POST",))
    view = posts(no_such_code)
    assert [ask(counting_app, view) for _ in range(3)] == [404] * 3
    assert [ask(counting_app, view, method="POST") for _ in range(2)] == [404, 429]
