"""Signs a test's browser in as people sign in: by a link and one click."""

import time
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient

from phonebank.accounts import sessions, sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account
from tests.factories import create_account


def sign_in(client: FlaskClient, account_id: int) -> None:
    """Sign the client in to the account with a new link. Commit the account first.

    Call it outside an app context: inside one, requests would share the account that Flask keeps
    for each context.
    """
    app = client.application
    with app.app_context():
        account = db.session.get_one(Account, account_id)
        link = sign_in_mail.sign_in_link(account)
    came_in = client.post(link.removeprefix(app.extensions["phonebank"].base_url))
    assert came_in.status_code == 302
    assert came_in.location == "/signed-in", "a second factor is wanted"


def browser_of(app: Flask, role: str) -> FlaskClient:
    """A browser signed in with a new account of this role. Call it outside an app context."""
    with app.app_context():
        account_id = create_account(role).id
        db.session.commit()
    client = app.test_client()
    sign_in(client, account_id)
    return client


def signed_in(account: Account) -> dict[str, Any]:
    """Return the contents of the session cookie of a browser that signs in as the account, for
    tests that make the cookie by hand. Commits, in the present app context."""
    secret = sessions.create_session(account, "A test's browser")
    db.session.commit()
    return {
        "_user_id": account.fs_uniquifier,
        "_fresh": True,
        "fs_paa": time.time(),
        "account_session": secret,
    }


def session_cookie(app: Flask, session: dict[str, Any]) -> str:
    """The value of the session cookie of a browser with this session."""
    assert isinstance(app.session_interface, SecureCookieSessionInterface)
    serializer = app.session_interface.get_signing_serializer(app)
    assert serializer is not None
    return str(serializer.dumps(session))
