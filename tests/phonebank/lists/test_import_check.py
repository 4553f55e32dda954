"""What a file would do, before it is imported: as the import then does it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from phonebank.core import settled
from phonebank.core.db import db
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import import_check
from phonebank.lists.import_check import SAMPLES, Fate, ImportCheck, check_import
from phonebank.lists.known_people import UpdatePlan
from phonebank.lists.uploads import guesses_of
from phonebank.models import Campaign, Contact, ContactList, Suppression, now
from tests.factories import drama_number
from tests.phonebank.lists.upload_desk import Desk


def checked(desk: Desk, list_id: int, plan: UpdatePlan | None = None) -> ImportCheck:
    with desk.app.app_context():
        contact_list = db.session.get_one(ContactList, list_id)
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        targets = [guess.target for guess in guesses_of(contact_list)]
        mapping = Mapping.of(contact_list.headers, targets)
        found = check_import(campaign, contact_list, mapping, plan)
        db.session.commit()
        return found


def test_other_software_gets_what_is_recorded_while_a_file_is_checked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_check, "BATCH", 2)
    monkeypatch.setattr(settled, "SETTLED_AFTER", timedelta(0))
    people = "\n".join(f"Ada{n},{drama_number(n)}" for n in range(6))
    list_id = desk.upload(f"First name,Phone\n{people}\n")
    began = now()
    moments: list[datetime] = []

    def read_in_another_request(_: int) -> None:
        with ThreadPoolExecutor(1) as other:
            moments.append(other.submit(settled_moment_of, desk.app).result())

    with desk.app.app_context():
        contact_list = db.session.get_one(ContactList, list_id)
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        mapping = Mapping.of(contact_list.headers, ["first_name", "phone"])
        check_import(campaign, contact_list, mapping, UpdatePlan(), read_in_another_request)
        db.session.rollback()
    assert len(moments) == 3
    assert min(moments) > began


def settled_moment_of(app: Flask) -> datetime:
    with app.app_context():
        return settled.settled_moment()


def by_why(check: ImportCheck) -> dict[str, tuple[str, int]]:
    return {group.why: (str(group.fate), group.count) for group in check.groups}


def test_the_check_says_what_the_import_then_does(desk: Desk) -> None:
    desk.bring(f"First name,Phone,Do not call\nAda,{drama_number(1)},\nOld,{drama_number(9)},yes\n")
    people = [
        f"ada,{drama_number(1)},",  # in the campaign already
        f"New,{drama_number(2)},",
        f"New,{drama_number(2)},",  # twice
        f"Bo,{drama_number(3)},",
        f"Listed,{drama_number(9)},",  # on the do-not-call list
        f"Asks,{drama_number(4)},yes",
        f"Same,{drama_number(4)},",  # the number of the row above
        "Bad,unknown,",
        "Worse,ex-directory,",
        "None,,",
    ]
    list_id = desk.upload("First name,Phone,Do not call\n" + "\n".join(people) + "\n")
    check = checked(desk, list_id)

    assert by_why(check) == {
        "They are not in this campaign yet.": ("new", 2),
        "They are in this campaign already.": ("duplicate", 1),
        "An earlier row has the same number and name.": ("duplicate", 1),
        "A number is on the do-not-call list.": ("do_not_call", 1),
        "The row itself says not to call.": ("do_not_call", 1),
        "Another row of this file says not to call this number.": ("do_not_call", 1),
        "This is not a phone number.": ("refused", 2),
        "This row has no phone number.": ("refused", 1),
    }
    assert [str(group.fate) for group in check.groups] == sorted(
        (str(group.fate) for group in check.groups), key=list(map(str, Fate)).index
    )
    assert check.first is not None
    assert (check.first.first_name, check.first.row_number) == ("New", 3)
    refused = next(group for group in check.groups if group.count == 2 and group.fate == "refused")
    assert refused.samples == [(9, "Bad, unknown"), (10, "Worse, ex-directory")]
    assert not check.needs_agreement  # three of ten

    desk.confirm(list_id)
    desk.work()
    done = desk.standing(list_id)
    for fate, column in (
        (Fate.NEW, "rows_stored"),
        (Fate.DUPLICATE, "rows_duplicate"),
        (Fate.DO_NOT_CALL, "rows_suppressed"),
        (Fate.REFUSED, "rows_refused"),
    ):
        assert check.count(fate) == done[column], fate


def test_a_check_counts_every_row_and_stores_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_check, "BATCH", 15)
    lines = [f"V{n},{drama_number(n)}" for n in range(40)] + [f"V3,{drama_number(3)}"]
    list_id = desk.upload("First name,Phone\n" + "\n".join(lines) + "\nBad,x\n")
    check = checked(desk, list_id)
    assert (check.rows, check.count(Fate.NEW), check.count(Fate.REFUSED)) == (42, 40, 1)
    assert check.count(Fate.DUPLICATE) == 1  # in another batch than its first row
    assert len(check.groups[0].samples) == SAMPLES
    stored = json.loads(json.dumps(check.to_json()))
    assert ImportCheck.from_json(stored).to_json() == stored
    with desk.app.app_context():
        for table in (Contact, Suppression):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0
        assert db.session.scalar(text("SELECT to_regclass('pg_temp.told')")) is None


def test_a_check_of_an_update_says_what_would_change(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bring(
        f"ID,First name,Phone,Postcode,Town\n1,Ada,{drama_number(1)},CF10 1EP,Cardiff\n"
        f"2,Bo,{drama_number(2)},CF10 1EP,Cardiff\n3,Cy,{drama_number(3)},,\n"
        f"4,Di,{drama_number(4)},,\n"
    )
    monkeypatch.setattr(import_check, "BATCH", 4)
    again = (
        f"ID,First name,Phone,Postcode,Town\n1,Ada,{drama_number(9)},CF11 9LL,Cardiff\n"
        f"2,Bo,{drama_number(2)},,Cardiff\n3,Cy,{drama_number(3)},,\n"
        f"7,Eve,{drama_number(7)},,\n4,Di,{drama_number(4)},CF1 1AA,\n4,Di,{drama_number(8)},,\n"
    )
    targets = ["phone", "postcode", "town"]
    list_id = desk.upload(again)
    kept = checked(desk, list_id, UpdatePlan.of(targets))
    assert by_why(kept) == {
        "They are not in this campaign yet.": ("new", 1),
        "They are in this campaign already. The details that you ticked will be updated.": (
            "updated",
            2,
        ),
        "They are in this campaign already.": ("duplicate", 2),
        "They are in this campaign already, and differ only where the file's cells are empty.": (
            "duplicate",
            1,
        ),
    }
    assert [(c.name, c.changed, c.emptied) for c in kept.columns] == [
        ("Phone numbers", 1, 0),
        ("Postcode or ZIP code", 2, 1),
    ]
    assert kept.columns[1].samples[0] == (2, "CF10 1EP", "CF11 9LL")
    assert kept.emptied == 1
    emptying = checked(desk, list_id, UpdatePlan.of(targets, empties=True))
    assert (emptying.count(Fate.UPDATED), emptying.count(Fate.DUPLICATE)) == (3, 2)

    desk.confirm(list_id, update_targets=targets, update_empties=True)
    desk.work()
    done = desk.standing(list_id)
    assert (done["rows_stored"], done["rows_updated"], done["rows_duplicate"]) == (1, 3, 2)


@pytest.mark.parametrize(("bad", "asks"), [(3, False), (4, True)])
def test_more_than_three_in_ten_refused_asks(desk: Desk, bad: int, asks: bool) -> None:
    lines = [f"V{n},{drama_number(n)}" for n in range(10 - bad)] + ["Bad,x"] * bad
    check = checked(desk, desk.upload("First name,Phone\n" + "\n".join(lines) + "\n"))
    assert check.needs_agreement is asks


def test_people_of_an_undone_upload_are_new_again(desk: Desk) -> None:
    from phonebank.lists import undo

    content = f"First name,Phone\nAda,{drama_number(1)}\n"
    first = desk.upload(content)
    desk.confirm(first)
    desk.work()
    with desk.app.app_context():
        db.session.execute(text("UPDATE contact SET tried = true, attempts = 1"))
        undo.begin_undo(db.session.get_one(ContactList, first), "undone", desk.account_id)
        db.session.commit()
    assert checked(desk, desk.upload(content)).count(Fate.NEW) == 1
