"""The organiser's page of contact status, and its sentences."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape

from phonebank.calls.claim import claim
from phonebank.contact_queue import status_cache
from phonebank.contact_queue.status_counts import BUCKETS, CAPACITY_AT_MOST, Bucket
from phonebank.core.db import db
from phonebank.core.redis import redis_store
from phonebank.models import Campaign, CampaignState, ContactList, ContactState, RoleName, now
from phonebank.organisers.contact_status.wording import (
    BUCKET_MEANINGS,
    describe_capacity,
    describe_status,
    describe_wait,
)
from tests.factories import create_account, create_caller, create_campaign, create_contact
from tests.factories import create_list as create_contact_list
from tests.signing_in import sign_in

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)  # 13:00 in London


def signed_in(app: Flask, role: str) -> FlaskClient:
    with app.app_context():
        account_id = create_account(role).id
        db.session.commit()
    client = app.test_client()
    sign_in(client, account_id)
    return client


def sentence(
    state: str = CampaignState.RUNNING, next_at: datetime | None = None, **contacts: int
) -> str:
    buckets = [
        Bucket(key, label, contacts.get(key, 0), next_at if contacts.get(key) else None)
        for key, label in BUCKETS.items()
    ]
    return describe_status(Campaign(country="GB", state=state), buckets, NOON)


def test_every_bucket_is_explained() -> None:
    assert set(BUCKET_MEANINGS) == set(BUCKETS)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(seconds=-5), "in 1 minute"),
        (timedelta(seconds=61), "in 2 minutes"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(minutes=90), "in 90 minutes"),
        (timedelta(hours=2, seconds=1), "in 3 hours"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(hours=47), "in 47 hours"),
        (timedelta(days=2, minutes=1), "in 3 days"),
    ],
)
def test_a_wait_is_rounded_up(wait: timedelta, words: str) -> None:
    assert describe_wait(wait) == words


def test_the_sentence_says_how_many_can_be_called() -> None:
    assert sentence(ready=1200, finished=3) == "1,200 people can be called now."
    assert sentence(ready=1) == "1 person can be called now."


def test_the_sentence_says_when_the_next_can_be_called() -> None:
    soon = sentence(next_at=NOON + timedelta(minutes=30), resting=4)
    assert soon == (
        "Nobody can be called now. The next person can be called in 30 minutes, 13:30 London time."
    )
    later = sentence(next_at=NOON + timedelta(hours=21), out_of_hours=4)
    assert later == (
        "Nobody can be called now. The next person can be called in 21 hours, Thursday 2 July,"
        " 10:00 London time."
    )


def test_the_sentence_says_that_nobody_is_left() -> None:
    assert sentence(finished=3) == "Nobody is left to call."
    assert sentence(held=1, finished=3).startswith("Nobody is left in the queue")
    assert "can upload a list" in sentence()


def test_the_sentence_says_what_those_wait_for_whom_nobody_can_call() -> None:
    assert sentence(finished=3, language=1) == (
        "Nobody can be called now. Some people wait for a caller who speaks their language."
    )
    assert sentence(CampaignState.PAUSED, held=1, removed=2).endswith(
        "Nobody could be called now. Some people are in a list that is paused, or was undone."
    )


def test_the_sentence_says_that_the_campaign_is_paused() -> None:
    assert sentence(CampaignState.PAUSED, ready=2) == (
        "The campaign is paused, so callers get nobody to call. 2 people could be called now."
    )
    assert sentence(CampaignState.ENDED).startswith("There is nobody in this campaign yet.")
    assert sentence(CampaignState.ENDED, finished=1).startswith(
        "The campaign has ended, so callers get nobody"
    )
    assert sentence(CampaignState.DRAFT, ready=1).startswith(
        "The campaign has not started, so callers get nobody"
    )


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (0, ""),
        (1, "1 call can be made in the next hour, too few to keep one caller busy."),
        (30, "30 calls can be made in the next hour, enough for about 1 caller."),
        (1364, "1,364 calls can be made in the next hour, enough for about 45 callers."),
        (
            CAPACITY_AT_MOST,
            "More than 15,000 calls can be made in the next hour, enough for more than 500"
            " callers.",
        ),
    ],
)
def test_calls_within_the_hour_are_told_in_callers(calls: int, words: str) -> None:
    assert describe_capacity(calls) == words


def test_nobody_is_told_that_calls_can_be_made_while_the_campaign_rests() -> None:
    assert describe_capacity(60, is_running=False).startswith("60 calls could be made")


def test_the_page_counts_everyone_once(app: Flask, clean_stores: None) -> None:
    with app.app_context():
        campaign = create_campaign()
        people = create_contact_list(campaign)
        for _ in range(3):
            create_contact(people)
        create_contact(people, state=ContactState.FINISHED)
        create_contact(people, state=ContactState.UNUSABLE)
        create_contact(people, suppressed_at=now())
        create_contact(people, callable_at=now() + timedelta(hours=2))
        db.session.commit()
        claim(create_caller(campaign))
        db.session.commit()
        address = f"/campaigns/{campaign.id}/queue"
    organiser = signed_in(app, RoleName.ORGANISER)

    page = organiser.get(address).text
    assert (
        "2 people can be called now.</strong> 2 calls can be made in the next hour, too few" in page
    )
    for key in ("ready", "held", "finished", "unusable", "suppressed", "resting"):
        assert escape(BUCKET_MEANINGS[key]) in page
    assert escape(BUCKET_MEANINGS["removed"]) not in page
    assert "first in 2 hours" in page
    assert re.search(r"As of \d\d:\d\d:\d\d London time\.", page)

    part = organiser.get(f"{address}?part=1").text
    assert "<html" not in part
    assert "2 people can be called now." in part
    assert f'hx-get="{address}?part=1"' in part


def test_what_somebody_else_counted_is_shown_with_its_time(
    app: Flask, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_cache, "SERVE_TIMES", 1e6)
    with app.app_context():
        campaign = create_campaign()
        create_contact(create_contact_list(campaign))
        db.session.commit()
        address = f"/campaigns/{campaign.id}/queue"
    organiser = signed_in(app, RoleName.ORGANISER)
    page = organiser.get(address).text
    assert "1 person can be called now." in page
    with app.app_context():
        create_contact(db.session.query(ContactList).one())
        db.session.get_one(Campaign, 1).state = CampaignState.PAUSED
        db.session.commit()
    later = organiser.get(address).text
    # The figures are those of the first count, and the campaign's state is the present one.
    assert "so callers get nobody to call. 1 person could be called now." in later
    as_of = re.search(r"As of [\d:]+", page)
    assert as_of
    assert as_of[0] in later


def test_a_page_without_figures_yet_says_so_and_asks_again_soon(
    app: Flask, clean_stores: None
) -> None:
    with app.app_context():
        campaign = create_campaign()
        create_contact(create_contact_list(campaign))
        db.session.commit()
        address = f"/campaigns/{campaign.id}/queue"
        redis_store().set(f"figures:{{{campaign.id}}}:turn", "taken")
    organiser = signed_in(app, RoleName.ORGANISER)
    page = organiser.get(address).text
    assert "Counting everyone." in page
    assert "every 2s" in page
    assert "nobody in this campaign" not in page
    with app.app_context():
        redis_store().flushdb()
    assert "1 person can be called now." in organiser.get(f"{address}?part=1").text


def test_only_organisers_see_it(app: Flask, clean_stores: None) -> None:
    with app.app_context():
        address = f"/campaigns/{create_campaign().id}/queue"
        db.session.commit()

    assert signed_in(app, RoleName.HOST).get(address).status_code == 403
    assert signed_in(app, RoleName.ORGANISER).get("/campaigns/99/queue").status_code == 404
