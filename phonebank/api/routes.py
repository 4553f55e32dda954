"""Registers the API."""

from flask import Flask

from phonebank.api import views, writing_views
from phonebank.api.blueprint import api
from phonebank.core.security import csrf

# Importing these modules adds their addresses to the blueprint.
_VIEWS = (views, writing_views)


def init_app(app: Flask) -> None:
    """Add the API. The API ignores cookies, so its requests need no CSRF token."""
    csrf.exempt(api)
    app.register_blueprint(api)
