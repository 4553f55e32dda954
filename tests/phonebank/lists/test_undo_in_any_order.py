"""Undos of several uploads that changed the same people, in any order."""

import io
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from phonebank.core.db import db
from phonebank.lists import services, undo
from phonebank.lists.jobs import import_list, undo_import
from phonebank.lists.uploads import guesses_of, store_upload
from phonebank.models import (
    Campaign,
    Contact,
    ContactChange,
    ContactList,
    ContactState,
    ListState,
    RoleName,
)
from tests.conftest import empty_stores
from tests.factories import create_account, create_campaign

HEAD = "ID,First name,Phone,Mobile,Postcode,Town,Ward\n"
TARGETS = ["phone", "mobile", "postcode", "town", "field:ward"]
# The ID of somebody in the first list, or of somebody new; two numbers; a postcode; two fields.
ROW = st.tuples(
    st.sampled_from("129"),
    st.integers(0, 3),
    st.sampled_from(["", 4, 5]),
    st.sampled_from(["CF10 1EP", "CF11 9LL"]),
    st.sampled_from(["", "Ely"]),
    st.sampled_from(["", "North", "South"]),
)
Rows = dict[str, tuple[Any, ...]]
UPLOAD = st.lists(ROW, min_size=1, max_size=3).map(lambda rows: {row[0]: row for row in rows})
FIRST: Rows = {"1": ("1", 0, "", "CF10 1EP", "Ely", ""), "2": ("2", 1, 4, "CF10 1EP", "", "North")}
NAMES = {"1": "Ada", "2": "Bo", "9": "New"}


def start_of_numbers(campaign: Campaign) -> str:
    return "+442079460" if campaign.allow_drama_numbers else "+442072193"


def upload(rows: Rows, targets: list[str]) -> int:
    """Import a file, and return the id of its list."""
    campaign = db.session.query(Campaign).one()
    start = start_of_numbers(campaign)
    lines = []
    for key, phone, mobile, postcode, town, ward in rows.values():
        mobiles = f"{start}2{key}{mobile}" if mobile else ""
        lines.append(
            f"{key},{NAMES[key]},{start}1{key}{phone},{mobiles},{postcode},{town},{ward}\n"
        )
    file = io.BytesIO((HEAD + "".join(lines)).encode())
    contact_list = store_upload(campaign, None, "ward.csv", file)
    chosen = [*(guess.target for guess in guesses_of(contact_list)[:-1]), "field:ward"]
    services.confirm(contact_list, "Ward", 0, chosen, update_targets=targets, update_empties=True)
    db.session.commit()
    import_list(contact_list.id)
    db.session.expire_all()
    assert contact_list.state == ListState.READY
    return contact_list.id


def undo_upload(list_id: int) -> None:
    contact_list = db.session.get_one(ContactList, list_id)
    expected = undo.preview_undo(contact_list)
    before = db.session.query(Contact).count()
    undo.begin_undo(contact_list)
    db.session.commit()
    undo_import(list_id)
    db.session.expire_all()
    assert before - db.session.query(Contact).count() == expected.removed
    assert db.session.query(Contact).filter_by(contact_list_id=list_id).count() == 0


def everyone() -> list[tuple[Any, ...]]:
    people = db.session.query(Contact).order_by(Contact.external_id).all()
    values = [
        (p.external_id, p.contact_list_id, p.phone, p.other_phones, p.postcode, p.fields, p.state)
        for p in people
    ]
    db.session.rollback()
    return values


def begin(app: Flask, moves: bool) -> None:
    db.session.rollback()
    empty_stores(app)
    create_campaign(allow_drama_numbers=not moves)
    create_account(RoleName.ORGANISER)
    db.session.commit()


def row(key: str, phone: int, mobile: Any = "", ward: str = "") -> Rows:
    return {key: (key, phone, mobile, "CF10 1EP", "Ely", ward)}


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    uploads=st.lists(UPLOAD, min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
    moves=st.booleans(),
)
def test_when_all_later_uploads_are_undone_everyone_is_as_before(
    app_context: Flask, uploads: list[Rows], order: Any, moves: bool
) -> None:
    begin(app_context, moves)
    upload(FIRST, [])
    before = everyone()
    ids = [upload(rows, TARGETS) for rows in uploads]
    order.shuffle(ids)
    for list_id in ids:
        undo_upload(list_id)
        assert {"1", "2"} <= {person[0] for person in everyone()}
    assert everyone() == before
    assert db.session.query(ContactChange).count() == 0


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    uploads=st.lists(UPLOAD, min_size=1, max_size=4),
    moves=st.booleans(),
)
def test_undoing_the_last_upload_brings_back_what_was_before_it(
    app_context: Flask, uploads: list[Rows], moves: bool
) -> None:
    begin(app_context, moves)
    states, ids = [], []
    for rows in [FIRST, *uploads]:
        states.append(everyone())
        ids.append(upload(rows, TARGETS))
    while ids:
        undo_upload(ids.pop())
        assert everyone() == states.pop()


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    uploads=st.lists(UPLOAD, min_size=1, max_size=3),
    phone=st.integers(0, 6),
    mobile=st.integers(4, 7),
    at=st.integers(0, 2),
    order=st.randoms(use_true_random=False),
    moves=st.booleans(),
)
def test_nobody_is_lost_when_something_else_has_changed_a_number(
    app_context: Flask,
    uploads: list[Rows],
    phone: int,
    mobile: int,
    at: int,
    order: Any,
    moves: bool,
) -> None:
    begin(app_context, moves)
    start = start_of_numbers(db.session.query(Campaign).one())
    first = upload(FIRST, [])
    numbers = {"phone": f"{start}11{phone}", "other_phones": [f"{start}21{mobile}"]}
    ids = []
    for place, rows in enumerate(uploads):
        ids.append(upload(rows, TARGETS))
        if place == at:
            edit = update(Contact).where(Contact.external_id == "1")
            db.session.execute(edit.values(numbers))
            db.session.commit()
    order.shuffle(ids)
    for list_id in ids:
        undo_upload(list_id)
    found = [(one[0], one[1]) for one in everyone()]
    assert found == [("1", first), ("2", first)]
    # Where people move, nobody can be called on a number that only an undone upload gave.
    if moves:
        ada = everyone()[0]
        allowed = {f"{start}110", numbers["phone"], *numbers["other_phones"]}
        if at >= len(uploads):
            allowed = {f"{start}110"}
        assert set(ada[3]) <= allowed
        assert ada[2] in allowed or ada[6] == ContactState.UNUSABLE
    # A number that nobody has changed is the old one.
    bo = everyone()[1]
    assert (bo[2], bo[3]) == (f"{start}121", [f"{start}224"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_uploads_that_gave_one_person_new_numbers(
    app_context: Flask, order: tuple[int, int]
) -> None:
    """The second moved the person from the first upload's list to its own."""
    begin(app_context, moves=True)
    upload(FIRST, [])
    before = everyone()
    ids = [upload(row("1", 2, 4, "South"), TARGETS), upload(row("1", 3, 5, "North"), TARGETS)]
    for place in order:
        undo_upload(ids[place])
    assert everyone() == before


def test_a_value_that_a_later_upload_gave_again_stays(app_context: Flask) -> None:
    begin(app_context, moves=False)
    upload(FIRST, [])
    ids = [upload(row("1", 0, "", ward), ["field:ward"]) for ward in ("South", "", "South")]
    wards = []
    for list_id in ids:
        undo_upload(list_id)
        wards.append(everyone()[0][5].get("ward"))
    assert wards == ["South", "South", None]
