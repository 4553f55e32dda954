"""Tests the charts of a campaign's page: the numbers under the pointer, and their colours."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.accounts import sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account, RoleName, now
from tests.browser.conftest import Server
from tests.factories import create_account
from tests.phonebank.live.party_room import open_room

pytestmark = pytest.mark.browser


def test_a_chart_shows_its_numbers_and_follows_the_colours_of_the_page(
    app: Flask, clean_stores: None, web_server: Server, new_page: Callable[..., Page]
) -> None:
    with app.app_context():
        room = open_room()
        room.record(room.join("Sam", seen_at=now()))
        account_id = create_account(RoleName.ORGANISER).id
        db.session.commit()
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, account_id))
        address = f"/campaigns/{room.campaign.id}"
    page = new_page(1280, 900, color_scheme="light")
    page.goto(link.replace("http://localhost", web_server.url))
    page.get_by_role("button", name="Sign in").click()
    page.goto(address)

    days = page.locator("section", has=page.get_by_role("heading", name="Calls by day"))
    key = days.locator(".evening-key")
    expect(key).to_have_text("Calls Conversations")
    box = days.locator(".u-over").bounding_box()
    assert box
    # The last bar is today's.
    page.mouse.move(box["x"] + box["width"] * 0.93, box["y"] + box["height"] / 2)
    expect(key).to_contain_text("Calls: 1 ")
    page.mouse.move(0, 0)
    expect(key).to_have_text("Calls Conversations")

    picture = "document.querySelector('.chart canvas').toDataURL()"
    light = page.evaluate(picture)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {picture} !== light", arg=light)
    expect(page.locator(".chart canvas")).to_have_count(2)
