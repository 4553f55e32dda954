"""Registers the addresses for providers of telephone lines."""

from flask import Flask

from phonebank.core.security import csrf
from phonebank.phone_webhooks import views
from phonebank.phone_webhooks.blueprint import phone_webhooks

# Importing these modules adds their addresses to the blueprint.
_VIEWS = (views,)


def init_app(app: Flask) -> None:
    """Add the addresses. Each request is signed, and comes without a cookie, so it needs no form
    token."""
    csrf.exempt(phone_webhooks)
    app.register_blueprint(phone_webhooks)
