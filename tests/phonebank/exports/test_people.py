"""The people file says of each person what the campaign's page counts them as."""

from collections import Counter
from datetime import timedelta

import psycopg
from flask import Flask

from phonebank.calls.claim import claim
from phonebank.contact_queue.status_counts import buckets_of
from phonebank.core.db import db
from phonebank.exports.people import people_table
from phonebank.models import Contact, ContactState, now
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.phone_bank import call_of

# The word of the file for each group of the page.
WORDS = {
    "held": "on_screen",
    "suppressed": "do_not_call",
    "removed": "list_paused",
    "finished": "finished",
    "taken_out": "taken_out",
    "unusable": "unusable",
    "language": "no_speaker",
    "callback": "call_back",
    "elsewhere": "called_elsewhere",
    "resting": "resting",
    "out_of_hours": "outside_hours",
    "ready": "ready",
}


def test_each_status_is_the_group_that_the_page_counts_the_person_in(
    app: Flask, clean_stores: None
) -> None:
    with app.app_context():
        campaign = create_campaign()
        contacts, paused = create_list(campaign), create_list(campaign, removed=True)
        create_contact(contacts)
        db.session.commit()
        held = call_of(claim(create_caller(campaign, languages=["en", "pl"])))
        db.session.get_one(Contact, held.contact_id).suppressed_at = now()
        later = now() + timedelta(hours=2)
        create_contact(contacts, suppressed_at=now(), state=ContactState.FINISHED)
        create_contact(paused, state=ContactState.FINISHED)
        create_contact(paused)
        for state in (ContactState.FINISHED, ContactState.TAKEN_OUT, ContactState.UNUSABLE):
            create_contact(contacts, state=state)
        create_contact(contacts, language="cy")
        create_contact(contacts, language="cy", callback_at=later, callable_at=later)
        create_contact(contacts, language="pl")
        create_contact(contacts, callback_at=later, callable_at=later)
        create_contact(contacts, rested_at=later, callable_at=later)
        create_contact(contacts)
        db.session.commit()
        table = people_table(campaign)
        with db.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            rows = driver.execute(table.query.encode(), table.values).fetchall()
        in_file = Counter(row[table.header.index("status")] for row in rows)
        on_page = {WORDS[one.key]: one.contacts for one in buckets_of(campaign) if one.contacts}
    assert in_file == on_page
    assert len(on_page) == 10
