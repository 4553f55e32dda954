"""The check before an import counts what the import then does, whatever the file has."""

import random
from typing import Any

import pytest
from sqlalchemy import select, text

from phonebank.core.db import db
from phonebank.lists import batching, import_check
from phonebank.lists.import_check import Fate, ImportCheck
from phonebank.lists.jobs import import_list
from phonebank.lists.known_people import UpdatePlan
from phonebank.models import Campaign, Contact, ContactList, ContactTag, ListState
from tests.factories import create_campaign, drama_number
from tests.phonebank.lists.test_import_check import by_why, checked
from tests.phonebank.lists.upload_desk import Desk

HEADER = "ID,First name,Last name,Phone,Postcode,Tags,Do not call"
COLUMNS = {
    Fate.NEW: "rows_stored",
    Fate.UPDATED: "rows_updated",
    Fate.DUPLICATE: "rows_duplicate",
    Fate.DO_NOT_CALL: "rows_suppressed",
    Fate.REFUSED: "rows_refused",
}
FILES = 50


def a_row(draw: random.Random, asks: float = 0) -> str:
    """A row about one of few people, so that many rows meet. `asks` is how likely it is that the
    row says not to call."""
    cells = (
        draw.choice(["", "1", "2", "3"]),
        draw.choice(["Ada", "Bo"]),
        "X",
        drama_number(draw.randrange(3)),
        draw.choice(["", "CF10 1EP", "CF11 9LL"]),
        draw.choice(["", "", "red", "blue", "red; blue"]),
        "yes" if draw.random() < asks else "",
    )
    return ",".join(cells)


def stored(desk: Desk, rows: list[str], **more: Any) -> int:
    """Import a file, and return the id of its list."""
    list_id = desk.upload("\n".join([HEADER, *rows]) + "\n")
    desk.confirm(list_id, **more)
    with desk.app.app_context():
        import_list(list_id)
    return list_id


def undone(desk: Desk, list_id: int) -> None:
    """Undo a list whose people were all called, so they stay."""
    with desk.app.app_context():
        db.session.get_one(ContactList, list_id).state = ListState.UNDONE
        db.session.commit()


def check_and_import(
    desk: Desk, rows: list[str], targets: list[str], empties: bool = False
) -> tuple[ImportCheck, dict[Fate, int]]:
    """Return the check of a file, and what its import then counted."""
    list_id = desk.upload("\n".join([HEADER, *rows]) + "\n")
    check = checked(desk, list_id, UpdatePlan.of(targets, empties))
    desk.confirm(list_id, update_targets=targets, update_empties=empties)
    with desk.app.app_context():
        import_list(list_id)
    found = desk.standing(list_id)
    return check, {fate: found[column] for fate, column in COLUMNS.items()}


def counts(check: ImportCheck) -> dict[Fate, int]:
    return {fate: check.count(fate) for fate in Fate}


def small_batches(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for module in (batching, import_check):
        monkeypatch.setattr(module, "BATCH", size)


def test_the_check_and_the_import_count_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(FILES):
        draw = random.Random(seed)
        small_batches(monkeypatch, draw.randrange(1, 5))
        with desk.app.app_context():
            db.session.execute(text("DELETE FROM suppression"))
            desk.campaign_id = create_campaign().id
            db.session.commit()
        for is_undone in (False, True):
            if rows := [a_row(draw) for _ in range(draw.randrange(5))]:
                list_id = stored(desk, rows)
                if is_undone:
                    undone(desk, list_id)
        rows = [a_row(draw, asks=0.08) for _ in range(draw.randrange(1, 9))]
        choices = [["phone"], ["external_id"], ["postcode"], ["tags"], ["first_name", "last_name"]]
        targets = [target for part in choices if draw.random() < 0.45 for target in part]
        check, done = check_and_import(desk, rows, targets, empties=draw.random() < 0.3)
        assert counts(check) == done, (seed, rows, targets)


ADA, BO = f"1,Ada,X,{drama_number(1)}", f"2,Bo,X,{drama_number(2)}"


def test_the_first_row_that_changes_a_person_counts_in_whichever_batch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = [f"{ADA},,red,", f"{ADA},CF11 9LL,red,", f"{ADA},CF1 1AA,blue,"]
    new = [f"{BO},CF10 1EP,red,", f"{BO},CF11 9LL,blue,"]
    for size in (1, 2, 10):
        small_batches(monkeypatch, size)
        with desk.app.app_context():
            desk.campaign_id = create_campaign().id
            db.session.commit()
        stored(desk, [f"{ADA},CF10 1EP,,"])
        check, done = check_and_import(desk, [*again, *new], ["postcode", "tags"])
        assert (done[Fate.NEW], done[Fate.UPDATED], done[Fate.DUPLICATE]) == (1, 3, 1)
        assert counts(check) == done
        assert [one.postcode for one in desk.contacts()] == ["CF11 9LL", "CF10 1EP"]
        with desk.app.app_context():
            tags = select(Contact.first_name, ContactTag.tag).join_from(
                ContactTag, Contact, Contact.id == ContactTag.contact_id
            )
            of_campaign = tags.where(Contact.campaign_id == desk.campaign_id).distinct()
            found = {tuple(row) for row in db.session.execute(of_campaign)}
        assert found == {("Ada", "blue"), ("Ada", "red"), ("Bo", "red")}


@pytest.mark.parametrize("targets", [["first_name", "last_name"], ["phone"]])
def test_nobody_gets_a_name_with_a_number_that_somebody_else_has(
    desk: Desk, targets: list[str]
) -> None:
    """Ada and Bo share a line. A file that renames Ada to Bo, or gives Bo's wife his number."""
    shared, free = drama_number(1), drama_number(3)
    stored(desk, [f"1,Ada,X,{shared},,,", f"2,Bo,X,{shared},,,", f"3,Ada,X,{free},,,"])
    rows = {
        "first_name": [f"1,Bo,X,{drama_number(9)},,,"],
        "phone": [f"3,Cy,X,{shared},,,"],
    }[targets[0]]
    check, done = check_and_import(desk, rows, targets)
    assert done[Fate.DUPLICATE] == 1
    assert counts(check) == done
    assert by_why(check) == {
        "Somebody else in this campaign has this name and number.": ("duplicate", 1)
    }
    # Two rows of one file don't get it either.
    rows = [f"1,Dee,X,{drama_number(8)},,,", f"2,Dee,X,{drama_number(7)},,,"]
    check, done = check_and_import(desk, rows, ["first_name", "last_name"])
    assert (done[Fate.UPDATED], done[Fate.DUPLICATE]) == (1, 1)
    assert counts(check) == done


def test_the_check_says_who_comes_back_and_who_moves(desk: Desk) -> None:
    with desk.app.app_context():
        db.session.get_one(Campaign, desk.campaign_id).allow_drama_numbers = False
        db.session.commit()
    real = "020 7219 300"
    undone(desk, stored(desk, [f"1,Ada,X,{real}1,,,"]))
    stored(desk, [f"2,Bo,X,{real}2,,,", f"3,Cy,X,{real}3,,,"])
    rows = [f"1,Ada,X,{real}1,,,", f"2,Bo,X,{real}8,,,", f"3,Cy,X,{real}3,CF10 1EP,,"]
    check, done = check_and_import(desk, [*rows, f"4,Di,X,{real}4,,,"], ["phone", "postcode"])
    assert by_why(check) == {
        "They are not in this campaign yet.": ("new", 1),
        "They come back from a list that was undone, with their earlier calls.": ("new", 1),
        "They are in this campaign already. The details that you ticked will be updated.": (
            "updated",
            1,
        ),
        "They are in this campaign already. They will get a new number, and move to this list.": (
            "updated",
            1,
        ),
    }
    assert counts(check) == done
