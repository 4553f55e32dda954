"""After a call-out: pledges become parties, hosts get their kit, and those who set nothing up are
called."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select

from phonebank.accounts.roles import Scope, give_role
from phonebank.callouts import call_outs, pledges, settle, sheets
from phonebank.callouts.jobs import look_after_call_outs
from phonebank.core import mail
from phonebank.core.db import db
from phonebank.core.mail import AddressRefusedError, MailNotSentError, Message, MessagePutOffError
from phonebank.listings import checks
from phonebank.models import (
    Account,
    Campaign,
    CampaignMode,
    CampaignState,
    Contact,
    Guest,
    GuestMail,
    Listing,
    ListingState,
    MailKind,
    Party,
    Pledge,
    RoleName,
    Script,
    SheetLine,
    SignUp,
    SuppressionOrigin,
    TrainingFor,
    now,
)
from phonebank.suppressions.entries import suppress
from tests.factories import create_account
from tests.phonebank.callouts.conftest import Hall
from tests.phonebank.callouts.test_hall import pledge
from tests.signing_in import sign_in

NewPhone = Callable[..., FlaskClient]
LINK = re.compile(r"http\S+(/sign-in/link/\S+)")


def end(hall: Hall) -> None:
    call_outs.end(hall.call_out)
    db.session.commit()
    look_after_call_outs()
    db.session.expire_all()


def test_a_pledge_becomes_a_party_and_its_host_gets_the_kit_once(
    hall: Hall, new_phone: NewPhone, app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    pledge(new_phone("Ana"), hall, at="19:30", chairs="8")
    look_after_call_outs()
    assert db.session.scalars(select(Party)).all() == [], "the call-out goes on"
    end(hall)
    party = db.session.scalars(select(Party)).one()
    host = db.session.get_one(Account, party.host_id)
    assert (party.title, party.campaign_id, host.email) == (
        "At Ana’s",
        hall.campaign.id,
        "ana@example.org",
    )
    assert db.session.scalars(select(Pledge)).one().starts_at == party.starts_at
    assert not host.views_something, "a host sees no people"
    [link] = LINK.findall(capsys.readouterr().out)
    look_after_call_outs()
    assert LINK.findall(capsys.readouterr().out) == []
    assert settle.pledges_not_set_up(hall.call_out) != set()
    laptop = app.test_client()
    laptop.post(link)
    assert laptop.get(f"/parties/{party.id}/kit").status_code == 200
    db.session.expire_all()
    assert settle.pledges_not_set_up(hall.call_out) == set()


def test_a_mail_server_that_is_away_delays_the_kit_and_doubles_nothing(
    hall: Hall, new_phone: NewPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Ana", "Ben"):
        pledge(new_phone(name), hall)
    sent: list[str] = []

    def away(to: str, *_: str) -> None:
        raise MailNotSentError("away")

    monkeypatch.setattr(mail, "deliver", away)
    end(hall)
    monkeypatch.setattr(mail, "deliver", lambda to, *_: sent.append(to))
    for _ in range(2):
        look_after_call_outs()
    assert sent == ["ana@example.org", "ben@example.org"]
    assert len(db.session.scalars(select(Party)).all()) == 2


@pytest.mark.parametrize("error", [AddressRefusedError, MessagePutOffError])
def test_a_refused_address_does_not_stop_the_mail_behind_it(
    hall: Hall,
    new_phone: NewPhone,
    monkeypatch: pytest.MonkeyPatch,
    error: type[MailNotSentError],
) -> None:
    tried: list[str] = []

    def refuse_ana_and_cleo(to: str | Message, *_: str) -> None:
        address = to.to if isinstance(to, Message) else to
        tried.append(address)
        if address in ("ana@example.org", "cleo@example.org"):
            raise error("not this one")

    monkeypatch.setattr(mail, "deliver", refuse_ana_and_cleo)
    monkeypatch.setattr(mail, "send_one", refuse_ana_and_cleo)
    for name in ("Ana", "Ben"):
        pledge(new_phone(name), hall, at="19:30", chairs="8")
    taken = db.session.scalars(select(Pledge.id).order_by(Pledge.id)).first()
    for name in ("Cleo", "Dee"):
        new_phone(name).post(f"{hall.address}/parties/{taken}/take")
    end(hall)
    assert tried == [f"{name}@example.org" for name in ("ana", "ben", "cleo", "dee")]
    assert len(settle.pledges_not_set_up(hall.call_out)) == 2, "somebody calls Ana"
    look_after_call_outs()
    again = [] if error is AddressRefusedError else ["ana@example.org", "cleo@example.org"]
    assert tried[4:] == again


def test_without_leave_nobody_becomes_a_host_until_the_organiser_says_so(
    hall: Hall, new_phone: NewPhone
) -> None:
    hall.call_out.lets_host = False
    pledge(new_phone("Ana"), hall)
    end(hall)
    assert db.session.scalars(select(Party)).all() == []
    pledges.let_host(hall.call_out)
    db.session.commit()
    look_after_call_outs()
    assert len(db.session.scalars(select(Party)).all()) == 1


def test_next_morning_those_who_set_nothing_up_become_a_list_with_the_script(
    hall: Hall, new_phone: NewPhone
) -> None:
    numbers = {"Ana": "020 7946 0123", "Ben": "020 7946 0124", "Cleo": "cleo@example.org"}
    for name, reach in numbers.items():
        pledge(new_phone(name, reach=reach), hall)
    new_phone("Dee", reach="020 7946 0125")  # pledged nothing
    suppress("+442079460124", SuppressionOrigin.ORGANISER, "asked")
    end(hall)
    assert db.session.scalars(select(Campaign)).all() == [hall.campaign], "it is not morning yet"
    hall.call_out.ended_at = now() - timedelta(days=1)
    db.session.commit()
    monday = datetime.now(UTC).replace(hour=23)
    for call_out_id in settle.due_follow_ups(monday):
        settle.follow_up(call_out_id)
        settle.follow_up(call_out_id)
    made = db.session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
    assert (made.id, made.state) == (hall.call_out.follow_up_id, CampaignState.DRAFT)
    assert made.on_behalf_of == hall.campaign.on_behalf_of
    contacts = db.session.scalars(select(Contact).where(Contact.campaign_id == made.id)).all()
    assert [(one.first_name, one.phone) for one in contacts] == [("Ana", "+442079460123")]
    script = db.session.get_one(Script, made.script_id)
    assert script.name == "Invite a supporter to a phone party"
    assert settle.due_follow_ups(monday) == []


# Columns of a campaign that a follow-up doesn't get from the call-out's campaign.
OF_ITS_OWN = {
    "answer_order_since", "briefing", "created_at", "created_by_id", "door_open", "erased_at",
    "erasing_since", "erasure_due_at", "goal", "hours_settled", "id", "join_token", "mode", "name",
    "row_version", "script_id", "shares_numbers", "state", "training_for",
}  # fmt: skip


def test_a_follow_up_has_the_rules_and_the_organisers_of_the_call_outs_campaign(
    hall: Hall, new_phone: NewPhone, client: FlaskClient
) -> None:
    columns = {column.key for column in inspect(Campaign).column_attrs}
    assert columns == OF_ITS_OWN | set(settle.COPIED), "decide about a new column"
    rules: dict[str, Any] = {
        "language": "cy",
        "retry_rules": {"attempts_at_most": 2},
        "hold_seconds": 240,
        "people_an_hour": 30,
        "do_not_calls_an_hour": 4,
        "practice_first": True,
        "shows_earlier_call": False,
        "retention_days": 12,
    }
    for name, value in rules.items():
        setattr(hall.campaign, name, value)
    hall.campaign.mode, hall.campaign.training_for = CampaignMode.PHONE_BRIDGE, TrainingFor.CALLERS
    helper = create_account()
    give_role(helper, RoleName.ORGANISER, Scope(campaign_id=hall.campaign.id), None)
    pledge(new_phone("Ana", reach="020 7946 0123"), hall)
    end(hall)
    settle.follow_up(hall.call_out.id)
    made = db.session.get_one(Campaign, hall.call_out.follow_up_id)
    assert {name: getattr(made, name) for name in rules} == rules
    assert (made.mode, made.training_for) == (CampaignMode.MANUAL, TrainingFor.NOBODY)
    sign_in(client, helper.id)
    page = client.get(f"/campaigns/{hall.campaign.id}/call-outs/{hall.call_out.id}").text
    assert f'href="/campaigns/{made.id}"' in page
    assert client.get(f"/campaigns/{made.id}").status_code == 200


def test_a_forgotten_call_out_ends_and_goes_with_its_campaign(
    hall: Hall, new_phone: NewPhone
) -> None:
    pledge(new_phone("Ana"), hall)
    sheets.create_sheets(hall.call_out, 1)
    [sheet] = sheets.sheets_of(hall.call_out)
    sheets.enter_line(sheet, 1, sheets.Line("Anna", "ana@example.org", "SW9"))
    hall.call_out.began_at = now() - settle.LASTS_AT_MOST - timedelta(minutes=1)
    db.session.commit()
    look_after_call_outs()
    db.session.expire_all()
    assert hall.call_out.has_ended
    hall.campaign.erasing_since = now()
    db.session.commit()
    look_after_call_outs()
    assert db.session.scalars(select(SignUp)).all() == []
    assert db.session.scalars(select(Pledge)).all() == []
    assert db.session.scalars(select(SheetLine.changes)).all() == [{}]


def test_who_took_a_place_confirms_it_and_the_host_lets_them_come(
    hall: Hall, new_phone: NewPhone, app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    pledge(new_phone("Ana"), hall, at="19:30", chairs="8")
    taken = db.session.scalars(select(Pledge)).one().id
    ben, cleo = new_phone("Ben"), new_phone("Cleo", reach="020 7946 0123")
    for phone in (ben, cleo):
        phone.post(f"{hall.address}/parties/{taken}/take")
    assert "we'll e-mail you a link" in ben.get(f"{hall.address}/parties").text
    assert "don't have your e-mail address" in cleo.get(f"{hall.address}/parties").text
    end(hall)
    look_after_call_outs()
    printed = capsys.readouterr().out
    [guest_link] = re.findall(r"http\S+(/guest/\S+)", printed)  # Ben's; Cleo has no address
    [host_link] = LINK.findall(printed)
    listing = db.session.scalars(select(Listing)).one()
    assert (listing.state, listing.places) == (ListingState.DRAFT, 8)
    stranger = app.test_client()
    assert stranger.get(f"/near/event/{listing.id}").status_code == 404
    assert "At Ana" not in stranger.get("/near/gb/SW9").text
    assert checks.listings_in(hall.campaign) == []
    page = f"/parties/{listing.party_id}/guests"
    db.session.rollback()
    stranger.post(f"{guest_link}/confirm").close()
    assert "Ana hasn't answered yet" in stranger.get(guest_link).text

    host = app.test_client()
    host.post(host_link)
    shown = host.get(page).text
    assert "<strong>Ben</strong>" in shown
    assert "Not on the map" in shown
    guest_id = db.session.scalars(select(Guest.id)).one()
    assert host.post(f"{page}/{guest_id}/let-come").status_code == 409  # no address yet
    details = {
        "way": "in_person", "host_name": "Ana", "place": "SW9", "address": "4 Plum Row",
        "places": "8", "step_free": "no", "languages": "en",
    }  # fmt: skip
    assert "If people chose your party at the call-out" in shown
    assert "Save, but not on the map" in shown
    assert "Add your address below" in shown
    video = details | {"way": "by_video", "address": "", "draft": "yes"}
    assert "Add your address below" not in host.post(page, data=video, follow_redirects=True).text
    saved = host.post(page, data=details | {"draft": "yes"}, follow_redirects=True).text
    assert "People near you can't find your party yet." in unescape(saved)
    assert "Add your address below" not in saved
    host.post(f"{page}/{guest_id}/let-come")
    assert "4 Plum Row" in stranger.get(guest_link).text
    db.session.expire_all()
    assert db.session.get_one(Listing, listing.id).state == ListingState.DRAFT
    assert stranger.get(f"/near/event/{listing.id}").status_code == 404
    host.post(page, data=details | {"address": "5 Plum Row"})
    changed = select(GuestMail).where(GuestMail.kind == MailKind.CHANGED)
    assert db.session.scalars(changed).one().guest_id == guest_id
    db.session.expire_all()
    assert db.session.get_one(Listing, listing.id).state == ListingState.WAITING
