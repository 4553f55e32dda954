"""Tests every page in a real browser: it has no accessibility fault in light or dark colours, is no
wider than the screen, has buttons for thumbs where a phone shows it, logs no error to the console,
and breaks no content security policy.

With SCREENSHOTS=folder in the environment the test also saves a picture of each page at five
widths, in light and dark colours.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from phonebank.site.guides import GUIDES
from tests.browser.conftest import Server
from tests.browser.looking import (
    LAPTOP,
    PHONE,
    RULES_OF_LAYOUT,
    SMALL,
    TABLET,
    TAGS,
    TELEVISION,
    Size,
    accessibility_faults,
    overflow,
    resize,
    small_targets,
)
from tests.conftest import empty_stores
from tests.whole_evening import ADDRESSES, Evening, begin_evening, cookie_of, endpoints

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Only a dozen folded parts are opened: on a page with more, the rest are of the same kinds.
OPEN_FOLDED = (
    "[...document.querySelectorAll('details')].slice(0, 12).forEach(part => { part.open = true; })"
)
LEFT_OUT = {
    "static": "files of the release",
    "accounts.signed_in": "leads on, and shows nothing",
    "callers.person_qr": "a picture on callers.person",
    "callers.phone": "leads on without a telephone service: see test_phone_line",
    "callers.phone_state_now": "an answer for the page's JavaScript",
    "api.contact": "an answer for software",
    "api.contacts": "an answer for software",
    "api.openapi": "an answer for software",
    "api.outcomes": "an answer for software",
    "board.picture": "a picture on board.show after the end",
    "evening.picture": "a picture on evening.show",
    "exports.file": "a file",
    "exports.definitions": "a file",
    "exports.do_not_call": "a file",
    "guest.calendar": "a file",
    "machine_calls.file": "a file",
    "health.alive": "an answer for load balancers",
    "health.ready": "an answer for load balancers",
    "lists.refused": "a file",
    "parties.calendar": "a file",
    "parties.callers_file": "a file",
    "parties.shares": "figures on parties.run",
    "records.audit_csv": "a file",
    "records.ledger_csv": "a file",
    "records.whole_audit_csv": "a file",
    "scripts.download": "a file",
}


CALLERS = ("Sam", "Newcomer", "Waiting", "Idle")
# Pages that many people open once, on whatever they have. All rules apply to them at four sizes.
OF_MOVEMENT = re.compile(
    r"/(near|guest|hall|volunteer|training|trained|call-out)\b"
    r"|/parties/(new|\d+/(guests|kit|training))\b|/campaigns/\d+/(events|call-outs)\b"
)
SIZES_OF_MOVEMENT = (SMALL, PHONE, LAPTOP, TELEVISION)


@dataclass(frozen=True)
class Visit:
    """A page as a visitor sees it. `act` leads from the address to the page.

    `endpoint` is "" for a second state of a page. `refused` is for pages that are errors.
    """

    who: str
    endpoint: str
    name: str = ""
    address: Callable[[Evening], str] | None = None
    act: Callable[[Page], Any] | None = None
    refused: bool = False

    def __str__(self) -> str:
        return f"{self.who}-{self.name or self.endpoint}".replace(" ", "-")

    def at_home(self) -> Size:
        """The size of the screen that the page is made for."""
        if self.endpoint in ("board.show", "movement.projector"):
            return TELEVISION
        return PHONE if self.who in CALLERS or self.who in ("host", "volunteer") else LAPTOP

    def is_of_movement(self, evening: Evening) -> bool:
        """Whether strangers, guests, hosts of listings or people in a hall use the page."""
        return bool(OF_MOVEMENT.match(self.address_in(evening)))

    def address_in(self, evening: Evening) -> str:
        return (self.address or ADDRESSES[self.endpoint])(evening)


def press(name: str) -> Callable[[Page], None]:
    """An act that presses a button, without the browser's own checks of empty fields."""

    def act(page: Page) -> None:
        page.evaluate("for (const form of document.forms) form.noValidate = true")
        page.get_by_role("button", name=name).first.click()

    return act


def walk(*names: str) -> Callable[[Page], None]:
    """An act that presses these buttons of the call page one after another."""

    def act(page: Page) -> None:
        for name in names:
            page.locator("[data-step]:not([hidden])").get_by_role("button", name=name).click()

    return act


def find_person(page: Page) -> None:
    page.locator("input[name=number]").fill("020 7946 0998")
    page.get_by_role("button", name="Find them").click()


def refuse_in_hall(page: Page) -> None:
    """Send an empty form. Its module asks the server first, and then sends the form itself."""
    page.get_by_role("button", name="Sign in").click()
    page.locator(".error-summary").wait_for()


def look_up(page: Page) -> None:
    page.locator("input[name=number]").fill("020 7946 0999")
    page.locator("form", has=page.locator("input[name=number]")).get_by_role("button").click()


def make_token(page: Page) -> None:
    page.get_by_label("What is the token for?").fill("Our membership database")
    page.get_by_label("Read people").check()
    page.get_by_role("button", name="Make the token").click()


def refuse_a_role(page: Page) -> None:
    page.get_by_label("Host: runs").check()
    page.get_by_label("Where").select_option("everywhere")
    page.get_by_role("button", name="Give this role").click()


def _person(who: str) -> Callable[[Evening], str]:
    return lambda evening: f"/people/{evening.accounts[who]}"


def search_nowhere(page: Page) -> None:
    page.get_by_label("Your postcode or town").fill("nowhere at all")
    page.get_by_role("button", name="Search").click()


def send_back_without_reason(page: Page) -> None:
    page.get_by_text("Send it back to the host").first.click()
    page.get_by_role("button", name="Send it back").first.click()
    page.locator(".field-error").wait_for()


def find_everyone(page: Page) -> None:
    page.get_by_label("Phone number, name or ID").fill("okonkwo")
    page.get_by_role("button", name="Find").click()


def _in(rest: str) -> Callable[[Evening], str]:
    return lambda evening: f"/campaigns/{evening.campaign_id}{rest}"


def _guide(name: str) -> Callable[[Evening], str]:
    return lambda evening: f"/help/{name}"


def _list(name: str) -> Callable[[Evening], str]:
    return lambda evening: f"/campaigns/{evening.campaign_id}/lists/{evening.lists[name]}"


VISITS = (
    # Anyone.
    Visit("stranger", "accounts.front"),
    Visit("stranger", "accounts.sign_in"),
    Visit("stranger", "", "sign-in-refused", lambda e: "/sign-in", press("link"), refused=True),
    Visit("stranger", "accounts.link_sent"),
    Visit("stranger", "accounts.use_link", address=lambda e: e.links["host"]),
    Visit("stranger", "", "link-over", ADDRESSES["accounts.use_link"], refused=True),
    Visit("stranger", "help.show"),
    *(Visit("stranger", "", name, _guide(name)) for name in GUIDES),
    Visit("stranger", "callers.guide"),
    Visit("stranger", "callers.join"),
    Visit("stranger", "", "join-refused", ADDRESSES["callers.join"], press("Join"), refused=True),
    Visit("stranger", "callers.join_by_code"),
    Visit("stranger", "callers.join_campaign"),
    Visit("stranger", "", "wrong-code", lambda e: "/join/XXXXXX", refused=True),
    Visit("stranger", "", "no-such-page", lambda e: "/nowhere", refused=True),
    Visit("stranger", "", "not-joined", lambda e: "/calling", refused=True),
    Visit("stranger", "board.show"),
    Visit("stranger", "evening.show"),
    Visit("stranger", "", "board-over", lambda e: "/board/guessed", refused=True),
    Visit("stranger", "near.front"),
    Visit("stranger", "", "near-not-found", lambda e: "/near", search_nowhere, refused=True),
    Visit("stranger", "near.in_country"),
    Visit("stranger", "near.at_place"),
    Visit("stranger", "", "nothing-near", lambda e: "/near/gb/M1"),
    Visit("stranger", "near.event"),
    Visit("stranger", "", "ask-refused", ADDRESSES["near.event"], press("Ask"), refused=True),
    Visit("stranger", "near.report"),
    Visit("stranger", "near.offer"),
    Visit("stranger", "", "offer-refused", ADDRESSES["near.offer"], press("host"), refused=True),
    Visit("stranger", "near.show_offer"),
    Visit("stranger", "near.tell_me"),
    Visit("stranger", "near.ask_if_right"),
    Visit("stranger", "guest.show"),
    # Between the link and the second factor.
    Visit("second factor", "accounts.two_factor_token_validation"),
    Visit("second factor", "accounts.mf_recovery"),
    # Callers.
    Visit("Waiting", "", "lobby", ADDRESSES["callers.calling"]),
    Visit("Newcomer", "callers.calling"),
    Visit("Newcomer", "callers.practice"),
    Visit("Newcomer", "", "practised", lambda e: "/calling/practice", press("No answer")),
    Visit("Idle", "callers.wait"),
    Visit("Idle", "", "back-again", ADDRESSES["callers.calling"]),
    Visit("Sam", "callers.mine"),
    Visit("Sam", "callers.called_back"),
    Visit("Sam", "callers.told"),
    Visit("Sam", "callers.person"),
    Visit("Sam", "", "talking", ADDRESSES["callers.person"], walk("It's them", "Happy to talk")),
    Visit("Sam", "", "conversation", ADDRESSES["callers.person"], walk("5")),
    Visit("Sam", "", "join-known", ADDRESSES["callers.join"]),
    Visit("Sam", "", "not-for-callers", ADDRESSES["campaigns.index"]),
    # Volunteers.
    Visit("volunteer", "movement.mine"),
    Visit("volunteer", "movement.run_training"),
    Visit("stranger", "movement.training_code"),
    Visit("stranger", "movement.training_room"),
    Visit(
        "stranger",
        "",
        "training-name-refused",
        ADDRESSES["movement.training_room"],
        press("Practise now"),
        refused=True,
    ),
    Visit("volunteer", "movement.event_checks"),
    Visit(
        "volunteer",
        "",
        "check-refused",
        ADDRESSES["movement.event_checks"],
        send_back_without_reason,
        refused=True,
    ),
    Visit("stranger", "movement.sign_in"),
    Visit(
        "stranger", "", "no-volunteer", ADDRESSES["movement.sign_in"], press("link"), refused=True
    ),
    Visit("stranger", "movement.link_sent"),
    Visit("stranger", "movement.open_link"),
    # A call-out.
    Visit("stranger", "movement.hall"),
    Visit("stranger", "movement.hall_sign_up"),
    Visit(
        "stranger",
        "",
        "hall-refused",
        ADDRESSES["movement.hall_sign_up"],
        refuse_in_hall,
        refused=True,
    ),
    Visit("volunteer", "movement.hall_next"),
    Visit("volunteer", "movement.hall_host"),
    Visit("volunteer", "movement.hall_parties"),
    Visit("stranger", "movement.projector"),
    Visit("volunteer", "movement.remote"),
    Visit("stranger", "movement.sheet"),
    Visit("stranger", "movement.certificate"),
    # Hosts.
    Visit("host", "parties.mine"),
    Visit("host", "parties.new"),
    Visit("host", "parties.run"),
    Visit("host", "parties.training"),
    Visit("host", "parties.guest_list"),
    Visit("host", "parties.kit"),
    Visit("host", "parties.summary"),
    Visit("host", "", "party-over", lambda e: f"/parties/{e.ended_party_id}"),
    Visit("host", "", "not-for-hosts", ADDRESSES["campaigns.index"], refused=True),
    Visit("other host", "", "no-party-yet", ADDRESSES["parties.mine"]),
    Visit("other host", "", "nothing-to-host", ADDRESSES["parties.new"]),
    # Organisers.
    Visit("organiser", "accounts.account"),
    Visit("organiser", "accounts.two_factor_setup"),
    Visit("organiser with app", "accounts.mf_recovery_codes"),
    Visit("organiser", "campaigns.index"),
    Visit("organiser", "campaigns.new"),
    Visit("organiser", "", "campaign-refused", ADDRESSES["campaigns.new"], press("Set up")),
    Visit("organiser", "call_outs.index"),
    Visit("organiser", "call_outs.new"),
    Visit("organiser", "call_outs.paper"),
    Visit("organiser", "call_outs.show"),
    Visit("organiser", "campaigns.show"),
    Visit("organiser", "", "draft", lambda e: f"/campaigns/{e.draft_campaign_id}"),
    Visit("organiser", "campaign_parties.index"),
    Visit("organiser", "campaign_settings.index"),
    Visit("organiser", "campaigns.data_protection"),
    Visit("organiser", "privacy.show"),
    Visit("organiser", "", "one-person-found", ADDRESSES["privacy.show"], find_person),
    Visit("organiser", "records.ledger"),
    Visit("organiser", "records.audit"),
    Visit("organiser", "records.whole_audit"),
    Visit("organiser", "campaigns.edit"),
    Visit("organiser", "campaigns.hours"),
    Visit("organiser", "answer_order.show"),
    Visit("organiser", "answers.show"),
    Visit("organiser", "", "no-answers", lambda e: f"/campaigns/{e.draft_campaign_id}/answers"),
    Visit("organiser", "queue.standing"),
    Visit("organiser", "exports.index"),
    Visit("organiser", "connections.index"),
    Visit("organiser", "webhooks.index"),
    Visit(
        "organiser", "", "webhook-refused", ADDRESSES["webhooks.index"], press("Make"), refused=True
    ),
    Visit("organiser", "webhooks.show"),
    Visit("organiser", "", "new-token", ADDRESSES["connections.index"], make_token),
    Visit("organiser", "retry_rules.edit"),
    Visit("organiser", "machine_calls.day"),
    Visit("organiser", "machine_calls.simulate"),
    Visit("organiser", "told_changes.index"),
    Visit("organiser", "listings.index"),
    Visit("organiser", "listings.new"),
    Visit("organiser", "listings.volunteer_roles"),
    Visit(
        "organiser",
        "",
        "role-not-named",
        ADDRESSES["listings.volunteer_roles"],
        press("link"),
        refused=True,
    ),
    Visit("organiser", "inbox.index"),
    Visit("organiser", "inbox.show"),
    Visit("organiser", "roster.index"),
    Visit("organiser", "roster.show"),
    Visit("organiser", "history.show"),
    Visit("organiser", "pace.edit"),
    Visit("organiser", "telephone.edit"),
    Visit("organiser", "set_aside.look"),
    Visit("organiser", "set_aside.look_back"),
    Visit("organiser", "find.show"),
    Visit("organiser", "", "found", ADDRESSES["find.show"], find_everyone),
    Visit("organiser", "", "search-refused", ADDRESSES["find.show"], press("Find"), refused=True),
    Visit("organiser", "person.show"),
    Visit("organiser", "correct.form"),
    Visit("organiser", "correct.calls"),
    Visit("organiser", "lists.history"),
    Visit("organiser", "", "no-lists", lambda e: f"/campaigns/{e.draft_campaign_id}/lists"),
    Visit("organiser", "lists.new"),
    Visit("organiser", "", "upload-refused", ADDRESSES["lists.new"], press("Upload"), refused=True),
    Visit("organiser", "lists.columns"),
    Visit("organiser", "lists.progress"),
    Visit("organiser", "take_out.new"),
    Visit("organiser", "take_out.columns"),
    Visit("organiser", "tonight.index"),
    Visit("organiser", "", "importing", _list("importing")),
    Visit("organiser", "", "import-failed", _list("failed")),
    Visit("organiser", "", "import-undone", _list("undone")),
    Visit("organiser", "scripts.index"),
    Visit("organiser", "scripts.read_ready_made"),
    Visit("organiser", "scripts.show"),
    Visit("organiser", "scripts.choose"),
    Visit("organiser", "scripts.as_text"),
    Visit("organiser", "scripts.publish"),
    Visit("organiser", "scripts.versions"),
    Visit("organiser", "scripts.read_version"),
    Visit("organiser", "script_editor.edit"),
    Visit(
        "organiser",
        "",
        "blank-script",
        lambda e: f"/campaigns/{e.campaign_id}/scripts/{e.unpublished_script_id}",
    ),
    Visit("organiser", "experiments.index"),
    Visit("organiser", "experiments.new"),
    Visit(
        "organiser",
        "",
        "experiment-refused",
        ADDRESSES["experiments.new"],
        press("Set it up"),
        refused=True,
    ),
    Visit("organiser", "experiments.show"),
    Visit("organiser", "suppressions.show"),
    Visit("organiser", "", "looked-up", ADDRESSES["suppressions.show"], look_up),
    Visit("organiser", "suppression_files.show"),
    Visit("organiser", "people.everybody"),
    Visit("organiser", "people.person"),
    Visit("organiser", "", "person-with-roles", _person("chapter organiser")),
    Visit("organiser", "", "role-refused", _person("viewer"), refuse_a_role, refused=True),
    Visit("organiser", "people.invite"),
    Visit("organiser", "chapters.index"),
    Visit("organiser", "chapters.show"),
    Visit(
        "organiser", "", "chapter-refused", ADDRESSES["chapters.index"], press("Make"), refused=True
    ),
    Visit("chapter organiser", "", "own-campaigns", ADDRESSES["campaigns.index"]),
    Visit("chapter organiser", "", "own-new", ADDRESSES["campaigns.new"]),
    Visit("chapter organiser", "", "own-draft", lambda e: f"/campaigns/{e.draft_campaign_id}"),
    Visit("chapter organiser", "", "others", lambda e: f"/campaigns/{e.campaign_id}", refused=True),
    Visit("viewer", "", "figures", ADDRESSES["campaigns.show"]),
    Visit("viewer", "", "figures-status", ADDRESSES["queue.standing"]),
    Visit("viewer", "", "not-for-viewers", ADDRESSES["lists.history"], refused=True),
    Visit("organiser", "", "no-such-campaign", lambda e: "/campaigns/99", refused=True),
)


# The visitors ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evening(app: Flask, web_server: Server) -> Evening:
    """One evening for all pages, because looking at a page changes almost nothing."""
    empty_stores(app)
    with app.app_context():
        return begin_evening({"phone": "+442079460998"})


@pytest.fixture(scope="module")
def visitors(
    app: Flask, browser: Browser, web_server: Server, evening: Evening
) -> Iterator[Callable[[str], Page]]:
    """A function that returns the page of each visitor, in a separate browser."""
    pages: dict[str, Page] = {}

    def page_of(who: str) -> Page:
        if who not in pages:
            context = browser.new_context(base_url=web_server.url, reduced_motion="reduce")
            if who in evening.cookies:
                value = cookie_of(app, evening.cookies[who])
                context.add_cookies([{"name": "session", "value": value, "url": web_server.url}])
            pages[who] = context.new_page()
            if who == "second factor":
                pages[who].goto(evening.links["organiser with app"])
                pages[who].get_by_role("button", name="Sign in").click()
        return pages[who]

    yield page_of
    for page in pages.values():
        page.context.close()


@pytest.fixture(scope="module")
def followed() -> dict[str, set[str]]:
    """The links that each visitor has followed."""
    return {}


def errors_of(page: Page) -> list[str]:
    """A list that fills with the errors in the page's console from now on."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(f"console: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    return said


# The checks -----------------------------------------------------------------------------------


def dead_links(page: Page, followed: set[str]) -> list[str]:
    """Links of the page to pages of ours that do not exist, except those followed already."""
    addresses = page.evaluate(
        """() => [...document.querySelectorAll("a[href]")]
          .filter((link) => link.origin === location.origin && link.getAttribute("href")[0] !== "#")
          .map((link) => link.pathname + link.search)"""
    )
    new = set(addresses) - followed
    followed |= new
    answers = {address: page.request.get(address).status for address in sorted(new)}
    return [
        f"a link to {address}: {status}" for address, status in answers.items() if status >= 400
    ]


def faults_of(
    page: Page, said: list[str], at_home: Size = LAPTOP, at_all_sizes: bool = False
) -> list[str]:
    """Everything wrong with the page as it is, with folded parts opened.

    All rules apply at the size that the page is made for, and with `at_all_sizes` at all of
    SIZES_OF_MOVEMENT. The rules of layout apply at another size too, and the rule of contrast in
    dark colours. At no size may anything stick out.
    """
    page.evaluate(OPEN_FOLDED)
    elsewhere = LAPTOP if at_home == PHONE else PHONE
    found = []
    others = [size for size in SIZES_OF_MOVEMENT if size != at_home] if at_all_sizes else []
    for size, kind, rules in (
        *((size, "tag", TAGS) for size in others),
        (elsewhere, "rule", RULES_OF_LAYOUT),
        (at_home, "tag", TAGS),
    ):
        resize(page, size)
        # A bar that stays at the bottom of the window covers things, but people can scroll them
        # away from it. So the window is as high as the page.
        height = page.evaluate("document.documentElement.scrollHeight")
        resize(page, (size[0], max(size[1], height)))
        found += [f"{size[0]} px: {fault}" for fault in accessibility_faults(page, kind, rules)]
    if at_home == PHONE:
        found += [f"too small for a thumb: {target}" for target in small_targets(page)]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {fault}" for fault in accessibility_faults(page, "rule", ["color-contrast"])]
    page.emulate_media(color_scheme="light")
    for size in (SMALL, TABLET, LAPTOP, TELEVISION):
        resize(page, size)
        found += overflow(page)
    return found + said


def photograph(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for colours in ("dark", "light"):
        page.emulate_media(color_scheme=colours)
        for size in (SMALL, PHONE, TABLET, LAPTOP, TELEVISION):
            resize(page, size)
            page.screenshot(path=f"{folder}/{name}-{size[0]}-{colours}.png", full_page=True)


# Tests ---------------------------------------------------------------------------------------


def test_no_page_is_forgotten(app: Flask) -> None:
    visited = {visit.endpoint for visit in VISITS if visit.endpoint}
    assert visited | set(LEFT_OUT) == endpoints(app)
    assert not visited & set(LEFT_OUT)


@pytest.mark.pages
@pytest.mark.parametrize("visit", VISITS, ids=str)
def test_page(
    visit: Visit,
    evening: Evening,
    visitors: Callable[[str], Page],
    followed: dict[str, set[str]],
) -> None:
    page = visitors(visit.who)
    resize(page, LAPTOP)
    said = errors_of(page)
    page.goto(visit.address_in(evening))
    if visit.act:
        visit.act(page)
        page.wait_for_load_state()
    photograph(page, str(visit))
    faults = faults_of(page, said, visit.at_home(), visit.is_of_movement(evening))
    faults += dead_links(page, followed.setdefault(visit.who, set()))
    if visit.refused:
        faults = [fault for fault in faults if "Failed to load resource" not in fault]
    assert faults == []


@pytest.mark.pages
def test_the_check_finds_a_page_with_faults(visitors: Callable[[str], Page]) -> None:
    page = visitors("stranger")
    said = errors_of(page)

    def faulty(route: Route) -> None:
        route.fulfill(
            headers={
                "Content-Type": "text/html",
                "Content-Security-Policy": "default-src 'self'",
            },
            body="<!doctype html><html><title>Faulty</title><main><h1>Faulty</h1>"
            "<p style='color:#ccc'>pale</p><a href='/nowhere'>Dead</a><img src='/nowhere.png'><pre>"
            + "x"
            * 300
            + "</pre>"
            "<details><summary>More</summary><button></button></details></main></html>",
        )

    page.route("**/faulty", faulty)
    page.goto("/faulty")
    faults = "\n".join(faults_of(page, said) + dead_links(page, set()))
    for sign in (
        "image-alt",
        "html-has-lang",
        "button-name",
        "px wide on a screen of 320",
        "Content Security Policy",
        "404",
        "a link to /nowhere: 404",
    ):
        assert sign in faults, sign
