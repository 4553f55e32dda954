"""Uses Phonebank in a real browser as a new organiser and a volunteer would, with a list of a
million people.

PostgreSQL and Redis are empty at first. An organiser sets up a campaign and uploads a file of a
million rows. The organiser checks the file and imports it. A volunteer makes the first call. The
program then stores 200,000 calls of ten evenings. The organiser looks at each tab, finds a person,
corrects a call, and downloads what is stored about a person. Then the organiser uploads a file of
people whom nobody should call any more, and downloads the results.

    python -m bench.million [PEOPLE] [CALLS] [FOLDER]

If FOLDER is given, the program saves screenshots of the pages in this folder, each at three sizes.

The bars (docs/benchmarks.md): each tab opens within 300 ms at the 95th percentile. Taking 100,000
people out of calling takes at most 20 seconds. No page has an error in JavaScript.
"""

import csv
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import func, select

from bench import calls_of_days
from bench.import_bench import FIRST_NAMES, LAST_NAMES
from bench.reporting import percentile
from bench.servers import migrated_app, stores
from phonebank.campaigns.jobs import count_days
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.models import Account, Call, Caller, Campaign, Contact, ContactState
from phonebank.phones.area_codes import region_of_area_code
from phonebank.tallies.reconcile import differences
from tests.browser.conftest import ARGUMENTS, chromium_on_path
from tests.processes import Processes

TAB_BAR = 0.3  # seconds, at the 95th percentile
TAKE_OUT_BAR = 20.0  # seconds for 100,000 people
TIMES = 20  # each tab is opened this often, with a list of LONG rows or more
LONG = 100_000
DAYS = 10
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "television": (1920, 1080)}
PATIENCE = 30 * 60 * 1000  # milliseconds; an import of a million rows may take that long
EMAIL = "ada@example.org"
# The drama numbers of North America: a hundred in each area code. So 30 people share each number.
AREA_CODES = [str(n) for n in range(200, 1000) if region_of_area_code(str(n)) == "US"]


def phone_of(number: int) -> str:
    """Return a telephone number for the person in row `number` of the list. The telephone number is
    reserved for drama, so no real person has it. Rows that are far apart may have the same
    number."""
    code = AREA_CODES[number % len(AREA_CODES)]
    return f"({code}) 555-01{number // len(AREA_CODES) % 100:02d}"


def last_name_of(number: int) -> str:
    """Return a last name for the person in row `number` of the list. The name has two parts and no
    digits, and few people have the same last name."""
    first = LAST_NAMES[number % len(LAST_NAMES)]
    letters = "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))
    return f"{first}-X{letters}"  # the part after the X is no note, such as "decd"


def write_people(path: Path, rows: int) -> None:
    """Write a CSV file of `rows` people. One row in a thousand has no telephone number."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["VANID", "First name", "Last name", "Phone", "Town", "Ward"])
        for n in range(rows):
            phone = "not known" if n % 1000 == 999 else phone_of(n)
            first = FIRST_NAMES[n // 3 % len(FIRST_NAMES)]
            writer.writerow((f"V{n}", first, last_name_of(n), phone, "Riverside", f"Ward {n % 40}"))


@dataclass
class Walk:
    """One run of the program. `took` has the seconds that each step took. `missed` has a text about
    each bar that was missed, and about each JavaScript error."""

    browser: Browser
    site: Processes
    app: Flask
    folder: Path | None
    took: dict[str, float] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def open(self, width: int = 1280, height: int = 800) -> Page:
        """Open a page that shares no cookies with the other pages."""
        context = self.browser.new_context(
            base_url=self.site.url, viewport={"width": width, "height": height}
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: self.missed.append(f"a script's error: {error}"))
        return page

    @contextmanager
    def timed(self, what: str, bar: float | None = None) -> Iterator[None]:
        """Time a step, and print the time. If the step takes longer than `bar` seconds, note this
        in `missed`."""
        began = time.perf_counter()
        yield
        took = self.took[what] = time.perf_counter() - began
        load = os.getloadavg()[0]
        print(f"{what}: {took:.1f} s (load average {load:.1f})", flush=True)
        if bar is not None and took > bar:
            self.missed.append(f"{what} took {took:.1f} s")

    def keep(self, page: Page, name: str) -> None:
        """Save a screenshot of a page at each size, if there is a folder for screenshots."""
        if self.folder is None:
            return
        before = page.viewport_size
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(300)
            page.screenshot(path=self.folder / f"{name}-{size}.png", full_page=True)
        if before:
            page.set_viewport_size(before)


def sign_in(walk: Walk, page: Page) -> None:
    """Make the first organiser with a command on the server, and sign in with the link that the
    command prints."""
    printed = walk.site.run_command("create-organiser", EMAIL, "--name", "Ada")
    link = re.findall(r"\S+/sign-in/link/\S+", printed)[-1]
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def set_up(walk: Walk, page: Page) -> None:
    """Set up the campaign."""
    page.get_by_role("link", name="Set up a campaign").click()
    page.get_by_label("Name").fill("Riverside County")
    page.get_by_label("Who is calling?").fill("Riverside Neighbours")
    page.get_by_label("Country").select_option("United States")
    page.get_by_role("button", name="Set up the campaign").click()
    expect(page.get_by_role("link", name="Riverside County")).to_be_visible()
    # The people here have drama numbers, which a list that is uploaded in the browser may not have.
    with walk.app.app_context():
        db.session.scalars(select(Campaign)).one().allow_drama_numbers = True
        db.session.commit()
    walk.keep(page, "01-set-up")


def upload(walk: Walk, page: Page, path: Path, rows: int) -> None:
    """Upload the list, look at the check that says what an import would do, and import the list."""
    page.get_by_role("link", name="Upload the people to call").click()
    page.get_by_label("The file").set_input_files(path)
    with walk.timed("upload, until the columns are shown"):
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("heading", name="What is in each column?")).to_be_visible(
            timeout=PATIENCE
        )
    expect(page.get_by_label("VANID")).to_have_value("external_id")
    expect(page.get_by_label("Phone", exact=True)).to_have_value("phone")
    page.get_by_label("Ward", exact=True).select_option(label="Keep as “ward”")
    walk.keep(page, "02-columns")
    page.get_by_role("button", name="Check and import").click()
    with walk.timed("check of every row before the import"):
        if rows > 20_000:
            expect(page.locator("#counting progress")).to_be_visible(timeout=PATIENCE)
            walk.keep(page, "03-counting")
        expect(page.locator("#check")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#check")).to_contain_text(f"{rows - rows // 1000:,}")
    walk.keep(page, "04-check")
    with walk.timed("import"):
        page.get_by_role("button", name="Check and import").click()
        page.wait_for_url(re.compile(r"/lists/\d+$"))
        expect(page.locator("#under-way progress, .stat").first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(3000)
        walk.keep(page, "05-importing")
        expect(page.get_by_text("Imported", exact=True)).to_be_visible(timeout=PATIENCE)
    stored = page.locator(".stat", has_text="Stored").locator(".stat-value")
    expect(stored).to_have_text(f"{rows - rows // 1000:,}")
    walk.keep(page, "06-imported")


def make_ready(walk: Walk, page: Page) -> None:
    """Choose a script, enter the legal basis and the campaign's last day, and start calling."""
    page.get_by_role("link", name="Continue").click()
    card = page.locator("article", has_text="Persuasive conversation before")
    card.get_by_role("button", name="Add to this campaign").click()
    page.get_by_label("Candidate").fill("Jo Marsh")
    page.get_by_role("button", name="Save these").click()
    expect(page.locator(".flashes")).to_contain_text("Saved.")
    page.get_by_role("link", name="Continue").click()
    page.get_by_label("Legitimate interests").check()
    last_day = datetime.now(UTC).date() + timedelta(days=30)
    page.get_by_label("The campaign's last day").fill(str(last_day))
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Continue").click()
    walk.keep(page, "07-ready")
    page.get_by_role("button", name="Start calling").first.click()
    expect(page.locator(".campaign-bar .badge")).to_have_text("Running")


def first_call(walk: Walk) -> None:
    """Set the campaign to admit newcomers automatically. Join as a volunteer on a phone, and make
    the first call."""
    with walk.app.app_context():
        campaign = db.session.scalars(select(Campaign)).one()
        campaign.door_open = True
        db.session.commit()
        link = f"/c/{campaign.join_token}"
    sam = walk.open(*SIZES["phone"])
    sam.goto(link)
    sam.get_by_label("Your first name").fill("Sam")
    sam.get_by_role("button", name="Join").click()
    with walk.timed("the first person, after Sam asks for one"):
        sam.get_by_role("button", name="Give me someone to call").click()
        expect(sam.locator("a.dial")).to_be_visible()
    walk.keep(sam, "08-first-person")
    call = sam.locator("[data-call]").get_attribute("data-call")
    sam.wait_for_timeout(1000)
    with walk.timed("the next person, after the first outcome"):
        sam.locator(".call-bar").get_by_role("button", name="No answer", exact=True).click()
        expect(sam.locator(f"[data-call]:not([data-call='{call}'])")).to_be_visible()
    sam.context.close()


def make_calls(app: Flask, calls: int) -> None:
    """Store the calls of DAYS evenings in the tables, and run the periodic job `count_days`, which
    counts these calls. Check that the totals are right."""
    with app.app_context():
        campaign_id = db.session.scalars(select(Campaign.id)).one()
        host_id = db.session.scalars(select(Account.id)).first() or 0
        calls_of_days.make(campaign_id, host_id, calls, DAYS)
        count_days()
        assert differences() == [], "the totals equal a recount"


def time_tabs(walk: Walk, page: Page, times: int) -> None:
    """Open each tab `times` times, and print how long that takes in the browser. Note in `missed`
    the tabs that took too long."""
    campaign = page.url.split("/campaigns/")[1].split("/")[0]
    page.goto(f"/campaigns/{campaign}")
    names = page.locator(".campaign-bar .tabs a").all_inner_texts()
    for number, name in enumerate(names, 10):
        took = []
        for _ in range(times):
            page.locator(".campaign-bar .tabs").get_by_role("link", name=name, exact=True).click()
            page.wait_for_load_state("load")
            took.append(
                page.evaluate(
                    "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"
                )
            )
        page.wait_for_load_state("networkidle")
        walk.keep(page, f"{number}-{name.lower()}")
        p95 = percentile(took, 0.95)
        print(
            f"{name}: median {1000 * percentile(took, 0.5):.0f} ms, p95 {1000 * p95:.0f} ms"
            f" (load average {os.getloadavg()[0]:.1f})",
            flush=True,
        )
        if p95 > TAB_BAR:
            walk.missed.append(f"{name} took {1000 * p95:.0f} ms")


def find_and_correct(walk: Walk, page: Page, last_name: str, phone: str) -> None:
    """Find a person by name, correct one of the calls to the person, and download what is stored
    about the person."""
    page.get_by_role("link", name="Find", exact=True).click()
    page.get_by_label("Phone number, name or ID").fill(last_name)
    with walk.timed("finding a person by last name"):
        page.get_by_role("button", name="Find", exact=True).click()
        expect(page.locator("#found table")).to_be_visible()
    walk.keep(page, "30-found")
    page.locator("#found table a").first.click()
    expect(page.locator("#status")).to_be_visible()
    walk.keep(page, "31-person")
    page.get_by_role("link", name="Correct this call").first.click()
    page.get_by_label("How the call ended").select_option(label="We talked")
    with walk.timed("correcting a call"):
        page.get_by_role("button", name="Save the correction").click()
        expect(page.get_by_text("Corrected. The totals are up to date.")).to_be_visible()
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="One person").click()
    page.get_by_label("phone number").fill(phone)
    page.get_by_role("button", name="Find them").click()
    download = page.get_by_role("button", name="Download what is stored about them").first
    expect(download).to_be_visible()
    walk.keep(page, "32-one-person")
    with walk.timed("what is stored about a person"), page.expect_download() as saved:
        download.click()
    assert saved.value.path().stat().st_size > 200


def take_out(walk: Walk, page: Page, folder: Path, ids: int) -> None:
    """Upload a file of people's IDs, so that callers no longer get these people."""
    path = folder / "voted.csv"
    path.write_text("VANID\n" + "".join(f"V{3 * n}\n" for n in range(ids)), encoding="utf-8")
    page.get_by_role("link", name="Lists", exact=True).click()
    page.get_by_role("link", name="Take people out by file").click()
    page.get_by_label("The file").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Whom do you want to take out?")).to_be_visible()
    with walk.timed("check of the file of people to take out"):
        expect(page.locator("#check")).to_be_visible(timeout=PATIENCE)
    walk.keep(page, "40-take-out-check")
    with walk.timed(f"taking {ids:,} people out", TAKE_OUT_BAR * max(1, ids / 100_000)):
        page.get_by_role("button", name="Check and take out").click()
        done = page.get_by_text("nobody will call the people whom this file took out")
        expect(done).to_be_visible(timeout=PATIENCE)
    walk.keep(page, "41-taken-out")
    with walk.app.app_context():
        taken_out = select(func.count()).where(Contact.state == ContactState.TAKEN_OUT)
        assert (db.session.scalar(taken_out) or 0) > ids // 2


def hand_back(walk: Walk, page: Page, calls: int) -> None:
    """As the organiser, ask for the file of calls and answers, and download it."""
    page.get_by_role("link", name="Results", exact=True).click()
    page.get_by_role("link", name="Download results").click()
    page.get_by_label("What should the file contain?").select_option(label="Calls and answers")
    with walk.timed("making the file of calls and answers"):
        page.get_by_role("button", name="Make the file").click()
        download = page.get_by_role("link", name="Download Calls and answers")
        expect(download).to_be_visible(timeout=PATIENCE)
    walk.keep(page, "50-files")
    with walk.timed("downloading it"), page.expect_download() as saved:
        download.click()
        path = saved.value.path()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    assert rows >= calls, f"{rows:,} of {calls:,} calls"


def walk_through(walk: Walk, home: Path, rows: int, calls: int) -> None:
    """Do all steps, in the order in which a new organiser does them."""
    path = home / "people.csv"
    write_people(path, rows)
    ada = walk.open()
    sign_in(walk, ada)
    set_up(walk, ada)
    upload(walk, ada, path, rows)
    make_ready(walk, ada)
    first_call(walk)
    with walk.timed(f"making {calls:,} calls in the tables, and counting their days"):
        make_calls(walk.app, calls)
    time_tabs(walk, ada, TIMES if rows >= LONG else 1)
    last_name, phone = called_person(walk.app)
    find_and_correct(walk, ada, last_name, phone)
    take_out(walk, ada, home, min(100_000, rows // 10))
    hand_back(walk, ada, calls)
    with walk.app.app_context():
        assert differences() == [], "the totals equal a recount"


def called_person(app: Flask) -> tuple[str, str]:
    """Return the last name and the telephone number of the person whose call Sam recorded."""
    with app.app_context():
        query = select(Contact).join(Call, Call.contact_id == Contact.id).join(Caller)
        recorded = query.where(Caller.first_name == "Sam", Call.outcome.is_not(None))
        person = db.session.scalars(recorded).first()
        assert person is not None
        return person.last_name, person.phone


def main(rows: int = 1_000_000, calls: int = 200_000, folder: str = "") -> bool:
    """Do all steps, and print how long they took. Return whether every bar was met and no page had
    an error in JavaScript."""
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    with stores() as environment, sync_playwright() as playwright:
        home = Path(environment["PHONEBANK_VAR"])
        app = migrated_app(environment)
        site = Processes(Config.from_environment(environment), home / "log.txt")
        browser = playwright.chromium.launch(executable_path=chromium_on_path(), args=ARGUMENTS)
        walk = Walk(browser, site, app, Path(folder) if folder else None)
        try:
            site.start_web(workers=2)
            for command in (("worker", "--urgent"), ("worker",), ("clock",)):
                site.start_command(*command)
            walk_through(walk, home, rows, calls)
        except BaseException:
            print(site.printed()[-4000:], flush=True)
            raise
        finally:
            browser.close()
            site.stop()
    for missed in walk.missed:
        print(f"missed: {missed}")
    print(f"{rows:,} people, {calls:,} calls: {'MISSED' if walk.missed else 'kept'}")
    return not walk.missed


if __name__ == "__main__":
    sizes = dict(zip(("rows", "calls"), map(int, sys.argv[1:3]), strict=False))
    sys.exit(not main(**sizes, folder="".join(sys.argv[3:4])))
