"""The organiser's page of tokens."""

import html
import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.api_tokens.tokens import TOKENS_AT_MOST
from phonebank.core.db import db
from phonebank.models import ApiToken
from tests.factories import create_campaign


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        create_campaign()
        db.session.commit()
    page = "/campaigns/1/connections"
    new = {"name": "Our database", "scopes": ["contacts:read"]}
    shown = organiser.post(f"{page}/tokens", data=new)
    secret = html.unescape(re.search(r"pb_[\w-]{43}", shown.text)[0])
    assert secret not in organiser.get(page).text
    headers = {"Authorization": f"Bearer {secret}"}
    assert app.test_client().get("/api/v1/contacts", headers=headers).status_code == 200
    with app.app_context():
        assert secret not in str(db.session.execute(select(ApiToken.__table__)).all())

    assert "Read people" in organiser.get(page).text
    assert organiser.post(f"{page}/tokens/1/revoke").status_code == 302
    assert "Revoked on" in organiser.get(page).text
    assert app.test_client().get("/api/v1/contacts", headers=headers).status_code == 401
    assert organiser.post(f"{page}/tokens/2/revoke").status_code == 404


def test_a_token_needs_a_name_and_something_that_it_may_do(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        create_campaign()
        db.session.commit()
    for form in ({"name": " ", "scopes": ["contacts:read"]}, {"name": "x"},
                 {"name": "x", "scopes": ["everything"]}):  # fmt: skip
        refused = organiser.post("/campaigns/1/connections/tokens", data=form)
        assert refused.status_code == 422
    with app.app_context():
        assert db.session.scalars(select(ApiToken)).all() == []


def test_a_campaign_has_few_tokens(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        create_campaign()
        for number in range(TOKENS_AT_MOST):
            db.session.add(ApiToken(campaign_id=1, name="x", secret_hash=str(number)))
        db.session.commit()
    new = {"name": "One more", "scopes": ["contacts:read"]}
    assert organiser.post("/campaigns/1/connections/tokens", data=new).status_code == 409
