"""The organiser's page of a call-out says only what is so in the call-out's state."""

from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.callouts import call_outs
from phonebank.callouts.sheets import SHEETS_AT_MOST
from phonebank.core.db import db
from phonebank.models import CallOut
from tests.factories import create_account, create_campaign


@dataclass
class Meeting:
    """A call-out whose hosts an organiser allows, and the address of its page."""

    app: Flask
    call_out_id: int
    address: str

    def end(self) -> None:
        with self.app.app_context():
            call_outs.end(db.session.get_one(CallOut, self.call_out_id))
            db.session.commit()


@pytest.fixture
def meeting(app: Flask, clean_stores: None) -> Meeting:
    with app.app_context():
        campaign = create_campaign()
        call_out = call_outs.create_call_out(
            campaign, create_account(), "Riverside", None, "Europe/London", lets_host=False
        )
        db.session.commit()
        address = f"/campaigns/{campaign.id}/call-outs/{call_out.id}"
        return Meeting(app, call_out.id, address)


def test_letting_people_host_says_when_they_become_hosts(
    organiser: FlaskClient, meeting: Meeting
) -> None:
    before = organiser.post(f"{meeting.address}/let-host", follow_redirects=True)
    assert "will become hosts within an hour of the call-out" in before.text
    meeting.end()
    after = organiser.post(f"{meeting.address}/let-host", follow_redirects=True)
    assert "will become hosts within the hour." in after.text


def test_a_number_of_sheets_that_cannot_be_made_says_which_can(
    organiser: FlaskClient, meeting: Meeting
) -> None:
    assert organiser.post(f"{meeting.address}/sheets", data={"count": "97"}).status_code == 302
    for typed in ("0", "some", "4"):
        refused = organiser.post(f"{meeting.address}/sheets", data={"count": typed})
        assert "up to 100 sheets, and this one has 97" in refused.text
        assert "Type a number from 1 to 3." in refused.text
    organiser.post(f"{meeting.address}/sheets", data={"count": "3"})
    full = organiser.post(f"{meeting.address}/sheets", data={"count": "1"})
    assert SHEETS_AT_MOST == 100
    assert "Use the sheets that you have." in full.text
