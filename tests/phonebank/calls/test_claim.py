"""Claims, and the ends of holds, as callers would notice them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.eligibility import OnBreakError, running_campaign
from phonebank.calls.hold import release_hold, renew_hold
from phonebank.calls.record import record
from phonebank.contact_queue import status_counts
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.contact_queue.hold_copies import correct_hold_copies
from phonebank.contact_queue.holds import release_caller
from phonebank.contact_queue.jobs import top_up_all_queues
from phonebank.contact_queue.redis_queue import QueueEntry, redis_queue_of
from phonebank.contact_queue.status_counts import buckets_of
from phonebank.core.db import db
from phonebank.core.errors import GoneError, NotAllowedError, NotFoundError, NotRunningError
from phonebank.core.redis import redis_store
from phonebank.models import (
    Call,
    CallEnding,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    Party,
    Suppression,
    now,
)
from phonebank.suppressions.entries import suppress
from tests.factories import create_caller, create_contact, create_list
from tests.phone_bank import PhoneBank, call_of


def claim_and_commit(caller):
    hold = claim(caller)
    db.session.commit()
    return hold


def test_two_callers_get_two_people(phone_bank: PhoneBank) -> None:
    sams = claim_and_commit(phone_bank.sam)
    priyas = claim_and_commit(phone_bank.priya)
    assert sams.contact.id != priyas.contact.id


def test_a_claim_whose_transaction_is_lost_gives_nobody(
    phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        db.session.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr("phonebank.contact_queue.queue.refill", fail)
    with pytest.raises(DBAPIError):
        claim(phone_bank.sam)
    db.session.rollback()
    assert redis_queue_of(phone_bank.campaign.id).held_count() == 0


def test_asking_again_brings_the_same_person_and_call(phone_bank: PhoneBank) -> None:
    first = claim_and_commit(phone_bank.sam)
    again = claim_and_commit(phone_bank.sam)
    assert (again.call.id, again.contact.id) == (first.call.id, first.contact.id)


def test_every_contact_is_given_once_and_then_none_is(phone_bank: PhoneBank) -> None:
    seen = set()
    for _ in phone_bank.contacts:
        hold = claim_and_commit(phone_bank.sam)
        seen.add(hold.contact.id)
        record(phone_bank.sam, hold.call.id, "refused")
        db.session.commit()
    assert seen == {contact.id for contact in phone_bank.contacts}
    with pytest.raises(NobodyToCallError) as nobody:
        claim(phone_bank.sam)
    assert nobody.value.next_at is None


def test_when_all_are_resting_the_caller_learns_when_to_come_back(phone_bank: PhoneBank) -> None:
    for _ in phone_bank.contacts:
        record(phone_bank.sam, claim_and_commit(phone_bank.sam).call.id, "no_answer")
        db.session.commit()
    with pytest.raises(NobodyToCallError) as nobody:
        claim(phone_bank.sam)
    soonest = min(contact.callable_at for contact in phone_bank.contacts)
    assert nobody.value.next_at == soonest > datetime.now(UTC)


def test_a_callback_is_announced_to_the_caller_who_promised_it_first(
    phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    for contact in phone_bank.contacts[2:]:
        contact.state = ContactState.FINISHED
    due = now() + timedelta(hours=1)
    # Of many promises only the first few are looked at.
    monkeypatch.setattr(status_counts, "CALLBACKS_AT_MOST", 1)
    later = phone_bank.contacts[1]
    later.callback_at = later.callable_at = due + timedelta(hours=1)
    promised = phone_bank.contacts[0]
    promised.callback_at = promised.callable_at = due
    promised.callback_caller_id = phone_bank.sam.id
    # Sam keeps their promise, whatever lists they call from.
    phone_bank.sam.list_ids = [create_list(phone_bank.campaign).id]
    db.session.commit()
    for caller, wait in ((phone_bank.sam, 0), (phone_bank.priya, 10)):
        with pytest.raises(NobodyToCallError) as nobody:
            claim(caller)
        assert nobody.value.next_at == due + timedelta(minutes=wait)
        db.session.rollback()
    with time_machine.travel(due + timedelta(minutes=4)):
        # An offer from before the promise was made.
        stale = QueueEntry(promised.id, 0.0, promised.contact_list_id, "")
        redis_queue_of(phone_bank.campaign.id).add([stale])
        with pytest.raises(NobodyToCallError):
            claim(phone_bank.priya)
        db.session.rollback()
        assert claim(phone_bank.sam).contact.id == promised.id


def test_untried_people_come_before_rested_ones_and_lower_priority_first(
    phone_bank: PhoneBank,
) -> None:
    urgent = create_list(phone_bank.campaign, name="Urgent", priority=-1)
    tried = create_contact(urgent, tried=True, attempts=1)
    untried = create_contact(urgent)
    db.session.commit()
    order = []
    for _ in range(3):
        hold = claim_and_commit(phone_bank.sam)
        order.append(hold.contact.id)
        record(phone_bank.sam, hold.call.id, "refused")
        db.session.commit()
    assert order[:2] == [untried.id, tried.id]
    assert order[2] in {contact.id for contact in phone_bank.contacts}


def test_a_suppressed_number_that_is_already_queued_is_not_given(phone_bank: PhoneBank) -> None:
    hold = claim_and_commit(phone_bank.sam)
    rest = [c for c in phone_bank.contacts if c.id != hold.contact.id]
    for contact in rest:
        suppress(contact.phone, "organiser")
    db.session.commit()
    assert redis_queue_of(phone_bank.campaign.id).lane()
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)


def test_a_number_suppressed_before_the_upload_is_not_given(phone_bank: PhoneBank) -> None:
    # As when a do-not-call commits while an import is storing the same number.
    for contact in phone_bank.contacts:
        db.session.add(Suppression(phone=contact.phone, source="call"))
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.sam)
    # They are found out, and stand where they belong.
    top_up_all_queues()
    standing = {bucket.key: bucket.contacts for bucket in buckets_of(phone_bank.campaign)}
    assert (standing["suppressed"], standing["ready"]) == (len(phone_bank.contacts), 0)
    with pytest.raises(NobodyToCallError) as nobody:
        claim(phone_bank.sam)
    assert nobody.value.next_at is None


def test_a_claim_keeps_no_lock_on_a_contact_that_it_did_not_give(phone_bank: PhoneBank) -> None:
    release_hold(phone_bank.sam, claim_and_commit(phone_bank.sam).call.id)
    db.session.commit()
    stale = [contact.id for contact in phone_bank.contacts[:3]]
    for contact in phone_bank.contacts[:3]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    hold = claim(phone_bank.sam)
    assert hold.contact.id not in stale
    free = select(Contact.id).where(Contact.id.in_(stale)).with_for_update(nowait=True)
    with db.engine.connect() as elsewhere:
        assert sorted(elsewhere.scalars(free)) == stale


def test_a_removed_list_stops_at_the_next_claim_however_many_wait(phone_bank: PhoneBank) -> None:
    for _ in range(40):
        create_contact(phone_bank.contact_list)
    other = create_list(phone_bank.campaign, priority=5)
    wanted = create_contact(other)
    db.session.commit()
    release_hold(phone_bank.sam, claim_and_commit(phone_bank.sam).call.id)
    phone_bank.contact_list.removed = True
    db.session.commit()
    held = claim_and_commit(phone_bank.sam)
    assert held.contact.id == wanted.id
    record(phone_bank.sam, held.call.id, "talked")
    phone_bank.contact_list.removed = False
    db.session.commit()
    assert claim_and_commit(phone_bank.sam).contact.contact_list_id == phone_bank.contact_list.id


def test_one_household_has_one_call_at_a_time(phone_bank: PhoneBank) -> None:
    home = phone_bank.contacts[0].phone
    db.session.commit()
    for contact in phone_bank.contacts[1:]:
        contact.phone = home
    db.session.commit()
    hold = claim_and_commit(phone_bank.sam)
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)
    db.session.rollback()
    record(phone_bank.sam, hold.call.id, "no_answer")
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)  # the others on the number rest too


def test_only_the_admitted_call_and_only_while_it_runs(phone_bank: PhoneBank) -> None:
    waiting = create_caller(phone_bank.campaign, state=CallerState.WAITING)
    with pytest.raises(NotAllowedError):
        claim(waiting)
    phone_bank.campaign.state = CampaignState.PAUSED
    with pytest.raises(NotRunningError):
        claim(phone_bank.sam)
    phone_bank.campaign.state = CampaignState.ENDED
    with pytest.raises(GoneError):
        claim(phone_bank.sam)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [(CampaignState.PAUSED, NotRunningError), (CampaignState.ENDED, GoneError)],
)
def test_a_claim_under_way_sees_that_the_campaign_has_stopped(
    phone_bank: PhoneBank, state: str, refusal: type[Exception]
) -> None:
    """The request has read the campaign already; the organiser is quicker than the claim."""
    assert phone_bank.campaign.is_running
    with db.engine.begin() as organisers:
        organisers.execute(update(Campaign).values(state=state))
    with pytest.raises(refusal):
        claim(phone_bank.sam)
    db.session.rollback()
    assert not db.session.scalar(select(func.count()).select_from(Call))
    assert not redis_queue_of(phone_bank.campaign.id).holds()


def test_a_claim_under_way_keeps_to_limits_set_meanwhile(phone_bank: PhoneBank) -> None:
    other = create_contact(create_list(phone_bank.campaign, priority=9))
    db.session.commit()
    assert phone_bank.sam.list_ids == []
    with db.engine.begin() as organisers:
        organisers.execute(update(Caller).values(list_ids=[other.contact_list_id]))
    assert claim_and_commit(phone_bank.sam).contact.id == other.id


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"paused": True}, OnBreakError),
        ({"break_until": now() + timedelta(days=1)}, OnBreakError),
        ({"state": "ended"}, GoneError),
    ],
)
def test_a_claim_under_way_sees_that_the_host_called_a_break_or_ended_the_party(
    phone_bank: PhoneBank, values: dict[str, Any], refused: type[Exception]
) -> None:
    party_id, caller, campaign_id = phone_bank.party.id, phone_bank.sam, phone_bank.campaign.id
    # Read at the beginning of the request, before the host acts.
    assert running_campaign(caller)
    with db.engine.begin() as hosts:
        hosts.execute(update(Party).where(Party.id == party_id).values(values))
    with pytest.raises(refused):
        claim(caller)
    assert db.session.scalars(select(Call)).all() == []
    assert redis_queue_of(campaign_id).held_count() == 0


def test_a_break_ends_by_itself_and_no_job_has_to_end_it(phone_bank: PhoneBank) -> None:
    phone_bank.party.break_until = now() - timedelta(seconds=1)
    db.session.commit()
    assert claim_and_commit(phone_bank.sam).is_new


def test_pausing_lets_the_call_in_progress_finish(phone_bank: PhoneBank) -> None:
    hold = claim_and_commit(phone_bank.sam)
    phone_bank.campaign.state = CampaignState.PAUSED
    db.session.commit()
    assert claim_and_commit(phone_bank.sam).call.id == hold.call.id
    assert record(phone_bank.sam, hold.call.id, "talked").changed


def test_a_released_contact_is_another_callers_next(phone_bank: PhoneBank) -> None:
    hold = claim_and_commit(phone_bank.sam)
    release_hold(phone_bank.sam, hold.call.id)
    db.session.commit()
    others = {claim_and_commit(phone_bank.priya).contact.id}
    for _ in range(4):
        current = claim_and_commit(phone_bank.priya)
        others.add(current.contact.id)
        record(phone_bank.priya, current.call.id, "refused")
        db.session.commit()
    others.add(claim_and_commit(phone_bank.priya).contact.id)
    assert hold.contact.id in others


def test_an_expired_hold_is_ended_and_its_contact_given_again(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    hold = claim_and_commit(phone_bank.sam)
    assert expire_holds(phone_bank.campaign) == 0
    with time_machine.travel(hold.expires_at + timedelta(seconds=1)):
        assert expire_holds(phone_bank.campaign) == 1
        assert expire_holds(phone_bank.campaign) == 0
        assert claim_and_commit(phone_bank.priya).contact.id == hold.contact.id
    db.session.expire_all()
    assert call_of(hold).ending == CallEnding.EXPIRED


def test_a_renewed_hold_lasts_but_not_for_ever(phone_bank: PhoneBank) -> None:
    hold = claim_and_commit(phone_bank.sam)
    longest = hold.call.started_at + timedelta(seconds=phone_bank.campaign.hold_seconds_at_most)
    with time_machine.travel(hold.expires_at - timedelta(seconds=30)):
        assert renew_hold(phone_bank.sam, hold.call.id) > hold.expires_at
    with time_machine.travel(hold.expires_at + timedelta(seconds=30)):
        assert expire_holds(phone_bank.campaign) == 0
    with time_machine.travel(longest - timedelta(seconds=1)):
        assert renew_hold(phone_bank.sam, hold.call.id) == longest
    with time_machine.travel(longest + timedelta(seconds=1)):
        assert expire_holds(phone_bank.campaign) == 1
        with pytest.raises(NotFoundError):
            renew_hold(phone_bank.sam, hold.call.id)


def test_a_removed_callers_person_is_free_at_once(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    hold = claim_and_commit(phone_bank.sam)
    assert release_caller(phone_bank.sam.id) == 1
    db.session.commit()
    assert claim_and_commit(phone_bank.priya).contact.id == hold.contact.id


def test_a_hold_that_ended_elsewhere_is_free_within_seconds(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    hold = claim_and_commit(phone_bank.sam)
    # By a process that was killed before it told Redis.
    db.session.execute(
        update(Call).values(ended_at=datetime.now(UTC), ending=CallEnding.TAKEN_AWAY)
    )
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)
    db.session.rollback()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=6)):
        correct_hold_copies(phone_bank.campaign)
        assert claim_and_commit(phone_bank.priya).contact.id == hold.contact.id


def test_an_emptied_redis_is_rebuilt_with_holds_as_they_were(phone_bank: PhoneBank) -> None:
    sams = claim_and_commit(phone_bank.sam)
    redis_store().flushall()
    priyas = claim_and_commit(phone_bank.priya)
    assert priyas.contact.id != sams.contact.id
    assert claim_and_commit(phone_bank.sam).call.id == sams.call.id
    held = redis_queue_of(phone_bank.campaign.id).held_until()
    assert {sams.contact.id, priyas.contact.id} <= set(held)


def test_a_hold_that_redis_has_lost_expires_too(phone_bank: PhoneBank) -> None:
    hold = claim_and_commit(phone_bank.sam)
    redis_store().zrem(f"queue:{{{phone_bank.campaign.id}}}:held", hold.contact.id)  # thrown out
    with time_machine.travel(hold.expires_at + timedelta(seconds=1)):
        assert expire_holds(phone_bank.campaign) == 1


def test_a_taken_contact_whose_claim_died_comes_back(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    hold = claim(phone_bank.sam)
    lost = hold.contact.id
    db.session.rollback()  # the process was killed between Redis and PostgreSQL
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)
    db.session.rollback()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=301)):
        correct_hold_copies(phone_bank.campaign)
        assert claim_and_commit(phone_bank.priya).contact.id == lost


def test_the_database_itself_refuses_a_second_open_call(phone_bank: PhoneBank) -> None:
    hold = claim_and_commit(phone_bank.sam)
    store = redis_queue_of(phone_bank.campaign.id)
    store.clear()  # a Redis that knows nothing of the hold and offers the same people again
    store.mark_built()
    from phonebank.contact_queue.redis_queue import QueueEntry

    store.add([QueueEntry(hold.contact.id, 0.0, phone_bank.contact_list.id, "")])
    claim_and_commit(phone_bank.priya)
    double = db.session.execute(
        select(Call.contact_id, func.count())
        .where(Call.ended_at.is_(None))
        .group_by(Call.contact_id)
        .having(func.count() > 1)
    ).all()
    assert double == []


def test_a_caller_limited_to_a_language_gets_people_who_speak_it(phone_bank: PhoneBank) -> None:
    phone_bank.contact_list.languages = ["", "cy"]
    welsh = create_contact(phone_bank.contact_list, language="cy")
    phone_bank.priya.languages = ["cy"]
    for contact in phone_bank.contacts:
        contact.language = "en"
    phone_bank.contact_list.languages = ["en", "cy"]
    db.session.commit()
    assert claim_and_commit(phone_bank.priya).contact.id == welsh.id
    assert claim_and_commit(phone_bank.sam).contact.language == "en"


@pytest.mark.parametrize(
    ("moment", "may"),
    [
        (datetime(2026, 6, 10, 12, tzinfo=UTC), True),
        (datetime(2026, 6, 10, 2, tzinfo=UTC), False),
        (datetime(2026, 6, 10, 23, tzinfo=UTC), False),
        # Hours end at 21:00 in London; the last two minutes are for dialling.
        (datetime(2026, 6, 10, 19, 57, 50, tzinfo=UTC), True),
        (datetime(2026, 6, 10, 19, 58, 10, tzinfo=UTC), False),
    ],
)
def test_no_contact_is_given_outside_its_calling_hours(
    phone_bank: PhoneBank, moment: datetime, may: bool
) -> None:
    phone_bank.campaign.allow_drama_numbers = False
    for contact in phone_bank.contacts:
        contact.callable_at = moment - timedelta(days=1)
    db.session.commit()
    with time_machine.travel(moment):
        if may:
            assert claim_and_commit(phone_bank.sam)
        else:
            with pytest.raises(NobodyToCallError) as nobody:
                claim(phone_bank.sam)
            assert nobody.value.next_at is not None
            assert nobody.value.next_at > moment
