"""The organiser's pages of a campaign's callers."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phonebank.calls.claim import claim
from phonebank.calls.hold import current_hold
from phonebank.calls.record import record
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.models import Caller, CallerState, Campaign, Party, RoleName, now
from phonebank.organisers.roster.views import describe_last_seen
from phonebank.roster import campaign_callers
from phonebank.tallies import totals
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)
from tests.signing_in import sign_in


@dataclass
class Site:
    """A campaign with callers, and its signed-in organiser. Numbers are ids."""

    app: Flask
    organiser: FlaskClient
    campaign: int
    canal: int  # a list
    sam: int  # in a party, with one recorded call and one hold
    priya: int  # admitted through the campaign's own link
    wendy: int  # waits in the party

    @property
    def address(self) -> str:
        return f"/campaigns/{self.campaign}/callers"

    def page(self, caller_id: int | None = None) -> str:
        answer = self.organiser.get(f"{self.address}/{caller_id}" if caller_id else self.address)
        assert answer.status_code == 200
        return answer.text

    def post(self, caller_id: int, action: str = "", **fields: object) -> TestResponse:
        address = f"{self.address}/{caller_id}" + (f"/{action}" if action else "")
        return self.organiser.post(address, data=fields, follow_redirects=True)

    def caller(self, caller_id: int) -> Caller:
        with self.app.app_context():
            return db.session.get_one(Caller, caller_id)


@pytest.fixture
def site(app: Flask, clean_stores: None) -> Site:
    with app.app_context():
        campaign = create_campaign(door_open=True)
        river = create_list(campaign, name="River side", languages=["", "pl"])
        canal = create_list(campaign, name="Canal side")
        party = create_party(campaign, create_account("host"), door_open=True)
        for _ in range(4):
            create_contact(river, first_name="Zyxfirst")
        sam = create_caller(campaign, party, first_name="Sam", seen_at=now())
        priya = create_caller(campaign, first_name="Priya", languages=["en", "pl"])
        wendy = create_caller(campaign, party, first_name="Wendy", state=CallerState.WAITING)
        db.session.commit()
        record(sam, claim(sam).call.id, "talked")
        claim(sam)
        organiser = create_account(RoleName.ORGANISER).id
        db.session.commit()
        ids = (campaign.id, canal.id, sam.id, priya.id, wendy.id)
    client = app.test_client()
    sign_in(client, organiser)
    return Site(app, client, *ids)


def test_the_page_shows_callers_and_their_filters_and_no_contact(site: Site) -> None:
    with site.app.app_context():
        db.session.get_one(Caller, site.priya).list_ids = [site.canal]
        db.session.commit()
    page = site.page()
    for words in ("2 callers", "Sam", "Tuesday night", "Priya", "English, Polish", "Canal side"):
        assert words in page
    assert "Zyxfirst" not in page
    assert page.index("Sam</a>") < page.index("Priya</a>"), "the latest caller comes first"
    assert 'Let in<span class="visually-hidden"> Wendy</span>' in page
    of_sam = site.page(site.sam)
    assert "Last seen: now." in of_sam
    assert "Zyxfirst" not in of_sam


def test_a_caller_is_found_by_the_beginning_of_their_name(site: Site) -> None:
    found = site.organiser.get(f"{site.address}?name=pri").text
    assert "Priya</a>" in found
    assert "Sam</a>" not in found
    none = site.organiser.get(f"{site.address}?name=%25").text
    assert "No caller's first name begins with “%”." in none


def test_many_callers_are_shown_a_page_at_a_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_callers, "A_PAGE", 1)
    first = site.page()
    assert "Sam</a>" in first
    assert "page=2" in first
    second = site.organiser.get(f"{site.address}?page=2").text
    assert "Priya</a>" in second
    assert "More callers" not in second
    for odd in ("0", "-3", "x", "999"):
        assert site.organiser.get(f"{site.address}?page={odd}").status_code == 200


def test_an_organiser_keeps_a_caller_to_lists_and_languages(site: Site) -> None:
    page = site.post(site.sam, languages=["en", "pl"], lists=[site.canal]).text
    assert "Saved. The change applies when Sam gets their next person." in page
    sam = site.caller(site.sam)
    assert (sam.languages, sam.list_ids) == (["en", "pl"], [site.canal])
    assert page.count(" checked") == 3
    site.post(site.sam, csrf_token="sent by every page")
    sam = site.caller(site.sam)
    assert (sam.languages, sam.list_ids) == ([], [])


@pytest.mark.parametrize("limit", [{"languages": ["xx"]}, {"lists": [999]}, {"lists": ["x"]}])
def test_a_limit_that_makes_no_sense_is_refused(site: Site, limit: dict) -> None:
    answer = site.post(site.sam, **limit)
    assert answer.status_code == 422
    assert "error-summary" in answer.text
    sam = site.caller(site.sam)
    assert (sam.languages, sam.list_ids) == ([], [])


def test_a_waiting_caller_is_let_in_once(site: Site) -> None:
    assert "You let Wendy in." in site.post(site.wendy, "admit").text
    assert site.caller(site.wendy).state == CallerState.ADMITTED
    assert "You let Wendy in." not in site.post(site.wendy, "admit").text


def test_a_removed_caller_is_out_at_once_and_their_person_goes_back_in_line(site: Site) -> None:
    token = site.caller(site.sam).device_token
    with site.app.app_context():
        held = current_hold(db.session.get_one(Caller, site.sam)).contact.id
    page = site.post(site.sam, "remove").text
    assert "Sam is removed, on every device." in page
    sam = site.caller(site.sam)
    assert sam.state == CallerState.REMOVED
    assert sam.device_token != token
    with site.app.app_context():
        assert held not in redis_queue_of(site.campaign).held_until()
        assert current_hold(sam) is None
        assert not db.session.query(Party).one().door_open, "they could walk straight back in"
        assert db.session.get_one(Campaign, site.campaign).door_open
    assert site.post(site.sam, "remove").status_code == 404
    assert site.post(site.sam, "admit").status_code == 404
    device = site.app.test_client()
    with device.session_transaction() as session:
        session["caller"] = {"id": site.sam, "token": token}
    assert device.get("/calling").status_code == 401


def test_removing_who_came_by_the_campaigns_link_shuts_its_door(site: Site) -> None:
    site.post(site.priya, "remove")
    with site.app.app_context():
        assert not db.session.get_one(Campaign, site.campaign).door_open
        assert db.session.query(Party).one().door_open


def test_the_callers_screens_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, str]] = []
    monkeypatch.setattr(
        "phonebank.roster.devices.disconnect_caller",
        lambda caller: told.append((caller, "removed")),
    )
    monkeypatch.setattr(
        "phonebank.roster.admit.emit_to_callers",
        lambda callers, event: told.extend((caller, event) for caller in callers),
    )
    site.post(site.wendy, "admit")
    site.post(site.sam, "remove")
    assert told == [(site.wendy, "admitted"), (site.sam, "removed")]


def test_the_host_sees_which_languages_their_callers_speak(site: Site) -> None:
    with site.app.app_context():
        party = db.session.query(Party).one()
        db.session.get_one(Caller, site.sam).languages = ["en", "pl"]
        address, host = f"/parties/{party.id}", party.host_id
        db.session.commit()
    browser = site.app.test_client()
    sign_in(browser, host)
    assert browser.get(address).text.count("English, Polish") == 1


def test_a_caller_of_another_campaign_is_not_found(site: Site) -> None:
    with site.app.app_context():
        stranger = create_caller(create_campaign()).id
        db.session.commit()
    assert site.organiser.get(f"{site.address}/{stranger}").status_code == 404
    for action in ("", "admit", "remove"):
        assert site.post(stranger, action).status_code == 404
    assert site.caller(stranger).state == CallerState.ADMITTED


def test_callers_are_sorted_by_what_they_did(site: Site) -> None:
    with site.app.app_context():
        for caller, hours_ago, calls, conversations in (
            (site.sam, 30, 40, 2),
            (site.sam, 0, 1, 0),
            (site.priya, 0, 10, 5),
        ):
            at = now() - timedelta(hours=hours_ago)
            values = {"calls": calls, "reached": calls, "conversations": conversations}
            totals.add(site.campaign, None, caller, at, **values)
        db.session.commit()

    def first(sort: str) -> str:
        page = site.organiser.get(f"{site.address}?sort={sort}").text
        sam, priya = page.index("Sam</a>"), page.index("Priya</a>")
        return "Sam" if sam < priya else "Priya"

    assert {sort: first(sort) for sort in ("calls", "hourly", "share", "today", "name", "odd")} == {
        "calls": "Sam",
        "hourly": "Sam",
        "share": "Priya",
        "today": "Priya",
        "name": "Priya",
        "odd": "Sam",  # the latest caller
    }
    page = site.organiser.get(f"{site.address}?sort=share").text
    assert page.count('aria-sort="descending"') == 1
    for figure in (">20<", ">5%<", ">50%<"):  # 41 calls in two hours, and shares
        assert figure in page, figure


def test_the_campaigns_page_leads_there(site: Site) -> None:
    page = site.organiser.get(f"/campaigns/{site.campaign}").text
    assert f'href="{site.address}"' in page


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=10), "now"),
        (timedelta(minutes=2), "2 minutes ago"),
        (timedelta(minutes=119), "1 hour ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_last_here_is_said_in_words(ago: timedelta, words: str) -> None:
    at = now()
    assert describe_last_seen(at - ago, at) == words
    assert describe_last_seen(None, at) == "not yet"
