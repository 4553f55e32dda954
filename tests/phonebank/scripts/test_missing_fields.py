"""Contacts without a merge field that a script needs."""

from phonebank.core.db import db
from phonebank.models import Campaign, Contact, Script
from phonebank.scripts.missing_fields import missing_field_warnings
from scripts_library.parser import parse
from tests.factories import create_contact, create_list
from tests.phonebank.scripts.ready_made import reworded


def test_people_who_lack_a_field_are_counted(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    people = create_list(campaign)
    create_contact(people, first_name="Ann", fields={"town": "Leeds"})
    create_contact(people, first_name="", fields={"town": " "})
    create_contact(people, first_name=" ")
    assert db.session.query(Contact).count() == 3
    source = reworded(script, "{{ first_name or 'someone in the house who can vote' }}",
                      "{{ first_name }} of {{ town }}")  # fmt: skip

    messages = [
        diagnostic.message for diagnostic in missing_field_warnings(campaign, parse(source, "test"))
    ]
    assert any("2 contacts have no first_name" in message for message in messages)
    assert any("2 contacts have no town" in message for message in messages)

    campaign.merge_values = {"town": "Leeds"}
    messages = [
        diagnostic.message for diagnostic in missing_field_warnings(campaign, parse(source, "test"))
    ]
    assert not any("town" in message for message in messages)
