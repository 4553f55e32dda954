"""Contact status: each contact is in one bucket, and one request counts for all who watch."""

import itertools
import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from flask import Flask
from redis import Redis

from phonebank.contact_queue import status_cache
from phonebank.contact_queue.status_cache import QueueStatus, count_status, queue_status
from phonebank.contact_queue.status_counts import BUCKETS, buckets_of
from phonebank.core.db import db
from phonebank.core.redis import redis_store
from phonebank.models import Call, Campaign, new_id, now
from tests.conftest import NO_REDIS
from tests.factories import create_caller, create_campaign, create_contact, create_list


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    campaign = create_campaign()
    create_contact(create_list(campaign))
    db.session.commit()
    return campaign


def test_every_status_of_a_contact_is_in_the_first_bucket_that_fits(
    app_context: Flask,
) -> None:
    """Compares every combination of the deciding values with the same rules in plain Python."""
    campaign = create_campaign()
    lists = {removed: create_list(campaign, removed=removed) for removed in (False, True)}
    create_caller(campaign, languages=["en", "cy"])
    later, before = now() + timedelta(hours=1), now() - timedelta(hours=1)
    expected = dict.fromkeys(BUCKETS, 0)
    for held, suppressed, removed, state, language, promised, resting in itertools.product(
        (False, True),
        (None, before),
        (False, True),
        ("callable", "finished", "unusable", "taken_out"),
        ("", "en", "cy", "pl"),
        (None, before, later),
        (before, later),
    ):
        contact = create_contact(
            lists[removed],
            suppressed_at=suppressed,
            state=state,
            language=language,
            callback_at=promised,
            callable_at=resting,
        )
        if held:
            hold(campaign, contact.id)
        key = (
            "held" if held
            else "suppressed" if suppressed
            else "removed" if removed
            else state if state != "callable"
            else "language" if language == "pl"
            else "callback" if promised == later
            else "resting" if resting == later
            else "ready"
        )  # fmt: skip
        expected[key] += 1
    hold(create_campaign(), create_contact(create_list(create_campaign())).id)
    db.session.commit()
    found = {bucket.key: bucket.contacts for bucket in buckets_of(campaign)}
    assert found == expected
    assert sum(found.values()) == 2 * 2 * 2 * 4 * 4 * 3 * 2


def test_who_is_outside_calling_hours_is_told_by_the_clock_on_their_own_wall(
    app_context: Flask,
) -> None:
    campaign = create_campaign(allow_drama_numbers=False)
    at = datetime(2026, 6, 9, 10, tzinfo=UTC)  # a Tuesday: 11:00 in London, 22:00 in Auckland
    people = create_list(campaign)
    for zone_key in ("Europe/London", "Pacific/Auckland", "Europe/London|Pacific/Auckland"):
        create_contact(people, zone_key=zone_key, callable_at=at - timedelta(days=1))
    db.session.commit()
    with time_machine.travel(at, tick=False):
        found = {bucket.key: bucket.contacts for bucket in buckets_of(campaign)}
    assert found == dict.fromkeys(BUCKETS, 0) | {"ready": 1, "out_of_hours": 2}


def hold(campaign: Campaign, contact_id: int) -> None:
    caller = create_caller(campaign)
    number = f"+999{contact_id:09}"
    db.session.add(
        Call(
            id=new_id(), campaign_id=campaign.id, contact_id=contact_id, caller_id=caller.id,
            phone=number, expires_at=now(),
        )
    )  # fmt: skip
    db.session.flush()


def test_many_watchers_cost_one_count(
    app: Flask, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty pages ask while the first still counts, and again just after."""
    counting, go_on, counts = threading.Event(), threading.Event(), []

    def slowly(campaign: Campaign) -> QueueStatus:
        counts.append(campaign.id)
        counting.set()
        assert go_on.wait(20)
        return count_status(campaign)

    monkeypatch.setattr(status_cache, "count_status", slowly)
    campaign_id, answers = campaign.id, []

    def first() -> None:
        with app.app_context():
            answers.append(queue_status(db.session.get_one(Campaign, campaign_id)))

    counter = threading.Thread(target=first)
    counter.start()
    assert counting.wait(20)
    # Nothing has been counted yet, and nobody waits for it.
    assert [queue_status(campaign) for _ in range(20)] == [None] * 20
    go_on.set()
    counter.join()
    assert [queue_status(campaign) for _ in range(20)] == answers * 20
    assert counts == [campaign_id]


def test_counts_serve_for_eleven_times_what_they_cost_and_are_shown_while_counted_again(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=2.5)
    monkeypatch.setattr(status_cache, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    first = queue_status(campaign)
    turn = f"figures:{{{campaign.id}}}:turn"
    # 2.5 seconds, less what has passed since.
    assert 11 * 2500 - 2000 < redis_store().pttl(turn) <= 11 * 2500
    create_contact(create_list(campaign))
    db.session.commit()
    assert queue_status(campaign) == first
    redis_store().set(turn, "another request counts")
    assert queue_status(campaign) == first
    redis_store().delete(turn)
    second = queue_status(campaign)
    assert first is not None
    assert second is not None
    assert second.at > first.at
    assert (first.capacity, second.capacity) == (1, 2)


def test_a_request_that_fails_to_count_leaves_the_turn_to_the_next(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(campaign: Campaign) -> QueueStatus:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(status_cache, "count_status", fail)
        with pytest.raises(RuntimeError):
            queue_status(campaign)
    assert queue_status(campaign) is not None


@pytest.mark.parametrize("fails", [False, True])
def test_a_request_that_counts_too_long_leaves_the_turn_to_the_request_that_has_it_now(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    turn = f"figures:{{{campaign.id}}}:turn"

    def slow(campaign: Campaign) -> QueueStatus:
        redis_store().set(turn, "another request", px=50_000)
        if fails:
            raise RuntimeError
        return count_status(campaign)

    monkeypatch.setattr(status_cache, "count_status", slow)
    with pytest.raises(RuntimeError) if fails else nullcontext():
        queue_status(campaign)
    assert redis_store().get(turn) == "another request"
    assert redis_store().pttl(turn) > 40_000


def test_without_redis_everyone_counts_for_themselves(
    app: Flask, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "redis", Redis.from_url(NO_REDIS))
    found = queue_status(campaign)
    assert found is not None
    assert sum(bucket.contacts for bucket in found.buckets) == 1


def test_no_campaign_is_shown_the_figures_of_another(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_cache, "SERVE_TIMES", 1e6)
    assert queue_status(campaign) is not None
    empty = queue_status(create_campaign())
    assert empty is not None
    assert empty.capacity == 0
