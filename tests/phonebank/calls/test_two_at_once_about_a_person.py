"""A caller has a person on the screen, and two do something about it at once: every two of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import select

from phonebank.calls.claim import claim
from phonebank.calls.hold import release_hold
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.lists import services as lists
from phonebank.models import Call, Caller, CallerState, Contact, ContactList, SuppressionOrigin
from phonebank.roster.remove import remove as remove_caller
from phonebank.suppressions import entries as suppressions
from phonebank.tallies.reconcile import differences
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)
from tests.phone_bank import call_of
from tests.two_at_once import Act, Place, State, always, faults_of_all_pairs


class Screen(NamedTuple):
    """A caller, the call that is on their screen or was, its person, and that person's list."""

    sam: Caller
    call: Call
    contact: Contact
    contact_list: ContactList


def _made(recorded: str) -> Callable[[], Any]:
    def made() -> Any:
        campaign = create_campaign()
        party = create_party(campaign, create_account("host"))
        contact_list = create_list(campaign)
        create_contact(contact_list)
        sam = create_caller(campaign, party)
        db.session.commit()
        call = call_of(claim(sam))
        db.session.commit()
        if recorded:
            record(sam, call.id, recorded)
            db.session.commit()
        return sam.id, call.id, call.contact_id, contact_list.id

    return made


def _read(where: Any) -> Screen:
    kinds = (Caller, Call, Contact, ContactList)
    rows: list[Any] = [
        db.session.get_one(kind, row_id) for kind, row_id in zip(kinds, where, strict=True)
    ]
    screen = Screen(*rows)
    assert screen.call.phone == screen.contact.phone
    return screen


def _state(where: Any) -> State:
    sam, call, contact, contact_list = _read(where)
    assert differences(sam.campaign_id) == []
    is_open = db.session.scalar(
        select(Call.id).where(Call.caller_id == sam.id, Call.ended_at.is_(None))
    )
    assert (redis_queue_of(sam.campaign_id).held_count() > 0) == (is_open is not None)
    return {
        "outcome": call.outcome,
        "ending": call.ending,
        "late": call.late,
        "out": sam.state == CallerState.REMOVED,
        "suppressed": contact.suppressed_at is not None,
        "listed": suppressions.is_suppressed(contact.phone),
        "paused": contact_list.removed,
    }


def _records(outcome: str) -> Act:
    listed = {"suppressed": True, "listed": True} if outcome == "do_not_call" else {}

    def becomes(state: State) -> State:
        if state["outcome"] is not None:
            return state
        late = state["ending"] is not None
        ending = state["ending"] or "recorded"
        return state | {"outcome": outcome, "ending": ending, "late": late} | listed

    return Act(outcome, lambda screen: record(screen.sam, screen.call.id, outcome), becomes)


def _ends(ending: str, **changes: Any) -> Callable[[State], State]:
    return lambda state: state | changes | ({"ending": state["ending"] or ending})


def _removed(state: State) -> State | None:
    return None if state["out"] else _ends("taken_away", out=True)(state)


def _undone(state: State) -> State | None:
    if state["outcome"] is None:
        return state  # undone already
    if state["out"] or state["listed"]:
        return None
    return state | {"outcome": None, "ending": None, "late": False}


RECORDING = [
    _records("no_answer"),
    _records("do_not_call"),
    Act("gives back", lambda s: release_hold(s.sam, s.call.id), _ends("given_back")),
]
AROUND = [
    Act("host removes", lambda s: remove_caller(s.sam), _removed),
    Act(
        "organiser enters",
        lambda s: suppressions.suppress(s.contact.phone, SuppressionOrigin.ORGANISER),
        always(suppressed=True, listed=True),
    ),
    Act("pauses the list", lambda s: lists.pause(s.contact_list), always(paused=True)),
]
# Only for a number that was on the list before: one that is being entered this moment stays.
LIFTS = Act(
    "organiser lifts",
    lambda s: suppressions.lift(s.contact.phone),
    always(suppressed=False, listed=False),
)


def test_every_two_while_a_person_is_on_the_screen(app_context: Flask) -> None:
    place = Place(_made(""), _read, _state)
    assert faults_of_all_pairs(app_context, place, RECORDING + AROUND) == []


def test_every_two_while_an_outcome_can_be_undone(app_context: Flask) -> None:
    acts = [Act("undoes", lambda s: undo(s.sam, s.call.id), _undone), *AROUND]
    place = Place(_made("no_answer"), _read, _state)
    assert faults_of_all_pairs(app_context, place, acts) == []


def test_every_two_while_a_number_is_on_the_list(app_context: Flask) -> None:
    def made() -> Any:
        where = _made("")()
        suppressions.suppress(
            db.session.get_one(Contact, where[2]).phone, SuppressionOrigin.ORGANISER
        )
        db.session.commit()
        return where

    enters = [act for act in AROUND if act.name == "organiser enters"]
    acts = [LIFTS, _records("do_not_call"), *enters]
    assert faults_of_all_pairs(app_context, Place(made, _read, _state), acts) == []
