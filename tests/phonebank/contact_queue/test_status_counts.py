"""How many calls the queue can give within the hour."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from phonebank.calls.claim import claim
from phonebank.contact_queue import status_counts
from phonebank.contact_queue.status_counts import capacity_per_hour
from phonebank.core.db import db
from phonebank.models import Campaign, ContactList
from tests.factories import create_caller, create_campaign, create_contact, create_list

MORNING = datetime(2026, 6, 9, 10, tzinfo=UTC)  # a Tuesday: 11:00 in London


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    return create_campaign(allow_drama_numbers=False)


@pytest.fixture
def people(campaign: Campaign) -> ContactList:
    return create_list(campaign)


def capacity(campaign: Campaign, at: datetime = MORNING) -> int:
    db.session.commit()
    with time_machine.travel(at, tick=False):
        return capacity_per_hour(campaign)


def test_a_ready_contact_counts_and_one_that_waits_longer_than_an_hour_does_not(
    campaign: Campaign, people: ContactList
) -> None:
    for minutes in (-60, 0, 59, 61, 600):
        create_contact(people, callable_at=MORNING + timedelta(minutes=minutes))
    create_contact(people, callable_at=MORNING, tried=True)
    callback_at = MORNING + timedelta(minutes=30)
    create_contact(people, callable_at=callback_at, callback_at=callback_at)
    assert capacity(campaign) == 5


def test_only_contacts_that_a_caller_can_get_count(campaign: Campaign, people: ContactList) -> None:
    before = MORNING - timedelta(days=1)
    create_contact(people, callable_at=before)
    create_contact(people, callable_at=before, state="finished")
    create_contact(people, callable_at=before, suppressed_at=before)
    create_contact(create_list(campaign, removed=True), callable_at=before)
    create_contact(create_list(create_campaign()), callable_at=before)
    assert capacity(campaign) == 1
    with time_machine.travel(MORNING):
        claim(create_caller(campaign))
    assert capacity(campaign) == 0


def test_a_household_is_one_call(campaign: Campaign, people: ContactList) -> None:
    for name in ("Ada", "Bo", "Cy"):
        create_contact(
            people, phone="+442079460001", name_key=name, callable_at=MORNING, first_name=name
        )
    assert capacity(campaign) == 1


def test_another_language_counts_once_a_caller_speaks_it(
    campaign: Campaign, people: ContactList
) -> None:
    people.languages = ["pl"]
    create_contact(people, language="pl", callable_at=MORNING)
    assert capacity(campaign) == 0
    create_caller(campaign, languages=["en", "pl"])
    assert capacity(campaign) == 1


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-09T06:29", 0),  # the hours begin at 09:00 in London, 08:00 UTC
        ("2026-06-09T07:00", 2),
        ("2026-06-09T19:00", 1),  # ready at 20:00; the other only when it has struck nine
        ("2026-06-09T20:30", 0),
    ],
)
def test_the_hour_is_cut_where_calling_hours_begin_and_end(
    campaign: Campaign, people: ContactList, moment: str, expected: int
) -> None:
    campaign.hours = {
        day: ["09:00", "21:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat")
    } | {"sun": []}
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    create_contact(people, callable_at=at - timedelta(days=1))
    create_contact(people, callable_at=at + timedelta(minutes=60))
    assert capacity(campaign, at) == expected


def test_more_is_not_counted_than_is_worth_knowing(
    campaign: Campaign, people: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_counts, "CAPACITY_AT_MOST", 3)
    for _ in range(5):
        create_contact(people, callable_at=MORNING)
    assert capacity(campaign) == 3


def test_an_empty_campaign_has_none(campaign: Campaign) -> None:
    assert capacity(campaign) == 0
