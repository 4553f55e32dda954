"""An organiser's browser at the do-not-call page."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import ORGANISER
from tests.factories import create_account
from tests.signing_in import sign_in


def signed_in(app: Flask, role: str) -> FlaskClient:
    with app.app_context():
        account_id = create_account(role).id
        db.session.commit()
    client = app.test_client()
    sign_in(client, account_id)
    return client


@pytest.fixture
def organiser(app: Flask, clean_stores: None) -> FlaskClient:
    return signed_in(app, ORGANISER)
