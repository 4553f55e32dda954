"""Tests signing in, inviting and setting up an authenticator app, in a real browser."""

import time
from collections.abc import Callable

import pytest
from flask import Flask
from passlib.totp import TOTP
from playwright.sync_api import Page, expect

from phonebank.accounts import sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account, RoleName
from tests.browser.conftest import Server
from tests.browser.looking import assert_fit_for_everyone
from tests.factories import create_account, create_campaign

pytestmark = pytest.mark.browser


@pytest.fixture
def organiser(app: Flask, clean_stores: None) -> int:
    with app.app_context():
        account = create_account(RoleName.ORGANISER, email="ada@example.org", name="Ada")
        create_campaign(name="Kitchen Table")
        db.session.commit()
        return account.id


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A phone's browser that notes what the content security policy blocks."""
    page = new_page(reduced_motion="reduce")
    page.stopped = []  # type: ignore[attr-defined]
    page.on(
        "console",
        lambda message: (
            _note(page, message.text) if "Content Security Policy" in message.text else None
        ),
    )
    page.on("pageerror", lambda error: _note(page, str(error)))
    return page


def _note(page: Page, text: str) -> None:
    page.stopped.append(text)  # type: ignore[attr-defined]


@pytest.fixture
def link(app: Flask, web_server: Server) -> Callable[[int], str]:
    def link_for(account_id: int) -> str:
        with app.app_context():
            link = sign_in_mail.sign_in_link(db.session.get_one(Account, account_id))
        return link.replace("http://localhost", web_server.url)

    return link_for


def assert_shows(page: Page, title: str) -> None:
    """Assert that the page has this heading and is fit for everyone on a phone."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    assert_fit_for_everyone(page)
    assert page.stopped == []  # type: ignore[attr-defined]


def test_an_organiser_comes_in_by_link_invites_a_host_and_leaves(
    page: Page, organiser: int, link: Callable[[int], str]
) -> None:
    page.goto("/")
    assert_shows(page, "Make calls together")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail address").fill("ada")
    page.get_by_role("button", name="E-mail me a link").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert_shows(page, "Sign in")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_role("button", name="E-mail me a link").click()
    assert_shows(page, "Check your e-mail")

    used = link(organiser)
    page.goto(used)
    assert_shows(page, "Welcome, Ada")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Team").click()
    assert_shows(page, "Team")
    page.get_by_role("link", name="Invite someone").click()
    page.get_by_label("Name", exact=True).fill("Cy")
    page.get_by_label("E-mail address").fill("cy@example.org")
    assert_shows(page, "Invite someone")
    page.get_by_role("button", name="Invite them").click()
    page.get_by_role("link", name="Cy", exact=True).click()
    expect(page.get_by_text("Host for Kitchen Table")).to_be_visible()
    assert_shows(page, "Cy")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You're signed out.")
    page.goto("/people")
    assert_shows(page, "Sign in")
    page.goto(used)
    assert_shows(page, "This link has been used or has expired")


def test_an_authenticator_app_is_set_up_by_camera_or_by_hand_and_then_asked_for(
    page: Page, organiser: int, link: Callable[[int], str]
) -> None:
    page.goto(link(organiser))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Account").click()
    assert_shows(page, "Your account")
    page.get_by_role("link", name="Set up an authenticator app").click()
    assert_shows(page, "Set up your authenticator app")
    page.get_by_role("button", name="I have the app").click()
    # The policy allows the picture, and the browser has drawn it.
    picture = page.locator(".qr img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 0
    assert_shows(page, "Scan this with your app")
    phone = TOTP(key=page.locator("main code").inner_text())
    page.get_by_label("Code from your authenticator app").fill(code(phone))
    page.get_by_role("button", name="Finish").click()
    assert_shows(page, "Your account")
    page.get_by_role("link", name="Recovery codes").click()
    page.get_by_role("button", name="Make my codes").click()
    assert_shows(page, "Keep these codes")
    recovery_code = page.locator("main li code").first.inner_text()

    page.get_by_role("button", name="Sign out").click()
    page.goto(link(organiser))
    page.get_by_role("button", name="Sign in").click()
    assert_shows(page, "One more step")
    page.get_by_label("Code from your authenticator app").fill(code(phone, 30))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Team")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.goto(link(organiser))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="I don't have my phone").click()
    assert_shows(page, "Use a recovery code")
    page.get_by_label("Recovery code").fill(recovery_code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Team")).to_be_visible()


def code(phone: TOTP, later: int = 0) -> str:
    """The code that the phone shows now, or the next one, which a fast clock shows already."""
    return phone.generate(time=time.time() + later).token
