"""A campaign with a client of its API."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phonebank.api_tokens.tokens import create_token
from phonebank.core.db import db
from phonebank.models import Account, Campaign, RoleName, Scope
from tests.factories import create_account


@dataclass
class ApiClient:
    """Other software with a token."""

    client: FlaskClient
    secret: str

    def get(self, address: str, **query: Any) -> TestResponse:
        return self.client.get(f"/api/v1{address}", query_string=query, headers=self._headers())

    def post(self, address: str, body: Any) -> TestResponse:
        return self.client.post(f"/api/v1{address}", json=body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def api_client(
    app: Flask, campaign: Campaign, scopes: Iterable[Scope] = Scope, account: Account | None = None
) -> ApiClient:
    """A client with a token of the campaign. Commits."""
    maker = account or create_account(RoleName.ORGANISER)
    _, secret = create_token(campaign, maker, "Our database", list(scopes))
    db.session.commit()
    return ApiClient(app.test_client(), secret)
