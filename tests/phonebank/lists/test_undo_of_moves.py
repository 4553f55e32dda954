"""Undos of lists to which people moved, after the people's numbers have changed again."""

import io
from typing import Any

import pytest
from flask import Flask

from phonebank.calls.contact_state import take_next_number
from phonebank.core.db import db
from phonebank.lists import batching, jobs, restore, services, undo
from phonebank.lists.jobs import import_list
from phonebank.lists.uploads import store_upload
from phonebank.lists.upsert import SentPerson, add_people
from phonebank.models import Campaign, Contact, ContactList, ListState
from tests.phonebank.lists.test_undo_in_any_order import (
    TARGETS,
    begin,
    everyone,
    row,
    start_of_numbers,
    undo_upload,
    upload,
)


def number(phone: int) -> str:
    return f"+442072193{'1' if phone < 4 else '2'}1{phone}"


def send(*phones: int) -> int:
    """Send Ada's numbers from other software, and return the id of the software's list."""
    campaign = db.session.query(Campaign).one()
    its_list = db.session.query(ContactList).filter_by(filename="other software").first()
    if its_list is None:
        its_list = ContactList(
            campaign_id=campaign.id, name="CRM", filename="other software", state=ListState.READY
        )
        db.session.add(its_list)
        db.session.flush()
    ada = SentPerson([number(phone) for phone in phones], {"external_id": "1", "first_name": "Ada"})
    add_people(campaign, [ada], lambda: its_list)
    db.session.commit()
    return its_list.id


def report_wrong() -> None:
    """Report that Ada's number is wrong."""
    take_next_number(db.session.query(Contact).filter_by(external_id="1").one())
    db.session.commit()


def ada() -> tuple[Any, ...]:
    """Ada's list, numbers and state."""
    one = next(one for one in everyone() if one[0] == "1")
    return (one[1], one[2], one[3], str(one[6]))


def test_an_undo_does_not_bring_back_a_number_that_was_reported_wrong(app_context: Flask) -> None:
    begin(app_context, moves=True)
    first = upload(row("1", 1), [])
    its_list = send(1, 4)
    assert ada() == (its_list, number(1), [number(4)], "callable")
    report_wrong()
    undo_upload(its_list)
    assert ada() == (first, number(4), [], "unusable")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nobody_keeps_a_number_that_only_undone_uploads_gave(
    app_context: Flask, order: tuple[int, int]
) -> None:
    begin(app_context, moves=True)
    first = upload(row("1", 1), [])
    before = ada()
    ids = [upload(row("1", 2, 4), TARGETS)]
    report_wrong()
    assert ada() == (ids[0], number(4), [], "callable")
    ids.append(upload(row("1", 3), TARGETS))
    for place in order:
        undo_upload(ids[place])
    assert ada() == before == (first, number(1), [], "callable")


def test_nor_one_that_was_the_same_in_a_later_upload(app_context: Flask) -> None:
    begin(app_context, moves=True)
    upload(row("1", 1), [])
    before = ada()
    its_list = send(2, 4, 5)
    report_wrong()
    last = upload(row("1", 3, 5), TARGETS)  # changes only the first number
    undo_upload(its_list)
    assert ada() == (last, number(3), [number(5)], "callable")
    undo_upload(last)
    assert ada() == before


def test_nor_if_no_number_is_left_to_put_back(app_context: Flask) -> None:
    begin(app_context, moves=True)
    first = upload(row("1", 1), [])
    its_list = send(1, 4)
    report_wrong()
    last = upload(row("1", 3), TARGETS)
    undo_upload(its_list)
    assert ada() == (last, number(3), [], "callable")
    undo_upload(last)
    assert ada() == (first, number(3), [], "unusable")


def replace(content: str) -> int:
    """Import a file that updates names and numbers, and return the id of its list."""
    campaign = db.session.query(Campaign).one()
    contact_list = store_upload(campaign, None, "ward.csv", io.BytesIO(content.encode()))
    chosen = ["external_id", "full_name", "phone"]
    services.confirm(contact_list, "Wrong", 0, chosen, update_targets=["full_name", "phone"])
    db.session.commit()
    import_list(contact_list.id)
    db.session.expire_all()
    assert contact_list.state == ListState.READY
    return contact_list.id


def names() -> list[tuple[Any, ...]]:
    people = db.session.query(Contact).order_by(Contact.external_id).all()
    found = [(one.external_id, one.first_name, one.phone) for one in people]
    db.session.rollback()
    return found


@pytest.mark.parametrize("moves", [True, False])
def test_people_of_the_undone_file_do_not_keep_others_from_their_number(
    app_context: Flask, moves: bool
) -> None:
    begin(app_context, moves)
    start = start_of_numbers(db.session.query(Campaign).one())
    upload(row("1", 1), [])
    before = names()
    wrong = replace(f"ID,Name,Phone\n1,Zoe,{start}117\n9,Ada,{start}111\n")
    assert [one[1] for one in names()] == ["Zoe", "Ada"]
    undo_upload(wrong)
    assert names() == before


@pytest.mark.parametrize("portion", [1, 5000])
def test_whoever_got_the_number_of_another_gives_it_back_first(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    begin(app_context, moves=False)
    start = start_of_numbers(db.session.query(Campaign).one())
    upload(row("1", 1) | row("2", 1), [])
    before = names()
    monkeypatch.setattr(batching, "BATCH", 1)
    wrong = replace(f"ID,Name,Phone\n1,Zoe,{start}117\n2,Ada,{start}111\n")
    assert names() == [("1", "Zoe", f"{start}117"), ("2", "Ada", f"{start}111")]
    monkeypatch.setattr(restore, "AT_ONCE", portion)
    undo_upload(wrong)
    assert names() == before


@pytest.mark.parametrize("by_file", [True, False])
def test_nobody_is_lost_who_is_named_while_an_undo_is_about_to_move_them_back(
    app_context: Flask, by_file: bool
) -> None:
    begin(app_context, moves=True)
    upload(row("1", 1), [])
    before = ada()
    moved = upload(row("1", 2), TARGETS)
    undo.begin_undo(db.session.get_one(ContactList, moved))
    db.session.commit()
    later = upload(row("1", 2), []) if by_file else send(2)
    jobs.undo_import(moved)
    db.session.expire_all()
    if not by_file:
        assert ada() == (later, number(2), [], "callable")
    undo_upload(later)
    assert ada() == before
