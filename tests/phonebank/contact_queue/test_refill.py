"""How a refill works when many callers are at work, which PostgreSQL's statistics do not know."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, text

from phonebank.contact_queue import refill
from phonebank.contact_queue.empty_reasons import empty_queue_of
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.contact_queue.status_counts import buckets_of, capacity_per_hour, next_callable
from phonebank.core.db import db
from tests.factories import create_caller, create_contact
from tests.phone_bank import PhoneBank

CALLERS = 200
OPEN_CALLS = text("""
INSERT INTO call (id, campaign_id, contact_id, caller_id, phone, household, started_at, expires_at,
                  reached, conversation, yes, counted, late, note, too_fast, turn)
SELECT gen_random_uuid(), contact.campaign_id, contact.id, caller.id, phone, '[]', now(),
       now() + interval '5 minutes', false, false, false, false, false, '', false, 0
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM contact) contact
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM caller) caller USING (n)
""")


@pytest.fixture
def busy_bank(phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch) -> PhoneBank:
    """A phone bank in which each of many callers has a contact on the screen. PostgreSQL's
    statistics are from before the calls."""
    monkeypatch.setattr(refill, "READY_AT_LEAST", CALLERS)
    monkeypatch.setattr(refill, "READY_PER_CALLER", 0)
    for _ in range(3 * CALLERS):
        create_contact(phone_bank.contact_list)
    for _ in range(CALLERS):
        create_caller(phone_bank.campaign, phone_bank.party)
    db.session.commit()
    db.session.execute(text("ANALYZE"))
    db.session.execute(OPEN_CALLS)
    db.session.commit()
    return phone_bank


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The queries that a test sends, with their values."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if sql.lstrip().startswith(("SELECT", "WITH")):
            sent.append((sql, values))

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def compared_in_vain(plan: dict[str, Any]) -> int:
    """How many pairs of rows a plan compared although they did not belong together."""
    own = plan.get("Rows Removed by Join Filter", 0) * plan.get("Actual Loops", 1)
    return int(own) + sum(compared_in_vain(each) for each in plan.get("Plans", ()))


def reads_again(plan: dict[str, Any]) -> bool:
    """Whether a plan reads the open calls again for each contact, and not once."""
    again = "NOT (ANY" in plan.get("Filter", "") and "hashed SubPlan" not in plan["Filter"]
    return again or any(reads_again(each) for each in plan.get("Plans", ()))


def test_no_query_of_the_queue_compares_each_contact_with_each_open_call(
    busy_bank: PhoneBank, statements: list[tuple[str, Any]]
) -> None:
    campaign = busy_bank.campaign
    assert refill.refill(campaign) == CALLERS
    buckets_of(campaign)
    capacity_per_hour(campaign)
    next_callable(campaign)
    empty_queue_of(campaign, busy_bank.sam)
    about_calls = [each for each in statements if "FROM call" in each[0]]
    assert len(about_calls) >= 4
    driver: Any = db.session.connection().connection.driver_connection
    for sql, values in about_calls:
        [(plan,)] = driver.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).fetchall()
        assert compared_in_vain(plan[0]["Plan"]) < 10 * CALLERS, sql
        assert not reads_again(plan[0]["Plan"]), sql


def test_a_web_process_plans_each_refill_for_the_lane_as_it_is(busy_bank: PhoneBank) -> None:
    # After ten runs, PostgreSQL may keep a plan that compares each contact with each of the lane.
    for _ in range(12):
        redis_queue_of(busy_bank.campaign.id).clear_lanes()
        assert refill.refill(busy_bank.campaign) == CALLERS
    kept = db.session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert not [each for each in kept if "callable_at <= " in each and "LATERAL" in each]
