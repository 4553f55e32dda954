"""Two who wait for each other: the caller's tap is done all the same."""

import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import text

from callers.calling import claim
from phonebank.models import Call
from phonebank.recount import differences
from phonebank.stores import db
from tests.callers.conftest import PhoneBank, come_in
from tests.factories import create_contact

TOUCH = text("UPDATE contact SET created_at = created_at WHERE id = :id")


def test_an_outcome_is_recorded_although_it_met_another_in_the_household(
    phone_bank: PhoneBank, app: Flask
) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    rung, call_id = hold.contact.id, hold.call.id
    other = create_contact(phone_bank.contact_list, phone=hold.call.phone).id
    db.session.commit()
    client = app.test_client()
    come_in(client, phone_bank)
    db.session.rollback()
    with db.engine.connect() as elsewhere, ThreadPoolExecutor() as taps:
        # So that it is the caller's transaction which PostgreSQL takes back.
        elsewhere.execute(text("SET LOCAL deadlock_timeout = '30s'"))
        elsewhere.execute(TOUCH, {"id": other})
        tap = taps.submit(
            client.post,
            f"/calling/person/{call_id}/outcome?turn=0",
            json={"outcome": "refused", "next": False},
        )
        time.sleep(0.4)  # by now it holds the one and waits for the other
        elsewhere.execute(TOUCH, {"id": rung})
        elsewhere.commit()
        assert tap.result().status_code == 200
    assert db.session.get_one(Call, call_id).outcome == "refused"
    assert differences() == []
