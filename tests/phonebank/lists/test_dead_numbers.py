"""Numbers that callers found not in service, in a later upload."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import update

from phonebank.calls.claim import claim
from phonebank.core.db import db
from phonebank.models import Campaign, DeadNumber, now
from tests.factories import create_caller
from tests.phonebank.lists.upload_desk import Desk

NUMBER = "+442079460777"


def report(app: Flask) -> None:
    with app.app_context():
        db.session.add(DeadNumber(phone=NUMBER))
        db.session.commit()


def test_a_later_upload_calls_nobody_on_it(desk: Desk, app: Flask) -> None:
    report(app)
    upload = (
        f"First name,Phone,Mobile\nAlone,{NUMBER},\nTwo,{NUMBER},020 7946 0779\n"
        f"Second,020 7946 0780,{NUMBER}\n"
    )
    desk.bring(upload)
    people = {c.first_name: (c.state, c.phone, c.other_phones) for c in desk.contacts()}
    assert people == {
        "Alone": ("unusable", NUMBER, []),
        "Two": ("callable", "+442079460779", []),
        "Second": ("callable", "+442079460780", []),
    }
    with app.app_context():
        caller = create_caller(db.session.get_one(Campaign, desk.campaign_id), None)
        db.session.commit()
        assert claim(caller).contact.first_name in ("Two", "Second")


def test_after_a_year_the_number_may_be_in_service_again(desk: Desk, app: Flask) -> None:
    report(app)
    with app.app_context():
        db.session.execute(update(DeadNumber).values(reported_at=now() - timedelta(days=366)))
        db.session.commit()
    desk.bring(f"First name,Phone\nAda,{NUMBER}\n")
    assert [c.state for c in desk.contacts()] == ["callable"]
