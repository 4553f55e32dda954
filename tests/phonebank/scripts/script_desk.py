"""An organiser with a campaign that has a script, and what they do in the editor."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Campaign, RoleName, Script
from phonebank.scripts import campaign_scripts
from scripts_library.parser import parse_leniently
from scripts_library.script import Script as ParsedScript
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
)
from tests.phonebank.scripts.form_of import form_of
from tests.signing_in import sign_in

SLUG = "voter-identification"


@dataclass
class Desk:
    """An organiser's browser, with the ids of the campaign and its script."""

    app: Flask
    client: FlaskClient
    campaign_id: int
    script_id: int

    def address(self, page: str = "") -> str:
        return f"/campaigns/{self.campaign_id}/scripts/{self.script_id}{page}"

    def seen(self, page: str) -> str:
        """Return the digest with which a page notices that the script has changed since."""
        found = re.search(r'name="seen" value="(\w+)"', self.client.get(self.address(page)).text)
        return found[1] if found else ""

    def script(self) -> Script:
        """Return the row; needs an app context."""
        return db.session.get_one(Script, self.script_id)

    def campaign(self) -> Campaign:
        """Return the row; needs an app context."""
        return db.session.get_one(Campaign, self.campaign_id)


@pytest.fixture
def desk(app: Flask, clean_stores: None) -> Desk:
    with app.app_context():
        account = create_account(RoleName.ORGANISER)
        campaign = create_campaign()
        script = campaign_scripts.use_ready_made(campaign, SLUG, "en", account)
        db.session.commit()
        account_id, campaign_id, script_id = account.id, campaign.id, script.id
    client = app.test_client()
    sign_in(client, account_id)
    return Desk(app, client, campaign_id, script_id)


def draft(desk: Desk) -> ParsedScript | None:
    """Return the stored draft; None if there is no draft."""
    with desk.app.app_context():
        source = desk.script().draft
        return parse_leniently(source)[0] if source else None


def opened(desk: Desk) -> dict[str, str]:
    """Open the editor, as a browser without JavaScript does, and return the fields of its form."""
    page = desk.client.get(desk.address("/edit?menus=whole"))
    assert page.status_code == 200
    return form_of(page.text)


def send(desk: Desk, form: dict[str, str], button: str = "save", status: int = 200) -> str:
    """Press a button of the editor and return the page that comes back."""
    response = desk.client.post(desk.address("/edit"), data=form | {"do": button})
    assert response.status_code == status, response.text
    return response.text


def beside(page: str, step_id: str) -> str:
    """Return the diagnostics that the page shows beside a step."""
    return page.split(f'id="faults-step-{step_id}"')[1].split("</ul>")[0]


def give_answers(script: Script, answers: Sequence[tuple[str, object]]) -> None:
    """Record a call for each (step, answer)."""
    campaign = db.session.get_one(Campaign, script.campaign_id)
    people = create_list(campaign)
    for _ in answers:
        create_contact(people)
    caller = create_caller(campaign)
    db.session.commit()
    for step_id, answer in answers:
        hold = claim(caller)
        save_answer(caller, hold.call.id, step_id, answer)
        record(caller, hold.call.id, "talked")
        db.session.commit()
