"""What tests of the call page do in a browser: join, tap, and read what was recorded."""

import time
from collections.abc import Callable

from flask import current_app
from playwright.sync_api import Page
from sqlalchemy import select

from callers.joining import join
from phonebank.core.db import db
from phonebank.models import Call, Campaign, Party
from scripts_library.library import source_of
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)
from tests.whole_evening import cookie_of


def open_party() -> Party:
    """An open party of a campaign with a script and eight people to call."""
    campaign = create_campaign(briefing="Be *kind*.", merge_values={"candidate": "Jo Marsh"})
    contacts = create_list(campaign)
    party = create_party(campaign, create_account("host"), door_open=True)
    create_script(campaign, source_of("persuasive-conversation", "en"))
    for _ in range(8):
        create_contact(contacts, fields={"town": "Leeds"})
    db.session.commit()
    return party


def join_as_kit(page: Page, party: Party) -> None:
    """Make this browser the device of Kit, who has joined."""
    campaign = db.session.get_one(Campaign, party.campaign_id)
    caller = join(campaign, party, "Kit", known=None)
    db.session.commit()
    session = {"caller": {"id": caller.id, "token": caller.device_token}}
    value = cookie_of(current_app, session)
    page.context.add_cookies(
        [{"name": "session", "value": value, "domain": "127.0.0.1", "path": "/"}]
    )
    page.goto("/calling")


def ask_for_person(page: Page) -> None:
    page.get_by_role("button", name="Give me someone to call").click()
    page.wait_for_url("**/calling/person")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page no longer takes a tap on an outcome for the second of a double tap."""
    page.wait_for_timeout(750)


def open_call(party: Party) -> Call:
    db.session.expire_all()
    query = select(Call).where(Call.party_id == party.id, Call.ended_at.is_(None))
    return db.session.scalars(query).one()


def recorded_outcomes(party: Party) -> list[str]:
    db.session.expire_all()
    query = select(Call.outcome).where(Call.outcome.is_not(None)).order_by(Call.recorded_at)
    return list(db.session.scalars(query))


def tap(page: Page, name: str) -> None:
    page.locator("button:visible", has_text=name).first.click()


def end_early(page: Page, outcome: str) -> None:
    """End the call before the script's last step."""
    page.locator("[data-more] > summary").click()
    page.locator(".sheet button:visible", has_text=outcome).first.click()


def step_on(page: Page) -> str:
    return page.locator("[data-step]:visible").get_attribute("data-step") or ""


def wait_until(check: Callable[[], bool], seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.1)
