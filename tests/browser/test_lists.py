"""Tests in a real browser how an organiser uploads a list, on a phone and on a desk."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update

from phonebank.core.db import db
from phonebank.lists.jobs import import_list, undo_import
from phonebank.models import Account, ContactList, ListState, RoleName
from tests.browser.conftest import Server
from tests.browser.looking import LAPTOP, assert_fit_for_everyone
from tests.factories import create_account, create_campaign, drama_number
from tests.signing_in import session_cookie, signed_in

pytestmark = pytest.mark.browser

FILE = "\n".join(
    [
        "First name,Last name,Phone,Number,Ward",
        *(f"Voter{n},Example,{drama_number(n)},{n},Splott" for n in range(40)),
        "Nobody,Example,not known,41,Splott",
    ]
)


@pytest.fixture
def campaign_id(app: Flask, clean_stores: None) -> int:
    with app.app_context():
        create_account(RoleName.ORGANISER, email="ada@example.org", name="Ada")
        campaign = create_campaign(name="Kitchen Table")
        db.session.commit()
        return campaign.id


@pytest.fixture
def page(
    new_page: Callable[..., Page],
    app: Flask,
    web_server: Server,
    campaign_id: int,
) -> Page:
    """The organiser's browser, signed in, at the campaign's lists."""
    page = new_page(390, 844, reduced_motion="reduce")
    with app.app_context():
        ada = db.session.query(Account).one()
        session = signed_in(ada)
    signed = session_cookie(app, session)
    page.context.add_cookies([{"name": "session", "value": signed, "url": web_server.url}])
    page.goto(f"/campaigns/{campaign_id}/lists")
    return page


def assert_shows(page: Page, title: str) -> None:
    """Assert that the page has this heading and is fit for everyone."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    assert_fit_for_everyone(page, LAPTOP)


def choose(page: Page, name: str, content: bytes) -> None:
    page.get_by_label("The file").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Upload").click()


def test_a_list_goes_in_is_watched_and_undone(page: Page, app: Flask) -> None:
    assert_shows(page, "Contact lists")
    page.get_by_role("link", name="Upload a list").first.click()
    assert_shows(page, "Upload a list")
    choose(page, "ward.csv", b"PK\x03\x04 xl/workbook.xml")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Excel workbook")
    assert_shows(page, "Upload a list")

    choose(page, "ward.csv", FILE.encode())
    assert_shows(page, "What is in each column?")
    expect(page.get_by_label("Phone", exact=True)).to_have_value("phone")
    page.get_by_label("Number", exact=True).select_option("Last name")
    page.get_by_role("button", name="Check and import").click()
    expect(page.get_by_role("alert")).to_contain_text("are both “Last name”")
    assert_shows(page, "What is in each column?")
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Number", exact=True)).to_be_focused()
    page.get_by_label("Number", exact=True).select_option("Leave out")
    page.get_by_role("button", name="Check and import").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is imported yet")
    expect(page.get_by_text("Row 42: Nobody, Example, not known")).to_be_visible()
    assert_shows(page, "What is in each column?")
    page.get_by_role("button", name="Check and import").click()
    assert_shows(page, "ward")
    expect(page.get_by_text("Waiting to start")).to_be_visible()

    list_id = int(page.url.partition("#")[0].rpartition("/")[2])
    show(app, list_id, state=ListState.IMPORTING, rows_read=20)
    expect(page.locator("progress")).to_have_attribute("value", "20")
    assert_shows(page, "ward")
    page.reload()
    expect(page.locator("progress")).to_have_attribute("value", "20")
    show(app, list_id, state=ListState.QUEUED, rows_read=0)
    with app.app_context():
        import_list(list_id)

    # The page reloads itself when the import has ended.
    expect(page.get_by_text("Imported")).to_be_visible()
    expect(page.get_by_text("This is not a phone number.")).to_be_visible()
    assert_shows(page, "ward")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows").click()
    assert "Nobody" in download.value.path().read_text(encoding="utf-8-sig")

    page.get_by_text("Undo this upload").click()
    assert_shows(page, "ward")
    page.get_by_role("button", name="Remove these people").click()
    expect(page.get_by_text("removing the people")).to_be_visible()
    with app.app_context():
        undo_import(list_id)
    expect(page.get_by_text("This upload was undone.")).to_be_visible()
    assert_shows(page, "ward")
    page.get_by_role("link", name="Contact lists").click()
    assert_shows(page, "Contact lists")


def show(app: Flask, list_id: int, **values: object) -> None:
    with app.app_context():
        db.session.execute(update(ContactList).where(ContactList.id == list_id).values(**values))
        db.session.commit()
