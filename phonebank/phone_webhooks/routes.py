"""Registers the addresses to which providers of telephone lines send webhooks."""

from flask import Flask

from phonebank.core.security import csrf
from phonebank.phone_webhooks import views
from phonebank.phone_webhooks.blueprint import phone_webhooks

# Importing these modules adds their addresses to the blueprint.
_VIEWS = (views,)


def init_app(app: Flask) -> None:
    """Add the webhooks' addresses to the app. Requests to them are signed and have no cookie, so
    these requests need no form token."""
    csrf.exempt(phone_webhooks)
    app.register_blueprint(phone_webhooks)
