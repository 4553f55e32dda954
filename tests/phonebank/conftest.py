"""An app as a public server runs it, with mail and second factor, and accounts to sign in."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.app import create_app
from phonebank.core.config import PRODUCTION, Config
from phonebank.core.db import db
from phonebank.models import RoleName
from tests.factories import create_account

ORIGIN = "https://phonebank.example.org"


def build(config: Config) -> Flask:
    app = create_app(config)
    app.testing = True
    app.config["WTF_CSRF_ENABLED"] = False
    # Only the backend differs from a real server's: Mailman keeps the messages in memory.
    app.extensions["mailman"].backend = "locmem"
    app.extensions["mailman"].outbox = []
    return app


@pytest.fixture(scope="session")
def public_app(app: Flask, config: Config) -> Iterator[Flask]:
    """An app with mail, HTTPS and second factor, as a public server runs it."""
    public = build(
        replace(
            config,
            mode=PRODUCTION,
            base_url=ORIGIN,
            mail_server="mail.example.org",
            mail_sender="bank@example.org",
            require_second_factor=True,
        )
    )
    yield public
    with public.app_context():
        db.engine.dispose()


@pytest.fixture
def outbox(public_app: Flask) -> list:
    public_app.extensions["mailman"].outbox.clear()
    return public_app.extensions["mailman"].outbox


@pytest.fixture
def public_client(public_app: Flask, clean_stores: None, outbox: list) -> FlaskClient:
    """A stranger's browser on the public server."""
    client = public_app.test_client()
    # The server's cookies are for HTTPS only.
    client.environ_base["wsgi.url_scheme"] = "https"
    return client


@pytest.fixture
def ada(app: Flask, clean_stores: None) -> int:
    """An organiser's id."""
    with app.app_context():
        account = create_account(RoleName.ORGANISER, email="ada@example.org", name="Ada")
        db.session.commit()
        return account.id


@pytest.fixture
def cy(app: Flask, clean_stores: None) -> int:
    """A host's id."""
    with app.app_context():
        account = create_account(RoleName.HOST, email="cy@example.org", name="Cy")
        db.session.commit()
        return account.id
