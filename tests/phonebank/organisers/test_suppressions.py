"""The do-not-call page, as an organiser uses it."""

import io
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import Contact, RoleName, SuppressionOrigin
from phonebank.suppressions.entries import is_suppressed, suppress
from tests.factories import (
    create_campaign,
    create_contact,
    create_list,
    drama_number,
)
from tests.signing_in import browser_of

NUMBER = drama_number(5)  # 020 7946 0005


def on_the_list(app: Flask, phone: str) -> bool:
    with app.app_context():
        return is_suppressed(phone)


def enter(app: Flask, phone: str, source: str = SuppressionOrigin.CALL) -> None:
    with app.app_context():
        suppress(phone, source)
        db.session.commit()


@pytest.mark.parametrize("typed", ["020 7946 0005", "+44 (0)20-7946.0005", "442079460005"])
def test_a_number_on_the_list_is_found_however_it_is_typed(
    app: Flask, organiser: FlaskClient, typed: str
) -> None:
    enter(app, NUMBER)
    page = organiser.post("/do-not-call/look-up", data={"number": typed, "country": "GB"})
    assert page.status_code == 200
    assert "020 7946 0005 is on the list" in page.text
    assert "in a call" in page.text


def test_a_number_not_on_the_list_can_be_put_there(app: Flask, organiser: FlaskClient) -> None:
    page = organiser.post("/do-not-call/look-up", data={"number": NUMBER, "country": "GB"})
    assert "020 7946 0005 is not on the list" in page.text

    organiser.post("/do-not-call/add", data={"numbers": NUMBER, "country": "GB", "reason": "asked"})
    assert on_the_list(app, NUMBER)


def test_what_is_no_number_is_said_beside_the_field(organiser: FlaskClient) -> None:
    page = organiser.post("/do-not-call/look-up", data={"number": "12", "country": "GB"})
    assert page.status_code == 422
    assert "too few digits" in page.text


def test_many_numbers_at_once_with_the_unreadable_lines_named(
    app: Flask, organiser: FlaskClient
) -> None:
    enter(app, NUMBER)
    page = organiser.post(
        "/do-not-call/add",
        data={
            "numbers": f"020 7946 0001\n020 7946 0002\n{NUMBER}\n<b>999</b>",
            "country": "GB",
            "reason": "register",
        },
    )
    assert page.status_code == 200
    assert "2 numbers were put on the list. 1 was already there. 1 line was refused." in page.text
    assert "&lt;b&gt;999&lt;/b&gt;" in page.text
    assert on_the_list(app, drama_number(1))
    assert on_the_list(app, drama_number(2))


def test_an_entered_number_leaves_every_campaign(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        contact_id = create_contact(create_list(create_campaign()), phone=NUMBER).id
        db.session.commit()

    organiser.post("/do-not-call/add", data={"numbers": NUMBER, "country": "GB", "reason": "asked"})
    with app.app_context():
        assert db.session.get_one(Contact, contact_id).suppressed_at is not None


def test_nothing_typed_or_no_text_in_the_file_is_refused(
    app: Flask, organiser: FlaskClient
) -> None:
    empty = organiser.post("/do-not-call/add", data={"country": "GB", "reason": "asked"})
    assert empty.status_code == 422
    assert "Type or paste a number" in empty.text

    zipped = organiser.post(
        "/do-not-call/add",
        data={
            "file": (io.BytesIO(b"PK\x03\x04" + b"x" * 60), "list.csv"),
            "country": "GB",
            "reason": "asked",
        },
    )
    assert zipped.status_code == 422


def test_lifting_asks_for_a_reason_and_logs_no_number(
    app: Flask, organiser: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    enter(app, NUMBER)
    without = organiser.post("/do-not-call/lift", data={"phone": NUMBER, "why": ""})
    assert without.status_code == 422
    assert "Choose a reason." in without.text
    assert on_the_list(app, NUMBER)

    with caplog.at_level(logging.INFO):
        organiser.post("/do-not-call/lift", data={"phone": NUMBER, "why": "mistake"})
    assert not on_the_list(app, NUMBER)
    [line] = [r.getMessage() for r in caplog.records if "lifted" in r.getMessage()]
    assert "mistake" in line
    assert NUMBER[3:] not in caplog.text


def test_lifting_a_number_that_is_not_there_changes_nothing(organiser: FlaskClient) -> None:
    page = organiser.post(
        "/do-not-call/lift", data={"phone": NUMBER, "why": "mistake"}, follow_redirects=True
    )
    assert "was not on the list" in page.text


def test_look_ups_are_slowed_down(organiser: FlaskClient) -> None:
    statuses = [
        organiser.post("/do-not-call/look-up", data={"number": NUMBER, "country": "GB"}).status_code
        for _ in range(31)
    ]
    assert statuses[:30] == [200] * 30
    assert statuses[30] == 429


def test_only_organisers_come_in(app: Flask, clean_stores: None) -> None:
    host = browser_of(app, RoleName.HOST)
    assert host.get("/do-not-call").status_code == 403
    assert host.post("/do-not-call/look-up", data={"number": NUMBER}).status_code == 403


def test_a_number_is_entered_although_that_met_an_outcome_in_the_household(
    app: Flask, organiser: FlaskClient
) -> None:
    touch = text("UPDATE contact SET created_at = created_at WHERE id = :id")
    with app.app_context():
        people = create_list(create_campaign())
        first, second = (create_contact(people, phone=NUMBER).id for _ in range(2))
        db.session.commit()
        engine = db.engine
    with engine.connect() as caller, ThreadPoolExecutor() as others:
        # So that it is the organiser's transaction which PostgreSQL takes back.
        caller.execute(text("SET LOCAL deadlock_timeout = '30s'"))
        caller.execute(touch, {"id": second})
        entering = others.submit(
            organiser.post,
            "/do-not-call/add",
            data={"numbers": NUMBER, "country": "GB", "reason": "asked"},
        )
        with engine.connect() as looking:
            while not looking.scalar(
                text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            ):
                assert not entering.done()
                looking.rollback()
        caller.execute(touch, {"id": first})
        caller.commit()
        assert entering.result().status_code == 302
    with app.app_context():
        for contact_id in (first, second):
            assert db.session.get_one(Contact, contact_id).suppressed_at is not None
