"""A number that one campaign has called rests in the others."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from phonebank.calls import claim as claiming
from phonebank.calls import claim_rows
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import release_hold
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.contact_queue import refill as refilling
from phonebank.contact_queue.jobs import top_up_all_queues
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.contact_queue.refill import ensure_built
from phonebank.contact_queue.status_cache import count_status
from phonebank.core.db import autocommit, db
from phonebank.exports.people import people_table
from phonebank.models import Caller, Campaign, Contact, now
from phonebank.organisers.contact_status.wording import describe_status
from tests.factories import create_caller, create_campaign, create_contact, create_list


@dataclass
class TwoCampaigns:
    """Two campaigns, each with a caller and one contact, and both contacts have one number."""

    here: Campaign
    sam: Caller
    contact: Contact
    elsewhere: Campaign
    priya: Caller
    other: Contact


@pytest.fixture
def two(app_context: Flask) -> TwoCampaigns:
    here, elsewhere = create_campaign(), create_campaign()
    other = create_contact(create_list(elsewhere))
    contact = create_contact(create_list(here), phone=other.phone)
    two = TwoCampaigns(
        here, create_caller(here), contact, elsewhere, create_caller(elsewhere), other
    )
    db.session.commit()
    return two


def call_elsewhere(two: TwoCampaigns, outcome: str) -> uuid.UUID:
    """Priya calls the number in the other campaign, and records how it went."""
    hold = claim(two.priya)
    db.session.commit()
    assert hold.contact.id == two.other.id
    record(two.priya, hold.call.id, outcome)
    db.session.commit()
    return hold.call.id


def buckets(campaign: Campaign) -> dict[str, int]:
    return {bucket.key: bucket.contacts for bucket in count_status(campaign).buckets}


@pytest.mark.parametrize("in_lane", [True, False], ids=["in the lane already", "before a refill"])
def test_the_number_rests_for_the_longer_of_the_two_waits(two: TwoCampaigns, in_lane: bool) -> None:
    two.here.retry_rules = {
        # Attempts elsewhere do not count here.
        "attempts_at_most": 1,
        "attempts_a_day_at_most": 1,
        "outcomes": {"no_answer": {"rest_minutes": 600}},
    }
    db.session.commit()
    if in_lane:
        ensure_built(two.here)
    call_elsewhere(two, "no_answer")
    status = count_status(two.here)
    assert (buckets(two.here)["elsewhere"], status.capacity) == (1, 0)
    assert "1 person waits because another campaign has called their number." in describe_status(
        two.here, status.buckets, status.at
    )
    db.session.commit()  # a request's claim begins without a transaction
    with pytest.raises(NobodyToCallError) as nobody:
        autocommit(claim)(two.sam)
    assert "1 person waits because another campaign has called" in nobody.value.message
    assert nobody.value.next_at is not None
    wait = nobody.value.next_at - now()
    assert timedelta(hours=9, minutes=59) < wait <= timedelta(hours=10)
    db.session.refresh(two.contact)
    assert two.contact.callable_at == nobody.value.next_at
    # Once the rest is over, the contact is called like any other.
    two.other.last_called_at = two.contact.callable_at = now() - timedelta(hours=11)
    db.session.execute(text("UPDATE call SET recorded_at = now() - interval '11 hours'"))
    db.session.commit()
    assert claim(two.sam).contact.id == two.contact.id
    assert buckets(two.here)["elsewhere"] == 0


def test_a_wait_that_has_begun_stays_after_an_undo_elsewhere(two: TwoCampaigns) -> None:
    call_id = call_elsewhere(two, "no_answer")
    top_up_all_queues()
    undo(two.priya, call_id)
    db.session.flush()
    release_hold(two.priya, call_id)
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(two.sam)


def test_only_campaigns_that_share_a_number_look_for_calls_elsewhere(two: TwoCampaigns) -> None:
    alone = create_campaign()
    create_contact(create_list(alone))
    db.session.commit()
    assert [two.here.shares_numbers, two.elsewhere.shares_numbers] == [False, False]
    with db.engine.connect() as other:
        # An organiser is just changing the other campaign.
        other.execute(
            text("SELECT FROM campaign WHERE id = :id FOR UPDATE"), {"id": two.elsewhere.id}
        )
        top_up_all_queues()
        assert redis_queue_of(two.here.id).lane() == []
        db.session.rollback()
    top_up_all_queues()
    for campaign in (two.here, two.elsewhere, alone):
        db.session.refresh(campaign)
    assert redis_queue_of(two.here.id).lane() == [two.contact.id]
    assert two.here.shares_numbers
    assert two.elsewhere.shares_numbers
    assert not alone.shares_numbers


def test_the_file_of_people_says_who_waits(two: TwoCampaigns) -> None:
    call_elsewhere(two, "no_answer")
    table = people_table(two.here)
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        row = driver.execute(table.query.encode(), table.values).fetchone()
    assert row is not None
    assert row[table.header.index("status")] == "called_elsewhere"


@pytest.mark.parametrize("outcome", ["skipped", "undone", "callback"])
def test_what_does_not_make_a_number_rest(two: TwoCampaigns, outcome: str) -> None:
    call_id = call_elsewhere(two, "skipped" if outcome == "skipped" else "no_answer")
    if outcome == "undone":
        undo(two.priya, call_id)
        db.session.flush()
        release_hold(two.priya, call_id)
    if outcome == "callback":
        # The person asked for this call.
        two.contact.callback_at = now() - timedelta(seconds=1)
    db.session.commit()
    assert buckets(two.here)["elsewhere"] == 0
    assert claim(two.sam).contact.id == two.contact.id


def test_a_refill_reads_on_past_those_who_rest(
    two: TwoCampaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refilling, "READY_AT_LEAST", 2)
    call_elsewhere(two, "no_answer")
    for _ in range(3):
        create_contact(create_list(two.here, priority=-1), phone=two.other.phone, callable_at=now())
    ready = create_contact(create_list(two.here, priority=9))
    db.session.commit()
    top_up_all_queues()
    db.session.rollback()
    assert redis_queue_of(two.here.id).lane() == [ready.id]
    later = Contact.callable_at > now() + timedelta(hours=2)
    of_here = select(Contact.id).where(later, Contact.campaign_id == two.here.id)
    assert len(db.session.scalars(of_here).all()) == 4


def test_a_call_elsewhere_between_reading_and_writing_wins(
    two: TwoCampaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = claim_rows.read_contact
    called: list[bool] = []

    def read_and_be_late(*args: object) -> object:
        row = read(*args)  # type: ignore[arg-type]
        if not called:
            called.append(True)
            with db.engine.begin() as other:
                values = {"id": two.other.id, "caller_id": two.priya.id, "at": now()}
                other.execute(_RECORDED_CALL, values)
                other.execute(
                    text("UPDATE contact SET last_called_at = :at WHERE id = :id"), values
                )
        return row

    monkeypatch.setattr(claiming, "read_contact", read_and_be_late)
    with pytest.raises(NobodyToCallError):
        autocommit(claim)(two.sam)
    assert called


_RECORDED_CALL = text("""
INSERT INTO call (id, campaign_id, contact_id, caller_id, phone, household, started_at, expires_at,
    ended_at, ending, outcome, recorded_at, reached, conversation, yes, counted, late, note,
    too_fast, turn)
SELECT gen_random_uuid(), campaign_id, id, :caller_id, phone, '[]', :at, :at, :at, 'recorded',
    'no_answer', :at, false, false, false, true, false, '', false, 0
FROM contact WHERE id = :id
""")
