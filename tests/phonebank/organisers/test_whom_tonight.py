"""The organiser's page *Whom to call*, and the tags on a person's page."""

import re

from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Caller, Party, PeopleFilter, RoleName
from phonebank.persons.tags import tags_in
from phonebank.roster.jobs import count_filter
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)
from tests.signing_in import sign_in


def test_an_organiser_chooses_whom_a_party_and_a_caller_get_tonight(
    app: Flask, client: FlaskClient, clean_stores: None
) -> None:
    with app.app_context():
        campaign = create_campaign()
        people = create_list(campaign, mapping=["phone", "field:ward", "town"])
        create_contact(people, fields={"ward": "Riverside"})
        party = create_party(campaign, create_account(), title="Sunday")
        caller = create_caller(campaign)
        db.session.commit()
        account_id = create_account(RoleName.ORGANISER).id
        db.session.commit()
        ids = campaign.id, party.id, caller.id
    sign_in(client, account_id)
    organiser = client
    page = f"/campaigns/{ids[0]}/tonight"
    assert "Add the first filter" in organiser.get(page).text
    empty = organiser.post(page, data={"name": "All"})
    assert empty.status_code == 422
    assert "would fit everyone" in empty.text
    organiser.post(page, data={"name": "River", "column:ward": "riverside"})
    with app.app_context():
        added = db.session.query(PeopleFilter).one()
        count_filter(added.id)
        filter_id = added.id
    html = organiser.get(page).text
    assert "ward: riverside" in html
    assert re.search(r"River.*?>1</div></td>", html, re.S)
    organiser.post(f"{page}/parties/{ids[1]}", data={"filter": str(filter_id)})
    organiser.post(f"/campaigns/{ids[0]}/callers/{ids[2]}", data={"people": str(filter_id)})
    with app.app_context():
        assert db.session.get_one(Party, ids[1]).filter_id == filter_id
        assert db.session.get_one(Caller, ids[2]).filter_id == filter_id
    organiser.post(f"{page}/{filter_id}/delete")
    with app.app_context():
        assert db.session.get_one(Caller, ids[2]).filter_id is None


def test_an_organiser_tags_a_person_on_their_page(
    app: Flask, client: FlaskClient, clean_stores: None
) -> None:
    with app.app_context():
        campaign = create_campaign()
        person = create_contact(create_list(campaign))
        account_id = create_account(RoleName.ORGANISER).id
        db.session.commit()
        page = f"/campaigns/{campaign.id}/person/{person.id}"
    sign_in(client, account_id)
    client.post(f"{page}/tags", data={"tags": "Teacher , green,green"})
    assert 'name="tags" value="green, teacher"' in client.get(page).text
    shown = client.get(f"/campaigns/{page.split('/')[2]}/tonight").text
    assert "Tags here: green, teacher." in shown
    with app.app_context():
        assert tags_in(create_campaign()) == []
