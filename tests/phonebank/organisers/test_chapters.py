"""Chapters are made, renamed and deleted, and campaigns move between them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import AuditEntry, Campaign, RoleName, ScopedRole
from tests.factories import create_account, create_campaign
from tests.signing_in import browser_of, sign_in


@pytest.fixture
def organiser(app: Flask, clean_stores: None) -> FlaskClient:
    with app.app_context():
        create_campaign(name="Kitchen Table")
        db.session.commit()
    return browser_of(app, RoleName.ORGANISER)


def chapter_of_campaign(app: Flask) -> int | None:
    with app.app_context():
        return db.session.get_one(Campaign, 1).chapter_id


def test_a_chapter_from_its_name_to_its_end(organiser: FlaskClient, app: Flask) -> None:
    assert "No chapter yet" in organiser.get("/chapters").text
    assert organiser.post("/chapters", data={"name": "North"}).location == "/chapters/1"
    for name, said in (
        ("north ", "There is already a chapter called north."),
        (" ", "The chapter has no name."),
        ("x" * 81, "This name is too long."),
    ):
        refused = organiser.post("/chapters", data={"name": name})
        assert refused.status_code == 422
        assert said in refused.text
    organiser.post("/chapters/1/name", data={"name": "North End"})
    organiser.post("/chapters/1/campaigns", data={"campaign": "1-0"})
    page = organiser.get("/chapters/1").text
    assert "North End" in page
    assert "Kitchen Table" in page
    kept = organiser.post("/chapters/1/delete")
    assert kept.status_code == 409
    assert "North End still has campaigns, or people with a role in it." in kept.text
    organiser.post("/chapters/1/campaigns/out", data={"campaign": "1"})
    assert chapter_of_campaign(app) is None
    assert organiser.post("/chapters/1/delete").location == "/chapters"
    assert organiser.get("/chapters/1").status_code == 404
    with app.app_context():
        told = [entry.action for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert told == [
        "chapter made",
        "chapter renamed",
        "campaign moved to a chapter",
        "campaign moved to a chapter",
        "chapter deleted",
    ]


def test_a_campaign_that_another_has_moved_stays_where_they_put_it(
    organiser: FlaskClient, app: Flask
) -> None:
    for name in ("North", "South"):
        organiser.post("/chapters", data={"name": name})
    organiser.post("/chapters/1/campaigns", data={"campaign": "1-0"})
    late = organiser.post("/chapters/2/campaigns", data={"campaign": "1-0"})
    assert late.status_code == 409
    assert "Somebody has just moved “Kitchen Table”." in late.text
    assert chapter_of_campaign(app) == 1
    assert "Kitchen Table (now in North)" in organiser.get("/chapters/2").text
    organiser.post("/chapters/2/campaigns", data={"campaign": "1-1"})
    assert chapter_of_campaign(app) == 2
    for wrong in ("", "x-0", "9-0", f"{2**40}-0"):
        refused = organiser.post("/chapters/2/campaigns", data={"campaign": wrong})
        assert refused.status_code == 422, wrong


def test_an_organiser_of_a_chapter_sets_up_campaigns_there_and_nowhere_else(
    organiser: FlaskClient, app: Flask
) -> None:
    for name in ("North", "South"):
        organiser.post("/chapters", data={"name": name})
    with app.app_context():
        bo = create_account(name="Bo")
        bo.scoped_roles.append(ScopedRole(role=RoleName.ORGANISER, chapter_id=1))
        db.session.commit()
        bo_id = bo.id
    browser = app.test_client()
    sign_in(browser, bo_id)
    form = browser.get("/campaigns/new").text
    assert "North" in form
    assert "South" not in form
    values = {"name": "Doors", "on_behalf_of": "Us", "country": "GB", "language": "en"}
    for elsewhere in ("2", "0", "99"):
        refused = browser.post("/campaigns/new", data=values | {"chapter_id": elsewhere})
        assert "Not a valid choice" in refused.text
    made = browser.post("/campaigns/new", data=values | {"chapter_id": "1"})
    assert made.location == "/campaigns/2"
    assert browser.get("/campaigns/2").status_code == 200
    assert browser.get("/campaigns/1").status_code == 404
    organiser.post("/chapters/1/campaigns", data={"campaign": "1-0"})
    assert browser.get("/campaigns/1").status_code == 200, "it was put into the chapter"
    organiser.post("/chapters/1/campaigns/out", data={"campaign": "1"})
    gone = browser.get("/campaigns/1")
    assert gone.status_code == 404
    assert "find this campaign among yours" in gone.text
