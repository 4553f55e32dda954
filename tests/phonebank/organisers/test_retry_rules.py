"""The page of a campaign's retry rules."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Campaign, Contact
from phonebank.rules.outcomes import OUTCOMES, RETRIED
from phonebank.rules.retry_presets import PRESETS
from phonebank.rules.retry_rules import RetryRules
from tests.factories import create_campaign
from tests.phone_bank import PhoneBank

USUAL = {
    "attempts_at_most": "4",
    "attempts_a_day_at_most": "2",
    "household_rest": "1",
    "household_unit": "days",
}


@pytest.fixture
def address(app: Flask, organiser: FlaskClient) -> str:
    with app.app_context():
        campaign_id = create_campaign().id
        db.session.commit()
    return f"/campaigns/{campaign_id}/retry-rules"


def stored(app: Flask) -> dict:
    with app.app_context():
        return db.session.query(Campaign).one().retry_rules


def fields_on(page: str) -> dict[str, str]:
    """What a browser would send back from the page's form."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            fields[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.S):
        fields[name] = re.search(r'<option selected value="([^"]*)"', options)[1]
    return fields


def test_the_usual_rules_are_shown_for_every_outcome_that_leads_to_another_try(
    organiser: FlaskClient, address: str
) -> None:
    page = organiser.get(address).text
    for key, outcome in OUTCOMES.items():
        assert (f"<legend>{outcome.label}" in page) == (key in RETRIED)
    assert "Usually after 3 hours, at another time of day." in page
    assert "<strong>Busy</strong>: called again after 20 minutes, at most 3 times." in page
    assert (
        "is called at most 4 times, and at most 2 times a day, unless they ask us to call back "
        "at a certain time." in page
    )
    assert "Usually after 2 days, at another time of day, on another day, once." in page
    shown = fields_on(page)
    assert shown.items() >= USUAL.items()
    assert (shown["busy_rest"], shown["busy_unit"], shown["busy_retries"]) == ("20", "minutes", "3")
    assert "busy_elsewhen" not in shown
    assert shown["no_answer_elsewhen"]
    assert "Go back to the usual rules" not in page


def test_saving_what_is_shown_changes_nothing(
    app: Flask, organiser: FlaskClient, address: str
) -> None:
    answer = organiser.post(address, data=fields_on(organiser.get(address).text))
    assert answer.status_code == 303
    assert stored(app) == {}


def test_only_the_changes_are_kept_and_they_can_be_taken_back(
    app: Flask, organiser: FlaskClient, address: str
) -> None:
    fields = fields_on(organiser.get(address).text)
    fields |= {"attempts_at_most": "3", "no_answer_rest": "90", "no_answer_unit": "minutes"}
    fields |= {"busy_retries": ""}
    del fields["no_answer_elsewhen"]
    page = organiser.post(address, data=fields, follow_redirects=True).text
    assert stored(app) == {
        "attempts_at_most": 3,
        "outcomes": {
            "no_answer": {"rest_minutes": 90, "another_time_of_day": False},
            "busy": {"retries_at_most": None},
        },
    }
    assert page.count("badge-plain") == 2
    again = fields_on(page)
    assert (again["no_answer_rest"], again["no_answer_unit"]) == ("90", "minutes")
    organiser.post(f"{address}/usual")
    assert stored(app) == {}


def test_ready_made_rules_are_taken_whole_and_only_if_nothing_changed(
    app: Flask, organiser: FlaskClient, address: str
) -> None:
    seen = fields_on(organiser.get(address).text)["seen"]
    gentle = {"preset": "gentle", "seen": seen}
    page = organiser.post(f"{address}/preset", data=gentle, follow_redirects=True).text
    assert "The rules “Gentle” apply from the next outcome." in page
    assert (
        "is called at most 3 times, and at most once a day, unless they ask us to call back "
        "at a certain time." in page
    )
    assert stored(app) == RetryRules.parse(PRESETS["gentle"].changes).changes()
    # The page that this organiser had open is older than the rules.
    last = {"preset": "last_days", "seen": seen}
    page = organiser.post(f"{address}/preset", data=last, follow_redirects=True).text
    assert "Someone has changed these rules" in page
    assert stored(app)["attempts_at_most"] == 3
    assert organiser.post(f"{address}/preset", data={"preset": "x"}).status_code == 422


@pytest.mark.parametrize("preset", PRESETS)
def test_ready_made_rules_can_be_used(preset: str) -> None:
    assert PRESETS[preset].rules.changes() == PRESETS[preset].changes


def test_a_fault_stands_next_to_its_field_and_nothing_is_stored(
    app: Flask, organiser: FlaskClient, address: str
) -> None:
    fields = fields_on(organiser.get(address).text)
    fields |= {
        "attempts_at_most": "many",
        "attempts_a_day_at_most": "4",
        "busy_rest": "91",
        "busy_unit": "days",
        "busy_retries": "-1",
        "hung_up_rest": "",
    }
    answer = organiser.post(address, data=fields)
    assert answer.status_code == 422
    assert stored(app) == {}
    for field, sentence in (
        ("attempts_at_most", "Maximum attempts: write a whole number from 1 to 20, not “many”."),
        (
            "attempts_a_day_at_most",
            "Maximum attempts a day: write a whole number from 1 to 3, not “4”.",
        ),
        ("busy_rest", "Busy, wait: write a time from 1 minute to 90 days, not “91 days”."),
        (
            "busy_retries",
            "Busy, maximum further tries: write a whole number from 0 to 20, not “-1”.",
        ),
        ("hung_up_rest", "Hung up, wait: write a time from 1 minute to 90 days."),
    ):
        error = re.search(rf'id="{field}-error">(.*?)</p>', answer.text)
        assert error is not None, field
        assert sentence in error[1]
    assert fields_on(answer.text)["attempts_at_most"] == "many"


@pytest.mark.parametrize("typed", ["9" * 5000, "１２", "1_0", "1.5", " ", "<b>"])
def test_no_text_in_a_number_breaks_the_page(
    organiser: FlaskClient, address: str, typed: str
) -> None:
    fields = fields_on(organiser.get(address).text) | {"busy_rest": typed}
    answer = organiser.post(address, data=fields)
    assert answer.status_code == 422
    assert "<b>" not in answer.text


def test_the_next_outcome_goes_by_the_changed_rules(phone_bank: PhoneBank) -> None:
    from phonebank.calls.claim import claim

    phone_bank.campaign.retry_rules = RetryRules.parse({"attempts_at_most": 1}).changes()
    db.session.commit()
    hold = claim(phone_bank.sam)
    record(phone_bank.sam, hold.call.id, "no_answer")
    db.session.commit()
    assert db.session.get_one(Contact, hold.contact.id).state == "finished"


def test_the_campaigns_page_leads_there(organiser: FlaskClient, address: str) -> None:
    assert f'href="{address}"' in organiser.get(address.replace("/retry-rules", "/settings")).text
