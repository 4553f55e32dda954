"""A caller's evening on the simulated telephone network: one page that follows the line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from phonebank.core.db import db
from phonebank.models import Campaign, CampaignMode, CampaignState, PhoneSettings
from scripts_library.library import source_of
from tests.browser.call_page import end_early
from tests.browser.looking import assert_fit_for_everyone
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_script,
    drama_number,
)
from tests.processes import Processes
from tests.signing_in import session_cookie

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.pages]


@pytest.fixture
def site(app, clean_stores, config, tmp_path: Path) -> Iterator[Processes]:
    how = "answer=1,ring=1,talk=3,lost=0.1,late_by=0.5,steady=1"
    settings = {"TELEPHONY": "simulator", "SIMULATOR": how}
    site = Processes(config, tmp_path / "log.txt", settings=settings)
    site.start_web(workers=1)
    site.start_command("run-dialler")
    yield site
    site.stop()


def come_in(app, site, browser) -> Page:
    with app.app_context():
        campaign = create_campaign(mode=CampaignMode.PROGRESSIVE)
        db.session.add(PhoneSettings(campaign_id=campaign.id, shown_number=drama_number(0)))
        contacts = create_list(campaign)
        for n in range(4):
            create_contact(contacts, phone=drama_number(n + 1), first_name=f"Voter{n}")
        create_script(campaign, source_of("persuasive-conversation", "en"))
        caller = create_caller(campaign, first_name="Kit", promised_at=datetime.now(UTC))
        db.session.commit()
        cookie = session_cookie(app, {"caller": {"id": caller.id, "token": caller.device_token}})
    context = browser.new_context(base_url=site.url, viewport={"width": 390, "height": 844})
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": "session", "value": cookie, "url": site.url}])
    return context.new_page()


def test_three_people_one_after_another_and_no_number_anywhere(app, site, browser):
    page = come_in(app, site, browser)
    seen: list[str] = []
    page.on("response", lambda answer: _keep(answer, seen))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto("/calling/phone")
    page.get_by_label("Your phone number").fill("0121 496 0007")
    assert_fit_for_everyone(page)
    page.get_by_role("button", name="Call my phone").click()
    page.get_by_role("button", name="Ready").wait_for()
    assert_fit_for_everyone(page)
    page.get_by_role("button", name="Ready").click()
    for number in range(3):
        expect(page.locator(".person h1")).to_contain_text("Voter", timeout=30_000)
        expect(page.locator("[data-phone-said]")).to_have_text("They can hear you.")
        if number == 0:
            assert_fit_for_everyone(page)
        if number == 2:
            page.get_by_role("button", name="Finish after this call").click()
        expect(page.locator("[data-phone-said]")).to_contain_text("no longer on the phone")
        end_early(page, "Hung up")
        expect(page.locator("#toasts")).to_contain_text("Recorded: Hung up")
    expect(page.get_by_role("heading", name="Connect your phone")).to_be_visible()
    assert faults == []
    digits = "".join(letter for answer in seen for letter in answer if letter.isdigit())
    assert len(seen) > 10
    assert not any(drama_number(n + 1).removeprefix("+44") in digits for n in range(4))


def test_the_page_says_that_the_campaign_has_ended_when_the_line_has_ended(app, site, browser):
    page = come_in(app, site, browser)
    page.goto("/calling/phone")
    page.get_by_label("Your phone number").fill("0121 496 0007")
    page.get_by_role("button", name="Call my phone").click()
    page.get_by_role("button", name="Ready").wait_for()
    with app.app_context():
        db.session.execute(update(Campaign).values(state=CampaignState.ENDED))
        db.session.commit()
    expect(page.get_by_role("heading", name="The campaign has ended")).to_be_visible(timeout=20_000)
    expect(page.locator("[data-phone]")).to_have_count(0)
    assert_fit_for_everyone(page)


def _keep(answer, seen) -> None:
    if "/static/" not in answer.url:
        try:
            seen.append(answer.url + answer.text())
        except Exception:
            seen.append(answer.url)
