"""Keep my calls: one field and one mailed link tie callers to a volunteer."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.models import (
    Caller,
    Consent,
    EmailConfirmation,
    Tally,
    Volunteer,
    VolunteerCaller,
    now,
)
from phonebank.volunteers import confirm, consents, volunteers
from phonebank.volunteers.jobs import forget_volunteers
from phonebank.volunteers.own_calls import calls_of
from tests.factories import create_caller, create_campaign
from tests.phone_bank import PhoneBank, come_in

LINK = re.compile(r"http\S+(/volunteer/link/\S+)")


@pytest.fixture
def sam(phone_bank: PhoneBank, client: FlaskClient) -> FlaskClient:
    """Sam's phone."""
    come_in(client, phone_bank)
    return client


def mailed_link(capsys: pytest.CaptureFixture[str]) -> str:
    """The path of the link in the last mail, which is printed without a mail server."""
    return LINK.findall(capsys.readouterr().out)[-1]


def keep(client: FlaskClient, email: str, capsys: pytest.CaptureFixture[str]) -> str:
    with client.post("/calling/keep", data={"email": email}) as answer:
        assert answer.status_code == 303
    return mailed_link(capsys)


def test_one_field_and_one_link_keep_a_callers_calls(
    sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 'name="email"' in sam.get("/calling/mine").text
    path = keep(sam, "Sam@Example.org", capsys)
    said = sam.get("/calling/mine").text
    assert "sent you a link. Open it and tap the button to keep your calls." in said
    assert db.session.scalars(select(Volunteer)).all() == [], "nobody has opened the link"
    assert "sam@example.org" in sam.get(path).text
    assert db.session.scalars(select(Volunteer)).all() == [], "a mail scanner opens links too"
    assert sam.post(path).location == "/volunteer"
    volunteer = db.session.scalars(select(Volunteer)).one()
    assert (volunteer.email, volunteer.first_name) == ("sam@example.org", "Sam")
    assert volunteers.volunteer_of(phone_bank.sam) == volunteer
    (consent,) = consents.consents_of(volunteer)
    assert consent.campaign == phone_bank.campaign
    assert "Your calls are kept" in sam.get("/calling/mine").text
    page = sam.get("/volunteer").text
    assert "Hello, Sam" in page
    assert "Kitchen Table" in page
    assert sam.post(path).status_code == 410, "a link works once"
    assert sam.get(path).status_code == 410


def test_calls_of_several_phones_and_campaigns_are_in_one_place(
    app: Flask, sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.post(keep(sam, "sam@example.org", capsys))
    second = create_caller(phone_bank.campaign, first_name="Sam")
    elsewhere = create_caller(create_campaign(name="Riverside"), first_name="Samuel")
    evening = datetime(2026, 11, 3, 19, tzinfo=UTC)
    for caller, hour, calls in (
        (phone_bank.sam, evening, 5),
        (second, evening + timedelta(hours=1), 4),
        (second, evening + timedelta(days=7), 3),
        (elsewhere, evening, 2),
    ):
        db.session.add(
            Tally(
                campaign_id=caller.campaign_id,
                party_id=caller.party_id,
                caller_id=caller.id,
                hour=hour,
                calls=calls,
                conversations=1,
            )
        )
    db.session.commit()
    for caller in (second, elsewhere):
        other = app.test_client()
        come_in(other, phone_bank, caller)
        other.post(keep(other, "sam@example.org", capsys))
    volunteer = db.session.scalars(select(Volunteer)).one()
    found = {
        own.campaign.name: (own.calls, own.conversations, len(own.days))
        for own in calls_of(volunteer)
    }
    assert found == {"Kitchen Table": (12, 3, 2), "Riverside": (2, 1, 1)}
    # One day of calls for two campaigns is one day.
    page = sam.get("/volunteer").text
    totals = page.split('class="stats own-totals"')[1].split("</div>\n<ul")[0]
    assert re.findall(r">([\d,]+)<", totals) == ["14", "4", "2"]


def test_a_known_volunteer_who_joins_again_stays_the_volunteer(
    sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.post(keep(sam, "sam@example.org", capsys))
    with sam.session_transaction() as session:
        del session["caller"]
    code = phone_bank.party.code
    sam.post("/join", data={"code": code, "first_name": "Samira"})
    newest = db.session.scalars(select(Caller).order_by(Caller.id.desc())).first()
    assert newest.first_name == "Samira"
    assert volunteers.volunteer_of(newest).email == "sam@example.org"
    # In another campaign nobody has agreed to that.
    other = create_campaign(name="Elsewhere")
    db.session.commit()
    with sam.session_transaction() as session:
        del session["caller"]
    sam.post(f"/c/{other.join_token}", data={"first_name": "Samira"})
    newest = db.session.scalars(select(Caller).order_by(Caller.id.desc())).first()
    assert newest.campaign_id == other.id
    assert volunteers.volunteer_of(newest) is None


def test_bad_addresses_and_old_links(
    sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    for bad in ("", "sam", "sam@", "<script>@example.org"):
        sam.post("/calling/keep", data={"email": bad})
        page = sam.get("/calling/mine").text
        assert "That isn&#39;t an e-mail address." in page, bad
    assert db.session.scalar(select(func.count()).select_from(EmailConfirmation)) == 0
    path = keep(sam, "sam@example.org", capsys)
    for row in db.session.scalars(select(EmailConfirmation)):
        row.created_at = now() - confirm.LIVES_FOR
    db.session.commit()
    assert sam.get(path).status_code == 410
    assert sam.post(path).status_code == 410
    forget_volunteers()
    assert db.session.scalars(select(EmailConfirmation)).all() == []
    assert sam.get("/volunteer/link/forged").status_code == 410


def test_a_device_opens_the_page_by_a_mailed_link_and_forgets_it(
    app: Flask, sam: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.post(keep(sam, "sam@example.org", capsys))
    laptop = app.test_client()
    assert laptop.get("/volunteer").location == "/volunteer/sign-in"
    with laptop.post("/volunteer/sign-in", data={"email": "nobody@example.org"}) as answer:
        assert answer.location == "/volunteer/sent"
    assert not LINK.search(capsys.readouterr().out), "this address is no volunteer's"
    with laptop.post("/volunteer/sign-in", data={"email": "sam@example.org"}) as answer:
        assert answer.location == "/volunteer/sent"
    laptop.post(mailed_link(capsys))
    assert laptop.get("/volunteer").status_code == 200
    laptop.post("/volunteer/sign-out")
    assert laptop.get("/volunteer").status_code == 302
    assert sam.get("/volunteer").status_code == 200
    with laptop.session_transaction() as session:
        session["volunteer"] = {"id": 1, "token": "guessed"}
    assert laptop.get("/volunteer").status_code == 302
    sam.post("/volunteer/sign-out-everywhere")
    assert sam.get("/volunteer").status_code == 302


def test_withdrawing_parts_the_calls_and_forgetting_deletes_the_address(
    sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.post(keep(sam, "sam@example.org", capsys))
    volunteer = db.session.scalars(select(Volunteer)).one()
    other = create_campaign()
    consents.give(volunteer, other.id)
    consents.give(volunteer, other.id)
    db.session.commit()
    elsewhere, calls = consents.consents_of(volunteer)
    assert [elsewhere.campaign, calls.campaign] == [other, phone_bank.campaign]
    sam.post(f"/volunteer/consents/{calls.id}/withdraw")
    assert sam.post(f"/volunteer/consents/{calls.id}/withdraw").status_code == 404
    assert volunteers.volunteer_of(phone_bank.sam) is None
    assert db.session.get(Consent, calls.id, populate_existing=True).withdrawn_at is not None
    forget_volunteers()
    assert db.session.scalars(select(Volunteer)).all() != [], "the other consent was not withdrawn"
    sam.post("/volunteer/forget")
    for table in (Volunteer, Consent, VolunteerCaller):
        assert db.session.scalars(select(table)).all() == []
    assert db.session.get(Caller, phone_bank.sam.id) is not None


def test_a_campaign_that_may_keep_nobody_takes_its_volunteers_along(
    sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    sam.post(keep(sam, "sam@example.org", capsys))
    forget_volunteers()
    assert db.session.scalar(select(func.count()).select_from(Volunteer)) == 1
    phone_bank.campaign.erasing_since = now()
    db.session.commit()
    forget_volunteers()
    for table in (Volunteer, Consent, VolunteerCaller):
        assert db.session.scalars(select(table)).all() == []


def test_an_address_is_one_volunteer_however_it_is_written(app_context: Flask) -> None:
    one = volunteers.find_or_create(normalise_email("Sam@Example.org"), "Sam")
    again = volunteers.find_or_create(normalise_email(" sam@EXAMPLE.ORG"), "Samuel")
    assert (one.id, again.first_name) == (again.id, "Sam")


def test_calls_are_kept_under_one_address_only(
    sam: FlaskClient, phone_bank: PhoneBank, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (keep(sam, f"{name}@example.org", capsys) for name in ("sam", "samuel"))
    assert sam.post(first).status_code == 303
    refused = sam.post(second)
    assert (refused.status_code, "under another e-mail address" in refused.text) == (409, True)
    [volunteer] = db.session.scalars(select(Volunteer))
    assert volunteers.volunteer_of(phone_bank.sam) == volunteer
