"""Lists whose people answer come first, if the organisers want that."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.contact_queue.answer_order import ListCalls, expected_rates
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.contact_queue.refill import refill_from_empty
from phonebank.core.db import db
from phonebank.models import Campaign, ContactList, OutcomeCount, RoleName, now
from phonebank.tallies.totals import hour_of
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.signing_in import browser_of


def count(campaign: Campaign, contact_list: ContactList, calls: int, reached: int) -> None:
    """Calls of yesterday, at this hour of the day."""
    at = now() - timedelta(days=1)
    db.session.add(
        OutcomeCount(
            campaign_id=campaign.id,
            day=at.astimezone(first_zone_of(campaign)).date(),
            hour=hour_of(at),
            contact_list_id=contact_list.id,
            outcome="talked",
            calls=calls,
            reached=reached,
            conversations=0,
        )
    )


def test_few_calls_do_not_decide() -> None:
    calls = {
        1: ListCalls(1, 1, 1, 1),
        2: ListCalls(500, 200, 1000, 400),
        3: ListCalls(500, 50, 1000, 100),
    }
    rates = expected_rates([1, 2, 3, 4], calls)
    assert rates[3] < rates[4] < rates[1] < rates[2], "one answer of one call is not yet 100%"
    assert expected_rates([1], {}) == {1: 0.0}
    # Good at this hour, and worse at others.
    evening = {1: ListCalls(400, 200, 1000, 250), 2: ListCalls(400, 100, 1000, 350)}
    assert expected_rates([1, 2], evening)[1] > expected_rates([1, 2], evening)[2]


@pytest.fixture
def lists(app: Flask, clean_stores: None) -> tuple[int, dict[str, int]]:
    """A campaign with three lists of two people each: the second answers far more often than the
    first, and the third has the first priority and answers least."""
    with app.app_context():
        campaign = create_campaign()
        ids = {}
        for name, priority, reached in (("quiet", 0, 10), ("keen", 0, 90), ("urgent", -1, 1)):
            listed = create_list(campaign, name=name, priority=priority)
            ids[name] = listed.id
            count(campaign, listed, 200, reached)
            for person in range(2):
                since = timedelta(days=3 if name == "quiet" else 1, seconds=person)
                create_contact(listed, first_name=name, callable_at=now() - since)
        create_caller(campaign)
        db.session.commit()
        return campaign.id, ids


def called(app: Flask, campaign_id: int) -> list[str]:
    """Call everybody, and return the lists in the order in which the caller got their people."""
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        refill_from_empty(campaign)
        caller = create_caller(campaign)
        names = []
        for _ in range(6):
            hold = claim(caller)
            names.append(hold.contact.first_name)
            record(caller, hold.call.id, "talked")
            db.session.commit()
        return names


def test_without_it_who_has_waited_longest_comes_first(
    app: Flask, lists: tuple[int, dict[str, int]]
) -> None:
    assert called(app, lists[0]) == ["urgent"] * 2 + ["quiet"] * 2 + ["keen"] * 2


def test_with_it_the_list_that_answers_comes_first_within_its_priority(
    app: Flask, lists: tuple[int, dict[str, int]]
) -> None:
    campaign_id, _ = lists
    organiser = browser_of(app, RoleName.ORGANISER)
    page = f"/campaigns/{campaign_id}/answer-order"
    shown = organiser.get(page).text
    assert ">Off<" in shown
    assert shown.index(">urgent<") < shown.index(">keen<") < shown.index(">quiet<")
    answer = organiser.post(page, data={"on": "yes"}, follow_redirects=True).text
    assert ">On<" in answer
    assert "There are no results yet, because nobody has made a call since the hour" in answer
    assert called(app, campaign_id) == ["urgent"] * 2 + ["keen"] * 2 + ["quiet"] * 2
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        assert campaign.answer_order_since is not None
        campaign.answer_order_since = now() - timedelta(hours=30)
        db.session.commit()
    assert (
        "<strong>17%</strong> of the 600 calls in the hours since then" in organiser.get(page).text
    )
    organiser.post(page, data={"on": "no"})
    assert ">Off<" in organiser.get(page).text
    _tells_what_organisers_did(organiser, campaign_id)


def _tells_what_organisers_did(organiser: FlaskClient, campaign_id: int) -> None:
    assert organiser.get(f"/campaigns/{campaign_id}/audit").text.count("nswer order changed") == 2
