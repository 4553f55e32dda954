"""Flask-Security's datastore, through which accounts are created and signed out."""

from typing import Any

from flask import current_app


def datastore() -> Any:
    """The app's UserDatastore. Its types know Flask-Security's mixins and not our models."""
    return current_app.extensions["security"].datastore
