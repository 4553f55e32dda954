"""By which key a limit counts a sender, and what happens when Redis goes away."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from phonebank.app import create_app
from phonebank.core.config import Config
from phonebank.core.rate_limits import client_key, limiter
from phonebank.local.servers import start_redis


def statuses(client: FlaskClient, forwarded: bool) -> list[int]:
    return [
        client.post(
            "/sign-in",
            data={"email": f"x{n}"},
            headers={"X-Forwarded-For": f"192.0.2.{n}"} if forwarded else {},
        ).status_code
        for n in range(11)
    ]


def test_a_made_up_address_does_not_escape_the_limits(client: FlaskClient) -> None:
    assert statuses(client, forwarded=True) == [422] * 10 + [429]


def test_behind_a_proxy_each_visitor_has_their_own_limit(
    https_app: Flask, clean_stores: None
) -> None:
    assert 429 not in statuses(https_app.test_client(), forwarded=True)


def test_a_home_is_one_sender_however_many_addresses_it_has(client: FlaskClient) -> None:
    def tries(address: str) -> int:
        body, base = {"email": address}, {"REMOTE_ADDR": address}
        return client.post("/sign-in", data=body, environ_base=base).status_code

    assert [tries(f"2001:db8:1:2:{n:x}::1") for n in range(1, 12)] == [422] * 10 + [429]
    assert tries("2001:db8:1:3::1") == 422
    # These are IPv4 addresses in IPv6 notation, and each is a sender of its own.
    assert {tries(f"::ffff:192.0.2.{n}") for n in range(1, 12)} == {422}


def test_only_views_with_a_limit_are_asked_for_it(app: Flask) -> None:
    hooks = [*app.before_request_funcs[None], *app.after_request_funcs[None]]
    assert not any("imiter" in repr(hook) for hook in hooks)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1:4711", "192.0.2.1:4712"),
        ("[2001:db8::1]:4711", "[2001:db8::2]:80"),
        ("2001:DB8::1", "2001:db8:0:0:1::1"),
        ("Unix:", "unix:"),
    ],
)
def test_one_sender_is_one_however_a_proxy_writes_the_address(
    app: Flask, one: str, other: str
) -> None:
    def sender(address: str) -> str:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            return client_key()

    assert sender(one) == sender(other)
    assert sender(one) != sender("192.0.2.9:4711")
    assert sender("192.0.2.9:4711") == "192.0.2.9"


def test_redis_lost_in_the_middle_of_a_request_does_not_spoil_its_answer(
    app: Flask, config: Config, clean_stores: None, tmp_path: Path
) -> None:
    """The app counts a wrong code after it has made the answer."""

    def lose_redis(answer: Response) -> Response:
        redis.stop()
        return answer

    limiters_state = dict(vars(limiter))  # it is one for all apps of a process
    redis = start_redis(tmp_path / "r")
    try:
        short_lived = create_app(replace(config, redis_url=redis.url))
        short_lived.after_request(lose_redis)
        assert short_lived.test_client().get("/join/ZZZZZZ").status_code == 404
    finally:
        redis.stop()
        vars(limiter).clear()
        vars(limiter).update(limiters_state)
