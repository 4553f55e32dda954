"""A call-out in real browsers: the projector, the remote, three phones, one of them offline for a
while, and figures that equal the rows."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from phonebank.callouts import call_outs, sheets
from phonebank.callouts.board import state_of
from phonebank.core.db import db
from phonebank.models import CallOut, CallOutStep, Pledge, PledgeSeat, RoleName, SignUp
from tests.browser.looking import assert_fit_for_everyone
from tests.factories import create_account, create_campaign
from tests.phonebank.places.conftest import places

__all__ = ["places"]  # a fixture
pytestmark = [pytest.mark.browser, pytest.mark.slow]

SOON = (datetime.now(UTC) + timedelta(days=6)).date()
DAY = SOON.isoformat()

SMALLEST_WORDS = """() => {
  const has = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const shown = [...document.querySelectorAll(".screen *")]
    .filter((one) => has(one) && one.checkVisibility() && one.getBoundingClientRect().height > 2);
  return Math.min(...shown.map((one) => parseFloat(getComputedStyle(one).fontSize)));
}"""


@pytest.fixture
def call_out(places: None, app_context: Flask) -> CallOut:
    made = call_outs.create_call_out(
        create_campaign(), create_account(RoleName.ORGANISER), "Riverside", None, "Europe/London"
    )
    db.session.commit()
    return made


def fill(phone: Page, name: str, postcode: str) -> None:
    phone.get_by_label("Your first name").fill(name)
    phone.get_by_label("Your e-mail address or phone number").fill(f"{name.lower()}@example.org")
    phone.get_by_label("Your postcode or town").fill(postcode)


def pledge(phone: Page, at: str) -> None:
    phone.get_by_role("link", name="I will host").click()
    phone.get_by_label("Day").fill(DAY)
    phone.get_by_label("Time").fill(at)
    phone.get_by_role("button", name="I will host").click()


def figure(screen: Page, name: str, value: str) -> None:
    expect(screen.locator(f"[data-figure={name}]:visible").first).to_have_text(value)


def test_a_hall_becomes_hosts(call_out: CallOut, new_page: Callable[..., Page]) -> None:
    screen, remote = new_page(1920, 1080), new_page()
    screen.goto(f"/call-out/{call_out.projector_token}")
    remote.goto(f"/call-out/remote/{call_out.remote_token}")
    ana, ben, cleo = (new_page() for _ in range(3))
    for phone in (ana, ben, cleo):
        phone.goto(f"/hall/{call_out.code}")
    # The code is as tall as the screen, but for the edge that old projectors cut off.
    box = screen.locator("[data-at=sign_in] svg").bounding_box()
    assert box is not None
    assert box["height"] > 0.9 * 1080
    fill(ana, "Ana", "SW9 8JJ")
    ana.get_by_role("button", name="Sign in").click()
    figure(screen, "signed_in", "1")
    # Cleo's network fails. What she typed survives a reload, and is counted once.
    fill(cleo, "Cleo", "SE1 7PB")
    cleo.context.set_offline(True)
    cleo.get_by_role("button", name="Sign in").click()
    expect(cleo.get_by_text("The network is busy")).to_be_visible()
    fill(ben, "Ben", "M14 5RQ")
    ben.get_by_role("button", name="Sign in").click()
    figure(screen, "signed_in", "2")
    remote.get_by_role("button", name="Next: Practise").click()
    expect(screen.get_by_role("heading", name="Practise")).to_be_visible()
    cleo.context.set_offline(False)
    expect(cleo.get_by_role("heading", name="Hello, Cleo")).to_be_visible()
    expect(screen.locator("[data-at=practise] [data-figure=signed_in]")).to_have_text("3")
    ana.get_by_role("button", name="Practise now").click()
    expect(ana.get_by_text("Practice.").first).to_be_visible()
    figure(screen, "practising", "1")
    remote.get_by_role("button", name="Who will host?").first.click()
    ana.goto(f"/hall/{call_out.code}/next")
    pledge(ana, "19:30")
    figure(screen, "parties", "1")
    expect(screen.locator("li:visible", has_text="Ana SW9")).to_be_visible()
    pledge(ben, "18:00")
    figure(screen, "parties", "2")
    remote.get_by_role("button", name="Go to a party").first.click()
    cleo.get_by_role("link", name="I will go to a party").click()
    expect(cleo.locator("h2").first).to_have_text("Ana, SW9 (Brixton)")
    cleo.get_by_role("button", name="Take a place").first.click()
    figure(screen, "places_taken", "1")
    expect(remote.locator("[data-figure=places_taken]")).to_have_text("1")
    db.session.expire_all()
    state = state_of(call_out)
    rows = {
        name: db.session.scalar(select(func.count()).select_from(table))
        for name, table in (
            ("signed_in", SignUp),
            ("parties", Pledge),
            ("places_taken", PledgeSeat),
        )
    }
    assert {name: state[name] for name in rows} == rows
    assert rows == {"signed_in": 3, "parties": 2, "places_taken": 1}
    # At a quarter of its size the smallest words are as tall as a newspaper's.
    for step in CallOutStep:
        call_outs.move(call_out, step)
        db.session.commit()
        expect(screen.locator(f"[data-at={step.value}]")).to_be_visible()
        smallest = screen.evaluate(SMALLEST_WORDS)
        assert smallest >= 44, step
        assert_fit_for_everyone(screen)


def test_a_sheet_is_typed_in_by_keyboard_alone(
    call_out: CallOut, new_page: Callable[..., Page]
) -> None:
    """Ten lines, and the first of them again."""
    page, screen = new_page(1280, 800), new_page(1920, 1080)
    screen.goto(f"/call-out/{call_out.projector_token}")
    sheets.create_sheets(call_out, 1)
    db.session.commit()
    page.goto(f"/call-out/sheet/{sheets.sheets_of(call_out)[0].token}")
    began = time.monotonic()
    for index in (*range(10), 0):
        expect(page.locator("#first_name")).to_be_focused()
        for part in (f"P{index}", f"p{index}@example.org", "SW9"):
            page.keyboard.type(part)
            page.keyboard.press("Tab")
        if index == 4:
            for part in (f"{SOON.day}/{SOON.month}", "1930"):
                page.keyboard.type(part)
                page.keyboard.press("Tab")
            page.keyboard.type("6")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    # 100 lines in 15 minutes are nine seconds a line, of which the typing hand needs most.
    assert (time.monotonic() - began) / 11 < 3
    expect(page.get_by_role("heading", level=1)).to_contain_text("line 12")
    expect(page.get_by_text("so we count them once.")).to_be_visible()
    page.get_by_label("How many lines").focus()
    page.keyboard.type("11")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("is finished")
    figure(screen, "signed_in", "10")
    state = state_of(call_out)
    assert (state["signed_in"], state["parties"], state["chairs"]) == (10, 1, 6)
