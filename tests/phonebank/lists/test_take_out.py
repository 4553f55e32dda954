"""A file takes people out of calling: whom it names, what happens on screens, and the way back."""

import io
from typing import Any

import pytest
from sqlalchemy import select, text

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.contact_queue.status_counts import buckets_of
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.core.jobs import enqueue
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import jobs, services, take_out, undo
from phonebank.lists.jobs import job_that_reads, take_people_out, undo_import
from phonebank.lists.take_out_check import TakeOutCheck, check_take_out
from phonebank.lists.uploads import store_upload
from phonebank.models import (
    Account,
    Call,
    Caller,
    Campaign,
    Contact,
    ContactChange,
    ContactList,
    ContactState,
    RefusedRow,
    now,
)
from phonebank.persons import actions
from tests.factories import create_caller, drama_number
from tests.phonebank.lists.upload_desk import Desk

LIST = f"""ID,First name,Last name,Phone,Mobile
1,Ada,Archer,{drama_number(1)},
2,Bo,Baker,{drama_number(2)},
3,Cy,Carter,{drama_number(3)},{drama_number(30)}
4,Di,Dyer,{drama_number(4)},
5,Ed,Dyer,{drama_number(4)},
,Flo,Fisher,{drama_number(6)},
7,Gil,Good,{drama_number(7)},
"""


def stored(desk: Desk, content: str, targets: list[str]) -> int:
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        file = io.BytesIO(content.encode())
        one = store_upload(campaign, desk.account_id, "voted.csv", file, "voted")
        services.confirm_take_out(one, "Voted", targets, agreed=True)
        db.session.commit()
        enqueue(job_that_reads(one.id), one.id)
        return one.id


def checked(desk: Desk, content: str, targets: list[str]) -> TakeOutCheck:
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        one = store_upload(
            campaign, desk.account_id, "v.csv", io.BytesIO(content.encode()), "voted"
        )
        check = check_take_out(campaign, one, Mapping.of(one.headers, targets))
        db.session.rollback()
        return check


def out(desk: Desk) -> set[str]:
    return {one.first_name for one in desk.contacts() if one.state == ContactState.TAKEN_OUT}


def counts(standing: dict[str, Any]) -> tuple[int, ...]:
    found = tuple(
        standing[f"rows_{name}"] for name in ("updated", "duplicate", "unknown", "refused")
    )
    assert sum(found) == standing["rows_total"] == standing["rows_read"]
    return found


def undone(desk: Desk, list_id: int) -> None:
    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, list_id))
        db.session.commit()
        enqueue(undo_import, list_id)
    desk.work()


def test_ids_and_numbers_take_people_out_and_an_undo_brings_them_back(desk: Desk) -> None:
    desk.bring(LIST)
    with desk.app.app_context():
        db.session.execute(text("UPDATE contact SET state = 'finished' WHERE first_name = 'Gil'"))
        db.session.execute(text("UPDATE contact SET state = 'unusable' WHERE first_name = 'Bo'"))
        db.session.commit()
    file = (
        f"VANID,Phone,First,Last\n1,,,\n2.0,,,\n99,{drama_number(30)},,\n,{drama_number(4)},Di,DYER\n"
        f",{drama_number(4)},Nobody,Here\n7,,,\n1,,,\n98,none,,\n,none,,\n,,,\n"
    )
    targets = ["external_id", "phone", "first_name", "last_name"]
    check = checked(desk, file, targets)
    assert (check.left, check.people) == (6, 4)
    assert (check.taken, check.already, check.unknown, check.refused) == (4, 2, 2, 1)
    assert check.taken_samples == [
        (2, "Ada Archer"),
        (3, "Bo Baker"),
        (4, "Cy Carter"),
        (5, "Di Dyer"),
    ]
    assert check.unknown_samples[1] == (9, "98, none")
    assert not out(desk)

    list_id = stored(desk, file, targets)
    desk.work()
    assert counts(desk.standing(list_id)) == (4, 2, 2, 1)
    assert out(desk) == {"Ada", "Bo", "Cy", "Di"}
    with desk.app.app_context():
        assert db.session.scalars(select(RefusedRow.message)).one() == take_out.NEITHER
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        found = {bucket.key: bucket.contacts for bucket in buckets_of(campaign)}
        assert (found["taken_out"], found["finished"]) == (4, 1)
    # The same list again brings nobody back.
    assert desk.bring(LIST)["rows_duplicate"] == 7

    undone(desk, list_id)
    assert {one.first_name: str(one.state) for one in desk.contacts()} == {
        "Ada": "callable",
        "Bo": "unusable",
        "Cy": "callable",
        "Di": "callable",
        "Ed": "callable",
        "Flo": "callable",
        "Gil": "finished",
    }


def test_a_number_alone_names_everyone_who_has_it(desk: Desk) -> None:
    desk.bring(LIST)
    stored(desk, f"Number\n{drama_number(4)}\n", ["phone"])
    desk.work()
    assert out(desk) == {"Di", "Ed"}


def test_the_person_leaves_the_screen_and_a_late_outcome_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bring(f"ID,First name,Phone,Mobile\n1,Ada,{drama_number(1)},{drama_number(2)}\n")
    told: list[tuple[list[int], str, dict[str, str]]] = []
    monkeypatch.setattr(take_out, "emit_to_callers", lambda *sent: told.append(sent))
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        caller = create_caller(campaign)
        db.session.commit()
        held = claim(caller)
        db.session.commit()
        call_id = held.call.id
        caller_id = caller.id
    list_id = stored(desk, "ID\n1\n", ["external_id"])
    with desk.app.app_context():
        take_people_out(list_id)
        call = db.session.get_one(Call, call_id)
        assert call.ending == "taken_away"
        assert told == [([caller_id], "taken", {"call": str(call_id)})]
        record(db.session.get_one(Caller, caller_id), call_id, "wrong_number")
        db.session.commit()
        # They had another number, and still nobody calls it.
        (ada,) = db.session.scalars(select(Contact)).all()
        assert (ada.phone, ada.state) == (drama_number(2), ContactState.TAKEN_OUT)


def test_a_long_file_goes_on_in_another_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.bring(LIST)
    monkeypatch.setattr(take_out, "BATCH", 2)
    monkeypatch.setattr(jobs, "TAKE_OUT_SECONDS", 0.0)
    list_id = stored(desk, "ID\n" + "".join(f"{n}\n" for n in range(1, 8)), ["external_id"])
    desk.work()
    standing = desk.standing(list_id)
    assert (standing["state"], counts(standing)) == ("ready", (6, 0, 1, 0))
    with desk.app.app_context():
        assert db.session.query(ContactChange).count() == 6


def test_an_undo_leaves_alone_who_was_put_back_since(desk: Desk) -> None:
    desk.bring(LIST)
    list_id = stored(desk, "ID\n1\n2\n", ["external_id"])
    desk.work()
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        account = db.session.get_one(Account, desk.account_id)
        for name, act in (("Ada", actions.finish), ("Bo", actions.put_back)):
            one = db.session.scalars(select(Contact).where(Contact.first_name == name)).one()
            act(one, campaign, actions.version_of(one), account)
        db.session.execute(text("UPDATE contact SET state = 'unusable' WHERE first_name = 'Bo'"))
        db.session.commit()
    undone(desk, list_id)
    states = {one.first_name: str(one.state) for one in desk.contacts()}
    assert (states["Ada"], states["Bo"]) == ("finished", "unusable")


def test_a_refused_row_keeps_no_cell_of_a_column_that_is_left_out(desk: Desk) -> None:
    desk.bring(LIST)
    stored(desk, "VANID,Phone,Party\n1,,Red\n,none,Blue\n", ["external_id", "phone", "ignore"])
    desk.work()
    with desk.app.app_context():
        assert db.session.scalars(select(RefusedRow.cells)).all() == [["", "none", ""]]


def test_nobody_is_taken_out_of_a_campaign_whose_people_are_erased(desk: Desk) -> None:
    desk.bring(LIST)
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        one = store_upload(campaign, desk.account_id, "v.csv", io.BytesIO(b"ID\n1\n"), "voted")
        campaign.erasing_since = now()
        db.session.flush()
        with pytest.raises(ConflictError, match="may not keep people's details any longer"):
            services.confirm_take_out(one, "Voted", ["external_id"], agreed=True)
        db.session.rollback()
