"""Answers with kept pages, which are sent again before Flask sees the request."""

from collections.abc import Iterator

import pytest
from flask import Flask, request, request_started
from flask.testing import FlaskClient

from phonebank.movement.kept_pages import KEPT_FOR

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def seen(app: Flask, clean_stores: None) -> Iterator[list[str]]:
    """The path of each request that Flask sees."""
    app.extensions["kept_pages"].forget()
    paths: list[str] = []

    def note(*_: object, **__: object) -> None:
        paths.append(request.path)

    with request_started.connected_to(note, app):
        yield paths
    app.extensions["kept_pages"].forget()


def test_the_second_stranger_gets_the_same_answer_without_flask(
    client: FlaskClient, seen: list[str]
) -> None:
    first = client.get("/near", headers=GZIP)
    second = client.get("/near", headers=GZIP)
    assert seen == ["/near"]
    assert (second.status_code, second.data) == (200, first.data)
    assert list(second.headers) == list(first.headers)
    assert "Content-Security-Policy" in second.headers


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/near", {}),  # not compressed
        ("/near", GZIP | {"Host": "phonebank.example.org"}),
        ("/near", GZIP | {"X-Forwarded-Proto": "https"}),
        ("/near", GZIP | {"If-None-Match": '"x"'}),
        ("/near?utm_source=news", GZIP),
        ("/near/gb", GZIP),
    ],
)
def test_another_request_is_answered_for_itself(
    client: FlaskClient, seen: list[str], path: str, headers: dict[str, str]
) -> None:
    client.get("/near", headers=GZIP)
    client.get(path, headers=headers)
    assert len(seen) == 2


def test_what_is_no_kept_page_is_never_sent_again(client: FlaskClient, seen: list[str]) -> None:
    for _ in range(2):
        assert client.get("/near/gb/NOWHERE").status_code == 404
        assert client.get("/near/event/1").status_code == 404
        assert client.post("/near", data={"place": "nowhere at all"}).status_code == 422
    assert len(seen) == 6


def test_an_answer_ends_with_its_page(
    client: FlaskClient, seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    began = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: began)
    client.get("/near", headers=GZIP)
    monkeypatch.setattr("time.time", lambda: began + KEPT_FOR - 1)
    client.get("/near", headers=GZIP)
    assert len(seen) == 1
    monkeypatch.setattr("time.time", lambda: began + KEPT_FOR)
    client.get("/near", headers=GZIP)
    assert len(seen) == 2
