"""Tests practice before the first call, on a phone, with JavaScript and without."""

import os
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.core.db import db
from phonebank.models import Party
from scripts_library.library import source_of
from tests.browser.call_page import end_early
from tests.browser.looking import PHONE, assert_fit_for_everyone
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def party(app_context: Flask) -> Party:
    """An open party of a campaign that requires a practice call first."""
    campaign = create_campaign(practice_first=True, merge_values={"candidate": "Jo Marsh"})
    create_script(campaign, source_of("persuasive-conversation", "en"))
    create_contact(create_list(campaign))
    party = create_party(campaign, create_account("host"), door_open=True)
    db.session.commit()
    return party


def check(page: Page, name: str, scripts: bool) -> None:
    """Assert that axe finds nothing and that the page fits, also where axe cannot run."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}.png", full_page=True)
    if scripts:
        assert_fit_for_everyone(page, PHONE)


@pytest.mark.parametrize(("scripts", "width"), [(False, 390), (True, 1280)])
def test_practice_comes_first_and_then_the_first_call(
    party: Party, new_page: Callable[..., Page], scripts: bool, width: int
) -> None:
    page = new_page(width, 844, java_script_enabled=scripts)
    kind = f"{width}{'' if scripts else '-plain'}"
    page.goto(f"/join/{party.code}")
    page.get_by_label("Your first name").fill("Kit")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("link", name="Make a practice call")).to_be_visible()
    expect(page.get_by_role("button", name="Give me someone to call")).to_have_count(0)
    check(page, f"owed-briefing-{kind}", scripts)
    page.get_by_role("link", name="Make a practice call").click()
    expect(page.get_by_text("one practice call before your first real call")).to_be_visible()
    check(page, f"owed-practice-{kind}", scripts)
    # A practice call that ended too soon does not count.
    page.get_by_role("button", name="No answer").click()
    expect(page.get_by_text("Once more, please.")).to_be_visible()
    check(page, f"owed-still-{kind}", scripts)
    page.get_by_role("link", name="Practise again").click()
    for answer in ("It's them", "Happy to talk"):
        page.locator("[data-step]:visible").get_by_role("button", name=answer).click()
    page.get_by_role("button", name="9", exact=True).click()
    end_early(page, "We talked")
    expect(page.get_by_text("You said who you are")).to_be_visible()
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/person")
    expect(page.locator('a[href^="tel:"]')).to_be_visible()
