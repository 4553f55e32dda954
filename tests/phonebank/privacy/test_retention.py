"""People are erased when their time is over: not early, not twice, and by any number of workers."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from phonebank.campaigns.services import change_state
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.lists import services
from phonebank.models import (
    AuditEntry,
    Call,
    CampaignState,
    Contact,
    ContactList,
    HashedNumber,
    ListState,
)
from phonebank.privacy import jobs, retention
from phonebank.suppressions import entries
from phonebank.tallies.reconcile import differences
from tests.factories import create_contact
from tests.killed_workers import KILLS, kill_workers
from tests.phonebank.exports.room import Room, create_room, make_call
from tests.phonebank.privacy.stores import places_with
from tests.phonebank.privacy.test_erase import FILE, PERSON, SECRETS, upload

# The people of the campaign may be kept up to and including this day.
UNTIL = datetime(2027, 5, 31, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Runs the job while the clock shows a moment."""

    def run(moment: datetime) -> None:
        monkeypatch.setattr(retention, "moment", lambda: moment)
        jobs.perform_retention()
        db.session.expire_all()

    return run


@pytest.fixture
def room(app_context: Flask) -> Room:
    """A campaign whose people's time is over after UNTIL, with one call and a do-not-call entry."""
    room = create_room()
    room.campaign.ends_on, room.campaign.retention_days = date(2027, 5, 1), 30
    create_contact(room.contact_list, **PERSON)
    make_call(room, "talked", {"vote": "ours", "why": "Gribbleworth"}, note="marmalade")
    create_contact(room.contact_list)
    entries.suppress(PERSON["phone"], "call")
    db.session.commit()
    return room


def people_left() -> int:
    left = db.session.scalar(select(func.count()).where(Contact.phone != "")) or 0
    db.session.rollback()
    return left


def test_nobody_is_erased_early_whatever_a_clock_says(
    room: Room, at: Callable[[datetime], None]
) -> None:
    campaign, day = room.campaign, timedelta(days=1)
    at(UNTIL + timedelta(hours=20))
    assert campaign.erasure_due_at is None, "the last day is not over"
    # For an hour the clock is a year ahead.
    at(UNTIL + 365 * day)
    assert campaign.erasure_due_at is not None
    at(UNTIL - day)
    assert campaign.erasure_due_at is None
    # The time is over, and a day later an organiser has given the campaign more days.
    at(UNTIL + day)
    campaign.retention_days = 60
    db.session.commit()
    at(UNTIL + 2 * day)
    assert (campaign.erasure_due_at, campaign.erasing_since, people_left()) == (None, None, 2)
    campaign.retention_days = 30
    db.session.commit()
    at(UNTIL + 3 * day)
    at(UNTIL + 3 * day + timedelta(hours=23))
    assert (people_left(), campaign.state) == (2, CampaignState.RUNNING)
    # The clock is set back after the announcement, so the day begins again.
    at(UNTIL + 2 * day)
    assert campaign.erasure_due_at == UNTIL + 2 * day
    at(UNTIL + 3 * day)
    assert people_left() == 0


def test_the_time_is_over_and_figures_and_hashes_stay(
    room: Room, at: Callable[[datetime], None], servers_dir: Path
) -> None:
    campaign = room.campaign
    waiting = upload(campaign, FILE)
    for days in (1, 2):
        at(UNTIL + timedelta(days=days))
    assert places_with(SECRETS, servers_dir) == set()
    assert (campaign.state, people_left()) == (CampaignState.ENDED, 0)
    assert campaign.erased_at is not None
    assert db.session.scalar(select(func.count()).select_from(Call)) == 1
    assert differences() == []
    assert db.session.scalar(select(func.count()).select_from(HashedNumber)) == 1
    assert entries.is_suppressed(PERSON["phone"])
    done = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert done == ["began to erase a campaign's people", "erased a campaign's people"]
    # Nothing new comes in.
    assert db.session.get_one(ContactList, waiting.id).state == ListState.FAILED
    for refused in (
        lambda: change_state(campaign, "reopen"),
        lambda: upload(campaign, FILE),
        lambda: services.confirm(waiting, "W", 0, ["first_name", "last_name", "phone", "town"]),
    ):
        with pytest.raises(ConflictError, match="they are erased"):
            refused()
        db.session.rollback()


def test_a_clock_set_back_in_the_middle_changes_nothing(
    room: Room, at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "WORKS_FOR", 0.0)  # it only begins
    for days in (1, 2):
        at(UNTIL + timedelta(days=days))
    began = room.campaign.erasing_since
    assert began is not None
    assert people_left() == 2
    monkeypatch.setattr(jobs, "WORKS_FOR", 40.0)
    at(UNTIL - timedelta(days=365))
    assert (room.campaign.erasing_since, people_left()) == (began, 0)
    ended = room.campaign.erased_at
    at(UNTIL + timedelta(days=5))
    assert room.campaign.erased_at == ended
    actions = select(func.count()).select_from(AuditEntry)
    assert db.session.scalar(actions) == 2, "nobody is erased twice"


def test_a_worker_that_is_killed_leaves_nobody_half_erased(
    room: Room, at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    calls = 100 + 50 * KILLS
    values = {"people": 2 * calls, "calls": calls}
    db.session.execute(
        text(
            "INSERT INTO contact SELECT (jsonb_populate_record(contact, jsonb_build_object("
            " 'id', 1000 + n, 'name_key', 'zzyzxname ' || n))).*"
            " FROM contact, generate_series(1, :people) AS n WHERE contact.id = 1"
        ),
        values,
    )
    db.session.execute(
        text(
            "INSERT INTO call SELECT (jsonb_populate_record(call, jsonb_build_object("
            " 'id', gen_random_uuid(), 'contact_id', 1000 + 2 * n))).*"
            " FROM call, generate_series(1, :calls) AS n"
        ),
        values,
    )
    made = {"all": calls + 1}
    db.session.execute(
        text(
            "UPDATE tally SET calls = :all, reached = :all, conversations = :all,"
            " yeses = :all, ranked = :all"
        ),
        made,
    )
    db.session.commit()
    monkeypatch.setattr(jobs, "WORKS_FOR", 0.0)
    for days in (1, 2):
        at(UNTIL + timedelta(days=days))
    monkeypatch.setattr(jobs, "WORKS_FOR", 40.0)
    before = differences()

    def nobody_is_half_erased() -> None:
        half = text(
            "SELECT count(*) FROM contact LEFT JOIN call ON call.contact_id = contact.id WHERE"
            " (contact.phone = '') <> (contact.first_name = '')"
            " OR call.phone IS NOT NULL AND (call.phone = '') <> (contact.phone = '')"
            " OR contact.phone = '' AND call.id IS NULL"
        )
        assert db.session.scalar(half) == 0
        assert differences() == before

    kill_workers(jobs.perform_retention, people_left, nobody_is_half_erased)
    at(UNTIL + timedelta(days=3))
    assert people_left() == 0
    assert db.session.scalar(select(func.count()).select_from(Call)) == calls + 1
    assert differences() == before
