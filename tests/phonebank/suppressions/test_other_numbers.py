"""A person is known by all their numbers: one on the do-not-call list is enough."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, text

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.models import Contact, Suppression, SuppressionOrigin
from phonebank.suppressions import contacts
from phonebank.suppressions.contacts import has_suppressed_number, suppress_listed_of
from phonebank.suppressions.entries import lift, suppress, suppress_all
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    drama_number,
)

FIRST, OTHER, THIRD = drama_number(901), drama_number(902), drama_number(903)


def is_out(contact: Contact) -> bool:
    db.session.expire_all()
    return contact.suppressed_at is not None


@pytest.mark.parametrize("many", [False, True])
def test_any_of_their_numbers_takes_them_out_in_every_campaign(
    app_context: Flask, many: bool
) -> None:
    here, there = create_list(create_campaign()), create_list(create_campaign())
    theirs = [create_contact(a_list, phone=FIRST, other_phones=[THIRD, OTHER])
              for a_list in (here, there)]  # fmt: skip
    bystander = create_contact(here, other_phones=[THIRD])
    if many:
        suppress_all([OTHER, drama_number(999)], SuppressionOrigin.LIST)
    else:
        suppress(OTHER, SuppressionOrigin.ORGANISER)
    assert all(is_out(contact) for contact in theirs)
    assert not is_out(bystander)


def test_a_queued_person_is_not_claimed_once_another_of_their_numbers_is_entered(
    app_context: Flask,
) -> None:
    campaign = create_campaign()
    people = create_list(campaign)
    for number in (FIRST, THIRD):
        create_contact(people, phone=number, other_phones=[OTHER])
    callers = [create_caller(campaign) for _ in range(2)]
    db.session.commit()
    claim(callers[0])
    # As if the entry committed while an import stored the person: the contact is not marked yet.
    db.session.add(Suppression(phone=OTHER, source="call"))
    db.session.commit()
    assert redis_queue_of(campaign.id).lane()
    with pytest.raises(NobodyToCallError):
        claim(callers[1])


def test_lifting_one_number_lets_nobody_in_who_is_barred_by_another(app_context: Flask) -> None:
    both = create_contact(create_list(create_campaign()), phone=FIRST, other_phones=[OTHER])
    suppress(FIRST, SuppressionOrigin.ORGANISER)
    suppress(OTHER, SuppressionOrigin.ORGANISER)
    assert lift(FIRST)
    assert is_out(both)
    assert lift(OTHER)
    assert not is_out(both)


def test_who_was_being_imported_when_their_number_was_entered_is_out_once_the_list_is_in(
    app_context: Flask,
) -> None:
    people = create_list(create_campaign())
    barred = create_contact(people, other_phones=[THIRD, OTHER])
    stays = create_contact(people, other_phones=[THIRD])
    db.session.add(Suppression(phone=OTHER, source="call"))
    db.session.flush()
    suppress_listed_of(people.id)
    assert is_out(barred)
    assert not is_out(stays)


def test_who_enters_one_number_while_another_is_lifted_has_the_last_word(
    app_context: Flask,
) -> None:
    contact = create_contact(create_list(create_campaign()), phone=FIRST, other_phones=[OTHER])
    suppress(OTHER, SuppressionOrigin.ORGANISER)
    db.session.commit()
    place, contact_id = text("SELECT ctid FROM contact WHERE id = :id"), contact.id
    before = db.session.scalar(place, {"id": contact_id})
    suppress_all([OTHER], SuppressionOrigin.ORGANISER)
    db.session.commit()
    # A contact that is suppressed already is not written again.
    assert db.session.scalar(place, {"id": contact_id}) == before

    def enter() -> None:
        with app_context.app_context():
            suppress(FIRST, SuppressionOrigin.ORGANISER)
            db.session.commit()

    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted"
        " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    )
    lift(OTHER)
    db.session.flush()
    with ThreadPoolExecutor() as organiser:
        entered = organiser.submit(enter)
        give_up = time.monotonic() + 20
        while not db.session.scalar(waiting):
            assert time.monotonic() < give_up, "nobody waits for the contact"
            time.sleep(0.01)
        db.session.commit()
        entered.result()
    assert is_out(contact)


def test_a_long_list_is_asked_by_its_key_and_long_lists_of_people_by_theirs(
    app_context: Flask,
) -> None:
    suppress_all([f"+4420{n:08d}" for n in range(20_000)], SuppressionOrigin.ORGANISER)
    people = create_list(create_campaign())
    db.session.execute(
        text("""
            INSERT INTO contact (campaign_id, contact_list_id, first_name, last_name, name_key,
                phone, phone_original, other_phones, language, zone_key, fields, state, tried,
                callable_at, attempts, attempts_that_day, created_at)
            SELECT :campaign_id, :list_id, '', '', '', '+4421' || n, '',
                jsonb_build_array('+4422' || n), '', 'Europe/London', '{}', 'callable', false,
                now(), 0, 0, now()
            FROM generate_series(1, 20000) AS n
        """),
        {"campaign_id": people.campaign_id, "list_id": people.id},
    )
    db.session.execute(text("ANALYZE contact, suppression"))
    asked = select(has_suppressed_number()).where(Contact.id == 1)
    words = str(asked.compile(db.engine, compile_kwargs={"literal_binds": True}))
    plans = [
        "\n".join(db.session.scalars(text(f"EXPLAIN {words}"))),
        "\n".join(
            db.session.scalars(
                text(f"EXPLAIN {contacts._SUPPRESS}"),
                {"phones": [FIRST, OTHER], "now": people.created_at},
            )
        ),
    ]
    for plan in plans:
        assert "Seq Scan" not in plan, plan
