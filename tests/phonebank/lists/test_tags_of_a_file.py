"""A column of an uploaded file gives people tags, and undoing the upload takes them back."""

from collections import defaultdict

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists.import_check import Fate, check_import
from phonebank.lists.known_people import UpdatePlan
from phonebank.lists.uploads import guesses_of
from phonebank.models import Account, Campaign, Contact, ContactList, ContactTag, RefusedRow
from phonebank.persons.tags import set_tags
from tests.factories import drama_number
from tests.phonebank.lists.test_known_people import counts, undone, updated
from tests.phonebank.lists.upload_desk import Desk

FIRST = f"""ID,First name,Last name,Phone,tag_list
1,Ada,Archer,{drama_number(1)},"Helper, speaks Welsh"
2,Bo,Baker,{drama_number(2)},
3,Cy,Carter,{drama_number(3)},"a ""quoted"" {{tag}}\\"
1,Ada,Archer,{drama_number(1)},second row
4,Di,Dyer,{drama_number(4)},{"x" * 41}
"""
AGAIN = f"""ID,First name,Last name,Phone,Tags,Tag 2
1,Ada,Archer,{drama_number(1)},helper;driver,
2,Bo,Baker,{drama_number(2)},,poster
3,Cy,Carter,{drama_number(3)},,
5,Eve,New,{drama_number(5)},new,
"""


def tags(desk: Desk) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    with desk.app.app_context():
        query = select(Contact.first_name, ContactTag.tag).join(
            Contact, Contact.id == ContactTag.contact_id
        )
        for name, tag in db.session.execute(query):
            found[name].add(tag)
    return found


BEFORE = {"Ada": {"helper", "speaks welsh"}, "Cy": {'a "quoted" {tag}\\'}}


def test_a_column_of_tags_comes_in_is_updated_and_undone(desk: Desk) -> None:
    done = desk.bring(FIRST)
    assert counts(done) == (3, 0, 1, 0, 1)
    assert tags(desk) == BEFORE
    with desk.app.app_context():
        [refused] = db.session.scalars(select(RefusedRow)).all()
        assert "at most 20 tags" in refused.message
        ada = db.session.scalars(select(Contact).where(Contact.first_name == "Ada")).one()
        account = db.session.get_one(Account, desk.account_id)
        set_tags(ada, db.session.get_one(Campaign, desk.campaign_id), "helper", account)
        db.session.commit()
    assert tags(desk)["Ada"] == {"helper"}  # an organiser takes a file's tag away

    assert counts(updated(desk, AGAIN, [])) == (1, 0, 3, 0, 0)
    assert tags(desk) == {"Ada": {"helper"}, "Cy": BEFORE["Cy"], "Eve": {"new"}}

    second = updated(desk, AGAIN.replace("Eve", "Fay"), ["tags"])
    assert counts(second) == (0, 2, 2, 0, 0)


def test_only_the_file_that_is_undone_takes_its_tags_back(desk: Desk) -> None:
    first = desk.bring(FIRST)
    second = updated(desk, AGAIN, ["tags"])
    assert counts(second) == (1, 2, 1, 0, 0)
    assert tags(desk) == BEFORE | {
        "Ada": {"helper", "speaks welsh", "driver"}, "Bo": {"poster"}, "Eve": {"new"},
    }  # fmt: skip
    undone(desk, second["id"])
    assert tags(desk) == BEFORE
    updated(desk, AGAIN, ["tags"])
    undone(desk, first["id"])
    assert tags(desk) == {"Eve": {"new"}}
    assert desk.bring(FIRST)["rows_stored"] == 3
    assert tags(desk) == BEFORE | {"Eve": {"new"}}


def test_the_check_before_the_import_tells_the_new_tags(desk: Desk) -> None:
    desk.bring(FIRST)
    list_id = desk.upload(AGAIN)
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        contact_list = db.session.get_one(ContactList, list_id)
        mapping = Mapping.of(contact_list.headers, [g.target for g in guesses_of(contact_list)])
        found = check_import(campaign, contact_list, mapping, UpdatePlan.of(["tags"]))
        assert [found.count(fate) for fate in (Fate.NEW, Fate.UPDATED, Fate.DUPLICATE)] == [1, 2, 1]
        [change] = found.columns
        assert (change.name, change.changed, change.emptied) == ("Tags", 2, 0)
        assert change.samples == [
            (2, "helper, speaks welsh", "helper, speaks welsh, driver"), (3, "", "poster"),
        ]  # fmt: skip
        assert tags(desk) == BEFORE
