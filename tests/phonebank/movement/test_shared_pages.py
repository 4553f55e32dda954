"""Public pages that one web process renders and all send."""

import pytest
from flask import Flask
from redis import Redis

from phonebank.core.redis import redis_store
from phonebank.movement.kept_pages import KEPT_FOR, KeptPages
from tests.conftest import NO_REDIS


class Process:
    """One web process: its kept pages, and how often it has rendered a page."""

    def __init__(self, app: Flask, redis: Redis) -> None:
        self._app = app
        self._pages = KeptPages(redis)
        self.drawn = 0

    def open(self, path: str) -> str:
        with self._app.test_request_context(path):
            return self._pages.answer(self._draw).get_data(as_text=True)

    def _draw(self) -> str:
        self.drawn += 1
        return "<p>Kitchen table, \N{SNOWMAN}</p>"


@pytest.fixture
def redis(app: Flask, clean_stores: None) -> Redis:
    with app.app_context():
        return redis_store()


def test_a_page_that_one_process_rendered_is_sent_by_the_others(app: Flask, redis: Redis) -> None:
    first, second = Process(app, redis), Process(app, redis)
    assert first.open("/near/gb/SW9") == second.open("/near/gb/SW9")
    assert (first.drawn, second.drawn) == (1, 0)
    second.open("/near/gb/SE5")
    assert second.drawn == 1


def test_no_process_sends_a_page_older_than_a_minute(
    app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Process(app, redis), Process(app, redis)
    began = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: began)
    first.open("/near/gb")
    monkeypatch.setattr("time.time", lambda: began + KEPT_FOR - 1)
    second.open("/near/gb")
    assert second.drawn == 0
    monkeypatch.setattr("time.time", lambda: began + KEPT_FOR)
    second.open("/near/gb")
    first.open("/near/gb")
    assert (first.drawn, second.drawn) == (1, 1)


def test_without_redis_each_process_renders_its_own(app: Flask) -> None:
    alone = Process(app, Redis.from_url(NO_REDIS, decode_responses=True))
    assert "Kitchen table" in alone.open("/near")
    assert "Kitchen table" in alone.open("/near")
    assert alone.drawn == 1
