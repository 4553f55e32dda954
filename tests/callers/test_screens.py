"""The volunteer's pages as a browser without scripts sees them, and as JSON."""

import re

from flask.testing import FlaskClient

from callers.calling import current_hold
from phonebank.models import Call
from phonebank.stores import db
from scripts_library.library import source_of
from tests.callers.conftest import PhoneBank
from tests.factories import create_script


def test_from_the_link_to_a_number_in_two_taps_and_one_field(phone_bank: PhoneBank, client) -> None:
    phone_bank.party.door_open = True
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    page = client.get(f"/join/{phone_bank.party.code}")
    assert "Tuesday night" in page.text
    assert phone_bank.campaign.on_behalf_of in page.text
    page = client.post(page.request.path, data={"first_name": "Kit"}, follow_redirects=True)
    assert "Give me someone to call" in page.text
    page = client.post("/calling/next", follow_redirects=True)
    print(page.text)
    assert page.request.path == "/calling/person"
    assert "tel:+44" in page.text
    call = db.session.query(Call).one()
    page = client.post(
        f"/calling/person/{call.id}/outcome", data={"outcome": "no_answer"}, follow_redirects=True
    )
    assert "Recorded: No answer." in page.text
    assert db.session.query(Call).count() == 2
