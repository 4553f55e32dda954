"""Tests that an open page shows the next person with their own words, and nothing about the last
person."""

import io
import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Response, Route, expect
from sqlalchemy import select

from phonebank.calls.answers import answers_of
from phonebank.contact_queue.jobs import top_up_all_queues
from phonebank.core.db import db
from phonebank.lists.jobs import take_people_out
from phonebank.lists.services import confirm_take_out
from phonebank.lists.uploads import store_upload
from phonebank.models import Call, Campaign, Contact, ContactList, ContactState, Party, Script, now
from phonebank.scripts.versions import add_version, publish
from scripts_library.library import source_of
from tests.browser.call_page import (
    ask_for_person,
    end_early,
    join_as_kit,
    open_call,
    recorded_outcomes,
    settle,
    step_on,
    tap,
    wait_until,
)
from tests.factories import create_contact

pytestmark = pytest.mark.browser

NewPage = Callable[..., Page]
OUTBOX = "phonebank.outbox"
PERSON_AT_MOST = 2_000  # bytes
WITH_SCRIPT_AT_MOST = 12_000  # bytes on the network


def contact_on_screen(party: Party) -> Contact:
    return db.session.get_one(Contact, open_call(party).contact_id)


def name_everyone(*names: str) -> list[Contact]:
    """Give the contacts these first names, in the order in which callers get them."""
    contacts = list(db.session.scalars(select(Contact).order_by(Contact.id)))
    for contact, name in zip(contacts, names, strict=False):
        contact.first_name, contact.last_name = name, ""
    db.session.commit()
    return contacts


def test_the_next_person_comes_alone_and_finds_the_page_as_new(
    party: Party, new_page: NewPage
) -> None:
    contacts = name_everyone("Ann", "<b>Bob</b>")
    contacts[1].fields = {}
    db.session.commit()
    page = new_page(1280, 800)
    join_as_kit(page, party)
    ask_for_person(page)
    say = page.locator('[data-step="opening"] .step-say')
    expect(say).to_contain_text("Ann")
    # Leave something of everything: answers, typed text, a note, an open card, a picture.
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    page.get_by_role("button", name="5", exact=True).click()
    page.locator("textarea:visible").fill("Ann's own words")
    page.locator(".side-cards summary").first.click()
    page.get_by_text("Add a note").click()
    page.locator("#note").fill("A note on Ann")
    page.get_by_text("Call from another phone").click()
    expect(page.locator("[data-qr]")).to_have_js_property("complete", True)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.evaluate("window.sameDocument = true")
    end_early(page, "We talked")
    page.get_by_text("Recorded: We talked.").wait_for()
    settle(page)

    assert [request.resource_type for request in asked] == ["fetch"] * len(asked)
    answer = asked[-1].response()
    assert answer
    assert len(answer.body()) <= PERSON_AT_MOST
    assert page.evaluate("window.sameDocument") is True
    call, bob = open_call(party), contact_on_screen(party)
    assert bob.first_name == "<b>Bob</b>"
    expect(page.get_by_role("heading", level=1)).to_have_text("<b>Bob</b>")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(say).to_contain_text("<b>Bob</b>")
    assert page.locator("b").count() == 0
    expect(page.locator(".person-facts")).to_be_hidden()
    assert page.locator("a.dial").get_attribute("href") == f"tel:{bob.phone}"
    assert page.locator("[data-copy]").first.get_attribute("data-copy") == bob.phone
    assert step_on(page) == "opening"
    assert page.locator("#note").input_value() == ""
    # Tips stay open for the first three calls.
    assert page.locator("main details[open]:not(.step-tip)").count() == 0
    for words in ("Ann", "A note on", "Leeds"):
        assert words not in page.content()
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    assert page.locator('[data-step="rating_before"] [aria-pressed]').count() == 0
    page.get_by_role("button", name="7", exact=True).click()
    assert page.locator("textarea:visible").first.input_value() == ""
    page.get_by_text("Call from another phone").click()
    expect(page.locator("[data-qr]")).to_have_attribute(
        "src", f"/calling/person/qr.svg?call={call.id}"
    )
    end_early(page, "We talked")
    page.get_by_text("You: 2 calls, 2 conversations.").wait_for()
    assert recorded_outcomes(party) == ["talked", "talked"]


def test_undo_brings_the_first_person_back_with_what_they_said(
    party: Party, new_page: NewPage
) -> None:
    name_everyone("Ann", "Bob")
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    first = open_call(party)
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    page.get_by_role("button", name="5", exact=True).click()
    page.locator("textarea:visible").fill("Buses")
    tap(page, "Next")
    end_early(page, "We talked")
    page.get_by_text("Recorded: We talked.").wait_for()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-call]")).to_have_attribute("data-call", str(first.id))
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    assert step_on(page) == "issue"
    page.locator("[data-done] button[value=rating_why]").click()
    assert page.locator("textarea:visible").first.input_value() == "Buses"
    expect(page.locator("#toasts")).to_contain_text("Taken back: we talked.")
    # The page's forms are about this turn of the call.
    settle(page)
    end_early(page, "We talked")
    page.get_by_text("Recorded: We talked.").wait_for()
    db.session.expire_all()
    assert (db.session.get_one(Call, first.id).turn, recorded_outcomes(party)) == (1, ["talked"])


def test_the_others_of_a_household_come_and_go_with_the_person(
    party: Party, new_page: NewPage
) -> None:
    contacts = name_everyone("Ann", "Bob")
    its_list = db.session.get_one(ContactList, contacts[1].contact_list_id)
    jo = create_contact(its_list, phone=contacts[1].phone, first_name="Jo", last_name="")
    db.session.commit()
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    household = page.get_by_label("Also on this number")
    expect(household).to_be_hidden()
    tap(page, "No answer")
    page.get_by_text("Recorded: No answer.").wait_for()
    household.get_by_role("button", name="Jo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jo")
    expect(household.get_by_role("button")).to_have_text(["Bob"])
    assert contact_on_screen(party).id == jo.id
    settle(page)
    tap(page, "No answer")
    page.get_by_text("You: 2 calls").wait_for()
    expect(household).to_be_hidden()


def test_another_script_comes_once_and_the_page_keeps_it(party: Party, new_page: NewPage) -> None:
    name_everyone("Ann", "Bob", "Cy", "Di", "Ed", "Flo")
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    script = db.session.scalars(select(Script)).one()
    english = script.published_version_id
    publish(script, add_version(script, source_of("get-out-the-vote", "cy"), None))
    welsh = script.published_version_id
    weights: list[int] = []

    def weigh(answer: Response) -> None:
        if "/outcome" in answer.url:
            weights.append(int(answer.headers["content-length"]))

    page.on("response", weigh)
    for version, name in ((welsh, "Bob"), (english, "Cy"), (welsh, "Di")):
        script.published_version_id = version
        db.session.commit()
        settle(page)
        page.locator(".bar-quick").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.locator(".call-script")).to_have_attribute(
            "lang", "cy" if version == welsh else "en"
        )
        expect(page.locator("[data-step]:visible .step-say")).to_contain_text(name)
        expect(page.locator(".side-cards")).to_be_visible()
    page.locator("[data-step]:visible button").first.click()
    wait_until(lambda: bool(answers_of(open_call(party))))
    # A person without a script comes to the same page too, and after them one with a script.
    for version in (None, welsh):
        script.published_version_id = version
        db.session.commit()
        page.evaluate("document.querySelector('.bar-save').value = 'wrong_number'")
        end_early(page, "Busy") if version is None else tap(page, "Busy")
        expect(page.locator("[data-bar]")).to_have_attribute(
            "data-bar", "plain" if version is None else "ringing"
        )
        expect(page.locator(".bar-save")).to_have_attribute("value", "talked")
        expect(page.locator(".call-script")).to_be_visible(visible=version is not None)
        settle(page)
    assert [weight <= PERSON_AT_MOST for weight in weights] == [False, False, True, True, True]
    assert max(weights) <= WITH_SCRIPT_AT_MOST


def test_a_busy_server_puts_the_next_person_off_and_the_page_stays(
    party: Party, new_page: NewPage
) -> None:
    name_everyone("Ann", "Bob")
    page = new_page(390, 664)
    join_as_kit(page, party)
    ask_for_person(page)
    page.evaluate("window.sameDocument = true")
    sent: list[str] = []

    def put_off_once(route: Route) -> None:
        """Let the server record the outcome and claim nobody, as a busy one does."""
        sent.append(route.request.url)
        if len(sent) > 1:
            return route.continue_()
        answer = route.fetch(post_data=f"{route.request.post_data}&next=no")
        headers = answer.headers | {"retry-after": "2", "content-type": "application/json"}
        del headers["x-phonebank-go-to"]
        told = {"person": None, "message": "Your call is saved. It will take a moment."}
        return route.fulfill(status=200, headers=headers, body=json.dumps(told))

    page.route("**/outcome?*", put_off_once)
    tap(page, "No answer")
    expect(page.get_by_role("alert").get_by_text("Your call is saved.")).to_be_visible()
    expect(page.locator("[data-call]")).to_be_hidden()
    expect(page.locator(".call-bar")).to_be_hidden()
    assert recorded_outcomes(party) == ["no_answer"]
    # No key presses what is hidden, and a new page has nothing to send.
    page.keyboard.press("1")
    assert page.evaluate("key => sessionStorage.getItem(key)", OUTBOX) is None
    expect(page.get_by_role("heading", level=1)).to_have_text("Bob")
    expect(page.locator("[data-call]")).to_be_visible()
    expect(page.locator(".call-bar")).to_be_visible()
    expect(page.get_by_text("Your call is saved.")).to_have_count(0)
    assert page.evaluate("window.sameDocument") is True
    assert len(set(sent)) == 1
    assert len(sent) == 2
    settle(page)
    tap(page, "Busy")
    page.get_by_text("Recorded: Busy.").wait_for()
    assert recorded_outcomes(party) == ["no_answer", "busy"]


def test_a_caller_can_leave_while_the_next_person_is_put_off(
    party: Party, new_page: NewPage
) -> None:
    page = new_page(390, 664)
    join_as_kit(page, party)
    ask_for_person(page)

    def put_off(route: Route) -> None:
        answer = route.fetch(post_data=f"{route.request.post_data}&next=no")
        headers = answer.headers | {"retry-after": "60", "content-type": "application/json"}
        del headers["x-phonebank-go-to"]
        told = {"person": None, "message": "Your call is saved."}
        route.fulfill(status=200, headers=headers, body=json.dumps(told))

    page.route("**/outcome?*", put_off)
    tap(page, "No answer")
    expect(page.get_by_text("Your call is saved.")).to_be_visible()
    page.get_by_role("button", name="Take a break").click()
    expect(page.get_by_role("button", name="Give me someone to call")).to_be_visible()
    assert recorded_outcomes(party) == ["no_answer"]


def test_an_outcome_that_an_earlier_release_left_in_the_outbox_still_goes_out(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    call = open_call(party)
    entry = {
        "kind": "screen",
        "call": str(call.id),
        "url": f"/calling/person/{call.id}/outcome?turn=0",
        "fields": [["outcome", "busy"]],
        "isOutcome": True,
    }
    page.evaluate(
        "([key, entries]) => sessionStorage.setItem(key, entries)", [OUTBOX, json.dumps([entry])]
    )
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_text("Recorded: Busy.").wait_for()
    assert recorded_outcomes(party) == ["busy"]
    assert open_call(party).id != call.id


def test_a_talk_that_was_cut_short_goes_on_where_it_stopped(
    party: Party, new_page: NewPage
) -> None:
    ann, _bob, *others = name_everyone("Ann", "Bob")
    for contact in others:
        contact.state = ContactState.FINISHED
    db.session.commit()
    page = new_page(390, 844)
    join_as_kit(page, party)
    ask_for_person(page)
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    begun, stopped_at = open_call(party), step_on(page)
    end_early(page, "Cut short")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bob")
    expect(page.locator(".earlier")).to_be_hidden()
    settle(page)
    db.session.get_one(Contact, ann.id).callable_at = now()
    db.session.commit()
    top_up_all_queues()
    tap(page, "No answer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    expect(page.locator(".earlier")).to_contain_text(re.compile(r"\w+: began to talk"))
    assert step_on(page) == stopped_at
    expect(page.locator("[data-done-steps]")).to_contain_text("Happy to talk")
    expect(page.locator(".call-bar").get_by_role("button", name="No answer")).to_be_visible()

    page.get_by_role("button", name="Start from the beginning").click()
    assert step_on(page) == "opening"
    page.reload()  # nothing was answered yet, so the script goes on where it stopped
    assert step_on(page) == stopped_at
    page.get_by_role("button", name="5", exact=True).click()
    call = open_call(party)
    wait_until(lambda: stopped_at in answers_of(call))
    assert answers_of(call) == {**answers_of(begun), stopped_at: 5}


def take_out(party: Party, contact: Contact) -> None:
    """Take a person out by a file that has their number, as the organiser's pages and a job do."""
    campaign = db.session.get_one(Campaign, party.campaign_id)
    file = io.BytesIO(f"Phone\n{contact.phone}\n".encode())
    stored = store_upload(campaign, None, "voted.csv", file, "voted")
    confirm_take_out(stored, "Voted", ["phone"], agreed=True)
    db.session.commit()
    take_people_out(stored.id)


def test_someone_who_is_taken_out_by_a_file_leaves_the_screen(
    party: Party, new_page: NewPage
) -> None:
    contacts = name_everyone("Ann", "Bob")
    page = new_page(390, 844)
    join_as_kit(page, party)
    ask_for_person(page)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Ann")
    wait_until(lambda: page.evaluate("document.readyState") == "complete")
    page.wait_for_timeout(500)  # the socket connects
    take_out(party, contacts[0])
    expect(heading).to_contain_text("Bob", timeout=5_000)
    # A call that has begun goes on, and its outcome is kept.
    tap(page, "It's them")
    page.wait_for_timeout(500)
    take_out(party, contacts[1])
    warning = page.get_by_text("They have just been taken off the list.")
    expect(warning).to_be_visible(timeout=5_000)
    end_early(page, "No answer")
    wait_until(lambda: recorded_outcomes(party) == ["no_answer"])
    db.session.expire_all()
    states = [db.session.get_one(Contact, one.id).state for one in contacts[:2]]
    assert states == [ContactState.TAKEN_OUT, ContactState.TAKEN_OUT]
