"""A party, and the browser of the host who runs it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import CallerState
from tests.phonebank.live.party_room import open_room, secret_contact
from tests.signing_in import sign_in


@pytest.fixture
def party_id(app: Flask, client: FlaskClient) -> int:
    """A party that the client's host runs: Sam is admitted and holds a contact, Priya waits."""
    with app.app_context():
        room = open_room(title="Tuesday <b>night</b>")
        sam = room.join("Sam")
        room.record(sam, conversation=True, contact=secret_contact(room))
        room.hand_out(sam)
        room.join("Priya", state=CallerState.WAITING)
        db.session.commit()
        found, host_id = room.party.id, room.host.id
    sign_in(client, host_id)
    return found
