"""Who may use the API, how often, and what a refusal says."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from phonebank.api import authorise
from phonebank.api_tokens.tokens import revoke_token
from phonebank.core.db import db
from phonebank.models import ApiToken, RoleName, Scope, now
from phonebank.site.guides import DOCS
from tests.factories import create_account, create_campaign
from tests.phonebank.api.clients import api_client
from tests.signing_in import browser_of


def test_a_token_without_the_scope_is_told_which_one(app_context: Flask) -> None:
    client = api_client(app_context, create_campaign(), [Scope.READ_CONTACTS])
    assert client.get("/contacts").status_code == 200
    refused = client.get("/outcomes")
    assert refused.status_code == 403
    assert refused.mimetype == "application/problem+json"
    assert refused.json["detail"] == "This token does not have the scope outcomes:read."
    assert "organiser" in refused.json["what_to_do"]


def test_a_token_ends_when_it_is_revoked_or_its_maker_goes(app_context: Flask) -> None:
    campaign = create_campaign()
    ada = create_account(RoleName.ORGANISER)
    first, second, third = (api_client(app_context, campaign, account=ada) for _ in range(3))
    revoke_token(campaign, 1)
    db.session.commit()
    assert [client.get("/contacts").status_code for client in (first, second)] == [401, 200]
    ada.active = False
    db.session.commit()
    assert second.get("/contacts").status_code == 401
    ada.active, ada.roles = True, []
    db.session.commit()
    refused = third.get("/contacts")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert "Other software" in refused.json["what_to_do"]


def test_a_cookie_opens_nothing_and_none_is_set(app: Flask, clean_stores: None) -> None:
    browser = browser_of(app, RoleName.ORGANISER)
    assert browser.get("/api/v1/contacts").status_code == 401
    with app.app_context():
        client = api_client(app, create_campaign())
    answer = client.get("/contacts")
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (200, [])
    assert answer.headers["Cache-Control"] == "no-store"
    for headers in ({"Authorization": client.secret}, {"Authorization": "Bearer pb_"}):
        assert app.test_client().get("/api/v1/contacts", headers=headers).status_code == 401


def test_a_token_has_a_rate_of_its_own(app_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonebank.api.authorise.RATE", "3 per minute")
    campaign = create_campaign()
    first, second = (api_client(app_context, campaign) for _ in range(2))
    for address, status in (("/contacts/1", 404), ("/contacts", 200), ("/outcomes", 200)):
        assert first.get(address).status_code == status
    assert (first.get("/contacts/1").status_code, second.get("/contacts/1").status_code) == (
        429,
        404,
    )
    refused = first.get("/contacts")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.json["detail"] == "This token may send 3 requests a minute."


def test_bad_requests_say_what_is_wrong_and_where(app_context: Flask) -> None:
    client = api_client(app_context, create_campaign())
    for query, where in (
        ({"limit": "0"}, "query.limit"),
        ({"limit": "many"}, "query.limit"),
        ({"page": "2"}, "query.page"),
        ({"cursor": "bm9wZQ"}, "query.cursor"),
        ({"cursor": "\u00e9"}, "query.cursor"),
    ):
        refused = client.get("/contacts", **query)
        assert refused.status_code == 422, query
        assert [fault["where"] for fault in refused.json["errors"]] == [where]
        assert refused.json["what_to_do"]
    people = client.get("/outcomes").json["next_cursor"]
    assert client.get("/contacts", cursor=people).status_code == 422
    assert client.get("/nothing").json["status"] == 404
    assert client.post("/contacts/1", {}).json["status"] == 405


def test_the_last_use_is_stored_now_and_then(app_context: Flask) -> None:
    client = api_client(app_context, create_campaign())

    def used() -> datetime | None:
        db.session.expire_all()
        return db.session.get_one(ApiToken, 1).last_used_at

    assert used() is None
    client.get("/contacts")
    first = used()
    client.get("/contacts")
    assert first is not None
    assert used() == first
    db.session.get_one(ApiToken, 1).last_used_at = now() - timedelta(minutes=6)
    db.session.commit()
    client.get("/contacts")
    assert used() > first


def test_the_rate_is_what_the_guide_says() -> None:
    assert authorise.rate() == "1200 per minute"
    assert "1,200 requests\na minute" in (DOCS / "api.md").read_text("utf-8")
