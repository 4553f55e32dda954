"""Many numbers at once mean the same as each alone."""

from flask import Flask
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Suppression, SuppressionOrigin
from phonebank.suppressions.entries import suppress, suppress_all, suppressed_among
from tests.factories import create_campaign, create_contact, create_list, drama_number


def test_everyone_on_the_numbers_leaves_calling_in_every_campaign(app_context: Flask) -> None:
    one, other = create_list(create_campaign()), create_list(create_campaign())
    rung = [create_contact(a_list, phone=drama_number(1)) for a_list in (one, other)]
    bystander = create_contact(one, phone=drama_number(2))

    suppress_all({drama_number(1), drama_number(3)}, SuppressionOrigin.LIST)

    db.session.expire_all()
    assert all(contact.suppressed_at for contact in rung)
    assert bystander.suppressed_at is None


def test_a_number_already_there_keeps_its_first_entry(app_context: Flask) -> None:
    suppress(drama_number(1), SuppressionOrigin.CALL)
    suppress_all([drama_number(1), drama_number(2)], SuppressionOrigin.LIST)

    entries = db.session.execute(
        select(Suppression.phone, Suppression.source).order_by(Suppression.phone)
    ).all()
    assert entries == [
        (drama_number(1), SuppressionOrigin.CALL),
        (drama_number(2), SuppressionOrigin.LIST),
    ]


def test_a_list_may_hold_more_numbers_than_a_statement_has_parameters(app_context: Flask) -> None:
    numbers = [f"+4420{n:08d}" for n in range(70_000)]
    assert suppressed_among(numbers) == set()
    suppress_all(numbers, SuppressionOrigin.LIST)

    assert suppressed_among(numbers) == set(numbers)
    assert db.session.query(Suppression).count() == 70_000
    suppress_all([], SuppressionOrigin.LIST)
    assert db.session.query(Suppression).count() == 70_000
