"""The log tells the person who starts a server how Redis must be set up."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from redis import Redis

from phonebank.app import create_app
from phonebank.core import redis_settings
from phonebank.core.config import Config

CHANGED = ("maxmemory-policy", "save", "stop-writes-on-bgsave-error")


@pytest.fixture
def redis(app: Flask) -> Iterator[Redis]:
    """The tests' Redis; the fixture restores its settings."""
    server: Redis = app.extensions["redis"]
    before = {name: server.config_get(name)[name] for name in CHANGED}
    yield server
    for name, value in before.items():
        server.config_set(name, value)


def test_the_embedded_redis_is_set_up_right(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    redis_settings.check(app)
    assert caplog.text == ""


def test_eviction_is_warned_of(app: Flask, redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis_settings.check(app)
    assert "maxmemory-policy is allkeys-lru" in caplog.text
    assert "noeviction" in caplog.text


def test_a_file_that_may_stop_every_write_is_warned_of(
    app: Flask, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis.config_set("save", "3600 1 300 100")
    redis_settings.check(app)
    assert "STOPS WRITING WHEN IT CANNOT SAVE" in caplog.text
    caplog.clear()
    redis.config_set("stop-writes-on-bgsave-error", "no")
    redis_settings.check(app)
    assert caplog.text == ""


def test_a_redis_that_is_away_keeps_nobody_from_starting(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    redis_settings.check(create_app(replace(config, redis_url="redis://:hush@127.0.0.1:9/0")))
    assert "the settings of Redis were not checked" in caplog.text
    assert "hush" not in caplog.text
