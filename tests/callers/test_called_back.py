"""Tests finding the person who has called a caller back."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.models import Call, CallSight, CampaignState, now
from tests.callers.test_views import address_of, ask_for_person, open_call
from tests.phone_bank import PhoneBank, come_in

URL = "/calling/called-back"


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    """Sam has called one person, who did not answer, and has the next one on the screen."""
    for contact, number in zip(phone_bank.contacts, (501, 502, 503, 504, 505), strict=True):
        contact.phone = f"+442079460{number}"
    db.session.commit()
    come_in(client, phone_bank)
    ask_for_person(client)
    client.post(address_of(open_call(), "outcome"), data={"outcome": "no_answer"})
    return client


def first_call() -> Call:
    return db.session.scalars(select(Call).order_by(Call.started_at)).first()


def sights() -> int:
    return db.session.scalar(select(func.count()).select_from(CallSight))


def test_the_last_digits_give_the_name_and_the_script_and_never_a_number(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    called = first_call()
    name = phone_bank.contacts[0].first_name
    for place in ("/calling/person", "/calling/mine"):
        assert "Somebody called me back" in sam.get(place).text
    page = sam.post(URL, data={"digits": called.phone[-3:]}).text
    assert f"<h2>{name}</h2>" in page
    assert "“Open their script” undoes" in page
    assert "No answer" in page
    assert "7946" not in page
    assert sights() == 1
    back = sam.post(address_of(called, "undo"), data={}, follow_redirects=True).text
    assert name in back
    sam.post(address_of(called, "outcome").replace("turn=0", "turn=1"), data={"outcome": "talked"})
    db.session.expire_all()
    assert first_call().outcome == "talked"


def test_the_waiting_page_leads_there_too(sam: FlaskClient, phone_bank: PhoneBank) -> None:
    phone_bank.campaign.state = CampaignState.PAUSED
    db.session.commit()
    sam.post(address_of(open_call(), "outcome"), data={"outcome": "busy"})
    assert URL in sam.get("/calling/wait").text


def test_two_people_with_these_digits_are_both_named(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    sam.post(address_of(open_call(), "outcome"), data={"outcome": "busy"})
    calls = list(db.session.scalars(select(Call).order_by(Call.started_at)))
    calls[1].phone = "+442079461" + calls[0].phone[-3:]
    db.session.commit()
    page = sam.post(URL, data={"digits": calls[0].phone[-3:]}).text
    assert "Ask who is calling" in page
    assert page.count("<h2>") == 2
    assert sights() == 2


def test_who_was_called_last_comes_first_however_often_they_were_called(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    for _ in range(2):
        sam.post(address_of(open_call(), "outcome"), data={"outcome": "busy"})
    first, second, third = db.session.scalars(select(Call).order_by(Call.started_at).limit(3))
    # The third call was to the first person again.
    third.contact_id, third.phone = first.contact_id, first.phone
    second.phone = "+442079461" + first.phone[-3:]
    db.session.commit()
    page = sam.post(URL, data={"digits": first.phone[-3:]}).text
    names = [contact.first_name for contact in phone_bank.contacts[:2]]
    assert [page.index(f"<h2>{name}</h2>") for name in names] == sorted(
        page.index(f"<h2>{name}</h2>") for name in names
    )
    assert page.count("<h2>") == 2


def test_without_a_call_to_undo_the_page_does_not_say_that_it_undoes_one(
    sam: FlaskClient,
) -> None:
    page = sam.post(URL, data={"digits": open_call().phone[-3:]}).text
    assert "Back to their script" in page
    assert "Open their script" not in page


def test_other_callers_calls_and_those_of_yesterday_are_not_found(
    sam: FlaskClient, client: FlaskClient, phone_bank: PhoneBank
) -> None:
    digits = first_call().phone[-3:]
    with time_machine.travel(now() + timedelta(hours=13)):
        assert "None of the people" in sam.post(URL, data={"digits": digits}).text
    come_in(client, phone_bank, phone_bank.priya)
    assert "None of the people" in client.post(URL, data={"digits": digits}).text
    assert sights() == 0


@pytest.mark.parametrize("typed", ["", "%", "12", "1234", "٣٤٥", "a11"])
def test_anything_but_three_digits_is_refused(sam: FlaskClient, typed: str) -> None:
    answer = sam.post(URL, data={"digits": typed})
    assert answer.status_code == 422
    assert "last three digits" in answer.text
    assert sights() == 0


def test_a_caller_may_ask_only_so_often(sam: FlaskClient) -> None:
    for _ in range(20):
        assert sam.post(URL, data={"digits": "000"}).status_code == 200
    assert sam.post(URL, data={"digits": "000"}).status_code == 429
