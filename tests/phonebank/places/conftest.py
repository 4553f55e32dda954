"""The table of places, loaded once for the run."""

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.places.load import load_places


@pytest.fixture(scope="session")
def places(app: Flask) -> None:
    with app.app_context():
        load_places()
        db.session.commit()
