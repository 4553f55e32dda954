"""A few places, for tests that need one and not the whole table."""

from phonebank.core.db import db
from phonebank.models import Place
from phonebank.places.load import copy_places

ROWS = (
    ("GB", "SW9", "Brixton", "", "sw9", "", 51.469, -0.114, None),
    ("GB", "SE5", "Camberwell", "", "se5", "", 51.474, -0.091, None),
    ("GB", "M1", "Manchester", "", "m1", "", 53.477, -2.236, None),
    ("GB", "london", "London", "", "london", "", 51.509, -0.126, 8_900_000),
    ("DE", "koln", "Köln", "", "koln", "", 50.933, 6.95, 1_000_000),
)


def ensure_places() -> None:
    """Store ROWS and commit, unless the whole table is loaded. The tests that empty the tables keep
    places."""
    if db.session.query(Place).first() is None:
        copy_places(ROWS)
        db.session.commit()
