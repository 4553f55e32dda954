"""Flask-Security's datastore, through which accounts are created and signed out."""

from typing import Any

from flask import current_app


def datastore() -> Any:
    """Return the app's UserDatastore. Its type annotations name Flask-Security's mixins, not our
    models."""
    return current_app.extensions["security"].datastore
