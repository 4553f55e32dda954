"""Tests the television and the host's phone in a real browser, while others record calls."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.core.db import db
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import CallerState, now
from phonebank.parties import services
from tests.browser.call_page import wait_until
from tests.browser.conftest import Server
from tests.browser.looking import overflow
from tests.factories import create_party
from tests.phonebank.live.party_room import (
    Room,
    gives_away_the_contact,
    open_room,
    secret_contact,
)
from tests.signing_in import session_cookie, signed_in

pytestmark = pytest.mark.browser
SCRIPTS = Path(__file__).resolve().parents[2] / "phonebank/static/js"


@pytest.fixture
def room(app_context: Flask) -> Iterator[Room]:
    room = open_room(title="Tuesday <b>night</b>", goal=4)
    db.session.commit()
    yield room


@pytest.fixture
def television(new_page: Callable[..., Page], room: Room) -> Page:
    page = new_page(1920, 1080)
    page.goto(f"/board/{room.party.board_token}")
    expect(page.locator("[data-controls]")).to_be_visible()
    # A reload would remove this mark.
    page.evaluate("window.loadedOnce = true")
    return page


@pytest.fixture
def phone(new_page: Callable[..., Page], app: Flask, web_server: Server, room: Room) -> Page:
    """The host's phone, signed in, on the party's page."""
    page = new_page(390, 844)
    session = signed_in(room.host)
    page.context.add_cookies(
        [{"name": "session", "value": session_cookie(app, session), "url": web_server.url}]
    )
    page.goto(f"/parties/{room.party.id}")
    return page


def figure(page: Page, name: str) -> str:
    return page.locator(f"[data-figure={name}]").inner_text()


@pytest.mark.timing
def test_the_strip_of_all_parties_comes_with_a_second_party(television: Page, room: Room) -> None:
    room.record(room.join("Sam"), conversation=True)
    party = create_party(room.campaign, room.host, title="Next door")
    other = Room(room.campaign, room.contact_list, room.host, party)
    other.record(other.join("Kit"), conversation=True)
    db.session.commit()
    # The sum may be two seconds old. The board sends it with its own news, every four seconds.
    expect(television.locator("[data-figure=all_parties]")).to_have_text(
        "All parties: 2 conversations", timeout=15_000
    )
    # The strip has pushed nothing off the screen.
    assert television.evaluate("document.documentElement.scrollHeight <= innerHeight")
    if os.environ.get("SCREENSHOTS"):
        folder = Path(os.environ["SCREENSHOTS"])
        television.screenshot(path=folder / "board-1920.png")
        television.set_viewport_size({"width": 390, "height": 844})
        television.screenshot(path=folder / "board-390.png", full_page=True)


def test_the_board_moves_without_reload_and_marks_moments(television: Page, room: Room) -> None:
    sam = room.join("Sam <i>")
    room.record(sam, conversation=True, yes=True, contact=secret_contact(room))
    db.session.commit()
    expect(television.locator("[data-figure=conversations]")).to_have_text("1")
    expect(television.locator("[data-figure=to_go]")).to_have_text("3 to go")
    expect(television.locator("[data-leaders] li")).to_have_text("1Sam <i>1")
    expect(television.locator("[data-feed] li")).to_have_text("Sam <i> got the first yes")
    # The first of four is a quarter of the goal.
    expect(television.locator("[data-moment]")).to_have_text("A quarter of the way there")
    expect(television.locator("#thermometer")).to_have_attribute(
        "aria-label", "1 of 4 conversations"
    )
    assert television.evaluate("window.loadedOnce")
    assert not gives_away_the_contact(television.content())


def test_the_board_asks_who_is_first_only_before_the_first_conversation(
    television: Page, room: Room
) -> None:
    question = television.get_by_text("Who will be first?")
    sam = room.join("Sam")
    room.record(sam)
    db.session.commit()
    expect(question).to_be_visible()
    room.record(sam, conversation=True, too_fast=True)
    db.session.commit()
    expect(question).to_be_hidden()
    television.reload()
    expect(television.locator("[data-figure=conversations]")).to_have_text("1")
    expect(question).to_be_hidden()
    room.record(sam, conversation=True)
    db.session.commit()
    expect(television.locator("[data-leaders] li")).to_have_text("1Sam1")


def test_the_board_fits_its_screen_and_can_be_read_from_the_sofa(
    television: Page, room: Room
) -> None:
    for name in ("Ada", "Bo", "Cy", "Di", "Ed", "Fi", "A" * 40):
        for _ in range(len(name) % 3 + 1):
            room.record(room.join(name), conversation=True)
    db.session.commit()
    expect(television.locator("[data-figure=calls]")).not_to_have_text("0")
    sizes = television.evaluate(
        "[...document.querySelectorAll('.figure-value, .board .code')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    # 72 points are 96 CSS pixels.
    assert min(sizes) >= 96
    words = television.evaluate(
        "[...document.querySelectorAll('.figure-label, .feed li, .leaderboard li, h1, h2')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(words) >= 43
    assert television.evaluate(
        "[...document.querySelectorAll('.leader-value, .join, .figure')].every(e => {"
        "const b = e.getBoundingClientRect();"
        "return b.left >= 0.03 * innerWidth && b.right <= 0.97 * innerWidth"
        " && b.bottom <= 0.97 * innerHeight; })"
    )


@pytest.mark.timing
def test_who_calls_and_the_last_hour_move_in_place(television: Page, room: Room) -> None:
    sam, ada = room.join("Sam <i>"), room.join("Ada")
    expect(television.locator("[data-ringing]")).to_be_hidden()
    room.hand_out(sam)
    room.record(ada, at=now() - timedelta(minutes=52))
    for _ in range(6):
        room.record(ada)
    db.session.commit()
    expect(television.locator("[data-ringing]")).to_have_text("Calling: Ada and Sam <i>")
    picture = television.locator("[data-hour]")
    # The chart may be ten seconds older than the figures.
    expect(picture).to_have_attribute(
        "aria-label", "7 calls in the last hour. The busiest five minutes had 6.", timeout=20_000
    )
    heights = picture.locator("rect").evaluate_all(
        "all => all.map(bar => +bar.getAttribute('height'))"
    )
    assert heights == [0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100]
    # The chart may be drawn again at any moment, so its last bar is looked up and measured at once.
    tall = "[...document.querySelectorAll('[data-hour] rect')].pop().getBoundingClientRect()"
    wait_until(lambda: television.evaluate(f"{tall}.height > 80"))
    assert television.evaluate("window.loadedOnce")


@pytest.mark.timing
def test_the_board_says_that_the_line_is_down_and_reconnects_by_itself(
    television: Page, room: Room, web_server: Server
) -> None:
    room.record(room.join("Sam"))
    db.session.commit()
    expect(television.locator("[data-figure=calls]")).to_have_text("1")
    # The server ends at once, as in a crash: a graceful end would wait for the board to leave.
    web_server.process.send_signal(signal.SIGQUIT)
    web_server.stop()
    try:
        expect(television.locator("[data-line-down]")).to_contain_text("down since")
        assert figure(television, "calls") == "1"
        # The code stays in sight, and nothing lies where an old television cuts the picture off.
        assert television.evaluate(
            "() => { const at = document.querySelector('[data-line-down]').getBoundingClientRect();"
            "return document.querySelector('.join').getBoundingClientRect().right <= at.left"
            " && at.right <= 0.97 * innerWidth && at.bottom <= 0.98 * innerHeight; }"
        )
        room.record(room.join("Priya"))
        db.session.commit()
    finally:
        web_server.start()
    expect(television.locator("[data-figure=calls]")).to_have_text("2", timeout=15_000)
    expect(television.locator("[data-line-down]")).to_be_empty()
    assert television.evaluate("window.loadedOnce")


def test_a_paused_board_stands_still_and_then_is_right(television: Page, room: Room) -> None:
    with television.expect_websocket() as line:
        television.reload()
    television.get_by_role("button", name="Pause").click()
    with line.value.expect_event("framereceived", lambda frame: '"calls":1,' in str(frame)):
        room.record(room.join("Sam"))
        db.session.commit()
    television.evaluate("new Promise(requestAnimationFrame)")
    assert figure(television, "calls") == "0"
    television.get_by_role("button", name="Resume").click()
    expect(television.locator("[data-figure=calls]")).to_have_text("1")


def test_a_replaced_link_says_so_on_the_television(television: Page, room: Room) -> None:
    services.change_board_link(room.party)
    db.session.commit()
    expect(television.locator("main")).to_contain_text("This board has a new link")


def test_a_new_code_is_on_the_board_with_its_picture(television: Page, room: Room) -> None:
    picture = television.locator(".qr svg path").get_attribute("d")
    services.change_code(room.party)
    db.session.commit()
    expect(television.locator("[data-board]")).to_have_attribute("data-code", room.party.code)
    assert television.locator(".qr svg path").get_attribute("d") != picture


def test_celebrations_can_be_switched_off(television: Page, room: Room) -> None:
    services.set_celebration(room.party, False)
    room.record(room.join("Sam"), conversation=True)
    db.session.commit()
    expect(television.locator("[data-figure=calls]")).to_have_text("1")
    expect(television.locator("[data-moment]")).to_be_hidden()


NEWER_THAN_2017 = """
delete Element.prototype.replaceChildren;
delete Array.prototype.flat; delete Array.prototype.flatMap; delete Array.prototype.at;
delete String.prototype.replaceAll; delete String.prototype.at; delete String.prototype.matchAll;
delete Object.fromEntries; delete Object.hasOwn; delete Promise.allSettled; delete Promise.any;
delete Promise.prototype.finally; delete window.queueMicrotask; delete window.structuredClone;
delete window.AbortController; delete window.ResizeObserver;
delete Navigator.prototype.wakeLock; delete Document.prototype.fullscreenEnabled;
"""
# Syntax that a browser of 2017 could not even read.
NEWER_SYNTAX = r"catch \{|\?\.[a-z\[(]|\?\?|\{ \.\.\.|, \.\.\.[a-z]+ \}|await import|#[a-z]+ ="


def test_an_old_television_moves_with_the_calls(new_page: Callable[..., Page], room: Room) -> None:
    page = new_page(1280, 720)
    page.context.add_init_script(NEWER_THAN_2017)
    page.goto(f"/board/{room.party.board_token}")
    expect(page.locator("[data-controls]")).to_be_visible()
    page.evaluate("window.loadedOnce = true")
    room.record(room.join("Sam"), conversation=True)
    db.session.commit()
    expect(page.locator("[data-leaders] li")).to_have_text("1Sam1")
    assert page.evaluate("window.loadedOnce")
    for script in ("board", "connection"):
        found = re.search(NEWER_SYNTAX, (SCRIPTS / f"{script}.js").read_text())
        assert not found, f"{script}.js: {found}"


@pytest.mark.timing
def test_a_television_that_cannot_run_the_board_loads_it_again(
    new_page: Callable[..., Page], room: Room
) -> None:
    page = new_page(1280, 720)
    page.clock.install()
    unreadable = {"body": "{", "content_type": "text/javascript"}
    page.route("**/js/board.js*", lambda route: route.fulfill(**unreadable))
    page.goto(f"/board/{room.party.board_token}")
    page.evaluate("window.loadedOnce = true")
    room.record(room.join("Sam"))
    db.session.commit()
    # While the server is away, a reload would leave the browser's own error page on the wall.
    asked: list[str] = []
    page.route("**/board/*", lambda route: (asked.append(route.request.method), route.abort())[-1])
    page.clock.run_for(10_000)
    while not asked:
        page.wait_for_timeout(50)
    assert asked == ["HEAD"]
    assert page.evaluate("window.loadedOnce")
    page.unroute("**/board/*")
    page.clock.run_for(10_000)
    expect(page.locator("[data-figure=calls]")).to_have_text("1")


def test_a_television_without_javascript_shows_the_figures(
    new_page: Callable[..., Page], room: Room
) -> None:
    room.record(room.join("Sam"), conversation=True)
    db.session.commit()
    page = new_page(1280, 720, java_script_enabled=False)
    page.goto(f"/board/{room.party.board_token}")
    assert figure(page, "conversations") == "1"
    assert page.locator("[data-controls]").is_hidden()


def test_the_board_is_accessible_and_stands_still_where_motion_is_unwelcome(
    new_page: Callable[..., Page], room: Room
) -> None:
    services.start_break(room.party)
    room.record(room.join("Sam"), conversation=True)
    db.session.commit()
    for width, height in ((320, 640), (1920, 1080)):
        page = new_page(width, height, reduced_motion="reduce")
        page.goto(f"/board/{room.party.board_token}")
        expect(page.locator("[data-controls]")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("document.querySelector('[data-moment]').classList.add('moment-new')")
        name = "getComputedStyle(document.querySelector('[data-moment]')).animationName"
        assert page.evaluate(name) == "none"


# Counts how often the page vibrates, and the tones that it plays.
COUNT_ALERTS = """() => {
  window.felt = window.heard = 0;
  navigator.vibrate = () => (felt += 1);
  const make = AudioContext.prototype.createOscillator;
  AudioContext.prototype.createOscillator = function () {
    heard += 1;
    return make.call(this);
  };
}"""


def test_the_host_sees_and_admits_a_newcomer_without_a_reload(phone: Page, room: Room) -> None:
    phone.evaluate(COUNT_ALERTS)
    phone.evaluate("window.loadedOnce = true")
    phone.locator("h1").click()  # browsers play no sound before a touch
    priya = room.join("Priya", state=CallerState.WAITING)
    mark_after_commit(room.party.id)
    db.session.commit()
    expect(phone.locator("#people .lobby")).to_contain_text("Priya")
    expect(phone.locator("#door-status")).to_have_text("1 person is waiting to join.")
    assert phone.title().startswith("(1) ")
    # It is under the thumb, wherever the page is scrolled to, and it was felt.
    bar = phone.locator("[data-host-bar]")
    expect(bar.get_by_role("button", name="1 at the door · let in")).to_be_in_viewport(ratio=1)
    assert phone.evaluate("[felt, heard]") == [1, 2]
    phone.get_by_role("button", name="Let in Priya").click()
    expect(phone.locator("#people .lobby")).to_have_count(0)
    expect(phone.locator("#people .guest-name")).to_have_text("Priya")
    expect(phone.locator("#people-title")).to_be_focused()
    assert phone.evaluate("window.loadedOnce")
    db.session.refresh(priya)
    assert priya.may_call
    expect(bar.get_by_role("button", name="at the door")).to_have_count(0)


def test_the_bar_lets_everyone_in_and_is_quiet_if_told_so(phone: Page, room: Room) -> None:
    phone.evaluate(COUNT_ALERTS)
    phone.get_by_role("button", name="Sound on").click()
    expect(phone.get_by_role("button", name="Sound off")).to_be_visible()
    callers = [room.join(name, state=CallerState.WAITING) for name in ("Kit", "Lee", "Mo")]
    room.join("Zed", state=CallerState.WAITING, held=True)
    room.join("Sam", help_asked_at=now(), help_about="words")
    mark_after_commit(room.party.id)
    db.session.commit()
    bar = phone.locator("[data-host-bar]")
    expect(bar.get_by_role("link", name="1 asks for help")).to_be_in_viewport(ratio=1)
    bar.get_by_role("button", name="3 at the door · let all in").click()
    # Only an organiser lets Zed in.
    expect(bar.get_by_role("link", name="1 at the door")).to_be_visible()
    expect(phone.locator("#people .lobby").last).to_contain_text("Zed")
    for caller in callers:
        db.session.refresh(caller)
        assert caller.may_call
    assert phone.evaluate("[felt, heard]") == [0, 0]
    phone.get_by_text("Message", exact=True).click()
    phone.get_by_label("Message to everyone").fill("Pizza!")
    phone.get_by_role("button", name="Send").click()
    expect(bar.get_by_role("status")).to_have_text("Sent to callers and the board: “Pizza!”")
    assert phone.locator("#text").input_value() == ""


def test_what_the_host_is_typing_survives_newcomers(phone: Page, room: Room) -> None:
    room.join("Sam")
    db.session.commit()
    phone.reload()
    phone.clock.install()
    phone.locator("#people summary").first.click()
    phone.locator("#people input[name=name]").fill("Samm")
    room.join("Priya", state=CallerState.WAITING)
    mark_after_commit(room.party.id)
    db.session.commit()
    expect(phone.locator("#door-status")).not_to_be_empty()
    phone.clock.run_for(2500)
    assert phone.locator("#people input[name=name]").input_value() == "Samm"
    phone.get_by_role("button", name="Rename").click()
    expect(phone.locator("#people .guest-name").last).to_have_text("Samm")
    expect(phone.locator("#people .lobby")).to_contain_text("Priya")


@pytest.mark.timing
def test_shares_move_around_an_open_menu_and_a_busy_server_does_no_harm(
    phone: Page, room: Room
) -> None:
    sam = room.join("Sam")
    db.session.commit()
    phone.reload()
    phone.evaluate("window.loadedOnce = true")
    phone.clock.install()
    menu = phone.locator(f"#change-{sam.id}")
    menu.click()
    refused: list[str] = []
    busy = f"**/parties/{room.party.id}/shares"
    phone.route(busy, lambda route: (refused.append("503"), route.fulfill(status=503))[-1])
    room.record(sam, conversation=True)
    db.session.commit()
    expect(phone.locator("#figure-calls")).to_have_text("1")
    phone.clock.run_for(20_000)
    while not refused:
        phone.wait_for_timeout(50)
    phone.unroute(busy)
    # The next board says again that the shares moved.
    share = phone.locator(f"#share-{sam.id}")
    for _ in range(20):
        phone.clock.run_for(5_000)
        phone.wait_for_timeout(500)
        if share.inner_text() == "1 conversation, 1 call":
            break
    expect(share).to_have_text("1 conversation, 1 call")
    expect(menu).to_be_focused()
    assert phone.locator("#people details[open]").count() == 1
    assert phone.evaluate("window.loadedOnce")


def test_newcomers_leave_the_keyboard_where_it_is(phone: Page, room: Room) -> None:
    room.join("Sam", state=CallerState.WAITING)
    db.session.commit()
    phone.reload()
    phone.get_by_role("button", name="Let in Sam").focus()
    room.join("Priya", state=CallerState.WAITING)
    mark_after_commit(room.party.id)
    db.session.commit()
    expect(phone.locator("#people .lobby")).to_contain_text("Priya")
    expect(phone.get_by_role("button", name="Let in Sam")).to_be_focused()


def test_a_host_who_signed_out_elsewhere_learns_it_and_keeps_no_old_list(
    phone: Page, room: Room
) -> None:
    # The line was accepted before, and stays.
    phone.context.clear_cookies()
    room.join("Priya", state=CallerState.WAITING)
    mark_after_commit(room.party.id)
    db.session.commit()
    expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_hosts_figures_move(phone: Page, room: Room) -> None:
    room.record(room.join("Sam"), conversation=True)
    db.session.commit()
    expect(phone.locator("#figure-conversations")).to_have_text("1")
    expect(phone.locator("#figure-answered")).to_have_text("100%")


def test_the_hosts_pages_are_accessible_and_fit_a_small_phone(phone: Page, room: Room) -> None:
    for number, state in enumerate((CallerState.WAITING, CallerState.WAITING, "admitted")):
        room.join(f"Caller{number}", state=state)
    room.join("W" * 40)
    services.rename_party(room.party, "W" * 40)
    db.session.commit()
    phone.set_viewport_size({"width": 320, "height": 640})
    for address in ("/parties", "/parties/new", f"/parties/{room.party.id}"):
        phone.goto(address)
        phone.evaluate("document.querySelectorAll('details').forEach(part => (part.open = true))")
        assert Axe().run(phone).violations_count == 0, address
        assert phone.evaluate("document.documentElement.scrollWidth") <= 320, address
    # A long name has the width of its row, so that it does not break every few letters.
    assert phone.evaluate(
        "[...document.querySelectorAll('.guest-name')].every(name => name.offsetHeight < 60"
        " || name.offsetWidth >= 0.95 * name.closest('li').offsetWidth)"
    )
    # Half of a phone's 390 pixels, which letters of twice the size leave.
    phone.set_viewport_size({"width": 195, "height": 422})
    assert overflow(phone) == []


def cut_websockets(page: Page) -> None:
    """Make a network that blocks websockets."""
    page.route_web_socket("**/*", lambda ws: ws.close())


POLLED = "Live updates don't get through on this network"


@pytest.mark.timing
def test_a_board_moves_and_says_how_where_websockets_are_cut(
    new_page: Callable[..., Page], room: Room
) -> None:
    page = new_page(1920, 1080)
    cut_websockets(page)
    page.goto(f"/board/{room.party.board_token}")
    page.evaluate("window.loadedOnce = true")
    expect(page.locator("[data-line-down]")).to_contain_text(POLLED, timeout=20_000)
    # Next time something else answers: the page shows nothing of that, and stays.
    page.route("**/board/*", lambda route: route.fulfill(body="<h1>Wi-Fi</h1>"), times=1)
    room.record(room.join("Sam"), conversation=True)
    db.session.commit()
    expect(page.locator("[data-figure=conversations]")).to_have_text("1", timeout=20_000)
    expect(page.locator("[data-line-down]")).to_contain_text(POLLED, timeout=20_000)
    assert page.evaluate("window.loadedOnce")


@pytest.mark.timing
def test_a_host_sees_who_waits_where_websockets_are_cut(phone: Page, room: Room) -> None:
    cut_websockets(phone)
    phone.reload()
    expect(phone.locator("[data-line-down]")).to_contain_text(POLLED, timeout=20_000)
    # The page asks for the list with htmx, and a log-in page answers first.
    phone.route(
        lambda url: url.endswith(f"/parties/{room.party.id}"),
        lambda route: (
            route.fulfill(body="<h1>Wi-Fi</h1>")
            if "hx-request" in route.request.headers
            else route.fallback()
        ),
    )
    with phone.expect_response(lambda answer: "hx-request" in answer.request.headers):
        room.join("Kit", state=CallerState.WAITING)
        mark_after_commit(room.party.id)
        db.session.commit()
        expect(phone.locator("#door-status")).to_contain_text("1 person is waiting", timeout=20_000)
    expect(phone.locator("#people-title")).to_be_visible()
    phone.unroute_all()
    expect(phone.locator("#people")).to_contain_text("Kit", timeout=25_000)
