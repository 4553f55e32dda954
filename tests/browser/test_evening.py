"""Tests the first evening as people live it, from an empty database to the exported calls.

Real Chromium runs against the Procfile's processes: two web workers, the worker and the clock. No
one reloads a board. The test writes nothing into the database but the flag that allows drama
numbers, because the people called here have numbers that no one owns, and a call's start, because
a call that is too fast wins no place.
"""

import csv
import io
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Error, Page, Response, expect
from sqlalchemy import select

from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.models import Call, Campaign, Contact, Party, Suppression
from phonebank.tallies import reconcile
from phonebank.tallies.totals import campaign_totals, party_totals
from scripts_library.library import source_of
from tests.browser.conftest import PATIENCE, Server
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)
from tests.processes import Processes, within

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timing]

ROWS = 1000
# A last name that is easy to find on a page where it must not be.
LAST_NAME = "Quillfeather"
PHONE, LAPTOP, TELEVISION = (390, 844), (1280, 800), (1920, 1080)
# Milliseconds. The page ignores a tap sooner after a new person came, as a slip of the finger.
READS_THE_NAME = 800
BYTES_OF_CALL_PAGE, REQUESTS_OF_CALL_PAGE = 60_000, 10


def people_as_csv() -> bytes:
    """1,000 rows, of which one is a duplicate and one has no valid number."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["Membership number", "First Name", "Surname", "Preferred Phone", "Town"])
    for index in range(ROWS - 2):
        number = f"020 7946 0{index:03d}" if index % 2 else f"(0113) 496 0{index:03d}"
        rows.writerow([f"V{index:04d}", f"Voter{index:04d}", LAST_NAME, number, "Leeds"])
    rows.writerow(["V0001", "Voter0001", LAST_NAME, "+44 20 7946 0001", "Leeds"])
    rows.writerow(["V9999", "Nobody", LAST_NAME, "ex-directory", "Leeds"])
    return table.getvalue().encode()


@pytest.fixture
def site(app: Flask, clean_stores: None, config: Config, tmp_path: Path) -> Iterator[Processes]:
    site = Processes(config, tmp_path / "log.txt")
    site.start_web(workers=2)
    site.start_command("worker")
    site.start_command("clock")
    yield site
    site.stop()


@dataclass
class Devices:
    """Browsers, each a separate device, and what went wrong in any of them."""

    browser: Browser
    site: Processes
    pages: list[Page] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open(self, who: str, size: tuple[int, int]) -> Page:
        context = self.browser.new_context(
            base_url=self.site.url,
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        self.pages.append(page)
        page.on("pageerror", lambda error: self.faults.append(f"{who}: {error}"))
        page.on(
            "console",
            lambda said: (
                self.faults.append(f"{who}: {said.text}") if said.type == "error" else None
            ),
        )
        return page


@pytest.fixture
def devices(browser: Browser, site: Processes) -> Iterator[Devices]:
    devices = Devices(browser, site)
    yield devices
    for page in devices.pages:
        # pytest shows this if the test failed.
        print(f"--- {page.url}\n{page.locator('body').inner_text()[:2000]}")
        page.context.close()
    print(f"--- printed\n{site.printed()[-3000:]}")


# What people do ------------------------------------------------------------------------------


def sign_in_by_link(page: Page, printed: Callable[[], str], email: str) -> None:
    """Open the newest link printed for this address, and press its one button."""
    links = re.compile(rf"(?:for {re.escape(email)}: |in:\n)(\S+/sign-in/link/\S+)")
    within(20, lambda: links.search(printed()), f"a link for {email} is printed")
    page.goto(links.findall(printed())[-1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def set_up_campaign(page: Page, app: Flask) -> None:
    page.get_by_role("link", name="Set up a campaign").click()
    page.get_by_label("Name").fill("Riverside by-election")
    page.get_by_label("Who is calling?").fill("Riverside Neighbours")
    page.get_by_label("Country").select_option("United Kingdom")
    page.get_by_label("Message to callers").fill("Listen **more** than you talk.")
    page.get_by_role("button", name="Set up the campaign").click()
    expect(page.get_by_role("link", name="Riverside by-election")).to_be_visible()
    with app.app_context():
        db.session.scalars(select(Campaign)).one().allow_drama_numbers = True
        db.session.commit()


def upload(page: Page) -> None:
    """Upload a file, map its columns, and watch the progress page to its end."""
    page.get_by_role("link", name="Upload the people to call").click()
    page.get_by_label("The file").set_input_files(
        {"name": "ward.csv", "mimeType": "text/csv", "buffer": people_as_csv()}
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="What is in each column?")).to_be_visible()
    expect(page.get_by_label("Surname")).to_have_value("last_name")
    expect(page.get_by_label("Preferred Phone")).to_have_value("phone")
    page.get_by_role("button", name="Check and import").click()
    page.wait_for_url(re.compile(r"/lists/\d+$"))
    reload_while_importing(page)
    for label, number in (("Stored", ROWS - 2), ("Duplicates", 1), ("Refused", 1)):
        value = page.locator(".stat", has_text=label).locator(".stat-value")
        expect(value).to_have_text(f"{number:,}")
    expect(page.locator("table")).to_contain_text("ex-directory")


def reload_while_importing(page: Page) -> None:
    """Reload the progress page. The page may reload itself at the same time: the import ended."""
    try:
        page.reload()
    except Error as error:
        if not re.search("ERR_ABORTED|interrupted by another navigation", error.message):
            raise
        page.wait_for_load_state()


def choose_script(page: Page) -> None:
    card = page.locator("article", has_text="Persuasive conversation before")
    card.get_by_role("button", name="Add to this campaign").click()
    page.get_by_label("Candidate").fill("Jo Marsh")
    page.get_by_role("button", name="Save these").click()
    expect(page.locator(".flashes")).to_contain_text("Saved.")


def make_party(page: Page) -> str:
    """Make a party as the host, and return its code as the page shows it."""
    page.get_by_role("link", name="New party").first.click()
    page.get_by_label("Title").fill("Kitchen table")
    page.get_by_label("Goal").fill("4")
    page.get_by_role("button", name="Create the party").click()
    code = page.locator(".invite-code")
    expect(code).to_be_visible()
    return "".join(code.locator("[aria-hidden]").all_inner_texts())


def join(page: Page, name: str, code: str = "") -> None:
    """Fill in the joining page, and wait at the door."""
    if code:
        page.get_by_label("Party code").fill(f"{code[:3]} {code[3:]}".lower())
    page.get_by_label("Your first name").fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text(f"Hello, {name}.")).to_be_visible()


def begin(page: Page) -> None:
    page.get_by_role("button", name="Give me someone to call").click()
    expect(page.locator("a.dial")).to_be_visible()


def call_id(page: Page) -> str:
    return page.locator("[data-call]").get_attribute("data-call") or ""


def end_with(page: Page, outcome: str) -> None:
    """Press an outcome's button, and see that it is recorded and the next person comes."""
    before = call_id(page)
    page.wait_for_timeout(READS_THE_NAME)
    button = page.locator(".call-bar").get_by_role("button", name=outcome, exact=True)
    if not button.is_visible():
        page.locator("[data-more] > summary").click()
        expect(page.locator(".sheet")).to_be_visible()
        button = page.locator(".sheet button", has_text=outcome).first
        if not button.is_visible():
            page.locator("summary", has_text="Call back").click()
    button.click()
    expect(page.locator(f"[data-call]:not([data-call='{before}'])")).to_be_visible()


def lengthen_call(app: Flask, page: Page) -> None:
    """Start the call half a minute earlier, because a call that is too fast wins no place."""
    with app.app_context():
        db.session.get_one(Call, uuid.UUID(call_id(page))).started_at -= timedelta(seconds=30)
        db.session.commit()


def answer(page: Page, *labels: str) -> None:
    """Press these answers one after the other, each at its own step."""
    for label in labels:
        buttons = page.locator("#now, .call-bar")
        buttons.get_by_role("button", name=re.compile(rf"^\d? ?{re.escape(label)}$")).click()


# The evening ---------------------------------------------------------------------------------


@dataclass
class Board:
    """The television, and how long each call took to show on it, in seconds."""

    page: Page
    seconds: list[float] = field(default_factory=list)

    def figure(self, name: str) -> Any:
        return self.page.locator(f"[data-figure={name}]")

    def shows(self, since: float, **figures: str) -> None:
        for name, value in figures.items():
            expect(self.figure(name)).to_have_text(value)
        self.seconds.append(time.monotonic() - since)


def say_what_happens_to_the_data(ada: Page) -> None:
    ada.get_by_label("Legitimate interests").check()
    ada.get_by_label("The campaign's last day").fill(
        str(datetime.now(UTC).date() + timedelta(days=30))
    )
    ada.get_by_role("button", name="Save").click()


@pytest.mark.timeout(180)
def test_the_first_evening(app: Flask, site: Processes, devices: Devices) -> None:
    # The organiser sets everything up.
    ada = devices.open("organiser", LAPTOP)
    printed = site.run_command("create-organiser", "ada@example.org", "--name", "Ada")
    sign_in_by_link(ada, lambda: printed, "ada@example.org")
    set_up_campaign(ada, app)
    upload(ada)
    ada.get_by_role("link", name="Continue").click()
    choose_script(ada)
    ada.get_by_role("link", name="Continue").click()
    say_what_happens_to_the_data(ada)
    ada.get_by_role("link", name="Continue").click()
    ada.get_by_role("button", name="Start calling").first.click()
    expect(ada.locator(".campaign-bar .badge")).to_have_text("Running")
    ada.get_by_role("link", name="Parties").last.click()
    ada.get_by_label("A host's e-mail address").fill("hari@example.org")
    ada.get_by_role("button", name="Invite to host").click()
    expect(ada.locator("#hosts")).to_contain_text("hari@example.org")

    # The host opens a party, and its board on a television that nobody is signed in on.
    hari = devices.open("host", PHONE)
    sign_in_by_link(hari, site.printed, "hari@example.org")
    code = make_party(hari)
    board_link = hari.get_by_role("link", name="Open the board").get_attribute("href")
    board = Board(devices.open("television", TELEVISION))
    board.page.goto(board_link or "")
    expect(board.figure("calls")).to_have_text("0")
    # A reload would remove this mark.
    board.page.evaluate("window.loadedOnce = true")

    # Sam types the code, Priya follows the link behind the QR; the host lets them in.
    sam, priya = devices.open("Sam", PHONE), devices.open("Priya", PHONE)
    sam.goto("/join")
    join(sam, "Sam", code)
    priya.goto(f"/join/{code}")
    join(priya, "Priya")
    hari.get_by_role("button", name="Let in Sam").click()
    hari.get_by_role("button", name="Let in Priya").click()
    begin(sam)
    begin(priya)
    assert call_id(sam) != call_id(priya)

    # A reload and the back button come back to the same person.
    person = sam.locator("h1").inner_text()
    sam.reload()
    expect(sam.locator("h1")).to_have_text(person)
    sam.get_by_role("link", name="My recent calls").click()
    sam.go_back()
    expect(sam.locator("h1")).to_have_text(person)

    # Ten calls.
    def call(page: Page, outcome: str, **figures: str) -> None:
        since = time.monotonic() + READS_THE_NAME / 1000
        end_with(page, outcome)
        board.shows(since, **figures)

    call(sam, "No answer", calls="1", answered="0%", conversations="0")
    call(priya, "No answer", calls="2")
    answer(sam, "It's them", "Happy to talk", "5")
    lengthen_call(app, sam)
    call(sam, "We talked", calls="3", conversations="1", answered="33%", to_go="3 to go")
    call(priya, "Do not call", calls="4")
    call(sam, "Didn't want to talk", calls="5")
    answer(priya, "It's them", "Happy to talk", "10", "Next", "By post", "Next", "Yes, would help")
    lengthen_call(app, priya)
    call(priya, "We talked", calls="6", conversations="2", answered="67%", to_go="2 to go")
    expect(board.page.locator("[data-feed] li").first).to_have_text("Priya got the first yes")

    # Sam undoes a slip of the finger, and records the real outcome.
    slipped = sam.locator("h1").inner_text()
    call(sam, "No answer", calls="7")
    since = time.monotonic()
    sam.locator(".toast").get_by_role("button", name="Undo").click()
    expect(sam.locator("h1")).to_have_text(slipped)
    board.shows(since, calls="6")
    call(sam, "Voicemail", calls="7")
    call(priya, "Wrong number", calls="8")
    call(sam, "This time tomorrow", calls="9")
    call(priya, "Busy", calls="10", conversations="2", answered="60%")

    expect(board.page.locator("[data-leaders] li")).to_have_text(["1Priya and Sam1"])
    expect(hari.locator("#figure-calls")).to_have_text("10")
    assert board.page.evaluate("window.loadedOnce")
    assert median(board.seconds) < 2, board.seconds
    check_board_equals_database(app, board)
    check_names_nobody_called(site.printed(), board.page.content(), hari.content())

    ada.get_by_role("link", name="Results").click()
    ada.get_by_role("link", name="Download results").click()
    ada.get_by_role("button", name="Make the file").click()
    # The worker makes the file, and the page shows it without a reload.
    with ada.expect_download() as started:
        ada.get_by_role("link", name="Download Calls and answers").click()
    check_file_has_ten_calls(started.value.path())
    assert devices.faults == []


def check_board_equals_database(app: Flask, board: Board) -> None:
    with app.app_context():
        recorded = db.session.scalars(select(Call).where(Call.counted)).all()
        party = db.session.scalars(select(Party)).one()
        totals = party_totals([party.id])[party.id]
        by_hand = (
            len(recorded),
            sum(call.reached for call in recorded),
            sum(call.conversation for call in recorded),
            sum(call.yes for call in recorded),
        )
        assert by_hand == (10, 6, 2, 1)
        for sums in (totals, campaign_totals(party.campaign_id)):
            assert (sums.calls, sums.reached, sums.conversations, sums.yeses) == by_hand
        assert reconcile.differences() == []
        assert board.figure("calls").inner_text() == str(totals.calls)
        assert board.figure("conversations").inner_text() == str(totals.conversations)

        assert len({call.contact_id for call in recorded}) == 10, "no one was called twice"
        never_again = db.session.scalars(select(Suppression.phone)).all()
        asked_not_to = [call.phone for call in recorded if call.outcome == "do_not_call"]
        assert never_again == asked_not_to
        promised = db.session.scalars(select(Contact).where(Contact.callback_at.is_not(None)))
        assert len(promised.all()) == 1


def check_names_nobody_called(*texts: str) -> None:
    for text in texts:
        assert LAST_NAME not in text
        assert not re.search(r"Voter\d{4}|7946\D?0\d{3}|496\D?0\d{3}", text)


def check_file_has_ten_calls(path: Path) -> None:
    with path.open(newline="", encoding="utf-8-sig") as file:
        # The file also has a row for each person that a caller saw without recording a call.
        rows = [row for row in csv.DictReader(file) if row["outcome"]]
    assert sorted((row["caller"], row["outcome"]) for row in rows) == [
        ("Priya", "busy"),
        ("Priya", "do_not_call"),
        ("Priya", "no_answer"),
        ("Priya", "talked"),
        ("Priya", "wrong_number"),
        ("Sam", "answerphone"),
        ("Sam", "call_back"),
        ("Sam", "no_answer"),
        ("Sam", "refused"),
        ("Sam", "talked"),
    ]
    assert {row["contact_last_name"] for row in rows} == {LAST_NAME}
    assert {row["party"] for row in rows} == {"Kitchen table"}
    ratings = {row["caller"]: row["answer_rating_before"] for row in rows if row["yes"] == "yes"}
    assert ratings == {"Priya": "10"}


# What it costs a volunteer -------------------------------------------------------------------


@pytest.fixture
def join_link(app_context: Flask) -> str:
    """The joining link of a party with an open door and people to call."""
    campaign = create_campaign(merge_values={"candidate": "Jo Marsh"})
    create_script(campaign, source_of("persuasive-conversation", "en"))
    contacts = create_list(campaign)
    for _ in range(5):
        create_contact(contacts, last_name=LAST_NAME, fields={"town": "Leeds"})
    party = create_party(campaign, create_account("host"), door_open=True)
    db.session.commit()
    return f"/join/{party.code}"


def count_taps(page: Page) -> list[str]:
    """A list that gets the words of each element tapped on this page from now on."""
    taps: list[str] = []
    page.context.expose_function("tapped", lambda words: taps.append(words))
    page.context.add_init_script(
        "addEventListener('click', e => e.isTrusted && tapped(e.target.innerText), true)"
    )
    return taps


def test_two_taps_and_one_field_from_the_link_to_a_number_and_one_tap_for_no_answer(
    new_page: Callable[..., Page], join_link: str
) -> None:
    page = new_page(*PHONE)
    taps = count_taps(page)
    page.goto(join_link)
    fields = page.locator("input:visible, select:visible, textarea:visible")
    expect(fields).to_have_count(1)
    # The first name costs no tap if the page puts the focus into the field, and otherwise one.
    fields.fill("Sam")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("button", name="Give me someone to call").click()
    number = page.locator("a.dial")
    expect(number).to_be_in_viewport()
    assert (number.get_attribute("href") or "").startswith("tel:+44")
    assert taps == ["Join", "Give me someone to call"]

    taps.clear()
    end_with(page, "No answer")
    expect(page.locator(".toast")).to_contain_text("Recorded: No answer.")
    expect(page.locator("a.dial")).to_be_in_viewport()
    assert taps == ["No answer"]


def test_the_call_page_is_light(
    app_context: Flask, new_page: Callable[..., Page], web_server: Server, join_link: str
) -> None:
    """A phone with an empty cache loads at most these bytes, with no proxy to compress them."""
    page = new_page(*PHONE)
    page.goto(join_link)
    page.get_by_label("Your first name").fill("Sam")
    page.get_by_role("button", name="Join").click()
    begin(page)
    cookies = page.context.cookies()
    fresh = new_page(*PHONE)
    fresh.context.add_cookies(cookies)  # type: ignore[arg-type]
    loaded: list[Response] = []
    fresh.on("response", lambda response: loaded.append(response))
    fresh.goto("/calling/person", wait_until="networkidle")
    sizes = {
        response.url.removeprefix(web_server.url): response.request.sizes()["responseBodySize"]
        for response in loaded
        if response.url.startswith(web_server.url)
    }
    assert {"/calling/person", "phonebank.css", "call_page.js"} <= {
        address.split("?")[0].rpartition("/")[2] if "static" in address else address
        for address in sizes
    }, "everything was counted"
    assert len(loaded) <= REQUESTS_OF_CALL_PAGE, sizes
    assert sum(sizes.values()) <= BYTES_OF_CALL_PAGE, sizes
