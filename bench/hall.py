"""Measures how fast the people in a hall can sign up: on many phones at once, on one phone, and on
paper. (Somebody types in what is on the paper.)

Bars (docs/benchmarks.md):

- when 500 people sign up within a minute from one network address, each sign-up is stored exactly
  once, and no request is refused
- one sign-up with three fields takes a person at most 30 seconds
- 100 lines from paper are typed in within 15 minutes, by keyboard alone
- every line that is typed in is stored exactly once

Only the first bar can be measured without Chromium. The bench types faster than any person, and
measures how long the page itself needs. The bench then adds the time that a person needs. A person
types KEYS keystrokes a minute on a keyboard, and TAPS letters a minute on a phone. On a phone, a
person also needs TAP seconds for each field and for the button.

    python -m bench.hall
"""

import itertools
import os
import random
import re
import shutil
import statistics
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests
from flask import Flask
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import func, select

from bench.reporting import format_tail, percentile, report
from bench.servers import migrated_app, stores, web
from phonebank.callouts import sheets
from phonebank.callouts.call_outs import create_call_out
from phonebank.core.db import db
from phonebank.models import Account, CallOut, Campaign, Pledge, SheetLine, SignUp, now
from phonebank.places.load import load_places

SIGN_UPS, WITHIN = 500, 60.0  # seconds
# Each tenth phone's answer is lost, so the page sends its form a second time.
AGAIN_EACH = 10
LINES, LINES_BAR = 100, 15 * 60.0  # seconds
SIGN_UP_BAR = 30.0  # seconds
# Keystrokes a minute: 250 (50 words) for somebody who types often, and 200 (40 words) for the
# average office worker.
KEYS, AVERAGE_KEYS = 250, 200
# Letters a minute on a phone: 36 words of five letters (Palin et al., "How do people type on mobile
# devices?", 2019).
TAPS = 180
TAP = 1.5  # seconds to find a field or a button and tap it
CHROMIUM = ("chromium-headless-shell", "chromium", "google-chrome")

NAMES = ("Ana", "Ben", "Cleo", "Dilan", "Ewa", "Farah", "Grzegorz", "Hanna", "Imogen", "Jo")
DISTRICTS = ("SW9", "SE5", "M14", "LS6", "CF10", "EH1", "B15", "NE2", "SE15", "N1")


@dataclass(frozen=True)
class Line:
    """What is written on a line of paper. A host's line also has a day, a time and a number of
    chairs."""

    first_name: str
    reach: str
    district: str
    hosting: tuple[str, ...] = ()


def lines_of(count: int) -> list[Line]:
    """Return `count` lines like those that people write in a hall. Half of them have a telephone
    number and half an e-mail address, and one in ten is a host's."""
    day = now().date().replace(day=1)
    month = day.month % 12 + 1
    return [
        Line(
            NAMES[n % len(NAMES)],
            f"07700 900{n:03d}" if n % 2 else f"{NAMES[n % 10].lower()}.smith{n}@example.org",
            DISTRICTS[n * 7 % len(DISTRICTS)],
            (f"{1 + n % 28}/{month}", "1930", "8") if n % 10 == 0 else (),
        )
        for n in range(count)
    ]


def make_call_out(app: Flask) -> tuple[str, str]:
    """Store a call-out (the event in the hall) with one sheet. A sheet is a web page into which
    somebody types the lines of a sheet of paper. Return the call-out's code and the sheet's token.
    Commits."""
    with app.app_context():
        host = db.session.scalar(select(Account).limit(1)) or Account(
            email="organiser@example.org", name="Ada", fs_uniquifier="ada"
        )
        campaign = Campaign(
            name="Bench", on_behalf_of="Bench", country="GB", allow_drama_numbers=True
        )
        db.session.add_all([host, campaign])
        db.session.flush()
        call_out = create_call_out(campaign, host, "Riverside", None, "Europe/London")
        sheets.create_sheets(call_out, 1)
        db.session.commit()
        return call_out.code, sheets.sheets_of(call_out)[0].token


def count(app: Flask, code: str, table: type[SignUp] | type[Pledge]) -> int:
    with app.app_context():
        query = (
            select(func.count())
            .select_from(table)
            .join(CallOut, CallOut.id == table.call_out_id)
            .where(CallOut.code == code)
        )
        return db.session.scalar(query) or 0


def measure_crowd(app: Flask, port: int, code: str, sign_ups: int, within: float) -> bool:
    """Let `sign_ups` phones sign up from one network address, spread evenly over `within` seconds.
    Print the figures. Return whether exactly `sign_ups` sign-ups are stored and no request was
    refused. If the server is busy, a phone sends its request again, and this does not count as a
    refusal. One phone in AGAIN_EACH sends its form twice, as if the first answer were lost."""
    address = f"http://127.0.0.1:{port}/hall/{code}"
    took: list[float] = []
    statuses: Counter[int] = Counter()

    def send(phone: requests.Session, **more: Any) -> requests.Response:
        """Send a request. Send it again as long as the server says that it is busy, as the
        JavaScript of the page does. Return the first other answer."""
        while True:
            answer = phone.request(url=address, **more)
            statuses[answer.status_code] += 1
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(random.uniform(0.5, 1.5))

    def sign_up(number: int) -> None:
        phone = requests.Session()
        page = send(phone, method="GET")
        token = re.search(r'name="csrf" content="([^"]+)"', page.text)
        assert token is not None, page.status_code
        form = {
            "csrf_token": token[1], "sign_up_id": str(uuid.uuid4()), "first_name": "Ana",
            "reach": f"ana{number}@example.org", "postcode": DISTRICTS[number % len(DISTRICTS)],
        }  # fmt: skip
        for _ in range(2 if number % AGAIN_EACH == 0 else 1):
            began = time.monotonic()
            send(phone, method="POST", data=form, headers={"Accept": "application/json"})
            took.append(time.monotonic() - began)

    with ThreadPoolExecutor(40) as pool:
        began = time.monotonic()
        jobs = []
        for number in range(sign_ups):
            time.sleep(max(0.0, began + number * within / sign_ups - time.monotonic()))
            jobs.append(pool.submit(sign_up, number))
        for job in jobs:
            job.result()
        lasted = time.monotonic() - began
    rows = count(app, code, SignUp)
    busy = statuses.pop(HTTPStatus.SERVICE_UNAVAILABLE, 0)
    refused = sum(number for status, number in statuses.items() if status >= 400)
    report(
        f"{sign_ups} sign-ups in {lasted:.0f} s from one address, one in {AGAIN_EACH} sent twice: "
        f"{rows} stored, {refused} refused, {busy} told to send again; p50, p95, p99 "
        f"{format_tail(took)} ms"
    )
    return rows == sign_ups and not refused


def measure_sheet(page: Page, token: str, lines: list[Line]) -> bool:
    """Type the lines into the sheet's page, by keyboard alone. Print the figures, and return
    whether 15 minutes are enough for LINES lines at KEYS keystrokes a minute."""
    page.goto(f"/call-out/sheet/{token}")
    own: list[float] = []
    keys = 0
    for number, line in enumerate(lines, 1):
        parts = [line.first_name, line.reach, line.district, *line.hosting]
        for part, following in itertools.zip_longest(parts, parts[1:]):
            page.keyboard.type(part)
            keys += len(part) + 1  # and Tab, or Enter
            if following is not None:
                page.keyboard.press("Tab")
        began = time.monotonic()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"line {number + 1}")
        expect(page.locator("#first_name")).to_be_focused()
        own.append(time.monotonic() - began)
    total = sum(own)
    report(
        f"{len(lines)} lines by keyboard alone: {keys / len(lines):.1f} keys a line; the page's "
        f"own time {1000 * statistics.median(own):.0f} ms a line (p95 "
        f"{1000 * percentile(own, 0.95):.0f} ms), {total:.0f} s in all"
    )
    own_time, all_keys = total * LINES / len(lines), keys * LINES / len(lines)
    needed = 60 * all_keys / (LINES_BAR - own_time)
    for rate in (AVERAGE_KEYS, KEYS):
        minutes = (60 * all_keys / rate + own_time) / 60
        report(f"  {LINES} lines at {rate} keys a minute: {minutes:.1f} minutes")
    report(f"  15 minutes are enough from {needed:.0f} keys a minute on")
    return needed <= KEYS


def measure_sign_up(page: Page, code: str) -> bool:
    """Sign one person up on a phone. Print the figures, and return whether SIGN_UP_BAR seconds are
    enough. Raises ValueError if the form does not have exactly three fields."""
    began = time.monotonic()
    page.goto(f"/hall/{code}")
    fields = page.locator("form[data-hall-form] input:visible")
    expect(fields.first).to_be_visible()
    fields_shown = fields.count()
    typed = ("Imogen", "imogen.smith@example.org", "SW9")
    for field, words in zip(fields.all(), typed, strict=True):
        field.fill(words)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Hello, Imogen")).to_be_visible()
    own = time.monotonic() - began
    letters = sum(map(len, typed))
    needed = own + 60 * letters / TAPS + TAP * (fields_shown + 1)
    report(
        f"in the room: {fields_shown} fields, {letters} letters, the page's own time "
        f"{1000 * own:.0f} ms; at {TAPS} letters a minute {needed:.0f} s"
    )
    return fields_shown == 3 and needed <= SIGN_UP_BAR


def main(quick: bool = False) -> bool:
    """Measure, print the figures, and return whether every bar was met. Without Chromium, only the
    first bar is measured."""
    bars = {}
    random.seed(1)
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            load_places()
            db.session.commit()
        with web(environment, "wsgi:app", 2) as port:
            code, token = make_call_out(app)
            sign_ups, within = (100, 12.0) if quick else (SIGN_UPS, WITHIN)
            kept = measure_crowd(app, port, code, sign_ups, within)
            bars["500 sign-ups a minute, none refused, lost or doubled"] = kept
            chromium = next((path for path in map(shutil.which, CHROMIUM) if path), None)
            if chromium is None:
                report("no Chromium here, so the pages were not measured")
                return kept
            code, token = make_call_out(app)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
                )
                expect.set_options(timeout=30_000)
                address = f"http://127.0.0.1:{port}"
                desk = browser.new_page(base_url=address, viewport={"width": 1280, "height": 800})
                lines = lines_of(20 if quick else LINES)
                bars["100 lines of paper in 15 minutes"] = measure_sheet(desk, token, lines)
                phone = browser.new_page(base_url=address, viewport={"width": 390, "height": 844})
                bars["in-room sign-up: 3 fields, 30 s"] = measure_sign_up(phone, code)
                browser.close()
        with app.app_context():
            hosts = sum(1 for line in lines if line.hosting)
            typed_in = db.session.scalar(select(func.count()).select_from(SheetLine))
        stored = count(app, code, SignUp), count(app, code, Pledge), typed_in
        bars["every line stored once"] = stored == (len(lines) + 1, hosts, len(lines))
    report(f"load average {os.getloadavg()[0]:.1f}")
    for words, is_kept in bars.items():
        report(f"{words}: {'kept' if is_kept else 'MISSED'}")
    return all(bars.values())


if __name__ == "__main__":
    sys.exit(not main("--quick" in sys.argv))
