"""An organiser finds a person, corrects a call, answers what is stored about them, and takes the
results home, on a desk."""

import csv
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.accounts import sign_in_mail
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.exports.jobs import make_export
from phonebank.models import Account, RoleName
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import campaign_totals
from tests.browser.conftest import Server
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_script,
)
from tests.phonebank.exports.room import SCRIPT

pytestmark = pytest.mark.browser


def test_a_person_is_found_corrected_and_told_and_the_results_go_home(
    app: Flask, clean_stores: None, web_server: Server, new_page: Callable[..., Page]
) -> None:
    with app.app_context():
        campaign = create_campaign(name="Kitchen Table")
        create_script(campaign, SCRIPT)
        create_contact(
            create_list(campaign),
            first_name="Ann",
            last_name="Quillfeather",
            name_key="ann quillfeather",
            phone="+442079460123",
        )
        caller = create_caller(campaign, first_name="Sam")
        account_id = create_account(RoleName.ORGANISER).id
        db.session.commit()
        record(caller, claim(caller).call.id, "no_answer")
        db.session.commit()
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, account_id))
    page = new_page(1280, 900)
    page.goto(link.replace("http://localhost", web_server.url))
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="Find", exact=True).click()
    page.get_by_label("Phone number, name or ID").fill("quill")
    page.keyboard.press("Enter")
    assert "quill" not in page.url
    expect(page.get_by_role("table")).to_contain_text("020 7946 0123")
    page.get_by_role("link", name="Ann Quillfeather").click()
    page.get_by_role("link", name="Correct this call").click()
    page.get_by_label("How the call ended").select_option(label="Call back")
    expect(page.get_by_label("Day")).to_be_visible()
    page.get_by_label("How the call ended").select_option(label="We talked")
    expect(page.get_by_label("Day")).to_be_hidden()
    page.get_by_label("Note").fill("She has called back")
    page.get_by_role("button", name="Save the correction").click()

    expect(page.get_by_text("Corrected. The totals are up to date.")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Finished")
    expect(page.locator("#calls")).to_contain_text("The outcome was “No answer” before.")
    expect(page.locator("#sights")).to_contain_text("found them in a search")
    with app.app_context():
        assert campaign_totals(1).reached == 1
        assert not differences()

    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="One person").click()
    page.get_by_label("phone number").fill("020 7946 0123")
    page.get_by_role("button", name="Find them").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download what is stored about them").click()
    told = saved.value.path().read_text("utf-8-sig")
    assert "Ann" in told
    assert "She has called back" in told
    assert "Sam" not in told

    page.get_by_role("link", name="Results", exact=True).click()
    page.get_by_role("link", name="Download results").click()
    page.get_by_label("What should the file contain?").select_option(label="Calls and answers")
    page.get_by_role("button", name="Make the file").click()
    with app.app_context():
        make_export(1)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download Calls and answers").click()
    rows = list(csv.DictReader(saved.value.path().open(encoding="utf-8-sig")))
    assert [(row["contact_last_name"], row["outcome"], row["note"]) for row in rows] == [
        ("Quillfeather", "talked", "She has called back")
    ]
