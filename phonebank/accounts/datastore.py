"""Flask-Security's datastore, through which accounts are created and signed out."""

from typing import Any

from flask import current_app


def datastore() -> Any:
    """Return the app's UserDatastore. The return type is Any, because the methods of UserDatastore
    are annotated with Flask-Security's mixins, not with our models."""
    return current_app.extensions["security"].datastore
