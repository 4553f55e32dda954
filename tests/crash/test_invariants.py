"""The soak's questions to the database: each finds the fault it asks for."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from phonebank.models import Call, Campaign, Contact, now
from phonebank.models.call import RECORDED, TAKEN_AWAY
from phonebank.stores import db
from tests.crash import invariants, orders
from tests.crash.orders import LIMITED, PAUSED, PUT_OUT, TAKEN_OUT, Order, Orders
from tests.crash.world import World
from tests.factories import create_caller, create_campaign, create_contact, create_list


@pytest.fixture
def contact(app_context: Flask) -> Contact:
    contact = create_contact(create_list(create_campaign()))
    db.session.commit()
    return contact


def call_of(contact: Contact, at: datetime, **values: object) -> Call:
    caller = create_caller(db.session.get_one(Campaign, contact.campaign_id))
    started = {"started_at": at, "expires_at": at, "ended_at": at + timedelta(minutes=2)}
    call = Call(
        campaign_id=contact.campaign_id,
        contact_id=contact.id,
        caller_id=caller.id,
        phone=contact.phone,
        **{"ending": RECORDED} | started | values,
    )
    db.session.add(call)
    db.session.flush()
    return call


def test_a_call_counted_and_not_in_attempts_or_tallies_is_found(contact: Contact) -> None:
    assert list(invariants.miscounted()) == []
    call_of(contact, now(), outcome="busy", recorded_at=now(), counted=True)
    found = " ".join(invariants.miscounted())
    assert "attempts differ" in found
    assert "a tally differs" in found


def test_an_outcome_that_should_have_counted_is_found(contact: Contact) -> None:
    call_of(contact, now(), outcome="busy", recorded_at=now(), counted=False)
    assert "counted wrongly" in " ".join(invariants.miscounted())
    call = call_of(contact, now(), outcome="skipped", recorded_at=now(), counted=False)
    assert str(call.id) not in " ".join(invariants.miscounted())


def test_two_calls_on_one_number_at_once_are_found(contact: Contact) -> None:
    at = now()
    one = call_of(contact, at)
    call_of(contact, at + timedelta(minutes=3))
    assert invariants.overlapping(set()) == []
    two = call_of(contact, at + timedelta(minutes=1))
    assert len(invariants.overlapping(set())) == 1
    assert invariants.overlapping({str(one.id), str(two.id)}) == []


def test_a_call_outside_the_hours_of_any_of_its_zones_is_found(contact: Contact) -> None:
    contact.zone_key = "America/Chicago|America/New_York"
    at = datetime.fromisoformat("2026-05-05T18:30:00+00:00")  # 13:30 and 14:30
    call_of(contact, at)
    for opening, faults in (((780, 960), 0), ((840, 960), 1), ((900, 960), 2), ((780, 870), 1)):
        world = World(0, contact.campaign_id, opening, 1, [], "", "")
        assert len(invariants.out_of_hours(world, at - timedelta(days=1))) == faults


def test_a_call_after_never_again_is_found(contact: Contact) -> None:
    at = now()
    call_of(contact, at)
    assert invariants.rung_after({contact.phone: at.timestamp() + 1}) == []
    assert len(invariants.rung_after({contact.phone: at.timestamp() - 1})) == 1


def against(order: Order, passed_on: Iterable[Call] = (), barred: Iterable[Call] = ()) -> int:
    """How many calls went against one order."""
    given = Orders()
    given.given[order.kind].append(order)
    return len(
        orders.disobeyed(
            given, {str(call.id) for call in passed_on}, {str(call.id) for call in barred}
        )
    )


@pytest.mark.parametrize("kind", [PAUSED, TAKEN_OUT, PUT_OUT])
def test_a_call_begun_against_an_order_is_found(contact: Contact, kind: str) -> None:
    at = now()
    call = call_of(contact, at)
    about = {
        PAUSED: contact.campaign_id, TAKEN_OUT: contact.contact_list_id, PUT_OUT: call.caller_id
    }[kind]  # fmt: skip
    second = timedelta(seconds=1)
    for since, until, faults in (
        (at - second, at + second, 1), (at - second, orders.FOR_GOOD, 1),
        (at, at + second, 0), (at - second, at, 0), (at + second, orders.FOR_GOOD, 0),
    ):  # fmt: skip
        assert against(Order(kind, about, since, until)) == faults
    assert against(Order(kind, about + 1, at - second)) == 0


def test_who_came_to_the_phone_instead_was_not_handed_out(contact: Contact) -> None:
    at = now()
    call = call_of(contact, at)
    order = Order(TAKEN_OUT, contact.contact_list_id, at - timedelta(seconds=1))
    assert against(order, passed_on=[call]) == 0
    # In a pause nobody is handed out, whoever comes to the phone.
    paused = Order(PAUSED, contact.campaign_id, at - timedelta(seconds=1))
    assert against(paused, passed_on=[call]) == 1


def test_a_call_beyond_its_callers_limits_is_found(contact: Contact) -> None:
    at = now()
    contact.language = "cy"
    call = call_of(contact, at)
    its = contact.contact_list_id

    def beyond(lists: list[int], languages: list[str], **known: list[Call]) -> int:
        since = at - timedelta(seconds=1)
        order = Order(LIMITED, call.caller_id, since, limits=(lists, languages))
        return against(order, **known)

    assert beyond([], ["cy"]) == beyond([its, its + 1], ["en", "cy"]) == 0
    assert beyond([its + 1], ["cy"]) == 1
    assert beyond([], ["en"]) == beyond([its + 1], ["en"]) == 1
    assert beyond([], ["en"], passed_on=[call]) == 0
    # What they speak came out in a call; lists hold all the same.
    assert beyond([], ["en"], barred=[call]) == 0
    assert beyond([its + 1], ["en"], barred=[call]) == 1


def test_somebody_a_caller_promised_to_ring_again_is_beyond_no_limits(contact: Contact) -> None:
    at = now()
    first = call_of(contact, at - timedelta(hours=1))
    again = call_of(contact, at)
    again.caller_id = first.caller_id
    order = Order(
        LIMITED,
        first.caller_id,
        at - timedelta(seconds=1),
        limits=([contact.contact_list_id + 1], []),
    )
    db.session.flush()
    assert against(order) == 0
    first.caller_id = call_of(contact, at - timedelta(hours=2)).caller_id
    db.session.flush()
    assert against(order) == 1


def test_an_order_stands_until_its_lifting_is_asked_for() -> None:
    given = Orders()
    given.stands(PAUSED, 1)
    given.stands(PAUSED, 2)
    given.is_lifted(PAUSED, 1)
    given.is_lifted(TAKEN_OUT, 2)
    one, other = given.given[PAUSED]
    assert one.since <= one.until < orders.FOR_GOOD
    assert other.until == orders.FOR_GOOD


def test_calls_taken_from_whoever_was_put_out_are_known(contact: Contact) -> None:
    at = now()
    call_of(contact, at)
    taken = call_of(contact, at + timedelta(minutes=5), ending=TAKEN_AWAY)
    assert taken.ended_at
    assert orders.taken_away() == {str(taken.id): taken.ended_at.timestamp()}
