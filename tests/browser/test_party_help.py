"""Tests in real browsers how a caller asks for help and the host sees it on another phone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.core.db import db
from tests.browser.conftest import Server
from tests.factories import create_contact
from tests.phonebank.live.party_room import open_room
from tests.signing_in import session_cookie, signed_in

pytestmark = pytest.mark.browser


def with_session(page: Page, app: Flask, web_server: Server, session: dict) -> Page:
    page.context.add_cookies(
        [{"name": "session", "value": session_cookie(app, session), "url": web_server.url}]
    )
    return page


def check(page: Page, name: str) -> None:
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["SCREENSHOTS"]) / f"{name}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_tap_on_the_call_page_reaches_the_host_and_their_seen_comes_back(
    app_context: Flask, app: Flask, web_server: Server, new_page: Callable[..., Page]
) -> None:
    room = open_room()
    sam = room.join("Sam")
    create_contact(room.contact_list)
    db.session.commit()
    known = {"caller": {"id": sam.id, "token": sam.device_token}}
    caller = with_session(new_page(), app, web_server, known)
    caller.goto("/calling")
    caller.get_by_role("button", name="Give me someone to call").click()
    host = with_session(new_page(), app, web_server, signed_in(room.host))
    host.goto(f"/parties/{room.party.id}")

    caller.get_by_text("Add a note").click()
    caller.locator("#note").fill("half a note")
    caller.locator("summary", has_text="Help").click()
    expect(caller.get_by_text("Ask your host for help")).to_be_visible()
    caller.get_by_role("button", name="The person is upset or rude").click()
    expect(caller.get_by_text("We've told your host.")).to_be_visible()
    # The call stays as it was.
    assert caller.locator("#note").input_value() == "half a note"
    check(caller, "help-asked-390")

    expect(host.get_by_role("heading", name="Asking for help")).to_be_visible()
    expect(host.get_by_text("1 caller needs help.")).to_be_attached()
    check(host, "help-host-390")
    host.get_by_role("button", name="Got it Sam").click()
    expect(host.get_by_role("heading", name="Asking for help")).to_have_count(0)
    expect(caller.get_by_text("I've seen that you need help.")).to_be_visible()
