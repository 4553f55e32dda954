"""Tests with a ruler that the call page fits a thumb, on two phones, a small one and a laptop."""

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Contact, ContactList, Party
from tests.browser.call_page import (
    ask_for_person,
    join_as_kit,
    recorded_outcomes,
    settle,
    step_on,
    tap,
    wait_until,
)
from tests.browser.looking import Size, resize
from tests.factories import create_contact

pytestmark = pytest.mark.browser

# An iPhone with and without Safari's bars, a small phone, and a laptop.
SIZES: tuple[Size, ...] = ((390, 844), (390, 664), (375, 553), (1280, 800))
NewPage = Callable[..., Page]

# The elements that are not wholly in the window, or that something else covers in the middle.
OUT_OF_SIGHT = """elements => elements.filter(one => {
    const box = one.getBoundingClientRect();
    if (!box.width) return false;
    const whole = one.closest("label") || one;
    const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return box.top < 0 || box.bottom > innerHeight || !whole.contains(there);
}).map(one => one.textContent.trim() || one.outerHTML)"""
PLACES = """() => {
    const places = "#main, #main h1, .call-bar, [data-step]:not([hidden]) button";
    return [...document.querySelectorAll(places)].map(one => {
        const box = one.getBoundingClientRect();
        return [box.left, box.top, box.width, box.height];
    });
}"""


def out_of_sight(page: Page, selector: str) -> list[str]:
    return list(page.locator(selector).evaluate_all(OUT_OF_SIGHT))


def open_sheet(page: Page) -> None:
    page.locator("[data-more] > summary").click()


def test_the_sheet_of_outcomes_fits_and_moves_nothing_behind_it(
    party: Party, new_page: NewPage
) -> None:
    page = new_page(reduced_motion="reduce")
    join_as_kit(page, party)
    ask_for_person(page)
    tiles = ".sheet button:visible, .sheet summary:visible"
    for stage in ("ringing", "talking"):
        for size in SIZES:
            resize(page, size)
            before = page.evaluate(PLACES)
            open_sheet(page)
            assert page.evaluate(PLACES) == before
            assert page.locator(".sheet").evaluate("it => getComputedStyle(it).animationName") == (
                "none"
            )
            assert out_of_sight(page, tiles) == [], size
            page.keyboard.press("Escape")
            expect(page.locator(".sheet")).to_be_hidden()
        if stage == "ringing":
            tap(page, "It's them")
    # Help for each button, in the same place.
    open_sheet(page)
    page.locator(".outcome-help summary").click()
    expect(page.get_by_text("They asked never to be called again.")).to_be_visible()


def test_the_answers_of_every_step_are_in_sight(party: Party, new_page: NewPage) -> None:
    contacts = db.session.scalars(select(Contact)).all()
    for contact in contacts:  # somebody else at every number
        values = {"phone": contact.phone, "first_name": "Sabine", "fields": contact.fields}
        create_contact(db.session.get_one(ContactList, contact.contact_list_id), **values)
    db.session.commit()
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    step = "[data-step]:not([hidden])"
    to_answer = f".call-bar > * > button:visible, {step} button:visible:not(.skip-step)"
    to_answer += f", {step} :is(input, textarea):visible"
    band = page.locator(".identification")

    def check(where: str) -> None:
        for size in SIZES:
            resize(page, size)
            page.evaluate("document.querySelector('[data-step]:not([hidden]) legend').focus()")
            assert out_of_sight(page, to_answer) == [], (where, size)

    def is_one_line() -> bool:
        return band.evaluate("it => it.offsetHeight") < 50

    check("first call")
    resize(page, (390, 664))
    assert not is_one_line()
    places = page.evaluate(PLACES)
    tap(page, "No answer")
    expect(page.locator(".toast-card")).to_be_visible()
    assert page.evaluate(PLACES)[0] == places[0], "the toast is over the page"
    expect(page.locator(".toast-card")).to_be_hidden(timeout=8000)
    check("second call")
    resize(page, (390, 664))
    assert is_one_line()
    band.click()
    assert not is_one_line()
    for _ in range(2):
        settle(page)
        here = page.locator("[data-call]").get_attribute("data-call")
        tap(page, "No answer")
        expect(page.locator("[data-call]")).not_to_have_attribute("data-call", here or "")
    check("fourth call, with the tips folded")
    tip = page.locator(f"{step} .step-tip")
    assert tip.get_attribute("open") is None
    tip.locator("summary").click()
    expect(tip).to_contain_text("Smile")
    assert tip.get_attribute("open") is not None
    resize(page, (390, 664))
    for label in ("It's them", "Happy to talk", "5", "Next", "Work and pay", "Next", "Next"):
        page.get_by_role("button", name=re.compile(rf"^\d? ?{label}$")).last.click()
        title = page.locator(f"{step} legend").bounding_box()
        line = band.bounding_box()
        assert title
        assert line
        assert title["y"] >= line["y"] + line["height"], "no title is under the line above it"
        assert out_of_sight(page, to_answer) == [], label
    for size in SIZES:
        resize(page, size)
        assert out_of_sight(page, to_answer) == [], size


def test_the_words_to_say_are_in_sight_on_the_smallest_phones(
    party: Party, new_page: NewPage
) -> None:
    page = new_page(320, 640)
    join_as_kit(page, party)
    ask_for_person(page)
    words = "[data-step]:not([hidden]) .step-say"
    assert out_of_sight(page, words) == []
    assert page.locator(".identification").evaluate("it => it.offsetHeight") < 50
    for label in ("It's them", "Happy to talk"):
        tap(page, label)
        assert out_of_sight(page, words) == [], label
    # The phone may reload the page after its dialler.
    page.reload()
    expect(page.locator("[data-how-many-steps]")).to_contain_text("Step 3")
    assert out_of_sight(page, words) == []


def filled_buttons(page: Page) -> list[str]:
    """The visible buttons in the accent's colour, apart from chosen answers."""
    return list(
        page.locator("button:visible, summary:visible").evaluate_all(
            """buttons => {
                const probe = document.createElement("i");
                probe.style.background = "var(--fill)";
                document.body.append(probe);
                const fill = getComputedStyle(probe).backgroundColor;
                probe.remove();
                return buttons.filter(one => getComputedStyle(one).backgroundColor === fill)
                    .map(one => one.innerText.trim());
            }"""
        )
    )


def test_one_button_at_a_time_is_filled_and_only_the_last_step_saves(
    party: Party, new_page: NewPage
) -> None:
    page = new_page(reduced_motion="reduce")
    join_as_kit(page, party)
    ask_for_person(page)
    far = page.locator("[data-how-many-steps]")
    answers = {
        "opening": "It's them",
        "introduction": "Happy to talk",
        "rating_before": "10",
        "supporter": "Next",
        "voting_method": "By post",
        "postal_vote": "Next",
        "help_ask": "Maybe later",
    }
    for step, label in answers.items():
        assert step_on(page) == step
        assert filled_buttons(page) == (["Next"] if label == "Next" else [])
        if step == "supporter":
            expect(far).to_have_text("Step 4 of about 9")
        page.get_by_role("button", name=label).last.click()
    expect(far).to_have_text("Last step")
    assert filled_buttons(page) == ["Save: we talked · next person"]
    assert page.locator("[data-more] > summary").inner_text() == "Something else"
    tap(page, "Save: we talked")
    page.locator(".toast").wait_for()
    assert recorded_outcomes(party) == ["talked"]


def test_the_focus_stays_in_the_sheet_and_returns(party: Party, new_page: NewPage) -> None:
    page = new_page(1280, 800)
    join_as_kit(page, party)
    ask_for_person(page)
    focused = "document.activeElement.innerText.trim()"
    page.locator("[data-more] > summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sheet")).to_be_focused()
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('[data-more]') !== null")
        seen.add(page.evaluate(focused))
    assert {"Close", "Hung up", "Do not call"} <= seen
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.closest('[data-more]') !== null")
    # The second sheet is over the first: Escape goes back one at a time.
    page.locator("summary", has_text="Call back").press("Enter")
    expect(page.get_by_role("button", name="This time tomorrow")).to_be_visible()
    for _ in range(10):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('[data-second-sheet]') !== null")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="This time tomorrow")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("[data-more] > summary")).to_be_focused()
    assert page.locator("[inert]").count() == 0
    # The handle closes it too, and so does a pull downwards.
    open_sheet(page)
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".sheet")).to_be_hidden()
    open_sheet(page)
    page.locator(".sheet h2").hover(force=True)
    page.mouse.down()
    page.mouse.move(600, 700)
    page.mouse.up()
    expect(page.locator(".sheet")).to_be_hidden()


def test_few_taps_end_a_call(party: Party, new_page: NewPage) -> None:
    page = new_page(reduced_motion="reduce")
    join_as_kit(page, party)
    ask_for_person(page)
    sizes = itertools.cycle(SIZES)

    def ended_with(*taps: str) -> str:
        resize(page, next(sizes))
        before = len(recorded_outcomes(party))
        for name in taps:
            page.locator("button:visible, summary:visible", has_text=name).first.click()
        # The message about the last outcome may still be there, so it proves nothing.
        wait_until(lambda: len(recorded_outcomes(party)) > before)
        page.locator(".toast").wait_for()
        settle(page)
        return recorded_outcomes(party)[-1]

    assert ended_with("More…", "Do not call") == "do_not_call"
    assert ended_with("More…", "Wrong number") == "wrong_number"
    assert ended_with("More…", "Call back", "In 3 hours") == "call_back"
    # The script knows how the call ended, and there is always something else beside it.
    tap(page, "Nobody of that name")
    assert page.locator("[data-more] > summary").inner_text() == "Something else"
    assert ended_with("Wrong number · next person") == "wrong_number"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".call-bar .bar-save")).to_have_text("Wrong number · next person")
    page.get_by_role("button", name="Change what you noted at: Who has answered?").click()
    tap(page, "It's them")
    tap(page, "Not a good time")
    assert ended_with("This time tomorrow") == "call_back"
    page.locator("summary", has_text="Don't ring me again").click()
    expect(page.locator(".side-card[open] .opens-sheet")).to_have_text("Something else")
    assert ended_with("Do not call · next person") == "do_not_call"
    # Ending early: the tile for a call that was cut short is the filled one.
    tap(page, "It's them")
    assert filled_buttons(page) == []
    open_sheet(page)
    assert filled_buttons(page) == ["Cut short"]
    page.keyboard.press("Escape")
    assert ended_with("End call", "Cut short") == "partial"
