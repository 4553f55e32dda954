"""Tests in the browser how an organiser compares two scripts and reads the results."""

import os
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from phonebank.accounts import sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account, Experiment, RoleName, now
from tests.browser.conftest import Server
from tests.browser.looking import PHONE, assert_fit_for_everyone
from tests.factories import create_account
from tests.phonebank.experiments.conftest import Comparison, set_up_comparison

pytestmark = pytest.mark.browser

DAYS = 5
# The share of people who go on after each step, and then the shares who say yes, in each arm.
GO_ON = 0.8
YES = (0.15, 0.45)
WALK = {
    "opening": "speaking",
    "introduction": "happy_to_talk",
    "rating_before": 4,
    "rating_why": "The buses",
    "rating_after": 6,
}


def record_calls(comparison: Comparison) -> None:
    """Record five evenings of calls. The arms differ only in how many say yes."""
    drawn = random.Random(7)
    comparison.experiment.started_at = now() - timedelta(days=DAYS)
    for number in range(500):
        arm = comparison.experiment.arms[number % 2]
        at = comparison.experiment.started_at + timedelta(minutes=number)
        if drawn.random() < 0.5:
            comparison.call(arm, reached=False, at=at)
            continue
        answers: dict[str, object] = {}
        for step_id, answer in WALK.items():
            rating = step_id == "rating_after"
            answers[step_id] = drawn.randint(3, 8) if rating else answer
            if drawn.random() > GO_ON:
                break
        yes = "rating_after" in answers and drawn.random() < YES[number % 2]
        comparison.call(arm, answers, yes=yes or drawn.random() < YES[number % 2] / 2, at=at)
    comparison.call(comparison.canvass, WALK, at=now())


@pytest.fixture
def organisers_page(
    app: Flask, clean_stores: None, web_server: Server, new_page: Callable[..., Page]
) -> Page:
    """A signed-in browser, on a site whose campaign has run a comparison for five days."""
    with app.app_context():
        record_calls(set_up_comparison())
        account_id = create_account(RoleName.ORGANISER).id
        db.session.commit()
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, account_id))
    page = new_page(1280, 900)
    page.goto(link.replace("http://localhost", web_server.url))
    page.get_by_role("button", name="Sign in").click()
    return page


def check(page: Page, name: str) -> None:
    """Assert that the page is fit for everyone on a desk and on a phone."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}.png", full_page=True)
    assert_fit_for_everyone(page, PHONE)


def test_the_results_of_five_evenings_can_be_read(organisers_page: Page) -> None:
    page = organisers_page
    page.goto("/campaigns/1")
    page.get_by_role("link", name="Script", exact=True).click()
    page.get_by_role("link", name="Compare scripts").click()
    page.get_by_role("link", name="Slow or quick?").click()
    shown = page.locator("#verdict")
    expect(shown).to_contain_text("The yes rate of Persuasive is higher than that of Deep canvass")
    expect(shown).to_contain_text("No difference shown yet in the shift between the ratings")
    expect(shown).to_contain_text("Calls since then (1) will count from the next midnight UTC.")
    figures = page.locator("#arms table tbody tr").first
    expect(figures).to_contain_text("Deep canvass")
    expect(page.locator("#steps")).to_contain_text("Say who you are")
    check(page, "experiment-results")
    page.get_by_role("button", name="Stop for good").click()
    expect(page.get_by_text("the final results")).to_be_visible()
    page.get_by_role("link", name="Use this script").click()
    page.get_by_role("button", name="Yes, use this script").click()
    expect(page.get_by_text("Callers will get this script with their next person.")).to_be_visible()


def test_an_experiment_is_set_up_started_and_in_use(app: Flask, organisers_page: Page) -> None:
    page = organisers_page
    page.goto("/campaigns/1/experiments/1")
    page.get_by_role("button", name="Stop for good").click()
    page.get_by_role("link", name="Experiments").click()
    page.get_by_role("link", name="New experiment").click()
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what you want to find out.")
    check(page, "experiment-refused")
    page.get_by_label("What do you want to find out?").fill("Does quick do as well?")
    for number, script in ((1, "Persuasive"), (2, "Deep canvass")):
        arm = page.get_by_role("group", name=f"Script {number}")
        arm.get_by_label("Script", exact=True).select_option(label=script)
    page.get_by_role("group", name="Script 2").get_by_label("Share").fill("25")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("table")).to_contain_text("33%")
    check(page, "experiment-draft")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The first results will appear after midnight UTC")).to_be_visible()
    check(page, "experiment-begun")
    page.get_by_role("link", name="Experiments").click()
    check(page, "experiments")
    with app.app_context():
        [experiment] = [e for e in db.session.query(Experiment) if e.is_running]
        assert [arm.share for arm in experiment.arms] == [50, 25]
