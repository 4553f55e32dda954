"""Other software reads people and outcomes, page by page."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from phonebank.calls import set_aside
from phonebank.calls.correct import Correction, correct, version_of
from phonebank.calls.hold import release_hold
from phonebank.calls.jobs import continue_set_aside
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.models import Call, Contact, ContactTag, RoleName, SuppressionOrigin, now
from phonebank.privacy.erase import erase_contacts
from phonebank.suppressions.entries import suppress
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    drama_number,
)
from tests.phonebank.api.clients import api_client
from tests.phonebank.exports.room import create_room, make_call


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonebank.core.settled.SETTLED_AFTER", timedelta(0))


def test_every_person_comes_once_and_only_those_of_the_campaign(app_context: Flask) -> None:
    room = create_room()
    second = create_list(room.campaign, name="Second list")
    other = create_list(create_campaign(name="Other"))
    for at in range(5):
        create_contact(room.contact_list if at % 2 else second, external_id=f"E{at}")
        create_contact(other)
    db.session.commit()
    client = api_client(app_context, room.campaign)

    found, cursor = [], None
    for _ in range(10):
        answer = client.get("/contacts", limit=2, **({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json["contacts"]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            break
    assert sorted(person["external_id"] for person in found) == ["E0", "E1", "E2", "E3", "E4"]
    assert {person["list_name"] for person in found} == {"Ward list", "Second list"}


def test_a_person_comes_with_their_status_and_kept_columns(app_context: Flask) -> None:
    room = create_room()
    create_contact(room.contact_list, phone=drama_number(1), fields={"ward": "North"})
    create_contact(room.contact_list, phone=drama_number(2))
    make_call(room, "talked", {"vote": "ours"})
    suppress(drama_number(2), SuppressionOrigin.ORGANISER)
    first = db.session.scalars(select(Contact).where(Contact.phone == drama_number(1))).one()
    for list_id in (None, room.contact_list.id):
        db.session.add(ContactTag(contact_id=first.id, tag="helper", contact_list_id=list_id))
    db.session.commit()
    client = api_client(app_context, room.campaign)

    called, suppressed = client.get("/contacts").json["contacts"]
    assert (called["phone"], called["status"], called["fields"]) == (
        drama_number(1),
        "finished",
        {"ward": "North"},
    )
    assert called["last_called_at"].endswith("Z")
    assert (called["tags"], suppressed["tags"]) == (["helper"], [])
    assert suppressed["status"] == "do_not_call"
    assert client.get(f"/contacts/{called['id']}").json == called
    stranger = create_contact(create_list(create_campaign()))
    db.session.commit()
    for other in (stranger.id, 2**70):
        assert client.get(f"/contacts/{other}").status_code == 404


def test_a_client_that_keeps_the_cursor_gets_each_outcome_once(app_context: Flask) -> None:
    room = create_room()
    for at in range(4):
        create_contact(room.contact_list, external_id=f"E{at}")
    db.session.commit()
    client = api_client(app_context, room.campaign)
    cursor = client.get("/outcomes").json["next_cursor"]
    seen = []
    for outcome, answers in (("no_answer", {}), ("talked", {"vote": "ours"}), ("busy", {})):
        make_call(room, outcome, answers)
        page = client.get("/outcomes", cursor=cursor, limit=1).json
        seen += page["outcomes"]
        cursor = page["next_cursor"]
    assert client.get("/outcomes", cursor=cursor).json["outcomes"] == []
    assert [call["outcome"] for call in seen] == ["no_answer", "talked", "busy"]
    assert seen[1]["answers"] == {"vote": "ours"}
    assert (seen[1]["yes"], seen[1]["caller"], seen[1]["set_aside"]) == (True, "Sam", False)
    late = client.get("/outcomes", changed_since=seen[1]["recorded_at"]).json["outcomes"]
    assert [call["call_id"] for call in late] == [call["call_id"] for call in seen[1:]]


def test_calls_that_no_caller_took_do_not_hold_up_the_pages(app_context: Flask) -> None:
    room = create_room()
    for _ in range(3):
        create_contact(room.contact_list)
        make_call(room, "no_answer")
    unanswered = select(Call.id).order_by(Call.recorded_at).limit(2)
    db.session.execute(update(Call).where(Call.id.in_(unanswered)).values(caller_id=None))
    db.session.commit()
    client = api_client(app_context, room.campaign)
    first = client.get("/outcomes", limit=2).json
    assert [call["caller"] for call in first["outcomes"]] == [None, None]
    rest = client.get("/outcomes", limit=2, cursor=first["next_cursor"]).json
    assert [call["caller"] for call in rest["outcomes"]] == ["Sam"]


def test_outcomes_of_one_moment_are_told_apart(app_context: Flask) -> None:
    room = create_room()
    for _ in range(5):
        create_contact(room.contact_list)
        make_call(room, "no_answer")
    db.session.execute(text("UPDATE call SET recorded_at = '2026-01-01 10:00:00.123456+00'"))
    db.session.commit()
    client = api_client(app_context, room.campaign)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(6):
        page = client.get("/outcomes", limit=2, **cursor).json
        seen += [call["call_id"] for call in page["outcomes"]]
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 5


def test_an_outcome_waits_until_none_can_come_before_it(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phonebank.core.settled.SETTLED_AFTER", timedelta(seconds=30))
    room = create_room()
    create_contact(room.contact_list)
    make_call(room, "no_answer")
    client = api_client(app_context, room.campaign)
    assert client.get("/outcomes").json["outcomes"] == []
    db.session.execute(text("UPDATE call SET recorded_at = recorded_at - interval '31 seconds'"))
    db.session.commit()
    assert len(client.get("/outcomes").json["outcomes"]) == 1


def test_an_outcome_waits_for_a_change_that_commits_late(app_context: Flask) -> None:
    room = create_room()
    for _ in range(2):
        create_contact(room.contact_list)
    make_call(room, "no_answer")
    client = api_client(app_context, room.campaign)
    page = client.get("/outcomes").json
    first = page["outcomes"][0]["call_id"]
    with db.engine.begin() as job:
        # The job has read the clock, and now it waits for the lock of another row.
        change = text("UPDATE call SET organiser_changed_at = :at WHERE id = :id")
        job.execute(change, {"at": now(), "id": first})
        make_call(room, "busy")
        page = client.get("/outcomes", cursor=page["next_cursor"]).json
        assert page["outcomes"] == []
    changed = client.get("/outcomes", cursor=page["next_cursor"]).json["outcomes"]
    assert [call["outcome"] for call in changed] == ["no_answer", "busy"]
    assert changed[0]["call_id"] == first


def test_an_outcome_does_not_wait_for_a_transaction_that_writes_only_temporary_tables(
    app_context: Flask,
) -> None:
    room = create_room()
    create_contact(room.contact_list)
    client = api_client(app_context, room.campaign)
    with db.engine.begin() as check:
        # An upload is checked like this, which may take minutes.
        check.execute(text("CREATE TEMP TABLE checked AS SELECT id FROM contact"))
        make_call(room, "busy")
        found = client.get("/outcomes").json["outcomes"]
        assert [call["outcome"] for call in found] == ["busy"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM call FOR UPDATE",
        "UPDATE contact_list SET name = name",
        "INSERT INTO contact_tag (contact_id, tag) SELECT id, 'yes' FROM contact",
    ],
)
def test_an_outcome_waits_for_a_transaction_that_locks_a_row(
    app_context: Flask, statement: str
) -> None:
    room = create_room()
    create_contact(room.contact_list)
    create_contact(room.contact_list)
    make_call(room, "busy")
    client = api_client(app_context, room.campaign)
    page = client.get("/outcomes").json
    with db.engine.begin() as job:
        job.execute(text(statement))
        make_call(room, "no_answer")
        later = client.get("/outcomes", cursor=page["next_cursor"]).json
        assert later["outcomes"] == []


def test_a_call_appears_again_when_it_is_corrected_and_when_it_is_set_aside(
    app_context: Flask,
) -> None:
    room = create_room()
    ada = create_account(RoleName.ORGANISER)
    create_contact(room.contact_list)
    make_call(room, "no_answer")
    client = api_client(app_context, room.campaign, account=ada)
    page = client.get("/outcomes").json
    call_id = uuid.UUID(page["outcomes"][0]["call_id"])

    def next_change() -> dict[str, Any]:
        nonlocal page
        db.session.commit()
        page = client.get("/outcomes", cursor=page["next_cursor"]).json
        [again] = page["outcomes"]
        assert again["call_id"] == str(call_id)
        return dict(again)

    undo(room.caller, call_id)
    record(room.caller, call_id, "busy")
    assert next_change()["outcome"] == "busy"
    call = db.session.get_one(Call, call_id, populate_existing=True)
    correct(call, version_of(call), Correction("answerphone", ""), ada)
    changed = next_change()
    assert (changed["outcome"], changed["corrected"]) == ("answerphone", True)
    act = set_aside.begin(room.caller, ada, "made up", now())
    db.session.commit()
    continue_set_aside(act.id, 60)
    assert next_change()["set_aside"]
    set_aside.bring_back(act, ada, "a mistake", now())
    db.session.commit()
    continue_set_aside(act.id, 60)
    brought_back = next_change()
    assert (brought_back["set_aside"], brought_back["corrected"]) == (False, True)
    assert client.get("/outcomes", cursor=page["next_cursor"]).json["outcomes"] == []


def test_an_undone_call_appears_again_until_it_has_another_outcome(app_context: Flask) -> None:
    room = create_room()
    create_contact(room.contact_list)
    make_call(room, "talked", {"vote": "ours"})
    client = api_client(app_context, room.campaign)
    page = client.get("/outcomes").json
    [told] = page["outcomes"]
    assert (told["outcome"], told["yes"], told["undone"]) == ("talked", True, False)
    undo(room.caller, uuid.UUID(told["call_id"]))
    db.session.commit()
    page = client.get("/outcomes", cursor=page["next_cursor"]).json
    [undone] = page["outcomes"]
    assert (undone["call_id"], undone["undone"]) == (told["call_id"], True)
    assert (undone["outcome"], undone["recorded_at"], undone["yes"]) == (None, None, False)
    assert undone["changed_at"] > told["changed_at"]
    release_hold(room.caller, uuid.UUID(told["call_id"]))
    db.session.commit()
    later = client.get("/outcomes", cursor=page["next_cursor"]).json
    assert later["outcomes"] == []
    record(room.caller, uuid.UUID(told["call_id"]), "busy")
    db.session.commit()
    [again] = client.get("/outcomes", cursor=page["next_cursor"]).json["outcomes"]
    assert (again["outcome"], again["undone"]) == ("busy", False)
    [all_of_it] = client.get("/outcomes").json["outcomes"]
    assert all_of_it == again


def test_an_erased_person_is_on_no_page(app_context: Flask) -> None:
    room = create_room()
    person = create_contact(room.contact_list, external_id="E1")
    make_call(room, "talked", {"vote": "ours"}, note="About her sister")
    client = api_client(app_context, room.campaign)
    erase_contacts([person.id], never_again=True)
    db.session.commit()
    assert client.get("/contacts").json["contacts"] == []
    assert client.get(f"/contacts/{person.id}").status_code == 404
    [call] = client.get("/outcomes").json["outcomes"]
    assert (call["external_id"], call["note"]) == (None, "")
