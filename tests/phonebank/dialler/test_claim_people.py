"""People who are claimed before a caller is free for them."""

from datetime import timedelta

import pytest
from flask import Flask
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import func, select

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.contact_queue.jobs import top_up_all_queues
from phonebank.contact_queue.queue import ContactQueue
from phonebank.core.db import db
from phonebank.dialler.claim_people import claim_people
from phonebank.models import Call, Campaign, CampaignMode, now
from tests.factories import create_caller, create_campaign, create_contact, create_list

REDIS_IS_GONE = RedisConnectionError("nobody answers")


def campaign_with_people(people: int) -> Campaign:
    campaign = create_campaign(mode=CampaignMode.PREDICTIVE)
    contact_list = create_list(campaign)
    for _ in range(people):
        create_contact(contact_list)
    db.session.commit()
    return campaign


def open_calls() -> int:
    return db.session.scalar(select(func.count()).where(Call.ended_at.is_(None))) or 0


def test_people_claimed_before_redis_failed_are_counted(
    app: Flask, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        campaign = campaign_with_people(4)
        take, tries = ContactQueue.take, iter(range(10))

        def take_two(*given: object) -> object:
            if next(tries) == 2:
                raise REDIS_IS_GONE
            return take(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(ContactQueue, "take", take_two)
        assert claim_people(campaign, 4, "simulator") == 2
        assert open_calls() == 2


def test_a_refill_that_fails_does_not_undo_a_claim(
    app: Flask, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise REDIS_IS_GONE

    with app.app_context():
        campaign = campaign_with_people(2)
        monkeypatch.setattr(ContactQueue, "top_up", fail)
        assert claim_people(campaign, 2, "simulator") == 2
        assert open_calls() == 2


@pytest.mark.parametrize("is_promised", [False, True])
def test_a_number_called_elsewhere_rests_unless_a_callback_was_promised(
    app_context: Flask, is_promised: bool
) -> None:
    campaign, elsewhere = create_campaign(mode=CampaignMode.PREDICTIVE), create_campaign()
    contact = create_contact(create_list(campaign))
    create_contact(create_list(elsewhere), phone=contact.phone)
    caller = create_caller(elsewhere)
    db.session.commit()
    top_up_all_queues()  # notes that the campaigns share a number
    hold = claim(caller)
    db.session.commit()
    record(caller, hold.call.id, "no_answer")
    if is_promised:
        contact.callback_at = contact.callable_at = now() - timedelta(minutes=1)
    db.session.commit()
    assert claim_people(campaign, 1, "simulator") == is_promised
