"""Tests that what a host does reaches the host's phone, a caller's phone and the board."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import APIResponse, Page, Route, expect

from phonebank.core.db import db
from phonebank.parties import services
from tests.browser.call_page import ask_for_person, settle, tap
from tests.browser.conftest import Server
from tests.browser.looking import TAGS, accessibility_faults
from tests.factories import create_contact
from tests.phonebank.live.party_room import Room, gives_away_the_contact, open_room, secret_contact
from tests.signing_in import session_cookie, signed_in

pytestmark = pytest.mark.browser


@pytest.fixture
def room(app_context: Flask) -> Iterator[Room]:
    room = open_room(title="Tuesday night", goal=1)
    for _ in range(4):
        create_contact(room.contact_list)
    db.session.commit()
    yield room


def host_phone(page: Page, app: Flask, server: Server, room: Room) -> Page:
    """The host's phone, on the party's page."""
    value = session_cookie(app, signed_in(room.host))
    page.context.add_cookies([{"name": "session", "value": value, "url": server.url}])
    page.goto(f"/parties/{room.party.id}")
    return page


def board_of(page: Page, room: Room) -> Page:
    page.goto(f"/board/{room.party.board_token}")
    expect(page.locator("[data-controls]")).to_be_visible()
    page.evaluate("window.loadedOnce = true")
    return page


@pytest.mark.timing
def test_a_knock_a_break_a_message_the_goal_and_the_end_are_seen_on_three_screens(
    new_page: Callable[..., Page], app: Flask, web_server: Server, room: Room
) -> None:
    host = host_phone(new_page(390, 664), app, web_server, room)
    board, phone = board_of(new_page(1920, 1080), room), new_page(390, 844)

    # A knock
    phone.goto(f"/join/{room.party.code}")
    phone.get_by_label("first name").fill("Kit")
    phone.get_by_role("button", name="Join").click()
    knock = host.get_by_role("button", name="1 at the door · let in")
    expect(knock).to_be_in_viewport(ratio=1)
    knock.click()
    ask_for_person(phone)
    expect(board.locator("[data-figure=active]")).to_have_text("1")
    expect(host.locator("[data-doing=calling]")).to_have_text("Calling", timeout=20_000)

    # A break
    host.locator(".host-tools summary", has_text="Break").click()
    host.get_by_role("button", name="5 minutes", exact=True).click()
    clock = re.compile(r"^(5:00|4:5\d)$")
    expect(board.locator("[data-break-clock]")).to_have_text(clock)
    expect(host.locator("[data-break-label]")).to_have_text(clock)
    expect(phone.get_by_text("There's a break after this call, until")).to_be_visible()
    tap(phone, "No answer")
    expect(phone.locator("[data-countdown]")).to_have_text(clock)
    assert accessibility_faults(board, "tag", TAGS) == []
    assert accessibility_faults(phone, "tag", TAGS) == []
    assert accessibility_faults(host, "tag", TAGS) == []
    host.locator(".host-tools summary").first.click()
    host.get_by_role("button", name="End the break").click()
    phone.wait_for_url("**/calling/person")
    expect(board.locator("[data-break]")).to_be_hidden()
    expect(host.locator("[data-break-label]")).to_have_text("Break")

    # A message
    host.locator(".host-tools summary", has_text="Message").click()
    host.get_by_label("Message to everyone").fill("Pizza is here!")
    host.get_by_role("button", name="Send").click()
    expect(host.get_by_text("Sent to callers and the board: “Pizza is here!”")).to_be_visible()
    expect(phone.get_by_text("Pizza is here!")).to_be_visible()
    expect(board.locator("[data-message]")).to_contain_text("Pizza is here!")

    # The goal
    room.record(room.join("Sam"), conversation=True, contact=secret_contact(room))
    db.session.commit()
    expect(board.locator("[data-goal-moment]")).to_be_visible()
    expect(board.get_by_text("Goal reached!")).to_be_in_viewport(ratio=1)
    expect(host.locator("#figure-conversations")).to_have_text("1")
    assert accessibility_faults(board, "tag", TAGS) == []

    # The caller reads and feels it after their own call, and not in the middle of it.
    expect(phone.locator(".joy")).to_be_hidden()
    phone.evaluate("() => { window.felt = 0; navigator.vibrate = () => (felt += 1); }")
    settle(phone)
    tap(phone, "No answer")
    expect(phone.locator(".joy")).to_have_text("Your team has reached its goal: 1 conversation!")
    # A bare expression would be evaluated again at each try, which the page's policy forbids.
    phone.wait_for_function("() => felt === 1")
    if os.environ.get("SCREENSHOTS"):
        phone.screenshot(path=Path(os.environ["SCREENSHOTS"]) / "joy-390.png")

    # The end
    host.get_by_text("End the party").click()
    host.get_by_role("button", name="End it now").click()
    expect(host.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(phone.get_by_text("The party has ended. Finish this call")).to_be_visible()
    expect(board.get_by_role("heading", name="Thank you!")).to_be_visible()
    for gone in ("to go", "Join at", "calling"):
        expect(board.get_by_text(gone)).to_have_count(0)
    assert accessibility_faults(board, "tag", TAGS) == []
    # A late call counts, and the board did all this without a reload.
    phone.get_by_role("button", name="OK").click()
    settle(phone)
    tap(phone, "No answer")
    expect(board.locator(".over-totals .figure-value").nth(1)).to_have_text("4")
    expect(phone.get_by_role("heading", name="What we did together")).to_be_visible()
    assert board.evaluate("window.loadedOnce")
    for page in (board, host):
        assert not gives_away_the_contact(page.content())


def test_the_host_who_ends_a_party_sees_the_summary_even_if_the_news_comes_first(
    new_page: Callable[..., Page], app: Flask, web_server: Server, room: Room
) -> None:
    host = host_phone(new_page(390, 664), app, web_server, room)
    board = board_of(new_page(1280, 720), room)
    held: list[tuple[Route, APIResponse]] = []
    host.route(
        f"**/parties/{room.party.id}/end",
        lambda route: held.append((route, route.fetch(max_redirects=0))),
    )
    host.get_by_text("End the party").click()
    host.get_by_role("button", name="End it now").click(no_wait_after=True)
    # All screens of the party hear of the end within half a second of each other.
    expect(board.get_by_role("heading", name="Thank you!")).to_be_visible()
    host.wait_for_timeout(900)
    ((route, answer),) = held
    route.fulfill(response=answer)
    expect(host).to_have_url(re.compile("/summary$"), timeout=15_000)
    expect(host.get_by_text("The party has ended. Thank you for hosting.")).to_be_visible()


def test_each_goal_has_its_moment_once(new_page: Callable[..., Page], room: Room) -> None:
    page = new_page(1280, 720)
    page.clock.install()
    board = board_of(page, room)
    sam, moment = room.join("Sam"), page.locator("[data-goal-moment]")

    def after(goal: int, conversations: int) -> bool:
        """Whether the moment shows after this change. Then ten seconds pass."""
        services.set_goal(room.party, goal)
        while room.recount()[2] < conversations:
            room.record(sam, conversation=True)
        db.session.commit()
        expect(board.locator("[data-figure=goal]")).to_have_text(str(goal))
        expect(board.locator("[data-figure=conversations]")).to_have_text(str(conversations))
        seen = moment.is_visible()
        board.clock.run_for(9_000)
        assert moment.is_visible() == seen, "it lasts ten seconds"
        board.clock.run_for(2_000)
        expect(moment).to_be_hidden()
        return seen

    assert after(goal=2, conversations=2)
    assert not after(goal=2, conversations=3)
    assert not after(goal=4, conversations=3)
    assert after(goal=4, conversations=4)
    board.reload()
    assert not after(goal=4, conversations=5)
