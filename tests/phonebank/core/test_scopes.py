"""Organisers and viewers of a chapter or a campaign see only theirs, by every route and socket.

The walk takes each route of the URL map, so a route that is added later is asked too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.accounts.roles import people_of
from phonebank.accounts.sessions import SIGNED_IN_FOR
from phonebank.core import scopes
from phonebank.core.access import ORGANISER_ANYWHERE, VIEWER_ANYWHERE, rule_of
from phonebank.core.db import db
from phonebank.core.errors import NotAllowedError
from phonebank.live.board_query import hosts_still_allowed
from phonebank.models import (
    Account,
    AccountSession,
    Call,
    CallEnding,
    Campaign,
    Chapter,
    Party,
    RoleName,
    ScopedRole,
    now,
)
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
    drama_number,
)
from tests.phonebank.core.test_access import METHODS, asks, contents, routes
from tests.route_addresses import address
from tests.signing_in import browser_of, sign_in

# Each person: the role, and where they have it: "chapter" or "campaign", both of them ours.
PEOPLE = {
    "chapter organiser": (RoleName.ORGANISER, "chapter"),
    "campaign organiser": (RoleName.ORGANISER, "campaign"),
    "chapter viewer": (RoleName.VIEWER, "chapter"),
    "campaign viewer": (RoleName.VIEWER, "campaign"),
}
ROLES = (RoleName.ORGANISER, RoleName.VIEWER)


def create_scoped(role: RoleName, where: str, scope_id: int) -> Account:
    account = create_account(name=f"{where} {role}")
    account.scoped_roles.append(ScopedRole(role=role, **{f"{where}_id": scope_id}))
    db.session.flush()
    return account


@pytest.fixture
def browsers(app: Flask, clean_stores: None) -> dict[str, FlaskClient]:
    """A browser for each of PEOPLE. The rows with id 1 belong to another chapter; campaign 2 is
    theirs, and empty."""
    with app.app_context():
        host = create_account(RoleName.HOST, RoleName.ORGANISER, email="owner@example.org")
        north, south = Chapter(name="North"), Chapter(name="South")
        db.session.add_all([north, south])
        db.session.flush()
        other = create_campaign(name="Secret campaign", hosts=[host], chapter_id=north.id)
        party = create_party(other, host)
        create_contact(create_list(other), first_name="Secret")
        create_caller(other, party)
        create_script(other, "title: Secret\n")
        own = create_campaign(name="Ours", chapter_id=south.id)
        ids = {
            who: create_scoped(role, where, own.id if where == "campaign" else south.id).id
            for who, (role, where) in PEOPLE.items()
        }
        db.session.commit()
        assert (other.id, own.id) == (1, 2)
    found = {}
    for who, account_id in ids.items():
        found[who] = app.test_client()
        sign_in(found[who], account_id)
    return found


def test_every_organisers_route_loads_its_campaign_through_the_one_loader(
    app: Flask, client: FlaskClient, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A route about one campaign names it `campaign_id`, and the check before the view loads it."""
    loaded: list[int] = []

    def refuse(account: Account, campaign_id: int, **_: object) -> None:
        loaded.append(campaign_id)
        raise NotAllowedError("Only counted.", "")

    organiser = browser_of(app, RoleName.ORGANISER)
    monkeypatch.setattr(scopes, "campaign_for", refuse)
    for route in routes(app, *ROLES, ORGANISER_ANYWHERE, VIEWER_ANYWHERE):
        about_one = route.rule.startswith("/campaigns/<")
        assert ("campaign_id" in route.arguments) == about_one, route.rule
        if about_one:
            assert rule_of(app, route.endpoint) in ROLES, route.rule
            loaded.clear()
            method = asks(route, *METHODS)[0]
            assert organiser.open(address(route), method=method).status_code == 403, route.rule
            assert loaded == [1], route.rule


def test_nothing_of_another_chapter_opens_and_nothing_is_learnt(
    app: Flask, browsers: dict[str, FlaskClient]
) -> None:
    before = contents(app)
    faults = []
    for route in routes(app, *ROLES, RoleName.HOST):
        if not {"campaign_id", "party_id"} & route.arguments:
            continue
        for who in ("chapter organiser", "campaign viewer"):
            browser = browsers[who]
            by_party = "campaign_id" not in route.arguments
            viewer_at_a_party = by_party and "viewer" in who
            for method in asks(route, *METHODS):
                theirs = address(route)
                nobodys = theirs.replace("/1", "/999", 1)
                answers = [
                    browser.open(path, method=method, headers={"Accept": "application/json"})
                    for path in (theirs, nobodys)
                ]
                if answers[0].status_code != (403 if viewer_at_a_party else 404):
                    faults.append(f"{method} {theirs} gave a {who} {answers[0].status}")
                if answers[0].data != answers[1].data:
                    faults.append(f"{method} {theirs} tells a {who} that it exists")
    assert faults == []
    assert contents(app) == before


def test_rows_of_another_campaign_do_not_open_under_ones_own(
    app: Flask, browsers: dict[str, FlaskClient]
) -> None:
    """List, script, caller and other ids of campaign 1, in addresses of campaign 2."""
    before = contents(app)
    faults, asked = [], 0
    for route in routes(app, RoleName.ORGANISER):
        if "campaign_id" not in route.arguments or len(route.arguments) < 2:
            continue
        if not any(name.endswith("_id") for name in route.arguments - {"campaign_id"}):
            continue
        for method in asks(route, *METHODS):
            path = address(route).replace("/campaigns/1", "/campaigns/2")
            answer = browsers["campaign organiser"].open(path, method=method)
            asked += 1
            if answer.status_code != 404 or "Secret" in answer.text:
                faults.append(f"{method} {path} gave {answer.status}")
    assert asked > 20
    assert faults == []
    assert contents(app) == before


def test_each_sees_ones_own_campaign_and_no_other(browsers: dict[str, FlaskClient]) -> None:
    for who, browser in browsers.items():
        organises = "organiser" in who
        assert f"of the {who.split()[0]}" in browser.get("/account").text
        listed = browser.get("/campaigns").text
        assert "Ours" in listed
        assert "Secret" not in listed
        for path in ("", "/answers", "/queue"):
            assert browser.get(f"/campaigns/2{path}").status_code == 200, (who, path)
        for path in ("/edit", "/lists", "/callers", "/downloads", "/scripts"):
            wanted = 200 if organises else 403
            assert browser.get(f"/campaigns/2{path}").status_code == wanted, (who, path)
        names = browser.get("/campaigns/2/settings").text
        assert ("chapter organiser: organiser of the chapter" in names) == organises
        paused = browser.post("/campaigns/2/state", data={"verb": "pause"})
        assert paused.status_code in ((302, 409) if organises else (403,)), who
        # What is about the whole installation stays closed to those who organise a part of it.
        for path in ("/do-not-call", "/do-not-call.csv", "/people", "/chapters"):
            assert browser.get(path).status_code == 403, (who, path)
        wanted = 200 if who == "chapter organiser" else 403
        assert browser.get("/campaigns/new").status_code == wanted, who
        assert browser.get("/", follow_redirects=True).status_code == 200


def test_no_page_of_ones_own_campaign_shows_anything_of_another(
    app: Flask, browsers: dict[str, FlaskClient]
) -> None:
    """Both campaigns have the same number, and one volunteer calls in both."""
    with app.app_context():
        secret, ours = (db.session.get_one(Campaign, number) for number in (1, 2))
        host = create_account(RoleName.HOST, name="Hari")
        for campaign, name in ((secret, "Secret"), (ours, "Open")):
            contact = create_contact(create_list(campaign), first_name=name, phone=drama_number(7))
            caller = create_caller(campaign, create_party(campaign, host), first_name=name)
            db.session.add(
                Call(
                    campaign_id=campaign.id,
                    contact_id=contact.id,
                    caller_id=caller.id,
                    phone=contact.phone,
                    ending=CallEnding.RECORDED,
                    outcome="no_answer",
                    started_at=now(),
                    ended_at=now(),
                    recorded_at=now(),
                    expires_at=now(),
                )
            )
        db.session.commit()
    asked = 0
    for route in routes(app, *ROLES, RoleName.HOST, ORGANISER_ANYWHERE, VIEWER_ANYWHERE):
        if "GET" not in (route.methods or ()) or route.arguments - {"campaign_id"}:
            continue
        path = address(route).replace("/campaigns/1", "/campaigns/2")
        for who in ("campaign organiser", "campaign viewer"):
            answer = browsers[who].get(path, buffered=True)
            asked += answer.status_code == 200
            assert "Secret" not in answer.text, (who, path)
    assert asked > 25


def test_viewers_see_figures_and_no_button(browsers: dict[str, FlaskClient]) -> None:
    for path in ("/campaigns/2", "/campaigns/2/answers", "/campaigns/2/queue"):
        page = browsers["campaign viewer"].get(path).text
        assert page.count("<form") == page.count('action="/sign-out"'), path


@contextmanager
def asking_as(account: Account, party: Party) -> Iterator[tuple[int, int, int]]:
    session = AccountSession(account_id=account.id, secret_hash=f"{account.id}")
    db.session.add(session)
    db.session.flush()
    yield party.id, account.id, session.id


def test_a_board_stays_open_for_the_organisers_of_its_campaign_only(app_context: Flask) -> None:
    chapter = Chapter(name="North")
    db.session.add(chapter)
    db.session.flush()
    campaign = create_campaign(chapter_id=chapter.id)
    party = create_party(campaign, create_account(RoleName.HOST))
    scope_ids = {"chapter": chapter.id, "campaign": campaign.id}
    elsewhere = create_campaign()
    for role, where in PEOPLE.values():
        account = create_scoped(role, where, scope_ids[where])
        with asking_as(account, party) as asked:
            allowed = hosts_still_allowed([asked]) == {asked}
            assert allowed == (role == RoleName.ORGANISER), (role, where)
            assert allowed == scopes.may_organise(account, campaign)
            assert not scopes.may_organise(account, elsewhere)
            within = db.session.query(Campaign).where(scopes.campaigns_within(account)).all()
            assert (campaign in within) == allowed
            db.session.delete(account.scoped_roles[0])
            db.session.flush()
            assert hosts_still_allowed([asked]) == set(), "the role was taken away"


def test_a_board_closes_when_its_hosts_session_is_over(app_context: Flask) -> None:
    host = create_account(RoleName.HOST)
    party = create_party(create_campaign(), host)
    with asking_as(host, party) as asked:
        session = db.session.get_one(AccountSession, asked[2])
        session.created_at = now() - SIGNED_IN_FOR + timedelta(minutes=1)
        db.session.flush()
        assert hosts_still_allowed([asked]) == {asked}
        session.created_at -= timedelta(minutes=2)
        db.session.flush()
        assert hosts_still_allowed([asked]) == set()


@pytest.mark.parametrize("in_chapter", [True, False])
def test_a_campaign_names_only_the_people_with_a_role_in_it(
    app_context: Flask, in_chapter: bool
) -> None:
    chapters = [Chapter(name=name) for name in ("North", "South")]
    db.session.add_all(chapters)
    db.session.flush()
    campaign = create_campaign(chapter_id=chapters[0].id if in_chapter else None)
    own = create_scoped(RoleName.ORGANISER, "campaign", campaign.id)
    create_scoped(RoleName.ORGANISER, "campaign", create_campaign().id)
    of_chapter, _ = [create_scoped(RoleName.VIEWER, "chapter", one.id) for one in chapters]
    found = {account.id: is_chapters for account, _, is_chapters in people_of(campaign)}
    assert found == {own.id: False} | ({of_chapter.id: True} if in_chapter else {})
