"""Tests the script editor: an organiser who can't program writes a branching script for callers."""

import csv
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, Response, Route, expect
from sqlalchemy import select

from phonebank.accounts import sign_in_mail
from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.exports.jobs import make_export
from phonebank.models import Account, Call, Campaign, RoleName
from phonebank.scripts import campaign_scripts, drafts
from phonebank.scripts.versions import published_version_id, script_of
from tests.browser.conftest import Server
from tests.browser.looking import LAPTOP, assert_fit_for_everyone
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def campaign_id(app: Flask, clean_stores: None) -> int:
    with app.app_context():
        campaign = create_campaign(merge_values={"candidate": "Jo Bloggs"})
        create_contact(create_list(campaign))
        db.session.commit()
        return campaign.id


@pytest.fixture
def desk(
    app: Flask, campaign_id: int, web_server: Server, new_page: Callable[..., Page]
) -> Callable[..., Page]:
    """A function that opens a signed-in organiser's browser and notes what the CSP blocks."""

    def open_desk(width: int = 1280) -> Page:
        with app.app_context():
            account = create_account(RoleName.ORGANISER)
            db.session.commit()
            link = sign_in_mail.sign_in_link(db.session.get_one(Account, account.id))
        page = new_page(width, 900, reduced_motion="reduce")
        page.goto(link.replace("http://localhost", web_server.url))
        page.get_by_role("button", name="Sign in").click()
        page.stopped = []  # type: ignore[attr-defined]
        page.on("console", lambda message: _note_policy(page, message.text))
        page.on("pageerror", lambda error: _note(page, str(error)))
        return page

    return open_desk


def _note_policy(page: Page, text: str) -> None:
    if "Content Security Policy" in text:
        _note(page, text)


def _note(page: Page, text: str) -> None:
    page.stopped.append(text)  # type: ignore[attr-defined]


def _start_writing(page: Page, campaign_id: int) -> None:
    """Open the editor on a new script. Its JavaScript must run before the test types."""
    page.goto(f"/campaigns/{campaign_id}/scripts")
    page.get_by_role("button", name="Start writing").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Edit the script")
    page.wait_for_load_state()


def _select_and_check(page: Page, field: Locator, label: str) -> None:
    """Select an option, and wait until the server has checked the script that has it.

    A check draws the phone again, so one that comes late would undo a tap on the phone.
    """
    name = field.get_attribute("name")
    value = field.locator("option").filter(has_text=label).get_attribute("value")

    def has_the_option(response: Response) -> bool:
        sent = parse_qsl(response.request.post_data or "", keep_blank_values=True)
        return response.url.endswith("/check") and (name, value) in sent

    with page.expect_response(has_the_option):
        field.select_option(label=label)
    _wait_for_checks(page)


def _wait_for_checks(page: Page) -> None:
    """Wait until no check is under way: htmx marks its element for as long as one is."""
    expect(page.locator("#checker.htmx-request")).to_have_count(0)


def check_accessibility(page: Page, name: str = "") -> None:
    """Assert that the page is fit for everyone. Saves a picture if SCREENSHOTS is a folder."""
    if name and os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}.png", full_page=True)
    assert_fit_for_everyone(page)


def test_a_branching_script_is_written_practised_published_and_run(
    app: Flask, desk: Callable[..., Page], new_page: Callable[..., Page], campaign_id: int
) -> None:
    """From a blank page to a recorded call, by an organiser on a desk and a caller on a phone."""
    page = desk()
    _start_writing(page, campaign_id)

    # Faults show and go while the organiser types.
    page.locator("#details-main_question > summary").click()
    words = page.get_by_label("Words to say").locator("visible=true")
    words.fill("")
    expect(page.locator("#sheet-summary")).to_contain_text("1 error to fix")
    expect(page.locator("#faults-step-main_question")).to_contain_text("“Words to say” is missing")
    words.fill("Will you come to the meeting, ")
    page.get_by_role("button", name="first name", exact=True).click()
    expect(words).to_have_value("Will you come to the meeting, {{ first_name or 'there' }}")
    expect(page.locator("#sheet-summary")).to_contain_text("No errors")
    # The phone shows the step that the organiser writes, with a name in it.
    expect(page.locator("#preview")).to_contain_text("Will you come to the meeting, Priya")

    # A separate step for people who say no.
    page.get_by_role("button", name="Add a step below What you call to ask").click()
    block = page.locator("#step-new_1")
    expect(block.get_by_label("Title")).to_be_focused()
    block.get_by_label("Title").fill("Why not?")
    block.get_by_label("Words to say").fill("May I ask what keeps you?")
    block.get_by_label("Kind of step").select_option("listen")
    block.get_by_label("Kind of answer").select_option("text")
    ask = page.locator("#step-main_question")
    # “Yes” leads to goodbye; “No” goes on to the step below.
    ask.get_by_label("Leads to").first.select_option(label="5. Say goodbye")
    _select_and_check(page, ask.get_by_label("Then go to"), "The step below")
    expect(page.locator("#sheet-summary")).to_contain_text("No errors")

    # The organiser practises it as a caller would, first from the step that they write.
    shown = page.locator("#preview")
    ask.get_by_label("Title").click()
    _wait_for_checks(page)
    shown.get_by_role("button", name="No").click()
    expect(shown).to_contain_text("May I ask what keeps you?")
    # Then the other way, from the first word to the last.
    shown.get_by_role("button", name="Start again").click()
    for answer, said in (
        ("It's them", "my name's Sam"),
        ("Next", "Will you come to the meeting, Priya"),
        ("Yes", "Thank you very much. Goodbye!"),
    ):
        shown.get_by_role("button", name=answer).click()
        expect(shown).to_contain_text(said)
    check_accessibility(page, "editor-written")

    page.get_by_role("button", name="Review and publish").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review and publish")
    assert page.stopped == []  # type: ignore[attr-defined]
    check_accessibility(page, "publish")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published. Callers will get this script")).to_be_visible()

    with app.app_context():
        script = script_of(published_version_id(db.session.get_one(Campaign, campaign_id)))
        assert script is not None
        question = script.step("main_question")
        assert question.words == "Will you come to the meeting, {{ first_name or 'there' }}"
        assert [choice.goto for choice in question.choices] == ["goodbye", None]
        assert question.next == "why_not"
        assert (script.step("why_not").kind, script.step("why_not").next) == ("listen", "goodbye")

    page.goto(f"/campaigns/{campaign_id}/callers")
    page.get_by_role("button", name="Let people in automatically").click()
    phone = new_page(390, 844, has_touch=True, is_mobile=True)
    phone.goto(page.locator("#link .copy-text").inner_text())
    _practise_and_call(phone)
    with app.app_context():
        [call] = db.session.scalars(select(Call))
        assert (call.outcome, call.conversation, call.yes) == ("talked", True, False)
        assert call.script_version_id == published_version_id(
            db.session.get_one(Campaign, campaign_id)
        )
        assert answers_of(call) == {
            "opening": "speaking",
            "introduction": None,
            "main_question": "no",
            "why_not": "The last bus",
        }


def _practise_and_call(phone: Page) -> None:
    """A volunteer joins, practises the new script, and takes the other way in a real call."""
    phone.get_by_label("Your first name").fill("Kit")
    phone.get_by_role("button", name="Join").tap()
    phone.get_by_role("link", name="Try a practice call").tap()
    shown = phone.locator("[data-step]:visible")
    expect(
        phone.get_by_text("You aren't calling anyone, and what you tap isn't saved.")
    ).to_be_visible()
    expect(shown).to_contain_text("Yes, speaking! Who's that?")
    check_accessibility(phone, "practice-390")
    for answer in ("It's them", "Next"):
        phone.locator("button:visible", has_text=answer).tap()
    expect(shown).to_contain_text("Will you come to the meeting, Bridget")
    shown.get_by_role("button", name="Yes").tap()
    expect(shown).to_contain_text("Thank you very much. Goodbye!")
    phone.get_by_role("button", name="End the practice call").tap()
    expect(phone.get_by_text("You said who you are and who you're calling for.")).to_be_visible()
    # The way of people who say yes has no “Why not?”.
    expect(phone.get_by_text("Try this.")).to_have_count(0)
    check_accessibility(phone, "practised-390")
    phone.get_by_role("button", name="Give me someone to call").tap()
    phone.wait_for_url("**/calling/person")
    expect(phone.locator('a[href^="tel:"]')).to_be_visible()
    for answer in ("It's them", "Next"):
        phone.locator("button:visible", has_text=answer).tap()
    expect(shown).to_contain_text("Will you come to the meeting, Voter")
    shown.get_by_role("button", name="No").tap()
    expect(shown).to_contain_text("May I ask what keeps you?")
    shown.get_by_role("textbox").fill("The last bus")
    check_accessibility(phone, "call-390")
    phone.locator("button:visible", has_text="Next").tap()
    expect(shown).to_contain_text("Thank you very much. Goodbye!")
    phone.get_by_role("button", name="Save: we talked · next person").tap()
    expect(phone.get_by_text("Recorded: We talked.")).to_be_visible()


def test_a_call_made_before_an_edit_keeps_its_words_in_the_export(
    app: Flask, desk: Callable[..., Page], campaign_id: int, tmp_path: Path
) -> None:
    page = desk()
    _start_writing(page, campaign_id)
    page.get_by_role("button", name="Review and publish").click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published. Callers will get this script")).to_be_visible()
    with app.app_context():
        create_contact(create_list(db.session.get_one(Campaign, campaign_id)))
        db.session.commit()
    _call_and_say_yes(app, campaign_id)

    page.get_by_role("link", name="Edit").first.click()
    page.locator("#details-main_question > summary").click()
    ask = page.locator("#step-main_question")
    expect(ask.get_by_label("Answer 1", exact=True)).to_have_value("Yes")
    ask.get_by_label("Answer 1", exact=True).fill("Yes, and I bring a friend")
    page.get_by_role("button", name="Review and publish").click()
    page.get_by_label("I have checked: each question or answer means the same").check()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published. Callers will get this script")).to_be_visible()
    _call_and_say_yes(app, campaign_id)

    page.goto(f"/campaigns/{campaign_id}/answers")
    page.get_by_role("link", name="Download results").click()
    page.get_by_role("button", name="Make the file").click()
    with app.app_context():
        make_export(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Calls and answers").click()
    download.value.save_as(tmp_path / "calls.csv")
    rows = list(csv.DictReader((tmp_path / "calls.csv").open(encoding="utf-8-sig", newline="")))
    rows.sort(key=lambda row: row["recorded_at"])
    said = [(row["script_version"], row["words_main_question"]) for row in rows]
    assert said == [("1", "Yes"), ("2", "Yes, and I bring a friend")]


def _call_and_say_yes(app: Flask, campaign_id: int) -> None:
    with app.app_context():
        caller = create_caller(db.session.get_one(Campaign, campaign_id))
        call = claim(caller).call
        for step_id, answer in (("opening", "speaking"), ("main_question", "yes")):
            save_answer(caller, call.id, step_id, answer)
        record(caller, call.id, "talked")
        db.session.commit()


def test_blocks_move_and_keep_the_focus_on_their_button(
    app: Flask, desk: Callable[..., Page], campaign_id: int
) -> None:
    page = desk()
    _start_writing(page, campaign_id)
    page.locator("#details-introduction > summary").click()
    page.get_by_role("button", name="Move down: Say who you are").click()
    expect(page.locator("li.block .block-title").nth(2)).to_have_text("3. Say who you are")
    expect(page.get_by_role("button", name="Move down: Say who you are")).to_be_focused()

    # A deleted step leaves Undo in its place, and comes back there with its words.
    deleted = page.locator("li.block .block-title", has_text="Say who you are")
    page.get_by_role("button", name="Delete: Say who you are").click()
    expect(deleted).to_have_count(0)
    expect(page.locator(".flow-box")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("li.block .block-title").nth(2)).to_have_text("3. Say who you are")
    expect(page.locator(".flow-box")).to_have_count(4)
    expect(page.locator("#step-introduction").get_by_label("Words to say")).to_have_value(
        re.compile("my name")
    )
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)

    # A box of the picture opens its step.
    title = page.locator("#step-goodbye").get_by_label("Title")
    expect(title).to_be_hidden()
    page.locator(".flow-box", has_text="Say goodbye").click()
    expect(page.locator("#details-goodbye > summary")).to_be_focused()
    expect(title).to_be_in_viewport()
    assert page.stopped == []  # type: ignore[attr-defined]


def test_a_slow_line_and_a_save_that_fails_lose_nothing(
    app: Flask, desk: Callable[..., Page], campaign_id: int
) -> None:
    page = desk()
    _start_writing(page, campaign_id)
    page.locator("#details-introduction > summary").click()
    words = page.locator("#step-introduction").get_by_label("Words to say")
    save = page.locator("#save-draft")
    publish = page.get_by_role("button", name="Review and publish")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    held: list[Route] = []
    page.route("**/edit", lambda route: held.append(route))

    # After two quick presses, and a check while the first is under way, only the first is sent.
    words.fill("Typed on a train")
    with page.expect_request("**/edit"):
        save.click()
    expect(words).to_be_disabled()
    expect(save).to_be_disabled()
    asked.clear()
    # A press that came before the button was disabled.
    publish.evaluate("button => htmx.trigger(button, 'click')")
    page.evaluate("htmx.trigger('#checker', 'look')")
    page.locator("#preview").get_by_role("button", name="Start again").click()
    held.pop().continue_()
    expect(page.locator("h1 .badge")).to_have_text("Draft")
    expect(words).to_have_value("Typed on a train")
    expect(save).to_be_focused()
    expect(page.locator("#sheet-summary")).to_contain_text("No errors")
    assert held == []
    assert not [address for address in asked if "/edit" in address], "sent beside the first"
    assert "Typed on a train" in _draft(app, campaign_id)

    # If something comes in the editor's place, the page says so and keeps what the organiser typed.
    words.fill("Typed in a tunnel")
    below = page.locator("#save-below")
    notice = page.locator("#editor").get_by_role("alert")
    page.unroute("**/edit")
    for answer, said in (
        (lambda route: route.abort(), "No answer came, so this may not be saved."),
        (lambda route: route.fulfill(status=500, body="no"), "did not come from Phonebank"),
        (lambda route: route.fulfill(body="Sign in to our wifi"), "did not come from Phonebank"),
    ):
        page.route("**/edit", answer, times=1)
        below.click()
        expect(notice).to_contain_text(said)
        expect(notice).to_be_in_viewport(ratio=1)
        expect(words).to_have_value("Typed in a tunnel")
        expect(below).to_be_focused()
    page.context.clear_cookies()
    below.click()
    expect(notice).to_contain_text("Sign in in another tab")
    assert "Typed in a tunnel" not in _draft(app, campaign_id)
    with app.app_context():
        link = sign_in_mail.sign_in_link(db.session.scalars(select(Account)).one())
    other = page.context.new_page()
    other.goto(link.replace("http://localhost", page.url.split("/campaigns")[0]))
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    below.click()
    expect(notice).to_contain_text("Press the button again")
    below.click()
    expect(notice).to_have_count(0)
    assert "Typed in a tunnel" in _draft(app, campaign_id)
    assert page.stopped == []  # type: ignore[attr-defined]


def _draft(app: Flask, campaign_id: int) -> str:
    """The source of the campaign's one script as the editor has it."""
    with app.app_context():
        [script] = campaign_scripts.scripts_of(db.session.get_one(Campaign, campaign_id))
        return drafts.working_source(script)


def test_a_script_with_faults_is_fit_for_everyone_with_all_its_steps_open(
    app: Flask, desk: Callable[..., Page], campaign_id: int
) -> None:
    """test_every_page.py checks the other pages together."""
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        script = campaign_scripts.use_ready_made(campaign, "persuasive-conversation", "en", None)
        drafts.save_draft(
            script, drafts.working_source(script).replace("- key: settled", "- key: no")
        )
        db.session.commit()
        script_id = script.id
    page = desk(390)
    page.goto(f"/campaigns/{campaign_id}/scripts/{script_id}/edit")
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert_fit_for_everyone(page, LAPTOP)
    page.goto(f"/campaigns/{campaign_id}/scripts/{script_id}")
    assert_fit_for_everyone(page, LAPTOP)


def test_merge_fields_are_chips_in_the_words_and_go_as_one_piece(
    desk: Callable[..., Page], campaign_id: int
) -> None:
    page = desk()
    _start_writing(page, campaign_id)
    page.locator("#details-main_question > summary").click()
    block = page.locator("#step-main_question")
    words, chips = (
        block.get_by_label("Words to say"),
        block.locator(".chip-area").first.locator("mark"),
    )
    long = "Will you come, {{ first_name or 'there' }}? " * 9
    words.fill(long)
    expect(chips).to_have_text(["{{ first_name or 'there' }}"] * 9)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        # The layer breaks its lines where the textarea does, so each chip is behind its field.
        page.wait_for_function(
            """() => {
              const area = document.querySelector("#step-main_question textarea");
              const layer = area.previousElementSibling;
              area.scrollTop = 1000;
              return area.scrollTop > 0 && layer.scrollHeight === area.scrollHeight
                && layer.clientWidth === area.clientWidth && layer.scrollTop === area.scrollTop;
            }"""
        )
    words.fill("Dear {{ town }}")
    expect(chips).to_have_count(1)
    words.press("End")
    words.press("Backspace")
    expect(words).to_have_value("Dear ")
    expect(chips).to_have_count(0)
    words.press("Control+z")
    expect(words).to_have_value("Dear {{ town }}")
    # A save brings new fields, whose chips are there at once.
    page.get_by_role("button", name="Save the draft").first.click()
    expect(page.locator("h1 .badge")).to_have_text("Draft")
    expect(words).to_have_value("Dear {{ town }}")
    expect(chips).to_have_count(1)
    assert page.stopped == []  # type: ignore[attr-defined]
    check_accessibility(page, "editor-chips")


def test_the_map_is_drawn_in_its_own_shape_and_fits_or_starts_at_the_first_step(
    app: Flask, desk: Callable[..., Page], campaign_id: int
) -> None:
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        script = campaign_scripts.use_ready_made(campaign, "persuasive-conversation", "en", None)
        db.session.commit()
        script_id = script.id
    page = desk()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for address in ("", "/edit"):
            page.goto(f"/campaigns/{campaign_id}/scripts/{script_id}{address}")
            expect(page.get_by_role("button", name="Whole map")).to_be_visible()
            assert round(_map_scale(page), 3) >= 0.7, "too small to read"
            assert _is_in_the_map_box(page, ".flow-start")
            for step_id in ("opening", "introduction"):
                assert _is_in_the_map_box(page, f".flow-box[data-to-step='{step_id}']")
            before = _map_scale(page)
            page.get_by_role("button", name="Larger").click()
            assert _map_scale(page) == pytest.approx(before * 1.25, rel=0.01)
            page.get_by_role("button", name="Whole map").click()
            assert _map_scale(page) < before
            assert _is_in_the_map_box(page, "svg.flow")
    # After a phone was turned, the map fits its other width.
    page.reload()
    page.set_viewport_size({"width": 700, "height": 390})
    page.wait_for_function(
        "() => { const box = document.getElementById('flow-scroll').getBoundingClientRect();"
        " return [...document.querySelectorAll('.flow-box')].slice(0, 3).every((step) => {"
        " const { left, right } = step.getBoundingClientRect();"
        " return left >= box.left - 1 && right <= box.right + 1; }); }"
    )
    # The made-up people come on demand, and their menus too.
    page.get_by_role("button", name="Change what they say").click()
    expect(page.locator("#person-0 summary")).to_be_focused()
    page.locator("#person-0 summary").click()
    step = page.locator("#person-0").get_by_label("At step").first
    expect(step.locator("option")).not_to_have_count(1)
    expect(step.locator("option:checked")).to_have_text("1. Who has answered?")
    # A check brings a new picture, which keeps the chosen size.
    chosen = _map_scale(page)
    page.locator("#details-opening > summary").click()
    title = page.locator("#step-opening").get_by_label("Title")
    title.fill("Ask for them first")
    expect(page.locator(".flow-box").first).to_contain_text("Ask for them")
    assert _map_scale(page) == pytest.approx(chosen, rel=0.01)
    assert page.stopped == []  # type: ignore[attr-defined]


def _map_scale(page: Page) -> float:
    """How large the map is drawn. Asserts that width and height agree, and that nothing is cut."""
    across, down, box = page.evaluate(
        """() => {
          const svg = document.querySelector("svg.flow");
          const { width, height } = svg.getBoundingClientRect();
          const size = svg.viewBox.baseVal;
          const rect = document.querySelector(".flow-box rect");
          const drawn = rect.getBoundingClientRect().width / rect.width.baseVal.value;
          return [width / size.width, height / size.height, drawn];
        }"""
    )
    assert across == pytest.approx(down, rel=0.01)
    assert box == pytest.approx(across, rel=0.05)
    return float(across)


def _is_in_the_map_box(page: Page, part: str) -> bool:
    return bool(
        page.evaluate(
            """(part) => {
              const box = document.getElementById("flow-scroll").getBoundingClientRect();
              const drawn = document.querySelector(part).getBoundingClientRect();
              return drawn.left >= box.left - 1 && drawn.right <= box.right + 1
                && drawn.top >= box.top - 1 && drawn.bottom <= box.bottom + 1;
            }""",
            part,
        )
    )


def test_a_phone_reaches_the_names_to_insert_from_an_open_step(
    desk: Callable[..., Page], campaign_id: int
) -> None:
    page = desk(390)
    _start_writing(page, campaign_id)
    expect(page.get_by_role("link", name="Insert a name or place")).to_be_hidden()
    page.locator("#details-main_question > summary").click()
    words = page.locator("#step-main_question").get_by_label("Words to say")
    words.fill("Hello ")
    page.get_by_role("link", name="Insert a name or place").click()
    page.get_by_role("button", name="first name").click()
    expect(words).to_have_value(re.compile(r"^Hello \{\{ first_name"))
    expect(words).to_be_in_viewport()
