"""When a browser gets the session cookie, and for how long it knows the caller."""

import time

import pytest
from flask.testing import FlaskClient

from tests.phone_bank import PhoneBank, come_in

JSON = {"Accept": "application/json"}
DAY = 24 * 60 * 60


def test_a_phone_that_calls_once_a_week_stays_known_and_gets_its_cookie_once_a_day(
    phone_bank: PhoneBank, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client, phone_bank)
    with client.session_transaction() as session:
        session.permanent = True
    client.get("/calling")  # a page may add to the session, which sends the cookie at once
    today = time.time()
    for day in (0, 7, 37, 67):
        monkeypatch.setattr(time, "time", lambda: today + day * DAY)  # noqa: B023
        first = client.get("/calling", headers=JSON)
        again = client.get("/calling", headers=JSON)
        assert (first.status_code, again.status_code) == (200, 200)
        assert ("Set-Cookie" in first.headers) == (day > 0), day
        assert "Set-Cookie" not in again.headers
    monkeypatch.setattr(time, "time", lambda: today + 99 * DAY)
    assert client.get("/calling", headers=JSON).status_code == 401
