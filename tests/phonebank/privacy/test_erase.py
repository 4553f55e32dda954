"""After an erasure no store holds the person, and every total is as before."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, true

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.correct import Correction, correct, version_of
from phonebank.calls.hold import renew_hold
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.campaigns.progress import answers_by_question
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.jobs import enqueue
from phonebank.dialler.claim_people import claim_people
from phonebank.exports import files
from phonebank.exports.jobs import make_export
from phonebank.lists import services, uploads
from phonebank.lists.jobs import import_list
from phonebank.models import (
    Call,
    CallEnding,
    Campaign,
    Contact,
    ContactList,
    ContactState,
    Erasure,
    ErasureState,
    Export,
    ExportKind,
    ExportState,
    HashedNumber,
    ListState,
    RefusedRow,
    Suppression,
)
from phonebank.privacy import jobs
from phonebank.privacy.erase import OnScreenError, erase_person
from phonebank.privacy.person import person_of
from phonebank.suppressions import entries
from phonebank.suppressions.files import store_file
from phonebank.tallies.reconcile import differences
from phonebank.told_changes.tell import tell
from tests.factories import (
    create_account,
    create_caller,
    create_contact,
    create_list,
    drama_number,
)
from tests.killed_workers import KILLS, kill_workers
from tests.phonebank.exports.room import Room, create_room
from tests.phonebank.privacy.stores import places_with

PHONE, FURTHER = "+442079460777", "+442079460778"
PERSON: dict[str, Any] = {
    "first_name": "Zzyzxname",
    "last_name": "Qwortlebury",
    "name_key": "zzyzxname qwortlebury",
    "phone": PHONE,
    "phone_original": "020 7946 0777",
    "other_phones": [FURTHER],
    "postcode": "ZE3 9JW",
    "email": "zq@vexborough.example",
    "external_id": "ZQ-90210-X",
    "fields": {"town": "Vexborough"},
}
SECRETS = [
    "zzyzxname",
    "qwortlebury",
    "79460777",
    "79460778",
    "79460779",
    "ZE39JW",
    "vexborough",
    "90210",
]
SECRETS += ["marmalade", "gribbleworth"]
FILE = (
    "First name;Last name;Phone;Town\r\n"
    "Ada;Example;020 7946 0001;Köln\r\n"
    'Zzyzxname;Qwortlebury;"(020) 7946-0777";"Vex\nborough"\r\n'
    "Bea;Example;020 7946 0002;Rhyl\r\n"
)


@pytest.fixture
def room(app_context: Flask) -> Room:
    """A room with one call to the person, with answers and a note."""
    room = create_room()
    create_contact(room.contact_list, **PERSON)
    hold = claim(room.caller)
    for step, answer in {"vote": "ours", "topics": ["bills"], "why": "Gribbleworth"}.items():
        save_answer(room.caller, hold.call.id, step, answer)
    told = {"number": "020 7946 0779", "first_name": "Zzyzxname", "place": "Vexborough"}
    tell(room.caller, hold.call.id, told)
    record(room.caller, hold.call.id, "talked", note="Likes marmalade")
    db.session.commit()
    return room


def erase(**how: bool) -> Erasure:
    """Erase the person of the first contact with their name."""
    contact = db.session.scalars(select(Contact).where(Contact.first_name == "Zzyzxname")).first()
    assert contact is not None
    person, contacts = person_of(contact, true())
    how = {"never_again": False, "ends_calls": False} | how
    erasure = erase_person(person, [c.id for c in contacts], create_account("organiser"), **how)
    db.session.commit()
    return erasure


def upload(campaign: Campaign, content: str, encoding: str = "utf-8") -> ContactList:
    data = io.BytesIO(content.encode(encoding))
    contact_list = uploads.store_upload(campaign, None, "Ward.csv", data)
    db.session.commit()
    return contact_list


def test_no_store_holds_the_person_after_an_erasure(room: Room, servers_dir: Path) -> None:
    campaign = room.campaign
    other_list = create_list(create_room().campaign)
    create_contact(other_list, **PERSON)
    entries.suppress(FURTHER, "organiser")
    store_file(
        b"Name,Phone\nQwortlebury,020 7946 0777\nX,020 7946 0003\n",
        "n.csv",
        "GB",
        "asked",
        create_account().id,
    )
    waiting = upload(campaign, FILE, "utf-16")
    db.session.add(
        RefusedRow(
            contact_list_id=room.contact_list.id,
            row_number=3,
            reason="cell_too_long",
            message="Too long.",
            cells=["Zzyzxname Qwortlebury", "0044 20 7946 0777"],
        )
    )
    call = db.session.scalars(select(Call).where(Call.note == "Likes marmalade")).one()
    correct(
        call, version_of(call), Correction("talked", call.note, {"why": "Mrs Gribbleworth"}),
        create_account(),
    )  # fmt: skip
    export, _ = files.ask_for(campaign, create_account(), ExportKind.PEOPLE, None)
    db.session.commit()
    make_export(export.id)
    answers_before = answers_by_question(campaign).questions
    assert places_with(SECRETS, servers_dir) >= {
        "contact.first_name", "contact.fields", "contact.other_phones", "call.phone", "call.note",
        "call.contact_before", "call_correction.before", "told_change.said", "answer.value",
        "export_piece.data", "suppression.phone",
        "refused_row.cells", "suppression_batch.data",
    }  # fmt: skip

    erasure = erase(never_again=True)
    enqueue(jobs.search_files, erasure.id)
    jobs.search_files(erasure.id)

    assert places_with(SECRETS, servers_dir) == set()
    db.session.expire_all()
    assert db.session.get_one(Erasure, erasure.id).state == ErasureState.DONE
    assert db.session.get_one(Export, export.id).state == ExportState.ERASED
    # Of the person who was called a row stays, so every total is as before.
    assert db.session.scalar(select(func.count()).select_from(Call)) == 1
    assert differences() == []
    assert answers_by_question(campaign).questions == answers_before
    # The others in the file are imported, and its rows keep their numbers.
    services.confirm(waiting, "Ward", 0, ["first_name", "last_name", "phone", "town"], {}, 0)
    db.session.commit()
    import_list(waiting.id)
    db.session.expire_all()
    assert (waiting.state, waiting.rows_stored, waiting.rows_refused) == (ListState.READY, 2, 1)
    stored = select(Contact.fields["town"].astext).where(Contact.contact_list_id == waiting.id)
    assert set(db.session.scalars(stored)) == {"Köln", "Rhyl"}
    assert db.session.scalar(select(RefusedRow.row_number)) == 3


def test_a_later_upload_still_meets_the_number_of_an_erased_person(room: Room) -> None:
    entries.suppress(PHONE, "call")
    jobs.search_files(erase().id)
    assert db.session.scalar(select(func.count()).select_from(Suppression)) == 0
    hashed = db.session.scalars(select(HashedNumber)).one()
    assert (hashed.source, hashed.reason) == ("call", "asked")
    assert entries.is_suppressed(PHONE)
    assert not entries.is_suppressed(FURTHER)

    again = upload(room.campaign, FILE)
    services.confirm(again, "Ward", 0, ["first_name", "last_name", "phone", "town"], {}, 0)
    db.session.commit()
    import_list(again.id)
    db.session.expire_all()
    assert (again.rows_stored, again.rows_suppressed) == (2, 1)
    assert entries.lift(PHONE)
    assert not entries.is_suppressed(PHONE)


def test_a_person_on_a_screen_is_erased_only_by_ending_the_call(room: Room) -> None:
    called = db.session.scalars(select(Contact)).one()
    called.state, called.callable_at = ContactState.CALLABLE, called.created_at
    db.session.commit()
    caller = create_caller(room.campaign, first_name="Nia")
    db.session.commit()
    hold = claim(caller)
    db.session.commit()
    with pytest.raises(OnScreenError, match="Nia has had this person on the screen since"):
        erase()
    db.session.rollback()
    assert called.first_name == "Zzyzxname"

    erase(ends_calls=True)
    call = db.session.get_one(Call, hold.call.id)
    assert (call.ending, call.phone) == (CallEnding.TAKEN_AWAY, "")
    earlier = db.session.scalars(select(Call.id).filter_by(caller_id=room.caller.id)).one()
    for late in (
        lambda: record(caller, call.id, "do_not_call", note="marmalade"),
        lambda: record(caller, call.id, "talked"),
        lambda: save_answer(caller, call.id, "vote", "ours"),
        lambda: renew_hold(caller, call.id),
        lambda: undo(room.caller, earlier),
    ):
        with pytest.raises(NotFoundError, match="data has been erased"):
            late()
        db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Suppression)) == 0


def test_a_person_whom_the_telephone_service_calls_is_erased_only_by_ending_the_call(
    room: Room,
) -> None:
    called = db.session.scalars(select(Contact)).one()
    called.state, called.callable_at = ContactState.CALLABLE, called.created_at
    db.session.commit()
    assert claim_people(room.campaign, 1, "simulator") == 1
    with pytest.raises(OnScreenError, match="The telephone service has been calling this person"):
        erase()
    db.session.rollback()
    assert called.first_name == "Zzyzxname"

    erase(ends_calls=True)
    call = db.session.scalars(select(Call).where(Call.caller_id.is_(None))).one()
    assert (call.ending, call.phone) == (CallEnding.TAKEN_AWAY, "")


def test_a_household_on_the_number_stays_and_keeps_the_plain_entry(room: Room) -> None:
    other = create_contact(room.contact_list, phone=PHONE, first_name="Bo", name_key="bo example")
    entries.suppress(PHONE, "call")
    erase(never_again=True)
    db.session.refresh(other)
    assert (other.first_name, other.suppressed_at is not None) == ("Bo", True)
    assert db.session.scalars(select(Suppression.phone)).all() == [PHONE]
    further = db.session.scalars(select(HashedNumber)).one()
    assert further.reason == "other", "nobody said that the person asked for it"


def test_a_person_has_each_contact_that_shares_a_number_with_one_of_theirs(room: Room) -> None:
    first = db.session.scalars(select(Contact)).one()
    moved, again = drama_number(81), drama_number(82)
    second = create_contact(room.contact_list, **PERSON | {"phone": moved})
    third = create_contact(room.contact_list, **PERSON | {"phone": again, "other_phones": [moved]})
    other = create_contact(room.contact_list, phone=again, first_name="Bo", name_key="bo example")
    db.session.commit()
    for contact in (first, second, third):
        person, contacts = person_of(contact, true())
        assert {one.id for one in contacts} == {first.id, second.id, third.id}
        assert set(person.phones) == {PHONE, FURTHER, moved, again}
    erase()
    left = db.session.scalars(select(Contact.id).where(Contact.phone != "")).all()
    assert left == [other.id]


def test_a_number_of_many_people_does_not_join_those_without_a_name(room: Room) -> None:
    shared, other = drama_number(81), drama_number(82)
    nameless = {"first_name": "", "last_name": "", "name_key": ""}
    first = create_contact(room.contact_list, phone=drama_number(80), **nameless)
    second = create_contact(
        room.contact_list, phone=shared, other_phones=[drama_number(80)], **nameless
    )
    third = create_contact(room.contact_list, phone=other, other_phones=[shared], **nameless)
    db.session.commit()
    _, contacts = person_of(first, true())
    assert {one.id for one in contacts} == {first.id, second.id}
    assert third.id not in {one.id for one in contacts}


def test_what_an_import_stores_during_the_search_is_erased_too(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = upload(room.campaign, FILE)
    erasure = erase()
    services.confirm(waiting, "Ward", 0, ["first_name", "last_name", "phone", "town"], {}, 0)
    db.session.commit()
    import_list(waiting.id)
    assert db.session.scalar(select(Contact.id).where(Contact.first_name == "Zzyzxname"))
    jobs.search_files(erasure.id)
    db.session.expire_all()
    left = db.session.scalars(select(Contact.first_name).where(Contact.first_name != "")).all()
    assert sorted(left) == ["Ada", "Bea"]


@pytest.fixture
def importing(room: Room) -> Iterator[ContactList]:
    """A list whose worker has read its file, and stores its batch only after the test."""
    waiting = upload(room.campaign, FILE)
    services.confirm(waiting, "Ward", 0, ["first_name", "last_name", "phone", "town"], {}, 0)
    db.session.execute(
        text("UPDATE contact_list SET state = 'importing' WHERE id = :id"), {"id": waiting.id}
    )
    db.session.commit()
    yield waiting


def test_a_batch_that_was_read_before_the_erasure_is_not_stored(importing: ContactList) -> None:
    from phonebank.csv_input.column_mapping import Mapping
    from phonebank.lists.batching import prepare_batches
    from phonebank.lists.persist import store_batch

    rows = uploads.rows_of(importing)
    next(rows)
    mapping = Mapping.of(importing.headers, importing.mapping, importing.mark_actions)
    [batch] = prepare_batches(rows, 0, mapping, "GB", True)
    jobs.search_files(erase().id)
    with pytest.raises(uploads.SupersededError):
        store_batch(batch, importing.id, 0)


def test_a_search_that_is_killed_begins_again(room: Room) -> None:
    others = "".join(f"Ada{n};Example;020 7946 {n % 500:04d};Rhyl\r\n" for n in range(100))
    files_with_them = [upload(room.campaign, FILE + others) for _ in range(4 + 8 * KILLS)]
    erasure = erase()

    def files_of_rows() -> list[list[str]]:
        db.session.expire_all()
        return [[str(row) for row in uploads.rows_of(one)] for one in files_with_them]

    def files_changed() -> int:
        changed = db.session.scalar(select(func.sum(ContactList.file_version))) or 0
        db.session.rollback()
        return changed

    def every_file_is_whole() -> None:
        files = files_of_rows()
        assert {len(file) for file in files} == {104}
        assert sum("Zzyzxname" not in str(file) for file in files) == files_changed()
        assert db.session.get_one(Erasure, erasure.id).person is not None, "it goes on"

    kill_workers(lambda: jobs.search_files(erasure.id), files_changed, every_file_is_whole)
    jobs.search_files(erasure.id)
    assert "Zzyzxname" not in str(files_of_rows())
    assert db.session.get_one(Erasure, erasure.id).person is None
