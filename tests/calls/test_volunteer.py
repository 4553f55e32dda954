"""A volunteer's evening in the browser, through a real Asterisk: they hear people, are heard, and
never get a number."""

import os

import pytest
from flask import current_app
from playwright.sync_api import Browser, Error, Page, Response, expect

from phonebank.core.db import db
from phonebank.models import CampaignMode, LineSide, LineState
from scripts_library.library import source_of
from tests.calls.test_asterisk_backend import SHOWN
from tests.calls.test_asterisk_backend import VOLUNTEER as OWN_E164
from tests.calls.test_dialler import ANSWERS, BUSY, Evening, evening
from tests.calls.test_softphone import KEEP_THE_CONNECTION, microphone_browser, statistics
from tests.factories import create_caller, create_script
from tests.processes import within
from tests.whole_evening import cookie_of

pytestmark = [
    pytest.mark.calls,
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("clean_stores"),
]
OWN = "020 7946 0009"
__all__ = ["evening", "microphone_browser"]  # fixtures


class Eavesdropper:
    """Everything that a page was sent."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.texts: list[str] = []
        self.responses: list[Response] = []
        self.errors: list[str] = []
        page.on("response", lambda response: self.responses.append(response))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda ws: ws.on("framereceived", self._keep))

    def _keep(self, frame: str | bytes) -> None:
        self.texts.append(frame if isinstance(frame, str) else frame.decode("latin1"))

    def heard(self) -> list[str]:
        """What the server sent, except its files."""
        for response in self.responses:
            if "/static/" not in response.url and response.status == 200:
                try:
                    self.texts.append(response.text())
                except Error:  # the page was left in between
                    assert response.url.endswith("/calling/phone/state")
        self.responses.clear()
        self.texts.append(self.page.content())
        return self.texts


def come_in(page: Page, evening: Evening) -> None:
    """Make this browser the device of Kit, a caller."""
    caller = create_caller(evening.campaign, first_name="Kit")
    db.session.commit()
    session = {"caller": {"id": caller.id, "token": caller.device_token}}
    value = cookie_of(current_app, session)
    page.context.add_cookies([{"name": "session", "value": value, "url": evening.processes.url}])


def hears_and_is_heard(page: Page) -> None:
    """The person sends back what they hear, so energy in the browser proves both ways."""
    before = statistics(page)

    def is_so() -> bool:
        grown = {name: value - before[name] for name, value in statistics(page).items()}
        return grown["sent"] > 60 and grown["received"] > 60 and grown["energy"] > 0.005

    within(40, is_so, "sound goes both ways")


def test_own_phone_and_page_together(evening, microphone_browser: Browser):
    """Kit's own phone is called once and stays on the line. The page shows each person first."""
    evening.campaign.mode = CampaignMode.PHONE_BRIDGE
    create_script(evening.campaign, source_of("persuasive-conversation", "en"))
    numbers = evening.people(ANSWERS, BUSY, ANSWERS)
    before = len(evening.asterisk.conversations())
    evening.processes.start_web(workers=1)
    evening.start_dialler()
    context = microphone_browser.new_context(base_url=evening.processes.url)
    page = context.new_page()
    come_in(page, evening)
    sent = Eavesdropper(page)
    page.goto("/calling/phone")
    page.locator("#own-number").fill(OWN)
    page.get_by_role("button", name="Call my phone").click()
    expect(page.get_by_role("heading", name="Ready when you are, Kit")).to_be_visible()
    sent.heard()
    page.get_by_role("button", name="Give me someone to call").click()
    talks = 0
    for _ in numbers:
        expect(page.locator("h1")).to_contain_text("Voter")
        name = page.locator("h1").inner_text()
        page.get_by_role("button", name="Call Voter").click()
        end = page.get_by_text("They can hear you.").or_(page.get_by_text("Their phone is busy."))
        expect(end).to_be_visible()
        if "busy" in end.inner_text():
            page.get_by_role("button", name="Busy", exact=True).click()
        else:
            joined = evening.wait(
                lambda: [x for x in evening.lines() if x.state == LineState.JOINED]
            )
            assert {line.side for line in joined} == {LineSide.CALLER, LineSide.PERSON}
            talks += 1
            page.get_by_role("button", name="Hang up on them").click()
            expect(page.get_by_text("They're no longer on the phone.")).to_be_visible()
            page.locator("[data-more] > summary").click()
            page.locator(".sheet button:visible", has_text="Didn't want to talk").first.click()
        expect(page.locator("h1")).not_to_have_text(name)
        # The bar doesn't speak of the person before.
        expect(end).to_be_hidden()
    assert talks == 2
    page.get_by_role("button", name="Hang up and stop").click()
    expect(page.get_by_text("You're not on the phone.")).to_be_visible()
    [own] = evening.lines(LineSide.CALLER)
    evening.wait(lambda: all(line.ended_at for line in evening.lines()))
    assert own.answered_at is not None
    # Nothing on the way to a telephone names another telephone than it and the campaign.
    said = evening.asterisk.conversations()[before:]
    assert len(said) == 1 + len(numbers)
    for text in said:
        assert SHOWN in text
        assert sum(number in text for number in [OWN_E164, *numbers]) == 1
    everything = "\n".join(sent.heard()).replace(" ", "")
    assert "Voter" in everything
    assert not [number for number in numbers if number[3:] in everything]
    assert not sent.errors
    context.close()
    assert sorted(evening.called()) == sorted(numbers)


@pytest.mark.parametrize("mode", [CampaignMode.PHONE_BRIDGE, CampaignMode.PROGRESSIVE])
def test_three_calls_from_the_browser(evening, microphone_browser: Browser, mode):
    if os.environ.get("OWN_NETWORK") != "inside":
        pytest.skip("no real sound: this machine gives no network of one's own (make test-calls)")
    evening.campaign.mode = mode
    create_script(evening.campaign, source_of("persuasive-conversation", "en"))
    numbers = evening.people(*[ANSWERS] * 4)
    evening.processes.start_web(workers=1)
    evening.start_dialler()
    context = microphone_browser.new_context(base_url=evening.processes.url)
    page = context.new_page()
    page.add_init_script(KEEP_THE_CONNECTION)
    come_in(page, evening)
    sent = Eavesdropper(page)
    page.goto("/calling/phone")
    page.get_by_role("button", name="Speak through this browser").click()
    expect(page.get_by_text("You're connected.")).to_be_visible()
    expect(page.get_by_role("heading", name="Ready when you are, Kit")).to_be_visible()
    # The fake microphone beeps once a second, and the bar of the microphone moves with it.
    within(30, lambda: page.locator("meter").evaluate("meter => meter.value") > 10)
    if mode == CampaignMode.PROGRESSIVE:
        page.get_by_role("button", name="Ready", exact=True).click()
    else:
        page.get_by_role("button", name="Give me someone to call").click()
    for turn in range(3):
        if mode == CampaignMode.PHONE_BRIDGE:
            page.get_by_role("button", name="Call Voter").click()
        expect(page.get_by_text("They can hear you.")).to_be_visible()
        expect(page.locator("h1")).to_contain_text("Voter")
        name = page.locator("h1").inner_text()
        hears_and_is_heard(page)
        if turn == 2 and mode == CampaignMode.PHONE_BRIDGE:
            # In the middle of the call Kit takes it to their own phone, and the person stays.
            bar = page.get_by_label("Speak through this browser")
            bar.get_by_text("Use my own phone").click()
            bar.get_by_label("Your phone number").fill("020 7946 0009")
            bar.get_by_role("button", name="Call my phone").click()
            expect(page.get_by_text("This browser is no longer connected.")).to_be_visible()
            expect(page.get_by_text("They can hear you.")).to_be_visible()
        if turn == 2:
            page.get_by_role("button", name="Finish after this call").click()
            expect(page.get_by_text("You'll finish after this call.")).to_be_visible()
        page.get_by_role("button", name="Hang up on them").click()
        expect(page.get_by_text("They're no longer on the phone.")).to_be_visible()
        page.locator("[data-more] > summary").click()
        page.locator(".sheet button:visible", has_text="Didn't want to talk").first.click()
        expect(page.locator("h1")).not_to_have_text(name)
    expect(page.get_by_text("This browser is no longer connected.")).to_be_visible()
    expect(page.get_by_text("You're not on the phone.")).to_be_visible()
    everything = "\n".join(sent.heard()).replace(" ", "")
    assert "Voter" in everything
    assert not [number for number in numbers if number[3:] in everything]
    assert not sent.errors
    context.close()
    within_called = evening.called()
    assert len(within_called) == len(set(within_called)) == 3
