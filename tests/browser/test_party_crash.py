"""Tests a party while a web process and Redis are killed: on three callers' phones, on the host's
phone and on the television, each a separate browser."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from phonebank.app import alembic, create_app
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.models import Account, Call, Caller, Party
from phonebank.tallies import reconcile
from scripts_library.library import source_of
from tests.browser.conftest import PATIENCE
from tests.crash.site import Site
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)
from tests.signing_in import session_cookie, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.crash, pytest.mark.pages, pytest.mark.timing]

PHONE, TELEVISION = (390, 844), (1920, 1080)
# Milliseconds. The page ignores a tap sooner after a new person came, as a slip of the finger.
READS_THE_NAME = 800
SLOWEST = 40_000  # milliseconds, on a machine busy with other tests
# Seconds. What a host does shows within one second; the rest is for a machine busy with other
# tests.
OUT_WITHIN = 3.0
NAMES = ("Ada", "Kit", "Priya")
FIGURES = ("conversations", "goal", "to_go", "calls", "answered", "last_ten", "active")


@dataclass
class Phone:
    """A caller's phone, and every outcome tapped on it, by the call's id."""

    page: Page
    tapped: dict[str, str] = field(default_factory=dict)

    def holds(self) -> str:
        """The id of the call on the screen."""
        return self.page.locator("[data-call]").get_attribute("data-call") or ""

    def tap(self, outcome: str) -> None:
        """Press an outcome's button."""
        self.page.wait_for_timeout(READS_THE_NAME)
        self.tapped[self.holds()] = outcome
        button = self.page.locator(".call-bar").locator(f"button[name=outcome][value={outcome}]")
        if not button.first.is_visible():
            self.page.locator("[data-more] > summary").click()
        button.first.click()

    def talk(self) -> None:
        """Answer the script's questions as far as the main one, and save."""
        for label in ("It's them", "Happy to talk", "5"):
            step = self.page.locator("[data-step]:not([hidden])")
            step.get_by_role("button").filter(has_text=label).first.click()
        self.page.wait_for_timeout(READS_THE_NAME)
        self.tapped[self.holds()] = "talked"
        self.page.locator("[data-more] > summary").click()
        self.page.locator(".sheet button[value=talked]").click()

    def wait_for_next(self) -> None:
        """Wait for a person about whom nothing has been tapped yet."""
        taken = "".join(f":not([data-call='{call}'])" for call in self.tapped)
        expect(self.page.locator(f"[data-call]{taken}")).to_be_visible()


@dataclass
class Evening:
    """The site, an app of this process on its stores, and all browsers."""

    site: Site
    app: Flask
    party_id: int
    phones: dict[str, Phone]
    television: Page
    host: Page


@pytest.fixture(scope="module")
def site(servers_dir: Path) -> Iterator[Site]:
    # The folder is not in pytest's own: pytest's next run closes that to the user that PostgreSQL
    # runs as.
    folder = servers_dir / "site-of-a-party"
    folder.mkdir()
    site = Site(folder)
    yield site
    site.stop()


@pytest.fixture
def evening(site: Site, browser: Browser) -> Iterator[Evening]:
    expect.set_options(timeout=SLOWEST)
    app = create_app(Config.from_environment(site.environment))
    with app.app_context():
        alembic.upgrade()
        party, host = set_up()
        party_id, code, token = party.id, party.code, party.board_token
        session = signed_in(host)
        cookie = session_cookie(app, session)
    site.start_parts()
    url = f"http://127.0.0.1:{site.port}"
    contexts = []

    def open_page(size: tuple[int, int]) -> Page:
        context = browser.new_context(base_url=url, viewport={"width": size[0], "height": size[1]})
        context.set_default_timeout(SLOWEST)
        contexts.append(context)
        return context.new_page()

    television, host_page = open_page(TELEVISION), open_page(PHONE)
    television.goto(f"/board/{token}")
    television.evaluate("window.loadedOnce = true")
    host_page.context.add_cookies([{"name": "session", "value": cookie, "url": url}])
    host_page.goto(f"/parties/{party_id}")
    phones = {name: Phone(open_page(PHONE)) for name in NAMES}
    for name, phone in phones.items():
        phone.page.goto(f"/join/{code}")
        phone.page.get_by_label("Your first name").fill(name)
        phone.page.get_by_role("button", name="Join").click()
        phone.page.get_by_role("button", name="Give me someone to call").click()
        phone.wait_for_next()
    yield Evening(site, app, party_id, phones, television, host_page)
    for context in contexts:
        # pytest shows this if the test failed.
        print(f"--- {context.pages[0].url}\n{context.pages[0].locator('body').inner_text()[:1500]}")
        context.close()
    print((site.folder / "web.log").read_text()[-3000:])
    with app.app_context():
        db.engine.dispose()
    expect.set_options(timeout=PATIENCE)


def set_up() -> tuple[Party, Account]:
    """A party with its door open, and people to call. Commits."""
    campaign = create_campaign(merge_values={"candidate": "Jo Marsh"})
    create_script(campaign, source_of("persuasive-conversation", "en"))
    contacts = create_list(campaign)
    for _ in range(60):
        create_contact(contacts, fields={"town": "Leeds"})
    host = create_account("host")
    party = create_party(campaign, host, door_open=True, goal=5)
    db.session.commit()
    return party, host


@pytest.mark.timeout(300)
def test_a_party_survives_the_death_of_a_web_process_and_of_redis(evening: Evening) -> None:
    tap_on_every_phone(evening, "no_answer")
    wait_for_next_people(evening)
    expect_calls_shown(evening, 3)

    # When one of the two web processes dies, no one notices for long.
    evening.site.kill("web worker")
    evening.phones["Ada"].talk()
    evening.phones["Kit"].tap("busy")
    evening.phones["Priya"].tap("no_answer")
    wait_for_next_people(evening)
    expect_calls_shown(evening, 6)

    evening.site.kill("redis", meanwhile=lambda: call_without_redis(evening))
    wait_for_next_people(evening)
    evening.site.kill("web", meanwhile=lambda: call_without_server(evening))
    evening.site.wait_for_web()
    wait_for_next_people(evening)
    expect_calls_shown(evening, 12)
    for page in (evening.television, evening.host):
        expect(page.locator("[data-line-down]")).to_be_empty()
    assert evening.television.evaluate("window.loadedOnce"), "it caught up by itself"
    assert_pages_equal_calls(evening)
    remove_in_every_tab(evening, "Priya")
    assert_pages_equal_calls(evening)


def tap_on_every_phone(evening: Evening, outcome: str) -> None:
    for phone in evening.phones.values():
        phone.tap(outcome)


def wait_for_next_people(evening: Evening) -> None:
    for phone in evening.phones.values():
        phone.wait_for_next()


def expect_on_every_phone(evening: Evening, words: str) -> None:
    for phone in evening.phones.values():
        expect(phone.page.locator("[data-line-down]")).to_contain_text(words)


def expect_calls_shown(evening: Evening, number: int) -> None:
    expect(evening.television.locator("[data-figure=calls]")).to_have_text(str(number))
    expect(evening.host.locator("#figure-calls")).to_have_text(str(number))


def call_without_redis(evening: Evening) -> None:
    """What is tapped is recorded and shown at once; the next person comes when Redis is back."""
    tap_on_every_phone(evening, "no_answer")
    expect_on_every_phone(evening, "be back in a moment")
    expect_calls_shown(evening, 9)


def call_without_server(evening: Evening) -> None:
    """The phones keep what is tapped, and the boards say that they are out of date."""
    tap_on_every_phone(evening, "busy")
    expect_on_every_phone(evening, "is saved on this phone")
    for page in (evening.television, evening.host):
        expect(page.locator("[data-line-down]")).to_contain_text("down since")
    expect_calls_shown(evening, 9)


def assert_pages_equal_calls(evening: Evening) -> None:
    """Assert every figure on the television and on the host's phone, from the calls themselves."""
    with evening.app.app_context():
        calls = db.session.scalars(select(Call).where(Call.counted)).all()
        kept = {str(call.id): call.outcome for call in calls}
        tapped = [phone.tapped for phone in evening.phones.values()]
        assert kept == {call: outcome for taps in tapped for call, outcome in taps.items()}
        assert len({call.contact_id for call in calls}) == len(calls), "no one was called twice"
        assert reconcile.differences() == []
        reached = sum(call.reached for call in calls)
        conversations = sum(call.conversation for call in calls)
        inside = [caller for caller in db.session.scalars(select(Caller)) if caller.may_call]
        shares = {
            caller.first_name: (
                sum(call.conversation for call in calls if call.caller_id == caller.id),
                sum(call.caller_id == caller.id for call in calls),
            )
            for caller in inside
        }
        shown = {
            "conversations": str(conversations),
            "goal": "5",
            "to_go": f"{5 - conversations} to go",
            "calls": str(len(calls)),
            "answered": f"{round(100 * reached / len(calls))}%",
            "last_ten": str(len(calls)),
            "active": str(len(inside)),
        }
    for name, words in shown.items():
        expect(evening.television.locator(f"[data-figure={name}]")).to_have_text(words)
        if name in ("conversations", "calls", "answered", "active"):
            expect(evening.host.locator(f"#figure-{name}")).to_have_text(words)
    people = evening.host.locator("#people .guests > li")
    expect(people).to_have_count(len(shares))
    for name, (talks, number) in shares.items():
        share = f"{talks} conversation{'' if talks == 1 else 's'}, {number} calls"
        expect(people.filter(has_text=name).locator(".guest-share")).to_have_text(share)


def remove_in_every_tab(evening: Evening, name: str) -> None:
    """Remove a caller who has the call open in two tabs."""
    phone = evening.phones[name]
    tabs = [phone.page, phone.page.context.new_page()]
    tabs[1].goto("/calling/person")
    person = evening.host.locator(".guests > li", has_text=name)
    person.locator("summary").last.click()
    person.get_by_role("button", name="Remove").click()
    began = time.monotonic()
    for tab in tabs:
        expect(tab.get_by_text("an organiser has removed you").first).to_be_visible()
        expect(tab.locator("a.dial")).to_have_count(0)
    seconds = time.monotonic() - began
    print(f"out after {seconds:.2f} s")
    assert seconds < OUT_WITHIN
    for tab in tabs:
        tab.goto("/calling/person")
        expect(tab.locator("a.dial")).to_have_count(0)
