"""Tests the end of a party in a real browser: the summary, its picture, and what a caller sees.

With SCREENSHOTS=folder in the environment it saves a picture of each page.
"""

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.core.db import db
from phonebank.models import now
from phonebank.parties import services
from tests.browser.conftest import Server
from tests.factories import create_party
from tests.phonebank.live.party_room import Room, open_room
from tests.signing_in import session_cookie, signed_in

pytestmark = pytest.mark.browser

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def room(app_context: Flask) -> Iterator[Room]:
    """An evening of two hours with a break in it, which has ended."""
    began = now() - timedelta(hours=2)
    room = open_room(title="Tuesday night in Riverside", goal=20, starts_at=began)
    names = ("Sam", "Priya", "Ada", "Kit", "Llinos", "Shy")
    callers = [room.join(name, hidden=name == "Shy") for name in names]
    for number in range(70):
        if 28 < number < 36:
            continue
        room.record(
            callers[number * 5 % 6],
            conversation=number % 3 == 0,
            yes=number % 9 == 0,
            at=began + timedelta(seconds=100 * number),
        )
    services.end_party(room.party)
    db.session.commit()
    yield room


# A phone that can share files, and writes down what it was given.
SHARES = """
navigator.canShare = () => true;
navigator.share = ({ files: [file], text }) => {
  document.documentElement.dataset.shared = [file.name, file.type, file.size, text].join(" ");
};
"""


def as_host(page: Page, app: Flask, web_server: Server, room: Room) -> Page:
    session = signed_in(room.host)
    page.context.add_cookies(
        [{"name": "session", "value": session_cookie(app, session), "url": web_server.url}]
    )
    return page


def check(page: Page, name: str) -> None:
    """Assert that the page fits 320 px and is clean to axe. If SCREENSHOTS names a folder, save a
    picture there."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size(size)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_host_sees_the_evening_and_saves_it_as_a_picture(
    new_page: Callable[..., Page], app: Flask, web_server: Server, room: Room, width: int
) -> None:
    page = as_host(new_page(width, 844), app, web_server, room)
    page.goto(f"/parties/{room.party.id}/summary")
    expect(page.get_by_role("img", name="A bar chart of the calls")).to_be_visible()
    check(page, f"summary-{width}")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as picture").click()
    assert saved.value.suggested_filename == "phone-party.png"
    assert Path(saved.value.path()).read_bytes().startswith(PNG)


@pytest.mark.parametrize("width", [390, 1920])
def test_anyone_with_the_link_sees_it(
    new_page: Callable[..., Page], room: Room, width: int
) -> None:
    page = new_page(width, 1080)
    page.goto(f"/evening/{room.party.summary_token}")
    expect(page.get_by_text("Ada, Kit, Llinos, Priya, Sam and 1 more.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    check(page, f"evening-{width}")
    page.set_viewport_size({"width": 1200, "height": 630})
    page.goto(f"/evening/{room.party.summary_token}/picture.svg")
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["SCREENSHOTS"]) / "picture.png")


def test_a_caller_finds_their_own_figures(
    new_page: Callable[..., Page], app: Flask, web_server: Server, room: Room
) -> None:
    caller = room.join("Newcomer")
    room.record(caller, conversation=True)
    create_party(room.campaign, room.host, title="Over", state="ended")
    create_party(room.campaign, room.host, title="Next week", starts_at=now() + timedelta(days=7))
    db.session.commit()
    page = new_page(390, 844)
    page.add_init_script(SHARES)
    known = {"caller": {"id": caller.id, "token": caller.device_token}}
    page.context.add_cookies(
        [{"name": "session", "value": session_cookie(app, known), "url": web_server.url}]
    )
    page.goto("/calling")
    expect(page.get_by_text("You made 1 call and had 1 conversation.")).to_be_visible()
    check(page, "party-over-390")
    page.get_by_role("button", name="Share the picture").click()
    expect(page.locator("html")).to_have_attribute(
        "data-shared",
        re.compile(
            r"^phone-party\.png image/png [1-9]\d{3,} Tuesday night in Riverside: \d+ conversations"
        ),
    )
    expect(page.get_by_text("Next week")).to_be_visible()
    assert page.get_by_role("link", name="Join it").get_attribute("href").startswith("/join/")
    page.get_by_role("link", name="See the evening").click()
    expect(page.get_by_text("Thank you")).to_be_visible()
