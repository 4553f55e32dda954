"""A later upload gives people in the campaign the values of the columns that an organiser named,
and an undo takes them back."""

from typing import Any

from sqlalchemy import select, text, update

from phonebank.core.db import db
from phonebank.core.jobs import enqueue
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import undo
from phonebank.lists.jobs import undo_import
from phonebank.lists.known_people import updatable_targets
from phonebank.models import Campaign, Contact, ContactChange, ContactList, ContactState
from tests.factories import drama_number
from tests.phonebank.lists.upload_desk import Desk

FIRST = f"""ID,First name,Last name,Phone,Postcode,E-mail,Town
1,Ada,Archer,{drama_number(1)},CF10 1EP,ada@example.org,Riverside
2,Bo,Baker,{drama_number(2)},CF10 1EP,,Riverside
,Cy,Carter,{drama_number(3)},,,Canton
4,Di,Dyer,{drama_number(4)},,,Canton
"""


def updated(desk: Desk, content: str, targets: list[str], empties: bool = False) -> dict[str, Any]:
    list_id = desk.upload(content)
    desk.confirm(list_id, update_targets=targets, update_empties=empties)
    desk.work()
    return desk.standing(list_id)


def people(desk: Desk) -> dict[str, tuple[Any, ...]]:
    return {
        f"{one.first_name} {one.last_name}": (
            one.phone,
            one.postcode,
            one.email,
            one.external_id,
            one.fields,
        )
        for one in desk.contacts()
    }


def undone(desk: Desk, list_id: int) -> None:
    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, list_id))
        db.session.commit()
        enqueue(undo_import, list_id)
    desk.work()


def counts(standing: dict[str, Any]) -> tuple[int, ...]:
    names = ("stored", "updated", "duplicate", "suppressed", "refused")
    found = tuple(standing[f"rows_{name}"] for name in names)
    assert sum(found) == standing["rows_total"] == standing["rows_read"]
    return found


def test_named_columns_are_updated_and_an_undo_puts_them_back(desk: Desk) -> None:
    desk.bring(FIRST)
    before = people(desk)
    again = f"""ID,First name,Last name,Phone,Postcode,E-mail,Town
1,Ada,Archer-Bell,{drama_number(11)},CF11 9LL,other@example.org,Grangetown
2,Bo,Baker,{drama_number(2)},,bo@example.org,Riverside
30,Cy,Carter,{drama_number(3)},CF5 1AA,,Canton
4,Di,Dyer,{drama_number(4)},,,Canton
1,Ada,Third,{drama_number(12)},CF1 1AA,,Nowhere
5,Eve,New,{drama_number(5)},,,Ely
"""
    done = updated(desk, again, ["phone", "postcode", "external_id", "town"])

    assert counts(done) == (1, 2, 3, 0, 0)
    assert people(desk) == before | {
        # The name and the e-mail address were not named.
        "Ada Archer": (
            drama_number(11),
            "CF11 9LL",
            "ada@example.org",
            "1",
            {"town": "Grangetown"},
        ),
        "Cy Carter": (drama_number(3), "CF5 1AA", None, "30", {"town": "Canton"}),
        "Eve New": (drama_number(5), None, None, "5", {"town": "Ely"}),
    }  # and the empty postcode of Bo's row has emptied nothing

    with desk.app.app_context():
        preview = undo.preview_undo(db.session.get_one(ContactList, done["id"]))
        assert preview == (1, 0, 2)
        # Something else changes a postcode meanwhile, so it stays.
        db.session.execute(
            update(Contact).where(Contact.external_id == "30").values(postcode="CF9 9ZZ")
        )
        db.session.commit()
    undone(desk, done["id"])

    cy = before["Cy Carter"]
    assert people(desk) == before | {"Cy Carter": (cy[0], "CF9 9ZZ", *cy[2:])}
    with desk.app.app_context():
        assert db.session.query(ContactChange).count() == 0


def test_an_empty_cell_empties_a_value_only_if_that_was_chosen(desk: Desk) -> None:
    desk.bring(FIRST)
    before = people(desk)
    again = f"ID,Phone,Postcode,Town\n1,{drama_number(1)},,\n2,{drama_number(2)},CF1 1AA,\n"
    kept = updated(desk, again, ["postcode", "town"])
    assert counts(kept) == (0, 1, 1, 0, 0)
    assert people(desk)["Ada Archer"] == before["Ada Archer"]

    emptied = updated(desk, again, ["postcode", "town"], empties=True)
    assert counts(emptied) == (0, 2, 0, 0, 0)
    ada = before["Ada Archer"]
    assert people(desk)["Ada Archer"] == (ada[0], None, *ada[2:4], {})


def test_nobody_gets_another_person_s_name_and_number(desk: Desk) -> None:
    desk.bring(FIRST)
    before = people(desk)
    # The row has Ada's ID with Bo's name and number, so only one of the two can have them.
    clash = f"ID,First name,Last name,Phone\n1,Bo,Baker,{drama_number(2)}\n"
    done = updated(desk, clash, ["first_name", "last_name", "phone"])
    assert counts(done) == (0, 0, 1, 0, 0)
    assert people(desk) == before


def test_a_person_without_a_working_number_can_be_called_on_a_new_one(desk: Desk) -> None:
    desk.bring(FIRST)
    with desk.app.app_context():
        db.session.execute(text("UPDATE contact SET state = 'unusable' WHERE external_id = '1'"))
        db.session.commit()

    def state() -> str:
        with desk.app.app_context():
            query = select(Contact.state).where(Contact.external_id == "1")
            return db.session.scalars(query).one()

    row = f"ID,First name,Last name,Phone\n1,Ada,Archer,{drama_number(9)}\n"
    done = updated(desk, row, ["phone"])
    assert state() == ContactState.CALLABLE
    undone(desk, done["id"])
    assert state() == ContactState.UNUSABLE


def test_a_name_is_updated_whole_or_not_at_all() -> None:
    headers = ("First name", "Phone", "Do not call", "Ward", "Skipped")
    targets = ("first_name", "phone", "do_not_call", "field:ward", "ignore")
    assert updatable_targets(Mapping.of(headers, targets)) == ["phone", "field:ward"]
    both = Mapping.of(("A", "B", "C"), ("first_name", "last_name", "phone"))
    assert updatable_targets(both) == ["first_name", "last_name", "phone"]


WARD = "ID,First name,Phone,Mobile,Town,Address\n"


def unscreened(desk: Desk) -> None:
    """Make the campaign one in which a person with a new number moves to the file's list."""
    with desk.app.app_context():
        db.session.get_one(Campaign, desk.campaign_id).allow_drama_numbers = False
        db.session.commit()


def real(number: int) -> str:
    return f"+4420721930{number:02}"


def numbers(desk: Desk) -> list[tuple[int, str, list[str], str]]:
    """Each person's list, numbers and state."""
    return [
        (one.contact_list_id, one.phone, one.other_phones, str(one.state))
        for one in desk.contacts()
    ]


def preview(desk: Desk, list_id: int) -> tuple[int, int, int]:
    with desk.app.app_context():
        return undo.preview_undo(db.session.get_one(ContactList, list_id))


def change(desk: Desk, **values: Any) -> None:
    with desk.app.app_context():
        db.session.execute(update(Contact).values(**values))
        db.session.commit()


def test_who_moved_because_of_a_number_goes_back_though_a_later_file_changed_another(
    desk: Desk,
) -> None:
    unscreened(desk)
    a = desk.bring(f"{WARD}1,Ada,{real(1)},,Ely,\n")["id"]
    b = updated(desk, f"{WARD}1,Ada,{real(2)},{real(3)},Ely,\n", ["phone", "mobile"])["id"]
    assert numbers(desk) == [(b, real(2), [real(3)], "callable")]
    c = updated(desk, f"{WARD}1,Ada,{real(2)},,Ely,\n", ["phone", "mobile"])["id"]
    assert numbers(desk) == [(b, real(2), [], "callable")]

    assert preview(desk, b) == (0, 0, 1)
    undone(desk, b)
    assert numbers(desk) == [(a, real(1), [], "callable")]
    undone(desk, c)
    assert numbers(desk) == [(a, real(1), [], "callable")]


def test_who_goes_back_keeps_a_number_that_came_since_but_none_of_the_undone_file(
    desk: Desk,
) -> None:
    """Their old list was not screened with the file's numbers."""
    unscreened(desk)
    a = desk.bring(f"{WARD}1,Ada,{real(1)},,Ely,\n")["id"]
    file = f"{WARD}1,Ada,{real(2)},{real(3)},Ely,\n"

    # An organiser accepts a number that the person has told.
    b = updated(desk, file, ["phone", "mobile"])["id"]
    change(desk, phone=real(7), other_phones=[real(2), real(3), real(8)])
    undone(desk, b)
    assert numbers(desk) == [(a, real(7), [real(8)], "callable")]

    # A caller finds that the first number is wrong.
    change(desk, phone=real(1), other_phones=[])
    b = updated(desk, file, ["phone", "mobile"])["id"]
    change(desk, phone=real(3), other_phones=[])
    undone(desk, b)
    assert numbers(desk) == [(a, real(1), [], "callable")]


def test_who_cannot_have_the_old_number_back_goes_back_and_is_not_called(desk: Desk) -> None:
    unscreened(desk)
    a = desk.bring(f"{WARD}1,Ada,{real(1)},,Ely,\n")["id"]
    b = updated(desk, f"{WARD}1,Ada,{real(2)},,Ely,\n", ["phone"])["id"]
    c = desk.bring(f"First name,Phone\nAda,{real(1)}\n")["id"]
    undone(desk, b)
    assert numbers(desk) == [(c, real(1), [], "callable"), (a, real(2), [], "unusable")]
    d = updated(desk, f"{WARD}1,Ada,{real(5)},,Ely,\n", ["phone"])["id"]
    assert numbers(desk) == [(c, real(1), [], "callable"), (d, real(5), [], "callable")]


def test_nobody_goes_back_to_a_list_that_was_undone_since(desk: Desk) -> None:
    unscreened(desk)
    a = desk.bring(f"{WARD}1,Ada,{real(1)},,Ely,\n")["id"]
    b = updated(desk, f"{WARD}1,Ada,{real(2)},,Ely,\n", ["phone"])["id"]
    undone(desk, a)
    assert numbers(desk) == [(b, real(2), [], "callable")]
    assert preview(desk, b) == (1, 0, 0)
    undone(desk, b)
    assert numbers(desk) == []


def test_an_undo_puts_each_field_back_that_has_not_changed_since(desk: Desk) -> None:
    desk.bring(f"{WARD}1,Ada,{drama_number(1)},,Ely,North\n2,Bo,{drama_number(2)},,Ely,\n")
    again = f"{WARD}1,Ada,{drama_number(1)},,Leeds,South\n2,Bo,{drama_number(2)},,Leeds,South\n"
    b = updated(desk, again, ["town", "address"])["id"]
    change(desk, fields=Contact.fields.concat({"town": "York", "other": "new"}))
    undone(desk, b)
    assert [one.fields for one in desk.contacts()] == [
        {"town": "York", "address": "North", "other": "new"},
        {"town": "York", "other": "new"},
    ]
