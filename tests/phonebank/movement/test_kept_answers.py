"""Answers that are sent before Flask sees the request: kept pages, pages that the process can draw
by itself, and searches for districts that it knows."""

import gzip
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask, request, request_started
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.listings import listings
from phonebank.models import Place
from phonebank.movement.kept_pages import KEPT_FOR
from phonebank.movement.kept_parts import PARTS_KEPT_FOR
from tests.phonebank.listings.conftest import make_evening
from tests.some_places import ensure_places

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


@pytest.fixture
def places(app: Flask, seen: list[str]) -> None:
    with app.app_context():
        ensure_places()


def let_it_know(client: FlaskClient, *districts: str) -> None:
    """Let the process know these districts, and the headers of a page."""
    client.get("/near/gb/SE5", headers=GZIP)
    for district in districts:
        client.post("/near", data={"place": district})


def test_the_second_search_for_a_district_is_answered_without_flask(
    client: FlaskClient, seen: list[str], places: None
) -> None:
    first = client.post("/near", data={"place": "SW9"})
    second = client.post("/near", data={"place": "sw9 8qq"})
    assert seen == ["/near"]
    assert (second.status_code, second.data) == (303, first.data)
    assert sorted(second.headers) == sorted(first.headers)
    assert second.location == "/near/gb/SW9"
    assert "8qq" not in f"{second.data!r}{second.headers}".lower()


@pytest.mark.parametrize(
    ("typed", "headers"),
    [
        ("SW9", {"Host": "phonebank.example.org"}),
        ("SW9", {"X-Forwarded-Proto": "https"}),
        ("London", {}),
        ("50667", {}),  # a German and an American postcode
        ("E1", {}),
        ("", {}),
        ("x" * 600, {}),
    ],
)
def test_another_search_is_left_to_flask(
    client: FlaskClient, seen: list[str], places: None, typed: str, headers: dict[str, str]
) -> None:
    client.post("/near", data={"place": "SW9"})
    client.post("/near", data={"place": typed}, headers=headers)
    assert len(seen) == 2


def test_the_first_field_counts_as_it_does_in_flask(
    client: FlaskClient, seen: list[str], places: None
) -> None:
    kind = "application/x-www-form-urlencoded"
    client.post("/near", data={"place": "SW9"})
    twice = client.post("/near", data="place=&place=SW9", content_type=kind)
    assert (len(seen), twice.status_code) == (2, 422)


def test_a_page_of_a_place_that_the_process_knows_is_drawn_without_flask(
    client: FlaskClient, seen: list[str], places: None, app: Flask
) -> None:
    with app.app_context():
        title = make_evening(code="SE5").listing.title
    let_it_know(client, "SW9")
    seen.clear()
    drawn = client.get("/near/gb/SW9", headers=GZIP)
    assert seen == []
    app.extensions["kept_pages"].forget()
    by_flask = client.get("/near/gb/SW9", headers=GZIP)
    assert seen == ["/near/gb/SW9"]
    assert drawn.data == by_flask.data
    assert sorted(drawn.headers) == sorted(by_flask.headers)
    assert title in client.get("/near/gb/SW9").text


def test_a_page_shows_what_has_changed(
    client: FlaskClient,
    seen: list[str],
    places: None,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with app.app_context():
        listing = make_evening(code="SE5").listing
        title = listing.title
        client.get("/near/gb/SE5", headers=GZIP)
        listings.cancel(listing)
        db.session.commit()
    began, started = time.monotonic(), time.time()
    later = max(KEPT_FOR, PARTS_KEPT_FOR) + 1
    monkeypatch.setattr("time.monotonic", lambda: began + later)
    monkeypatch.setattr("time.time", lambda: started + later)
    page = gzip.decompress(client.get("/near/gb/SE5", headers=GZIP).data).decode()
    assert title not in page


def test_a_page_that_is_not_to_be_compressed_is_left_to_flask(
    client: FlaskClient, seen: list[str], places: None
) -> None:
    client.get("/near/gb/SE5")
    client.get("/near/gb/SW9")
    assert len(seen) == 2


def test_what_has_to_be_read_is_left_to_flask(
    client: FlaskClient, seen: list[str], places: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_know(client, "SW9", "M1")
    seen.clear()
    began = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: began + PARTS_KEPT_FOR + 1)
    client.get("/near/gb/SW9", headers=GZIP)
    assert seen == ["/near/gb/SW9"]
    client.get("/near/gb/M1", headers=GZIP)  # the parts are fresh again
    assert seen == ["/near/gb/SW9"]


def test_with_too_many_events_to_keep_pages_are_left_to_flask(
    client: FlaskClient,
    seen: list[str],
    places: None,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("phonebank.listings.nearest.READ_AT_MOST", 0)
    with app.app_context():
        title = make_evening(code="SE5").listing.title
    for path in ("/near/gb/SE5", "/near/gb/SW9"):
        assert title in client.get(path).text
        assert client.get(path, headers=GZIP).status_code == 200
    client.post("/near", data={"place": "M1"})
    seen.clear()
    assert client.get("/near/gb/M1", headers=GZIP).status_code == 200
    assert seen == ["/near/gb/M1"]


def test_an_unforeseen_error_before_flask_is_left_to_flask(
    client: FlaskClient, seen: list[str], places: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_know(client, "SW9")
    seen.clear()

    def fail(_: object) -> None:
        raise ValueError("unforeseen")

    monkeypatch.setattr(
        "phonebank.movement.near_views._PLACES_PAGE", SimpleNamespace(fullmatch=fail)
    )
    assert client.get("/near/gb/SW9", headers=GZIP).status_code == 200
    assert seen == ["/near/gb/SW9"]


@pytest.mark.parametrize("form", [b"place=SW9%FF", b"place=SW9\xff", b"place=SW9&a=\xff"])
def test_a_form_that_is_no_text_is_left_to_flask(
    client: FlaskClient, seen: list[str], places: None, form: bytes
) -> None:
    client.post("/near", data={"place": "SW9"})
    kind = "application/x-www-form-urlencoded"
    assert client.post("/near", data=form, content_type=kind).status_code == 422
    assert len(seen) == 2


def test_a_places_name_is_escaped_in_its_page(
    client: FlaskClient, seen: list[str], places: None, app: Flask
) -> None:
    with app.app_context():
        values = {
            "id": 999_999,
            "latitude": 54.0,
            "longitude": -2.0,
            "near": "",
            "key": "zz9",
            "also": "",
        }
        db.session.add(Place(country="GB", code="ZZ9", name="<b>Hill & Dale</b>", **values))
        db.session.commit()
    try:
        page = client.get("/near/gb/ZZ9").text
        client.get("/near/gb/SE5", headers=GZIP)
        app.extensions["kept_pages"]._pages.clear()
        drawn = gzip.decompress(client.get("/near/gb/ZZ9", headers=GZIP).data).decode()
    finally:
        with app.app_context():
            db.session.query(Place).filter_by(code="ZZ9").delete()
            db.session.commit()
    assert "&lt;b&gt;Hill &amp; Dale&lt;/b&gt;" in page
    assert "<b>Hill" not in page
    assert drawn == page
    assert seen.count("/near/gb/ZZ9") == 1
