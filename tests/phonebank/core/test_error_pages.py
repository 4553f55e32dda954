"""What people and API clients read when something goes wrong, and what they must not read."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import current_user
from werkzeug.test import TestResponse

from phonebank.app import create_app
from phonebank.core import errors
from phonebank.core.access import ANYONE, open_to
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.models import RoleName
from tests.factories import create_account, create_campaign
from tests.signing_in import sign_in

JSON = {"Accept": "application/json"}
# What no answer to a person may contain.
INTERNALS = (
    "Traceback",
    "sqlalchemy",
    "psycopg",
    "redis",
    "SELECT ",
    'File "',
    "werkzeug",
    "/tmp/",
)


def without_internals(answer: TestResponse) -> TestResponse:
    for internal in INTERNALS:
        assert internal not in answer.text
    return answer


def all_errors(of: type[errors.PhonebankError]) -> Iterator[type[errors.PhonebankError]]:
    yield of
    for kind in of.__subclasses__():
        yield from all_errors(kind)


OURS = sorted(
    (kind for kind in all_errors(errors.PhonebankError) if kind.__module__ == errors.__name__),
    key=lambda kind: kind.__name__,
)


@pytest.fixture(scope="module")
def broken_app(app: Flask, config: Config) -> Flask:
    """An app as the public meets it, with pages that fail."""
    broken = create_app(config)
    broken.config["WTF_CSRF_ENABLED"] = False
    broken.config["MAX_CONTENT_LENGTH"] = 1000
    kinds = {kind.__name__: kind for kind in OURS}

    @broken.route("/wrong/<name>", methods=["GET", "POST"])
    @open_to(ANYONE)
    def wrong(name: str) -> str:
        raise kinds[name]("<b>Alice & Bob</b>", "Ask “them”.")

    @broken.get("/half-done")
    @open_to(ANYONE)
    def half_done() -> str:
        current_user.name = "Cyrus"
        raise errors.ConflictError("Not like that.", "Do it differently.")

    @broken.get("/clash")
    @open_to(ANYONE)
    def clash() -> str:
        current_user.email = "di@example.org"
        db.session.flush()
        return "no clash"

    @broken.get("/unforeseen")
    @open_to(ANYONE)
    def unforeseen() -> str:
        number = "020 7946 0123"
        raise RuntimeError(f"SELECT {number} FROM /tmp/voters")

    return broken


@pytest.fixture
def visitor(broken_app: Flask, clean_stores: None) -> FlaskClient:
    return broken_app.test_client()


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_is_a_page_and_json(
    visitor: FlaskClient, kind: type[errors.PhonebankError]
) -> None:
    page = visitor.get(f"/wrong/{kind.__name__}")
    assert page.status_code == kind.status
    assert page.mimetype == "text/html"
    assert kind.title.replace("'", "&#39;") in page.text
    assert "&lt;b&gt;Alice &amp; Bob&lt;/b&gt;" in page.text
    assert "Ask “them”." in page.text
    told = visitor.post(f"/wrong/{kind.__name__}", headers=JSON)
    assert told.status_code == kind.status
    assert told.json == {
        "error": {
            "title": kind.title,
            "message": "<b>Alice & Bob</b>",
            "what_to_do": "Ask “them”.",
        }
    }


def test_a_script_that_sends_json_is_answered_in_json(visitor: FlaskClient) -> None:
    assert visitor.post("/wrong/ConflictError", json={}).json["error"]["title"] == "Not now"


def test_a_browser_is_answered_with_a_page(visitor: FlaskClient) -> None:
    accepts = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert visitor.get("/nowhere", headers={"Accept": accepts}).mimetype == "text/html"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "There's no page at this address."),
        ("POST", "/", 405, "This page can't do that."),
        ("GET", "/sign-out", 405, "This page can't do that."),
    ],
)
def test_wrong_addresses(
    visitor: FlaskClient, method: str, path: str, status: int, words: str
) -> None:
    page = visitor.open(path, method=method)
    assert page.status_code == status
    assert words in unescape(without_internals(page).text)
    told = visitor.open(path, method=method, headers=JSON)
    assert told.status_code == status
    assert told.json["error"]["message"] == words
    assert told.json["error"]["what_to_do"]


def test_what_is_too_large_is_told_with_the_limit(visitor: FlaskClient) -> None:
    for headers in ({}, JSON):
        answer = visitor.post("/sign-in", data={"email": "x" * 2000}, headers=headers)
        assert answer.status_code == 413
        assert "larger than the 1 kB this page takes" in without_internals(answer).text
        assert "Split a file" in answer.text


def test_trying_too_often(visitor: FlaskClient) -> None:
    for _ in range(5):
        visitor.post("/sign-in", data={"email": "cy@example.org"})
    for headers in ({}, JSON):
        answer = visitor.post("/sign-in", data={"email": "cy@example.org"}, headers=headers)
        assert answer.status_code == 429
        assert "There were too many tries." in without_internals(answer).text
        assert "Wait 15 minutes." in answer.text  # the limit for one address
    for number in range(10):
        visitor.post("/sign-in", data={"email": f"cy{number}@example.org"})
    answer = visitor.post("/sign-in", data={"email": "di@example.org"})
    assert answer.status_code == 429
    assert "Wait a minute." in answer.text  # the limit for one network


def test_our_own_fault_tells_nothing_of_what_is_inside(
    visitor: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for headers in ({}, JSON):
        answer = visitor.get("/unforeseen", headers=headers)
        assert answer.status_code == 500
        assert "7946" not in without_internals(answer).text
        assert "our fault, not yours." in answer.text
    assert "unforeseen RuntimeError at unforeseen" in caplog.text
    assert 'raise RuntimeError(f"SELECT {number}' in caplog.text, "where it broke"
    assert "7946" not in caplog.text


def test_a_null_character_in_a_form(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        organiser, campaign = create_account(RoleName.ORGANISER).id, create_campaign().id
        db.session.commit()
    sign_in(client, organiser)
    for path in ("/account", f"/campaigns/{campaign}/connections/tokens"):
        answer = client.post(path, data={"name": "Cy\x00rus", "scopes": "contacts:read"})
        assert answer.status_code == 422, path
        assert "has a null character in it" in unescape(without_internals(answer).text)
    as_json = client.post("/account", data={"name": "Cy\x00rus"}, headers=JSON)
    assert "delete the text and type it again" in as_json.json["error"]["what_to_do"]


def test_a_number_that_no_table_can_hold(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        organiser = create_account(RoleName.ORGANISER).id
        db.session.commit()
    sign_in(client, organiser)
    answer = client.post(f"/campaigns/{10**30}/state", data={"verb": "start"})
    assert answer.status_code == 400
    assert "something we couldn't read" in unescape(without_internals(answer).text)


def test_an_error_after_a_change_undoes_the_change(broken_app: Flask, visitor: FlaskClient) -> None:
    with broken_app.app_context():
        host = create_account(RoleName.HOST, email="cy@example.org", name="Cy").id
        create_account(RoleName.HOST, email="di@example.org", name="Di")
        db.session.commit()
    sign_in(visitor, host)
    answer = visitor.get("/half-done")
    assert answer.status_code == 409
    assert 'href="/account"' in answer.text or "Sign out" in answer.text, "still signed in"
    clash = visitor.get("/clash")
    assert clash.status_code == 500
    assert "Sign out" in without_internals(clash).text
    assert 'value="Cy"' in visitor.get("/account").text


@pytest.fixture
def app_without_database(config: Config) -> Flask:
    """No server listens on port 9 of this machine."""
    address = "postgresql+psycopg://bank:hush@127.0.0.1:9/bank"
    app = create_app(replace(config, database_url=address))
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def test_a_database_that_is_away_loses_nothing_and_says_so(
    app_without_database: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = app_without_database.test_client()
    token = "x" * 20
    for headers in ({}, JSON):
        with visitor.session_transaction() as session:
            # This person signed in before the database went away.
            session["_user_id"] = token
            session["fs_paa"] = 2**40
        answer = visitor.get("/account", headers=headers)
        assert answer.status_code == 503
        assert "Nothing you did is lost." in without_internals(answer).text
        assert "Try again in a few seconds." in answer.text
    assert "a store is away: OperationalError" in caplog.text
    assert "hush" not in caplog.text
    assert token not in caplog.text


def test_pages_that_need_no_database_go_on_without_one(app_without_database: Flask) -> None:
    visitor = app_without_database.test_client()
    assert visitor.get("/").status_code == 200
    assert visitor.get("/sign-in").status_code == 200


def test_signing_in_goes_on_without_redis(
    config: Config, clean_stores: None, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(replace(config, redis_url="redis://127.0.0.1:9/0"))
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        host = create_account(RoleName.HOST, email="cy@example.org").id
        db.session.commit()
    visitor = app.test_client()
    answer = visitor.post("/sign-in", data={"email": "cy@example.org"})
    answer.close()
    assert answer.status_code == 302
    assert "Sign-in link for cy@example.org" in capsys.readouterr().out
    sign_in(visitor, host)
    assert visitor.get("/account").status_code == 200


def test_the_log_of_a_store_that_is_away_has_no_values(
    app_without_database: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = app_without_database.test_client().post(
        "/sign-in", data={"email": "somebody@example.org"}
    )
    answer.close()
    assert answer.status_code == 302, "the answer is the same, and tells nothing"
    assert "an e-mail was not sent: OperationalError" in caplog.text
    assert "somebody@example.org" not in caplog.text
