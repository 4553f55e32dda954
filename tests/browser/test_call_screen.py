"""Tests the call page in a browser: taps, keys, dead spots, and an expired hold."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select, update

from callers.views.script_words import transitions_from
from phonebank.calls.answers import answers_of
from phonebank.core.db import db
from phonebank.models import (
    Call,
    CallEnding,
    Caller,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    Party,
    ToldChange,
    now,
)
from phonebank.parties.participants import send_message, waiting_callers
from phonebank.parties.services import end_break, start_break
from phonebank.roster.admit import admit
from phonebank.roster.remove import remove as remove_caller
from phonebank.tallies.totals import party_totals
from scripts_library.engine import first_step, path
from scripts_library.library import ready_made
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
from tests.browser.looking import SMALL, assert_fit_for_everyone, small_targets

pytestmark = pytest.mark.browser

NewPage = Callable[..., Page]


def test_two_taps_and_one_field_then_one_tap_each(party: Party, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"/join/{party.code}")
    page.get_by_label("Your first name").fill("Kit")
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/calling")
    ask_for_person(page)
    first = open_call(party)
    expect(page.locator(f'a[href="tel:{first.phone}"]')).to_be_visible()
    tap(page, "No answer")
    page.get_by_text("Recorded: No answer.").wait_for()
    page.get_by_text("You: 1 call, 0 conversations. Team: 0 of 50.").wait_for()
    assert page.url.endswith("/calling/person")
    assert open_call(party).id != first.id
    assert recorded_outcomes(party) == ["no_answer"]
    assert party_totals([party.id])[party.id].calls == 1


def test_what_a_person_told_is_sent_without_leaving_the_call(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.get_by_text("Correct their details").click()
    page.get_by_label("First name").fill("Ana")
    page.get_by_role("button", name="Send to the organisers").click()
    page.get_by_text("Sent. An organiser will decide what to change.").wait_for()
    assert page.get_by_label("First name").input_value() == ""
    page.get_by_label("Moved to").fill("Leeds")
    first = open_call(party)
    tap(page, "No answer")
    page.get_by_text("Recorded: No answer.").wait_for()
    # What was not sent is not sent about the next person.
    page.get_by_text("Correct their details").click()
    assert page.get_by_label("Moved to").input_value() == ""
    page.get_by_label("Their right number").fill("12")
    page.get_by_role("button", name="Send to the organisers").click()
    page.get_by_text("We can't read this number.").wait_for()
    page.get_by_label("Their right number").fill("020 7946 0950")
    page.get_by_role("button", name="Send to the organisers").click()
    page.get_by_text("Sent. An organiser will decide what to change.").wait_for()
    db.session.rollback()
    changes = db.session.query(ToldChange).order_by(ToldChange.id).all()
    assert [(change.call_id, change.said) for change in changes] == [
        (first.id, {"first_name": "Ana", "last_name": ""}),
        (open_call(party).id, {"number": "+442079460950"}),
    ]
    assert_fit_for_everyone(page)


def test_a_conversation_is_its_answers_and_one_tap(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    call = open_call(party)
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    page.get_by_role("button", name="5", exact=True).click()
    page.locator("textarea:visible").fill("Broken promises")
    tap(page, "Next")
    assert step_on(page) == "issue"
    end_early(page, "We talked")
    page.get_by_text("Recorded: We talked.").wait_for()
    db.session.expire_all()
    call = db.session.get_one(Call, call.id)
    assert call.conversation
    assert answers_of(call) == {
        "opening": "speaking",
        "introduction": "happy_to_talk",
        "rating_before": 5,
        "rating_why": "Broken promises",
    }


def test_an_earlier_answer_can_be_changed_and_the_next_steps_follow(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    page.get_by_role("button", name="5", exact=True).click()
    assert step_on(page) == "rating_why"
    page.get_by_role("button", name="Change what you noted at: Where do they stand?").click()
    assert step_on(page) == "rating_before"
    expect(page.get_by_role("button", name="5", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="10", exact=True).click()
    assert step_on(page) == "supporter"
    wait_until(lambda: answers_of(open_call(party)).get("rating_before") == 10)
    page.reload()
    assert step_on(page) == "supporter"


def test_digit_keys_answer_and_can_be_switched_off(party: Party, new_page: NewPage) -> None:
    page = new_page(1280, 800)
    join_as_kit(page, party)
    ask_for_person(page)
    page.keyboard.press("1")
    assert step_on(page) == "introduction"
    page.keyboard.press("Control+1")
    assert step_on(page) == "introduction"
    page.keyboard.press("1")
    assert step_on(page) == "rating_before"
    page.keyboard.type("10")
    expect(page.locator('[data-step="supporter"]')).to_be_visible()
    tap(page, "Next")
    # The keys do nothing while the caller types, or after they switched them off.
    page.get_by_text("Add a note").click()
    page.locator("#note").type("12")
    assert step_on(page) == "voting_method"
    assert page.locator("#note").input_value() == "12"
    page.locator("h1").focus()
    page.keyboard.press("?")
    switch = page.get_by_role("switch", name="Keys")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    page.keyboard.press("1")
    assert step_on(page) == "voting_method"
    page.reload()
    page.keyboard.press("1")
    page.keyboard.press("e")
    assert step_on(page) == "voting_method"
    assert page.locator(".sheet").is_hidden()


def test_letters_press_the_buttons_of_the_bar(party: Party, new_page: NewPage) -> None:
    page = new_page(1280, 800)
    join_as_kit(page, party)
    ask_for_person(page)
    first = str(open_call(party).id)
    page.keyboard.press("n")
    page.get_by_text("Recorded: No answer.").wait_for()
    page.keyboard.press("u")
    expect(page.locator("[data-call]")).to_have_attribute("data-call", first)
    settle(page)
    page.keyboard.press("Shift+V")
    page.get_by_text("Recorded: Voicemail.").wait_for()
    page.keyboard.press("e")
    expect(page.locator(".sheet")).to_be_visible()
    # What is behind the sheet is out of reach.
    page.keyboard.press("n")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    assert step_on(page) == "opening"
    # Nobody can be not answering once they talk.
    page.keyboard.press("1")
    page.keyboard.press("n")
    assert step_on(page) == "introduction"
    wait_until(lambda: "opening" in answers_of(open_call(party)))
    assert recorded_outcomes(party) == ["answerphone"]


def test_a_call_needs_only_the_keyboard(party: Party, new_page: NewPage) -> None:
    page = new_page(1280, 800)
    join_as_kit(page, party)
    ask_for_person(page)

    def tab_to(text: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.textContent")
            if focused.strip().startswith(text):
                return
        raise AssertionError(f"{text} cannot be reached by keyboard")

    tab_to("1It's them")
    page.keyboard.press("Enter")
    # The focus moves with the call, to the heading of the step that comes.
    assert page.evaluate("document.activeElement.textContent") == "Say who you are"
    tab_to("More…")
    page.keyboard.press("Enter")
    tab_to("Hung up")
    page.keyboard.press("Enter")
    page.get_by_text("Recorded: Hung up.").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"


def test_enter_in_a_field_records_nothing(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.locator(".more > summary").click()
    page.locator("summary", has_text="Call back").click()
    page.get_by_text("Another day or time").click()
    page.get_by_label("Day").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Their local time").press("Enter")
    page.wait_for_timeout(500)
    assert recorded_outcomes(party) == []


@pytest.mark.timing
def test_the_second_of_a_double_tap_does_not_record_the_next_person(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.locator(".bar-quick").first.dblclick()
    page.get_by_text("Recorded: No answer.").wait_for()
    page.locator(".bar-quick").first.click()
    page.wait_for_timeout(500)
    assert recorded_outcomes(party) == ["no_answer"]


def test_undo_is_one_tap(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    first = open_call(party)
    tap(page, "No answer")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-call]")).to_have_attribute("data-call", str(first.id))
    assert open_call(party).id == first.id
    assert party_totals([party.id])[party.id].calls == 0


def test_a_callback_is_three_taps(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    contact_id = open_call(party).contact_id
    page.locator(".more > summary").click()
    page.locator("summary", has_text="Call back").click()
    tap(page, "This time tomorrow")
    page.get_by_text("Recorded: Call back on").wait_for()
    db.session.expire_all()
    assert db.session.get_one(Contact, contact_id).callback_at is not None


def test_reload_back_and_a_discarded_tab_return_to_the_same_person(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    tap(page, "It's them")
    call = str(open_call(party).id)
    page.get_by_text("Add a note").click()
    page.locator("#note").fill("Half a note")
    page.reload()
    expect(page.locator("#note")).to_have_value("Half a note")
    page.go_back()
    expect(page.locator("[data-call]")).to_have_attribute("data-call", call)
    assert step_on(page) == "introduction"
    tab = page.context.new_page()
    tab.goto(f"/join/{party.code}")
    expect(tab.locator("[data-call]")).to_have_attribute("data-call", call)


def test_nothing_is_lost_or_doubled_while_the_phone_is_offline(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    first = open_call(party)
    page.context.set_offline(True)
    page.locator("[data-line-down]", has_text="keep talking").wait_for()
    tap(page, "It's them")
    tap(page, "Happy to talk")
    page.get_by_role("button", name="7", exact=True).click()
    assert step_on(page) == "rating_why"
    end_early(page, "We talked")
    page.locator("[data-line-down]", has_text="this call ended is saved on this phone").wait_for()
    end_early(page, "Cut short")
    assert recorded_outcomes(party) == []
    page.context.set_offline(False)
    page.get_by_text("Recorded: We talked.").wait_for()
    expect(page.locator("[data-line-down]")).to_be_empty()
    db.session.expire_all()
    first = db.session.get_one(Call, first.id)
    assert (first.outcome, first.conversation) == ("talked", True)
    assert answers_of(first)["rating_before"] == 7
    assert party_totals([party.id])[party.id].calls == 1
    assert page.evaluate("sessionStorage.length") == 0


def test_an_answer_lost_on_the_way_back_is_sent_again_and_counts_once(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    lost: list[int] = []

    def lose_the_first_answer(route):  # the server has recorded it, and the phone gets no answer
        response = route.fetch()
        if not lost:
            lost.append(response.status)
            return route.abort("connectionreset")
        return route.fulfill(response=response)

    page.route("**/outcome?*", lose_the_first_answer)
    tap(page, "No answer")
    page.get_by_text("Recorded: No answer.").wait_for()
    assert lost == [200]
    assert recorded_outcomes(party) == ["no_answer"]
    assert party_totals([party.id])[party.id].calls == 1
    query = select(func.count()).select_from(Call)
    assert db.session.scalar(query) == 2


def test_a_page_with_an_old_token_gets_a_new_one_and_sends_the_tap_again(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.evaluate("document.querySelector('meta[name=csrf]').content = 'of yesterday'")
    page.on("dialog", lambda dialog: dialog.accept())
    tap(page, "Busy")
    page.get_by_text("Recorded: Busy.").wait_for()
    assert recorded_outcomes(party) == ["busy"]


def test_a_tap_that_waits_to_be_sent_survives_a_reload(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.route("**/outcome?*", lambda route: route.abort("connectionrefused"))
    tap(page, "Busy")
    page.locator("[data-line-down]", has_text="How this call ended").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?", as the page should ask
    page.unroute("**/outcome?*")
    page.reload()
    page.get_by_text("Recorded: Busy.").wait_for()
    assert recorded_outcomes(party) == ["busy"]


def test_the_page_asks_no_more_how_a_call_ended_once_the_waiting_tap_is_sent(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.route("**/outcome?*", lambda route: route.abort("connectionrefused"))
    tap(page, "Busy")
    page.locator("[data-line-down]", has_text="How this call ended").wait_for()
    call = open_call(party)
    call.ended_at, call.ending = now(), CallEnding.EXPIRED
    db.session.commit()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/calling")
    question = page.get_by_text("Were you still talking?")
    expect(question).to_be_visible()
    page.unroute("**/outcome?*")
    page.get_by_text("How your last call ended is saved.").wait_for()
    expect(question).to_have_count(0)


def test_the_page_warns_keeps_the_hold_with_one_tap_and_says_when_it_is_lost(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    # The page would renew over its websocket too. Whether an answer still comes while the clock
    # runs this fast depends on the machine, so the page renews by requests alone.
    page.route_web_socket("**/*", lambda ws: ws.close())
    join_as_kit(page, party)
    page.clock.install()
    ask_for_person_with_clock(page)
    call = open_call(party)
    page.route("**/renew", lambda route: route.abort("connectionrefused"))
    for _ in range(272):
        page.clock.run_for(1000)
    warning = page.locator("[data-hold-warning]")
    expect(warning).to_contain_text("goes back to the list in less than 30 seconds")
    page.unroute("**/renew")
    warning.get_by_role("button", name="Keep").click()
    expect(warning).to_be_empty()
    # Another caller has the contact by now: the hold expired while this page slept.
    db.session.get_one(Call, call.id).ended_at = now()
    db.session.get_one(Call, call.id).ending = CallEnding.EXPIRED
    db.session.commit()
    page.clock.run_for(62_000)
    expect(warning).to_contain_text("gone back to the list")
    tap(page, "No answer")
    page.get_by_text("Recorded: No answer.").wait_for()
    db.session.expire_all()
    assert db.session.get_one(Call, call.id).late


def ask_for_person_with_clock(page: Page) -> None:
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/person")
    page.clock.run_for(1000)


@pytest.mark.timing
def test_the_page_renews_its_hold_while_it_is_in_sight(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    page.clock.install()
    ask_for_person_with_clock(page)
    open_call(party).expires_at = now() + timedelta(seconds=100)
    db.session.commit()
    page.clock.run_for(61_000)
    wait_until(lambda: open_call(party).expires_at > now() + timedelta(seconds=200))
    # The page opens again when hardly any time is left, as after a while in another app.
    open_call(party).expires_at = now() + timedelta(seconds=2)
    db.session.commit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/renew") as at_once:
        page.reload()
    assert at_once.value.json()["seconds_left"] > 290
    for _ in range(40):
        page.clock.run_for(1000)
    expect(page.locator("[data-hold-warning]")).to_be_empty()
    assert len([url for url in asked if url.endswith("/renew")]) == 1


@pytest.mark.timing
def test_the_lobby_moves_on_when_the_host_opens_the_door(party: Party, new_page: NewPage) -> None:
    party.door_open = False
    db.session.commit()
    page = new_page()
    join_as_kit(page, party)
    page.get_by_text("has to let you in first").wait_for()
    page.wait_for_timeout(1000)
    db.session.expire_all()
    admit(waiting_callers(party))
    db.session.commit()
    page.get_by_role("button", name="Give me someone to call").wait_for(timeout=5000)


@pytest.mark.timing
def test_a_removed_caller_loses_sight_of_the_person_at_once(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    name = db.session.get_one(Contact, open_call(party).contact_id).first_name
    page.get_by_text(name).first.wait_for()
    page.wait_for_timeout(500)
    remove_caller(db.session.scalars(select(Caller)).one())
    db.session.commit()
    page.get_by_text("an organiser has removed you").wait_for(timeout=5000)
    assert name not in page.content()


@pytest.mark.timing
def test_a_message_from_the_host_and_a_break_reach_the_page(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    join_as_kit(page, party)
    ask_for_person(page)
    page.wait_for_timeout(500)
    send_message(party, "Pizza is here")
    db.session.commit()
    page.get_by_text("Pizza is here").wait_for(timeout=5000)
    page.get_by_role("button", name="OK").click()
    start_break(party)
    db.session.commit()
    page.get_by_text("There's a break after this call.").wait_for(timeout=5000)
    tap(page, "No answer")
    page.wait_for_url("**/calling/wait")
    page.get_by_text("Your host has called a break.").wait_for()
    start_break(party, 5)
    db.session.commit()
    expect(page.locator("[data-countdown]")).to_have_text(re.compile("4:5"), timeout=5000)
    end_break(party)
    db.session.commit()
    page.wait_for_url("**/calling/person", timeout=5000)


@pytest.mark.timing
def test_the_waiting_page_shows_the_present_reason_and_continues_by_itself(
    party: Party, new_page: NewPage
) -> None:
    campaign = db.session.get_one(Campaign, party.campaign_id)
    contact_list = db.session.scalars(select(ContactList)).one()
    campaign.state = CampaignState.PAUSED
    db.session.commit()
    page = new_page()
    join_as_kit(page, party)
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/wait")
    heading = page.locator("h1")
    expect(heading).to_have_text("Calling is paused")
    campaign.state, contact_list.removed = CampaignState.RUNNING, True
    db.session.commit()
    expect(heading).to_have_text("The list is paused")
    contact_list.removed = False
    db.session.commit()
    page.wait_for_url("**/calling/person", timeout=25_000)


def test_the_page_says_when_calling_opens_and_waits_for_a_tap_after_a_long_time(
    party: Party, new_page: NewPage
) -> None:
    campaign = db.session.get_one(Campaign, party.campaign_id)
    opens = now() + timedelta(days=3)  # in Tokyo too it is never “tomorrow”
    campaign.allow_drama_numbers = False
    campaign.hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun")) | {
        opens.strftime("%a").lower(): ["10:00", "20:00"]
    }
    db.session.commit()
    page = new_page(timezone_id="Asia/Tokyo")
    page.clock.install()
    join_as_kit(page, party)
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/wait")
    utc = page.locator("time").get_attribute("datetime")
    hour = page.evaluate("utc => new Date(utc).getHours()", utc)
    day = page.evaluate("utc => new Date(utc).toLocaleString('en', { weekday: 'long' })", utc)
    expect(page.locator("h1")).to_have_text(f"Calling opens on {day} at {hour:02d}:00")
    assert page.get_by_role("button", name="Try again now").count() == 0
    assert page.locator(".sorry").get_by_role("button").count() == 0
    page.clock.fast_forward(94 * 60 * 60 * 1000)
    page.wait_for_url("**/calling")
    campaign.state = CampaignState.PAUSED
    db.session.commit()
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/wait")
    page.get_by_role("heading", name="Calling is paused").wait_for()
    page.clock.fast_forward(31 * 60 * 1000)
    page.wait_for_url("**/calling")


def test_a_practice_call_sends_nothing_until_its_end(party: Party, new_page: NewPage) -> None:
    page = new_page()
    join_as_kit(page, party)
    page.get_by_role("link", name="Try a practice call").click()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.get_by_text("You aren't calling anyone, and what you tap isn't saved.").wait_for()
    page.wait_for_load_state()  # a tap before the page's JavaScript runs is sent as a form
    assert page.locator('a[href^="tel:"]').count() == 0
    tap(page, "It's them")
    page.get_by_text("I've got the kettle on").wait_for()
    tap(page, "Happy to talk")
    page.get_by_role("button", name="9", exact=True).click()
    assert "POST" not in sent
    end_early(page, "Cut short")
    page.get_by_text("You asked the main question").wait_for()
    assert db.session.scalar(select(func.count()).select_from(Call)) == 0


def test_the_page_walks_every_ready_made_script_as_the_server_does(
    party: Party, new_page: NewPage
) -> None:
    page = new_page()
    page.goto("/join")
    cases, expected = [], []
    for script in ready_made():
        ways = {
            "first": first_step(script, {}),
            "steps": {s.id: transitions_from(s, {}) for s in script.steps},
        }
        for number in range(11):
            answers = {
                s.id: number
                if s.answer == "scale"
                else s.choices[number % len(s.choices)].key
                if s.answer == "choice"
                else [c.key for c in s.choices[: number % 3]]
                if s.answer == "several"
                else None
                for s in script.steps
            }
            cases.append([ways, answers])
            expected.append([s.id for s in path(script, answers, {})])
    walked = page.evaluate(
        """async cases => {
            const { walk } = await import("/static/js/call_path.js");
            return cases.map(([script, answers]) => walk(script, answers));
        }""",
        cases,
    )
    assert walked == expected


def test_everything_works_without_javascript(party: Party, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    join_as_kit(page, party)
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/person")
    for name in ("It's them", "Happy to talk"):
        tap(page, name)
    page.get_by_role("button", name="5", exact=True).click()
    tap(page, "Next")
    assert step_on(page) == "issue"
    end_early(page, "We talked")
    page.get_by_text("Recorded: We talked.").wait_for()
    page.get_by_role("button", name="Undo").click()
    assert step_on(page) == "issue"
    page.locator(".more > summary").click()
    page.locator("summary", has_text="Call back").click()
    page.locator(".sheet button[value=call_back]").click()
    page.get_by_text("Recorded: Call back.").wait_for()
    page.get_by_role("button", name="Take a break").click()
    page.get_by_role("button", name="Give me someone to call").wait_for()


def test_every_page_is_sound_for_axe_and_for_thumbs_in_the_dark(
    party: Party, new_page: NewPage
) -> None:
    """test_every_page.py checks all pages together in light colours and at other widths."""
    page = new_page(*SMALL, reduced_motion="reduce", color_scheme="dark")
    problems: list[str] = []
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))

    def check() -> None:
        assert_fit_for_everyone(page)
        assert small_targets(page) == []

    page.goto("/join")
    check()
    page.goto("/help")
    check()
    page.goto(f"/join/{party.code}")
    check()
    join_as_kit(page, party)
    check()
    ask_for_person(page)
    check()
    tap(page, "Busy")
    page.get_by_text("Recorded: Busy.").wait_for()
    page.locator(".more > summary").click()
    check()
    page.locator("summary", has_text="Call back").click()
    page.get_by_text("Another day or time").click()
    check()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("1")
    check()
    page.get_by_role("button", name="5", exact=True).click()
    check()
    page.get_by_role("button", name="Take a break").click()
    page.wait_for_url("**/calling")
    check()
    page.goto("/calling/mine")
    check()
    page.goto("/calling/practice")
    check()
    tap(page, "No answer")
    page.wait_for_url("**/done")
    check()
    db.session.execute(update(Contact).values(callable_at=now() + timedelta(days=1)))
    db.session.commit()
    page.goto("/calling/wait")
    if "/person" in page.url:  # contacts in the queue already
        pytest.fail("no contact should be callable")
    check()
    assert problems == []
    page.goto("/join/ZZZZZZ")
    check()


def test_nothing_on_a_page_moves_the_body(party: Party, new_page: NewPage) -> None:
    """The page scrolls above the buttons and not under them, so that they cover no focus."""
    page = new_page(390, 700)
    join_as_kit(page, party)
    ask_for_person(page)
    tap(page, "It's them")
    assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")
    bar = page.locator(".call-bar").bounding_box()
    assert bar
    assert bar["y"] + bar["height"] <= 701
