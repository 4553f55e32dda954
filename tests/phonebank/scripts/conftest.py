"""An organiser with a campaign that has a script."""

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Campaign, RoleName, Script
from phonebank.scripts import campaign_scripts
from tests.factories import create_account, create_campaign
from tests.signing_in import sign_in

SLUG = "voter-identification"


@dataclass
class Desk:
    """An organiser's browser, the campaign and its script, by id."""

    app: Flask
    client: FlaskClient
    campaign_id: int
    script_id: int

    def address(self, page: str = "") -> str:
        return f"/campaigns/{self.campaign_id}/scripts/{self.script_id}{page}"

    def seen(self, page: str) -> str:
        """What tells one of the script's pages whether it was changed after it was opened."""
        found = re.search(r'name="seen" value="(\w+)"', self.client.get(self.address(page)).text)
        return found[1] if found else ""

    def script(self) -> Script:
        """Within an app context."""
        return db.session.get_one(Script, self.script_id)

    def campaign(self) -> Campaign:
        """Within an app context."""
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
