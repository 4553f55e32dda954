"""A claim decides by what is true when it writes, even if something changed after it read or while
it waited for a lock."""

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.client import Pipeline
from sqlalchemy import event, select, text

from phonebank.calls.claim import claim
from phonebank.calls.hold import Hold, release_hold, renew_hold
from phonebank.calls.household import switch_contact
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import autocommit, db
from phonebank.core.errors import NotFoundError, PhonebankError
from phonebank.experiments.script_choice import choose_script
from phonebank.models import Call, Caller, Contact, ContactState, new_id
from phonebank.roster.pace import PacePausedError
from phonebank.suppressions.entries import suppress
from tests.factories import create_contact, create_party
from tests.phone_bank import PhoneBank, call_of, come_in
from tests.phonebank.roster.test_remove import meanwhile, open_calls

JSON = {"Accept": "application/json"}
NOON = datetime(2026, 5, 6, 11, 0, tzinfo=UTC)  # in London, a Wednesday

# What a claim may have to wait for, and the statement that makes it wait.
WAITS = {
    "the person's row": "UPDATE contact SET email = 'x@example.org' WHERE id = :contact",
    "the caller's row": "UPDATE caller SET hidden = true WHERE id = :caller",
    "a call to the same number that comes to nothing": """
        INSERT INTO call (id, campaign_id, contact_id, caller_id, phone, household, started_at,
                          expires_at, reached, conversation, yes, counted, late, note, too_fast,
                          turn)
        SELECT :call, campaign_id, :other, :priya, phone, '[]', now(), now(), false, false, false,
               false, false, '', false, 0
        FROM contact WHERE id = :contact
    """,
    "the campaign's row": "SELECT FROM campaign WHERE id = :campaign FOR UPDATE",
    "the party's row": "SELECT FROM party WHERE id = :party FOR UPDATE",
}
# What may be done meanwhile.
CHANGES = {
    "list taken out": "UPDATE contact_list SET removed = true WHERE id = :list",
    "campaign paused": "UPDATE campaign SET state = 'paused' WHERE id = :campaign",
    "campaign ended": "UPDATE campaign SET state = 'ended' WHERE id = :campaign",
    "party paused": "UPDATE party SET paused = true WHERE id = :party",
    "party on a break of a minute": """UPDATE party SET break_until = :now + interval '1 minute'
                                       WHERE id = :party""",
    "party ended": "UPDATE party SET state = 'ended' WHERE id = :party",
    "hours changed": """UPDATE campaign SET hours = '{"wed": ["14:00", "15:00"]}'
                        WHERE id = :campaign""",
    "practice asked for": "UPDATE campaign SET practice_first = true WHERE id = :campaign",
    "caller removed": "UPDATE caller SET state = 'removed' WHERE id = :caller",
    "caller in the lobby": "UPDATE caller SET state = 'waiting' WHERE id = :caller",
    "caller limited to another list": "UPDATE caller SET list_ids = '[-1]' WHERE id = :caller",
    "caller moved to a party on a break": """UPDATE caller SET party_id = :resting
                                             WHERE id = :caller""",
    "caller paused": """
        UPDATE caller SET paused_until = '9999-01-01', pause_kind = 'no_calls_in_a_row'
        WHERE id = :caller
    """,
    "person finished": "UPDATE contact SET state = 'finished' WHERE id = :contact",
    "person promised to another": """
        UPDATE contact SET callback_at = :now, callback_caller_id = :priya WHERE id = :contact
    """,
    "number on the do-not-call list": """
        INSERT INTO suppression (phone, source, reason, created_at)
        SELECT phone, 'organiser', 'asked', now() FROM contact WHERE id = :contact
    """,
}
PAST_CLOSING = "clock past closing"
# Each change with the wait that people make for each other every day, and a few with the others.
MEANWHILE = [("the person's row", change) for change in [*CHANGES, PAST_CLOSING]] + [
    (wait, change)
    for wait in WAITS
    if wait != "the person's row"
    for change in ("list taken out", "campaign ended", "party paused", PAST_CLOSING)
]
# Nobody else can change a row that is locked: the one who is waited for does.
THEIR_OWN = {
    "the person's row": "person",
    "the campaign's row": "campaign",
    "the party's row": "party",
}


@pytest.fixture
def ids(phone_bank: PhoneBank) -> dict[str, Any]:
    """One person who may be called at this hour, and the rows around them."""
    bank = phone_bank
    only, other = bank.contacts[:2]
    other.phone = only.phone
    bank.campaign.allow_drama_numbers = False  # it goes by the clock
    for contact in bank.contacts:
        contact.callable_at = NOON - timedelta(days=1)
        contact.state = ContactState.CALLABLE if contact is only else ContactState.FINISHED
    resting = create_party(bank.campaign, bank.host, paused=True)
    db.session.commit()
    return {
        "contact": only.id, "other": other.id, "list": bank.contact_list.id,
        "campaign": bank.campaign.id, "party": bank.party.id, "resting": resting.id,
        "caller": bank.sam.id, "priya": bank.priya.id, "call": new_id(), "now": NOON,
    }  # fmt: skip


@autocommit
def claim_in_a_view(caller_id: int) -> Hold:
    return claim(db.session.get_one(Caller, caller_id))


def between_reading_and_writing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do this once, when the next claim has read and decided, and before it writes."""
    acts = [act]

    def do_and_choose(*values: Any) -> Any:
        if acts:
            acts.pop()()
        return choose_script(*values)

    monkeypatch.setattr("phonebank.calls.claim.choose_script", do_and_choose)


def long_enough_to_be_noticed() -> None:
    time.sleep(0.1)


@pytest.mark.parametrize(("wait", "change"), MEANWHILE)
def test_no_contact_is_given_by_what_was_true_before_the_wait(
    app: Flask, ids: dict[str, Any], wait: str, change: str
) -> None:
    with time_machine.travel(NOON) as clock:
        db.session.execute(text(WAITS[wait]), ids)
        claiming = meanwhile(app, lambda: claim_in_a_view(ids["caller"]))
        if change == PAST_CLOSING:
            clock.move_to(NOON.replace(hour=22))
        elif change.startswith(THEIR_OWN.get(wait, wait)):
            db.session.execute(text(CHANGES[change]), ids)
        else:
            with db.engine.begin() as somebody_else:
                somebody_else.execute(text(CHANGES[change]), ids)
        long_enough_to_be_noticed()
        if wait == "a call to the same number that comes to nothing":
            db.session.rollback()
        else:
            db.session.commit()
        with pytest.raises(PhonebankError):
            claiming.result(timeout=10)
        assert open_calls() == 0
        assert redis_queue_of(ids["campaign"]).holds() == []


@pytest.mark.parametrize("change", ["list taken out", "number on the do-not-call list"])
def test_nor_does_anybody_come_to_the_phone_who_is_not_to_be_asked_for(
    app: Flask, ids: dict[str, Any], change: str
) -> None:
    with time_machine.travel(NOON):
        call = call_of(claim(db.session.get_one(Caller, ids["caller"])))
        other = db.session.get_one(Contact, ids["other"])
        call.household, other.state = [other.id], ContactState.CALLABLE
        db.session.commit()
        call_id = call.id
        db.session.execute(
            text("UPDATE contact SET email = 'x@example.org' WHERE id = :other"), ids
        )
        reaching = meanwhile(
            app,
            lambda: switch_contact(
                db.session.get_one(Caller, ids["caller"]), call_id, ids["other"]
            ),
        )
        if change == "list taken out":
            with db.engine.begin() as somebody_else:
                somebody_else.execute(text(CHANGES[change]), ids)
        else:
            suppress(other.phone, "organiser")
        db.session.commit()
        with pytest.raises(NotFoundError):
            reaching.result(timeout=10)


@pytest.mark.parametrize(
    "change",
    [
        "person finished",
        "number on the do-not-call list",
        "list taken out",
        "campaign paused",
        "party paused",
        "caller removed",
        "caller limited to another list",
        "caller paused",
    ],
)
def test_no_contact_is_given_by_what_has_changed_since_it_was_read(
    ids: dict[str, Any], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_it() -> None:
        with db.engine.begin() as somebody_else:
            somebody_else.execute(text(CHANGES[change]), ids)

    with time_machine.travel(NOON):
        between_reading_and_writing(monkeypatch, change_it)
        with pytest.raises(PhonebankError):
            claim_in_a_view(ids["caller"])
        assert open_calls() == 0
        assert redis_queue_of(ids["campaign"]).holds() == []


def test_a_second_tab_gets_the_contact_of_the_first(
    app: Flask, phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller_id, first_tab = phone_bank.sam.id, list[uuid.UUID]()

    def claim_in_the_first() -> None:
        with app.app_context():
            first_tab.append(claim_in_a_view(caller_id).call.id)

    between_reading_and_writing(monkeypatch, claim_in_the_first)
    assert [claim_in_a_view(caller_id).call.id] == first_tab
    assert open_calls() == 1


def test_a_contact_that_another_tab_has_seen_meanwhile_counts_for_the_pace(
    app: Flask, phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller_id = phone_bank.sam.id
    phone_bank.campaign.people_a_minute = 1
    db.session.commit()

    def see_somebody() -> None:
        with app.app_context():
            hold = claim_in_a_view(caller_id)
            release_hold(db.session.get_one(Caller, caller_id), hold.call.id)
            db.session.commit()

    between_reading_and_writing(monkeypatch, see_somebody)
    with pytest.raises(PacePausedError):
        claim_in_a_view(caller_id)
    assert len(db.session.scalars(select(Call)).all()) == 1


@pytest.mark.parametrize("wait", WAITS)
def test_the_ledger_says_when_the_person_was_really_seen(
    app: Flask, ids: dict[str, Any], wait: str
) -> None:
    with time_machine.travel(NOON) as clock:
        db.session.execute(text(WAITS[wait]), ids)
        claiming = meanwhile(app, lambda: claim_in_a_view(ids["caller"]))
        clock.shift(timedelta(minutes=3))
        long_enough_to_be_noticed()
        db.session.rollback()
        claiming.result(timeout=10)
    call = db.session.scalars(select(Call)).one()
    assert call.started_at >= NOON + timedelta(minutes=3)
    assert call.expires_at - call.started_at == timedelta(seconds=300)


@pytest.fixture
def asked(phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What PostgreSQL and Redis are asked, by the first word of each statement or command. Commands
    that go to Redis in one message are one entry."""
    asked: list[str] = []

    def note(*values: Any) -> None:
        asked.append(values[2].split()[0])

    def execute(redis: Redis, *args: Any, **options: Any) -> Any:
        asked.append(args[0])
        return execute_command(redis, *args, **options)

    def execute_all(pipeline: Pipeline, *args: Any, **options: Any) -> Any:
        asked.append(" ".join(command[0][0] for command in pipeline.command_stack))
        return execute_pipeline(pipeline, *args, **options)

    execute_command, execute_pipeline = Redis.execute_command, Pipeline.execute
    monkeypatch.setattr(Redis, "execute_command", execute)
    monkeypatch.setattr(Pipeline, "execute", execute_all)
    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_claim_and_a_renewal_ask_no_more_than_they_need(
    phone_bank: PhoneBank, asked: list[str]
) -> None:
    """Every outcome is followed by a claim, and each statement more is felt by all who call."""
    for _ in range(30):  # enough that the lane need not be refilled
        create_contact(phone_bank.contact_list)
    db.session.commit()
    claim(phone_bank.priya)
    db.session.commit()
    caller = phone_bank.sam
    # As the request has read them to know who is asking.
    assert caller.may_call
    assert caller.campaign.is_running
    assert not caller.party.has_ended
    asked.clear()
    call_id = claim(caller, has_no_hold=True).call.id
    # Take a contact; read how things stand; write the call.
    assert asked == ["EVALSHA", "SELECT", "WITH"]
    db.session.commit()
    assert caller.may_call
    asked.clear()
    renew_hold(caller, call_id)
    db.session.commit()
    assert asked == ["WITH", "EVAL"]


def test_an_outcome_with_the_next_contact_asks_no_more_than_it_needs(
    phone_bank: PhoneBank, client: FlaskClient, asked: list[str]
) -> None:
    for _ in range(30):
        create_contact(phone_bank.contact_list)
    db.session.commit()
    come_in(client, phone_bank)
    call_id = client.post("/calling/next", headers=JSON).json["person"]["call_id"]
    client.post(f"/calling/person/{call_id}/renew")  # the process reads campaign and party once
    asked.clear()
    answer = client.post(
        f"/calling/person/{call_id}/outcome?turn=0", json={"outcome": "no_answer"}, headers=JSON
    )
    assert answer.json["person"]
    # Read the caller with the call; write the outcome; free the contact and mark the board; claim.
    assert asked == ["SELECT", "WITH", "EVAL SET", "EVALSHA", "SELECT", "WITH"]
