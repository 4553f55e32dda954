"""Tests real networks: pages that answer in our place, blocked websockets, old browsers."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request, Response, Route, WebSocketRoute, expect

from phonebank.calls.answers import answers_of
from phonebank.core.db import db
from phonebank.models import Call, Caller, CallerState, Party, now
from phonebank.roster.admit import admit_all
from tests.browser.call_page import (
    ask_for_person,
    end_early,
    join_as_kit,
    open_call,
    recorded_outcomes,
    settle,
    tap,
    wait_until,
)

pytestmark = pytest.mark.browser
NewPage = Callable[..., Page]

PORTAL = "<!doctype html><title>Wi-Fi</title><h1>Welcome to our Wi-Fi</h1>"


def answer_instead(page: Page, where: str, status: int, body: str = PORTAL) -> list[str]:
    """Answer the next request there as a foreign page. The returned list is empty until the answer
    was replaced."""
    happened: list[str] = []

    def foreign(route: Route) -> None:
        happened.append(route.request.url)
        route.fulfill(status=status, body=body, content_type="text/html")

    page.route(where, foreign, times=1)
    return happened


def cut_websockets(page: Page) -> None:
    page.route_web_socket("**/*", lambda ws: ws.close())


def test_a_foreign_answer_settles_nothing_and_the_page_stays(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    for recorded, (status, button) in enumerate(((200, "No answer"), (404, "Busy")), 1):
        answered = answer_instead(page, "**/outcome?*", status)
        with page.expect_response(lambda answer: _is_ours(answer, "/outcome")):
            tap(page, button)
            page.locator("[data-line-down]", has_text="Perhaps this Wi-Fi wants").wait_for()
            expect(page.locator(".person h1")).to_be_visible()
        assert len(recorded_outcomes(party)) == recorded
        page.get_by_text("Recorded:").wait_for()
        expect(page.locator("[data-line-down]")).to_be_empty()
        assert len(answered) == 1
        settle(page)
    call = open_call(party)
    answer_instead(page, "**/answers?*", 200)
    with page.expect_response(lambda answer: _is_ours(answer, "/answers")):
        tap(page, "It's them")
    assert _answers(call) == {"opening": "speaking"}


def _is_ours(answer: Response, where: str) -> bool:
    return where in answer.url and "x-phonebank-call" in answer.headers


def _answers(call: Call) -> dict[str, object]:
    db.session.expire_all()
    return answers_of(call)


def test_a_hold_is_renewed_over_the_line_and_by_request_when_the_line_goes_silent(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    opened: list[WebSocketRoute] = []
    connected: list[WebSocketRoute] = []
    silent: list[WebSocketRoute] = []

    def connect(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        opened.append(line)

        def to_page(message: str | bytes) -> None:
            if line not in silent:
                line.send(message)
            if str(message).startswith("40/caller"):
                connected.append(line)

        line.on_message(lambda message: None if line in silent else server.send(message))
        server.on_message(to_page)

    page.route_web_socket("**/socket.io/**", connect)
    requests: list[Request] = []
    page.on("request", lambda sent: requests.append(sent) if "/renew" in sent.url else None)
    join_as_kit(page, party)
    ask_for_person(page)
    page_waits_for(page, lambda: connected[-1:] == opened[-1:] != [])
    _renew_soon(page, party)
    assert requests == []
    line = connected[-1]
    silent.append(line)
    _renew_soon(page, party)
    assert len(requests) == 1
    page_waits_for(page, lambda: connected[-1] is not line)


def page_waits_for(page: Page, check: Callable[[], bool]) -> None:
    """Wait, and let Playwright handle what happens on the page meanwhile."""
    for _ in range(150):
        if check():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen in time")


def _renew_soon(page: Page, party: Party) -> None:
    """Let most of the hold's time pass, and wait until the page has renewed it."""
    call = open_call(party)
    call.expires_at = now() + timedelta(seconds=100)
    db.session.commit()
    # The caller comes back to the page.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page_waits_for(page, lambda: open_call(party).expires_at > now() + timedelta(seconds=200))


def test_an_answer_that_cannot_be_saved_is_explained_in_words(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    other_tab = page.context.new_page()
    other_tab.goto("/calling/person")
    settle(other_tab)
    tap(other_tab, "Busy")
    other_tab.get_by_text("Recorded: Busy.").wait_for()
    tap(page, "It's them")
    told = page.locator("#host-word")
    expect(told).to_contain_text("wasn't saved. This call is already recorded.")


# Each of the first three alone stopped every outcome. All browsers that Phonebank supports have
# fetch; without it, the browser sends the form.
OLD = {
    "Safari before 16": "delete AbortSignal.timeout;",
    "Safari before 16.4": """
        const F = window.FormData;
        window.FormData = class extends F { constructor(form) { super(form); } };""",
    "Safari before 15.4": """Object.defineProperty(SubmitEvent.prototype, "submitter", {
        get() { return undefined; } });""",
    "Chrome 80": """for (const lacking of ["replaceChildren"]) delete Element.prototype[lacking];
        delete Array.prototype.at; delete String.prototype.replaceAll;
        for (const name of ["matches", "closest", "querySelector", "querySelectorAll"]) {
          for (const proto of [Element.prototype, Document.prototype]) {
            const real = proto[name];
            if (real) proto[name] = function (words) {
              if (/:has|:(not|is|where)\\([^)]*,/.test(words)) throw new SyntaxError(words);
              return real.call(this, words);
            };
          }
        }""",
    "no fetch": "delete window.fetch;",
    "no storage": """for (const name of ["sessionStorage", "localStorage"])
        Object.defineProperty(window, name, {
          get() { throw new DOMException("", "SecurityError"); } });""",
}


@pytest.mark.parametrize("browser_is", OLD)
def test_a_call_is_recorded_in_an_old_browser(
    party: Party, new_page: NewPage, browser_is: str
) -> None:
    page = new_page()
    page.add_init_script(OLD[browser_is])
    join_as_kit(page, party)
    ask_for_person(page)
    call = open_call(party)
    tap(page, "It's them")
    tap(page, "Happy to talk")
    page.get_by_role("button", name="5", exact=True).click()
    wait_until(lambda: _answers(call).get("rating_before") == 5)
    settle(page)
    end_early(page, "We talked")
    page.get_by_text("Recorded: We talked.").wait_for()
    settle(page)
    tap(page, "No answer")
    page.get_by_text("Recorded: No answer.").wait_for()
    assert recorded_outcomes(party) == ["talked", "no_answer"]


@pytest.mark.timing
def test_joining_and_the_lobby_keep_asking_after_a_foreign_answer(
    party: Party, new_page: NewPage
) -> None:
    party.door_open = False
    db.session.commit()
    page = new_page()
    cut_websockets(page)
    page.goto(f"/join/{party.code}")
    answer_instead(page, f"**/join/{party.code}", 404)
    page.get_by_label("Your first name").fill("Kit")
    page.get_by_role("button", name="Join").click()
    page.locator("[data-line-down]", has_text="Perhaps this Wi-Fi wants you to log in").wait_for()
    page.wait_for_url("**/calling")
    db.session.expire_all()
    assert [caller.state for caller in db.session.query(Caller)] == [CallerState.WAITING]
    # The page asks by itself, and something else answers first.
    answer_instead(page, "**/calling", 200)
    with page.expect_response("**/calling", timeout=15_000):
        expect(page.locator("[data-line-down]")).to_contain_text("Live updates don't get through")
    admit_all(party)
    db.session.commit()
    expect(page.get_by_role("button", name="Give me someone to call")).to_be_visible(timeout=15_000)
    db.session.expire_all()
    assert [caller.state for caller in db.session.query(Caller)] == [CallerState.ADMITTED]


def test_a_form_with_a_wrong_name_says_so_in_its_place(party: Party, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"/join/{party.code}")
    page.get_by_label("Your first name").fill("f.u.c.k")
    page.get_by_role("button", name="Join").click()
    page.get_by_text("We can't show that name on the board.").first.wait_for()
    page.get_by_label("Your first name").fill("Analía")
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/calling")
