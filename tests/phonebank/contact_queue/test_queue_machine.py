"""The queue against a plain model of it, whatever callers, organisers and Redis do.

Random sequences of claims, outcomes, undos, corrections, expiries, callbacks, suppressions and
their lifting, pauses, removed lists, callers limited to lists and languages, callers removed or in
the lobby, others of a household who come to the phone, a lost Redis, a Redis with nonsense in it,
and a clock that moves on. After each step the promises are checked in the database. Each claim is
compared with the model in both directions. No caller gets a contact that may not be called. No
caller reads "nobody to call" while there is a contact, or a wrong time to come back.
"""

import os
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, or_, select

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.correct import Correction, correct, version_of
from phonebank.calls.hold import release_hold, renew_hold
from phonebank.calls.household import switch_contact
from phonebank.calls.record import record
from phonebank.calls.undo import (
    UNDO_NEVER_AGAIN_WITHIN,
    UNDO_WITHIN,
    last_recorded_id,
    redial_block_reason,
    undo,
)
from phonebank.contact_queue.campaign_hours import is_calling_time, next_calling_time
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.contact_queue.hold_copies import correct_hold_copies
from phonebank.contact_queue.holds import release_caller
from phonebank.contact_queue.redis_queue import (
    CALLBACK_RESERVED_SECONDS,
    QueueEntry,
    redis_queue_of,
)
from phonebank.contact_queue.status_counts import buckets_of, capacity_per_hour
from phonebank.core.db import db
from phonebank.core.errors import NotAllowedError, NotFoundError, NotRunningError, PhonebankError
from phonebank.core.redis import redis_store
from phonebank.models import Call, Caller, CallerState, CampaignState, Contact, Suppression
from phonebank.roster.remove import remove_anywhere
from phonebank.rules.outcomes import NOT_AN_ATTEMPT, OUTCOMES
from phonebank.suppressions.entries import lift, suppress
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import party_totals
from tests.conftest import empty_stores
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    drama_number,
)

CALLERS = 3
# QUEUE_EXAMPLES=200 takes some minutes, and is worth it after a change to the queue.
EXAMPLES = int(os.environ.get("QUEUE_EXAMPLES", "20"))
START = datetime(2026, 6, 9, 10, tzinfo=UTC)  # a Tuesday morning in summer
OUTCOME_KEYS = st.sampled_from(sorted(OUTCOMES))


@dataclass
class Person:
    """What the model knows of a contact; `callable_at` is what the outcome's rules decided."""

    id: int
    phone: str
    list_id: int
    callable_at: datetime
    done: bool = False
    suppressed: bool = False
    callback_at: datetime | None = None
    promiser: int | None = None
    language: str = ""  # another than the campaign's waits for a caller who speaks it


@dataclass
class Model:
    people: dict[int, Person] = field(default_factory=dict)
    holds: dict[int, int] = field(default_factory=dict)  # caller → contact
    removed_lists: set[int] = field(default_factory=set)
    only_lists: dict[int, list[int]] = field(default_factory=dict)  # caller → lists, if limited
    speak_polish: set[int] = field(default_factory=set)
    running: bool = True
    counted: int = 0
    # How each call's outcome left the person: their state, and when they will have rested.
    left: dict[uuid.UUID, tuple[str, datetime | None]] = field(default_factory=dict)

    def callable_for(self, caller_id: int, at: datetime) -> set[int]:
        return {
            person.id
            for person in self.waiting_for(caller_id)
            if self.free_from(person, caller_id) <= at
        }

    def suits(self, person: Person, caller_id: int) -> bool:
        spoken = {"", "pl"} if caller_id in self.speak_polish else {""}
        lists = self.only_lists.get(caller_id, [])
        return person.language in spoken and (not lists or person.list_id in lists)

    def waiting_for(self, caller_id: int) -> list[Person]:
        """Whom this caller can be given at some time; nobody whose number is on a screen."""
        busy = {self.people[contact].phone for contact in self.holds.values()}
        return [
            person
            for person in self.people.values()
            if not person.done
            and not person.suppressed
            and person.list_id not in self.removed_lists
            and person.phone not in busy
            and (self.suits(person, caller_id) or self._promised_by(person, caller_id))
        ]

    def free_from(self, person: Person, caller_id: int) -> datetime:
        """From when on this caller can be given the person, by rest and promise; hours apart."""
        if person.callback_at is None:
            return person.callable_at
        alone = timedelta(seconds=CALLBACK_RESERVED_SECONDS)
        wait = timedelta(0) if person.promiser in (None, caller_id) else alone
        return max(person.callable_at, person.callback_at + wait)

    def _promised_by(self, person: Person, caller_id: int) -> bool:
        return person.callback_at is not None and person.promiser == caller_id


class QueueMachine(RuleBasedStateMachine):
    app: Flask  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.context = self.app.app_context()
        self.context.push()
        self.clock = time_machine.travel(START, tick=False)
        self.travel = self.clock.start()
        empty_stores(self.app)
        self.model = Model()

    def teardown(self) -> None:
        self.clock.stop()
        db.session.rollback()
        self.context.pop()

    @initialize(people=st.integers(2, 7), homes=st.integers(2, 7))
    def set_up(self, people: int, homes: int) -> None:
        self.campaign = create_campaign(allow_drama_numbers=False)
        self.lists = [create_list(self.campaign), create_list(self.campaign, priority=1)]
        self.party = create_party(self.campaign, create_account("host"))
        self.organiser = create_account("organiser")
        self.callers = [create_caller(self.campaign, self.party) for _ in range(CALLERS)]
        for index in range(people):
            contact = create_contact(
                self.lists[index % 2],
                phone=drama_number(index % homes),
                callable_at=START - timedelta(minutes=1),
            )
            self._learn(contact)
        db.session.commit()

    def _learn(self, contact: Contact) -> None:
        self.model.people[contact.id] = Person(
            contact.id, contact.phone, contact.contact_list_id, contact.callable_at
        )

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def _see(self, phone: str) -> None:
        """Read from the rows what the rules decided for everyone on a number.

        That the decisions are right is test_outcomes' matter; here they must be kept to.
        """
        db.session.expire_all()
        for contact in db.session.scalars(select(Contact).where(Contact.phone == phone)):
            person = self.model.people[contact.id]
            person.callable_at = contact.callable_at
            person.done = contact.state != "callable"
            person.callback_at = contact.callback_at
            person.promiser = contact.callback_caller_id
            person.language = contact.language
            person.suppressed = person.suppressed or contact.suppressed_at is not None

    @rule(order=st.permutations(range(CALLERS)))
    def everyone_claims(self, order: list[int]) -> None:
        for index in order:
            self._claim(self.callers[index])

    @rule(index=st.integers(0, CALLERS - 1), outcome=OUTCOME_KEYS, hours=st.integers(1, 60))
    def claim_and_record(self, index: int, outcome: str, hours: int) -> None:
        self._claim(self.callers[index])
        self._record(index, outcome, hours)

    def _claim(self, caller: Caller) -> None:
        expected = self.model.callable_for(caller.id, self.now)
        try:
            hold = claim(caller)
        except NobodyToCallError as nobody:
            db.session.rollback()
            assert caller.id not in self.model.holds
            assert self.model.running
            assert expected == set(), "no contact is given although one is callable"
            coming = [
                self._opens_at(self.model.free_from(person, caller.id))
                for person in self.model.waiting_for(caller.id)
            ]
            assert nobody.next_at == min(coming, default=None), "told a wrong time to come back"
            return
        except NotRunningError:
            db.session.rollback()
            assert not self.model.running
            assert caller.id not in self.model.holds
            return
        db.session.commit()
        if caller.id in self.model.holds:
            assert hold.contact.id == self.model.holds[caller.id], "a second person on one screen"
        else:
            assert self.model.running
            assert hold.contact.id in expected, "a contact is given that may not be called"
            self.model.holds[caller.id] = hold.contact.id

    def _opens_at(self, moment: datetime) -> datetime:
        """The first moment from then on, or from now, that is inside calling hours."""
        opens = next_calling_time(self.campaign, "Europe/London", max(moment, self.now))
        assert opens is not None
        return opens

    @rule(index=st.integers(0, CALLERS - 1), outcome=OUTCOME_KEYS, hours=st.integers(1, 60))
    def record(self, index: int, outcome: str, hours: int) -> None:
        self._record(index, outcome, hours)

    def _record(self, index: int, outcome: str, hours: int) -> None:
        caller = self.callers[index]
        if caller.id not in self.model.holds:
            return
        call = db.session.scalars(
            select(Call).where(Call.caller_id == caller.id, Call.ended_at.is_(None))
        ).one()
        phone, was_undone = call.phone, call.turn > 0
        values: dict[str, Any] = {}
        if OUTCOMES[outcome].takes_callback:
            values["callback_at"] = self.now + timedelta(hours=hours)
        if outcome == "language_barrier":
            values["language"] = "pl"
        assert record(caller, call.id, outcome, **values).changed
        db.session.commit()
        assert not record(caller, call.id, outcome).changed  # the request comes twice
        db.session.commit()
        del self.model.holds[caller.id]
        if outcome not in NOT_AN_ATTEMPT:
            self.model.counted += 1
        if OUTCOMES[outcome].suppress_reason is not None:
            self._suppressed(phone)
        elif was_undone:  # that outcome may have been a do-not-call
            db.session.expire_all()
            for person in self.model.people.values():
                if person.phone == phone:
                    contact = db.session.get_one(Contact, person.id)
                    person.suppressed = contact.suppressed_at is not None
        self._see(phone)
        self.model.left[call.id] = self._standing(call.contact_id)

    def _standing(self, contact_id: int) -> tuple[str, datetime | None]:
        contact = db.session.get_one(Contact, contact_id, populate_existing=True)
        return contact.state, contact.rested_at

    @rule(index=st.integers(0, CALLERS - 1))
    def undo_last(self, index: int) -> None:
        caller = self.callers[index]
        last = last_recorded_id(caller)
        if last is None:
            return
        call = db.session.get_one(Call, last)
        counted, phone = call.counted, call.phone
        suppresses = OUTCOMES[call.outcome].suppress_reason is not None
        # By a call to another contact on the number.
        changed = self._standing(call.contact_id) != self.model.left[last]
        try:
            undo(caller, last)
        except PhonebankError:
            db.session.rollback()
            busy = {self.model.people[c].phone for k, c in self.model.holds.items()
                    if k != caller.id}  # fmt: skip
            later = db.session.scalar(
                select(func.count()).where(
                    or_(Call.contact_id == call.contact_id, Call.phone == phone),
                    Call.handed_out_no > call.handed_out_no,
                )
            )
            begun = db.session.scalar(
                select(func.count()).where(
                    Call.caller_id == caller.id, Call.ended_at.is_(None), Call.turn > 0
                )
            )
            # By another's wish than that of this call, which an undo takes back.
            never_again = db.session.scalar(
                select(func.count()).where(
                    Suppression.phone == phone, Suppression.call_id.is_distinct_from(call.id)
                )
            )
            too_late = self.now - call.started_at > UNDO_WITHIN or (
                suppresses and self.now - call.recorded_at >= UNDO_NEVER_AGAIN_WITHIN
            )
            assert (
                phone in busy or later or begun or never_again or too_late or changed
                or call.corrected_at
            ), "an undo refused for no reason"  # fmt: skip
            return
        assert not changed, "an undo of the effect of another call"
        db.session.commit()
        contact = db.session.get_one(Contact, call.contact_id)
        if (
            suppresses
            or not self.model.running
            or contact.contact_list_id in self.model.removed_lists
        ):
            assert redial_block_reason(call, contact, self.campaign), (
                "a number that must not be called"
            )
        elif is_calling_time(self.campaign, contact.zone_key, self.now):
            assert not redial_block_reason(call, contact, self.campaign), (
                "a number that was kept back"
            )
        self.model.holds[caller.id] = call.contact_id
        self.model.counted -= counted
        self._see(phone)

    @rule(which=st.integers(0, 20), outcome=OUTCOME_KEYS)
    def an_organiser_corrects_a_call(self, which: int, outcome: str) -> None:
        calls = db.session.scalars(
            select(Call).where(Call.outcome.is_not(None)).order_by(Call.recorded_no)
        ).all()
        if not calls:
            return
        call = calls[which % len(calls)]
        counted, phone, was = call.counted, call.phone, call.outcome
        corrected = correct(call, version_of(call), Correction(outcome, ""), self.organiser)
        assert corrected.changed == (was != outcome)
        db.session.commit()
        self.model.counted += call.counted - counted
        db.session.expire_all()
        for person in self.model.people.values():
            contact = db.session.get_one(Contact, person.id)
            person.suppressed = contact.suppressed_at is not None
        listed = db.session.get(Suppression, phone) is not None
        assert listed or OUTCOMES[outcome].suppress_reason is None
        assert all(p.suppressed == listed for p in self.model.people.values() if p.phone == phone)
        self._see(phone)
        self.model.left[call.id] = self._standing(call.contact_id)

    @rule(index=st.integers(0, CALLERS - 1), which=st.integers(0, 9))
    def another_of_the_household_comes_to_the_phone(self, index: int, which: int) -> None:
        caller = self.callers[index]
        if caller.id not in self.model.holds:
            return
        call = db.session.scalars(
            select(Call).where(Call.caller_id == caller.id, Call.ended_at.is_(None))
        ).one()
        others = [person for person in self.model.people.values()
                  if person.phone == call.phone and person.id != call.contact_id]  # fmt: skip
        if not others:
            return
        other = others[which % len(others)]
        try:
            switch_contact(caller, call.id, other.id)
        except NotFoundError:
            db.session.rollback()
            assert (
                other.done
                or other.suppressed
                or other.list_id in self.model.removed_lists
                or other.id not in call.household
            ), "could not go on with another of the household"
            return
        assert not other.done
        assert not other.suppressed
        assert other.list_id not in self.model.removed_lists
        db.session.commit()
        self.model.holds[caller.id] = other.id

    @rule(index=st.integers(0, CALLERS - 1))
    def a_caller_is_put_out(self, index: int) -> None:
        """Another caller joins in their place."""
        caller = self.callers[index]
        remove_anywhere(caller)
        db.session.commit()
        self.model.holds.pop(caller.id, None)
        self.model.speak_polish.discard(caller.id)
        self._gets_nobody(caller)
        self.callers[index] = create_caller(self.campaign, self.party)
        db.session.commit()

    @rule(index=st.integers(0, CALLERS - 1))
    def a_caller_waits_in_the_lobby(self, index: int) -> None:
        caller = self.callers[index]
        caller.state = CallerState.WAITING
        db.session.commit()
        self._gets_nobody(caller)
        caller.state = CallerState.ADMITTED
        db.session.commit()

    def _gets_nobody(self, caller: Caller) -> None:
        """Neither the next person, nor the last one by undoing."""
        last = last_recorded_id(caller)
        with pytest.raises(NotAllowedError):
            claim(caller)
        db.session.rollback()
        if last is not None:
            with pytest.raises(NotAllowedError):
                undo(caller, last)
            db.session.rollback()

    @rule(index=st.integers(0, CALLERS - 1), limit=st.sampled_from(["", "list", "polish"]))
    def a_caller_is_limited(self, index: int, limit: str) -> None:
        caller = self.callers[index]
        caller.list_ids = [self.lists[0].id] if limit == "list" else []
        caller.languages = ["en", "pl"] if limit == "polish" else []
        db.session.commit()
        self.model.only_lists[caller.id] = list(caller.list_ids)
        self.model.speak_polish.discard(caller.id)
        if limit == "polish":
            self.model.speak_polish.add(caller.id)

    @rule(index=st.integers(0, CALLERS - 1), how=st.sampled_from(["back", "away", "renew"]))
    def a_hold_changes(self, index: int, how: str) -> None:
        caller = self.callers[index]
        if caller.id not in self.model.holds:
            return
        call = db.session.scalars(
            select(Call).where(Call.caller_id == caller.id, Call.ended_at.is_(None))
        ).one()
        if how == "renew":
            longest = timedelta(seconds=self.campaign.hold_seconds_at_most)
            if self.now < (call.reopened_at or call.started_at) + longest:
                assert renew_hold(caller, call.id) > self.now
            else:  # they have had the person for as long as anybody may
                with pytest.raises(NotFoundError):
                    renew_hold(caller, call.id)
        else:
            if how == "back":
                release_hold(caller, call.id)
            else:
                assert release_caller(caller.id) == 1
            del self.model.holds[caller.id]
        db.session.commit()

    @rule(minutes=st.sampled_from([1, 6, 11, 45, 180, 24 * 60, 3 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.travel.shift(timedelta(minutes=minutes))
        if not 9 <= self.now.hour < 19:  # London's hours are not what is tested here
            self.travel.move_to(self.now.replace(hour=10) + timedelta(days=self.now.hour >= 19))

    @rule(minutes=st.integers(0, 12))
    def a_callback_falls_due(self, minutes: int) -> None:
        due = [p.callback_at for p in self.model.people.values() if p.callback_at and not p.done]
        coming = [moment for moment in due if moment > self.now]
        if coming:
            self.travel.move_to(min(coming) + timedelta(minutes=minutes))

    @rule()
    def expire_holds(self) -> None:
        expire_holds(self.campaign)
        correct_hold_copies(self.campaign)
        db.session.commit()
        still = dict(
            db.session.execute(
                select(Call.caller_id, Call.contact_id).where(Call.ended_at.is_(None))
            ).all()
        )
        for caller_id, contact_id in self.model.holds.items():
            if caller_id not in still:
                call = db.session.scalars(
                    select(Call)
                    .where(Call.caller_id == caller_id, Call.contact_id == contact_id)
                    .order_by(Call.started_at.desc())
                ).first()
                assert call.ending == "expired"
                held_for = self.now - call.started_at
                assert held_for >= timedelta(seconds=self.campaign.hold_seconds)
        self.model.holds = still

    @rule(what=st.sampled_from(["suppress", "lift", "pause", "resume", "resume", "list"]),
          index=st.integers(0, 6))  # fmt: skip
    def the_organiser_acts(self, what: str, index: int) -> None:
        if what == "suppress":
            person = self.model.people.get(index + 1)
            if person is not None:
                suppress(person.phone, "organiser")
                self._suppressed(person.phone)
        elif what == "lift":
            person = self.model.people.get(index + 1)
            if person is not None:
                lift(person.phone)
                for other in self.model.people.values():
                    other.suppressed = other.suppressed and other.phone != person.phone
        elif what == "list":
            chosen = self.lists[index % 2]
            chosen.removed = not chosen.removed
            self.model.removed_lists ^= {chosen.id}
        else:
            self.model.running = what == "resume"
            self.campaign.state = (
                CampaignState.RUNNING if self.model.running else CampaignState.PAUSED
            )
        db.session.commit()

    def _suppressed(self, phone: str) -> None:
        for person in self.model.people.values():
            if person.phone == phone:
                person.suppressed = True

    @rule(what=st.sampled_from(["emptied", "offers everyone", "forgets the holds"]))
    def redis_misbehaves(self, what: str) -> None:
        store = redis_queue_of(self.campaign.id)
        people = self.model.people.values()
        if what == "emptied":
            redis_store().flushdb()
        elif what == "offers everyone":
            store.add([QueueEntry(p.id, 0.0, p.list_id, "") for p in people])
        else:
            redis_store().delete(f"queue:{{{self.campaign.id}}}:held")

    @invariant()
    def the_promises_hold(self) -> None:
        if not self.model.people:
            return
        db.session.expire_all()
        open_calls = db.session.execute(
            select(Call.caller_id, Call.contact_id).where(Call.ended_at.is_(None))
        ).all()
        assert dict(open_calls) == self.model.holds
        assert differences() == []
        assert party_totals([self.party.id])[self.party.id].calls == self.model.counted
        buckets = buckets_of(self.campaign)
        assert sum(bucket.contacts for bucket in buckets) == len(self.model.people)
        by_key = {bucket.key: bucket.contacts for bucket in buckets}
        assert by_key["held"] == len(self.model.holds)
        self._capacity_is_right()
        db.session.rollback()

    def _capacity_is_right(self) -> None:
        spoken = {"", "pl"} if self.model.speak_polish else {""}
        busy = {self.model.people[contact].phone for contact in self.model.holds.values()}
        coming = {
            person.phone
            for person in self.model.people.values()
            if not person.done
            and not person.suppressed
            and person.list_id not in self.model.removed_lists
            and person.phone not in busy
            and person.language in spoken
            and person.callable_at <= self.now + timedelta(hours=1)
        }
        capacity = capacity_per_hour(self.campaign)
        if self.now.hour < 19:  # later the hours may end before the hour does
            assert capacity == len(coming)
        else:
            assert capacity <= len(coming)


@pytest.mark.timeout(200 + 20 * EXAMPLES)
def test_the_queue_keeps_its_promises_whatever_happens(app: Flask, clean_stores: None) -> None:
    QueueMachine.app = app
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
