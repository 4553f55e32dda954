"""Tests what an organiser changes about calling, on a phone and on a desk."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.accounts import sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account, Caller, CallerState, Campaign, RoleName, now
from tests.browser.conftest import Server
from tests.browser.looking import PHONE, assert_fit_for_everyone
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def organisers_page(
    app: Flask, clean_stores: None, web_server: Server, new_page: Callable[..., Page]
) -> Page:
    """A desk's signed-in browser, on a site with one campaign."""
    with app.app_context():
        campaign = create_campaign(name="Kitchen Table")
        people = create_list(campaign, name="River side", languages=["", "pl", "ur"])
        create_list(campaign, name="Canal side", removed=True)
        for language in ("", "pl"):
            create_contact(people, language=language)
        party = create_party(campaign, create_account("host"))
        create_caller(campaign, party, first_name="Sam", seen_at=now())
        create_caller(campaign, first_name="Priya", languages=["en", "ur"])
        create_caller(campaign, party, first_name="Wendy", state=CallerState.WAITING)
        account_id = create_account(RoleName.ORGANISER).id
        db.session.commit()
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, account_id))
    page = new_page(1280, 900)
    page.goto(link.replace("http://localhost", web_server.url))
    page.get_by_role("button", name="Sign in").click()
    return page


def check(page: Page) -> None:
    """Assert that the page is fit for everyone on a desk and on a phone."""
    assert_fit_for_everyone(page, PHONE)


def test_the_retry_rules_are_changed_and_reset(organisers_page: Page, app: Flask) -> None:
    page = organisers_page
    page.goto("/campaigns/1/settings")
    page.get_by_role("link", name="When people are called again").click()
    check(page)
    page.locator("summary", has_text="Busy").click()
    busy = page.get_by_role("group", name="Busy", exact=True)
    busy.get_by_label("Wait", exact=True).fill("100")
    busy.get_by_label("Unit of the wait").select_option("days")
    page.get_by_role("button", name="Save the rules").click()
    expect(busy.get_by_text("Busy, wait: write a time from 1 minute to 90 days")).to_be_visible()
    check(page)
    busy.get_by_label("Wait", exact=True).fill("2")
    page.get_by_role("button", name="Save the rules").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("summary", has_text="Busy")).to_contain_text("after 2 days")
    expect(page.locator("summary", has_text="Busy")).to_contain_text("Changed")
    check(page)
    with app.app_context():
        rules = db.session.get_one(Campaign, 1).retry_rules
        assert rules == {"outcomes": {"busy": {"rest_minutes": 2 * 24 * 60}}}
    page.get_by_role("button", name="Go back to the usual rules").click()
    page.locator("summary", has_text="Busy").click()
    expect(busy.get_by_label("Wait", exact=True)).to_have_value("20")
    with app.app_context():
        assert db.session.get_one(Campaign, 1).retry_rules == {}


def test_the_contact_status_says_for_how_many_callers_it_is(organisers_page: Page) -> None:
    organisers_page.goto("/campaigns/1/queue")
    expect(organisers_page.get_by_text("too few to keep one caller busy")).to_be_visible()
    check(organisers_page)
    organisers_page.goto("/campaigns/1")
    expect(organisers_page.get_by_text("too few to keep one caller busy")).to_be_visible()
    check(organisers_page)


def test_callers_are_admitted_limited_and_removed(organisers_page: Page, app: Flask) -> None:
    page = organisers_page
    page.goto("/campaigns/1")
    page.get_by_role("link", name="Callers", exact=True).click()
    check(page)
    page.get_by_role("button", name="Let in Wendy").click()
    page.get_by_role("link", name="Wendy").click()
    check(page)
    page.get_by_label("Polish").check()
    page.get_by_label("River side").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("link", name="Callers", exact=True).first.click()
    row = page.get_by_role("row", name="Wendy")
    expect(row).to_contain_text("English, Polish")
    expect(row).to_contain_text("River side")
    check(page)
    page.get_by_role("link", name="Sam").click()
    page.get_by_role("button", name="Remove Sam").click()
    expect(page.get_by_text("Sam is removed, on every device.")).to_be_visible()
    with app.app_context():
        assert (
            db.session.query(Caller).filter_by(first_name="Sam").one().state == CallerState.REMOVED
        )


def test_a_caller_says_which_languages_they_speak_with_the_tap_that_starts(
    organisers_page: Page, new_page: Callable[..., Page], app: Flask
) -> None:
    with app.app_context():
        campaign = db.session.get_one(Campaign, 1)
        campaign.door_open = True
        db.session.commit()
        link = f"/c/{campaign.join_token}"
    phone = new_page()
    phone.goto(link)
    phone.get_by_label("Your first name").fill("Ola")
    phone.keyboard.press("Enter")
    phone.get_by_label("Polish").check()
    check(phone)
    phone.get_by_role("button", name="Give me someone to call").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Voter")
    with app.app_context():
        ola = db.session.query(Caller).filter_by(first_name="Ola").one()
        assert ola.languages == ["en", "pl"]
