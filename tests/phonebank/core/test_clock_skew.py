"""Two web machines whose clocks differ serve one browser."""

import re
import time
from collections.abc import Callable

import pytest
from flask import Flask
from itsdangerous import SignatureExpired, URLSafeTimedSerializer

from phonebank.core.clock_skew import MAX_CLOCK_SKEW
from phonebank.core.db import db
from tests.factories import create_campaign


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock of the next machine so many seconds ahead."""
    real = time.time

    def ahead(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return ahead


def test_a_page_of_a_machine_whose_clock_is_ahead_can_be_sent_to_another(
    app: Flask,
    app_context: Flask,
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    link = f"/c/{create_campaign(door_open=True).join_token}"
    db.session.commit()
    client = app.test_client()
    clock(2)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(link).text)
    assert found
    clock(0)
    joined = client.post(link, data={"csrf_token": found[1], "first_name": "Ada"})
    assert joined.status_code in (201, 303), joined.text
    clock(-2)
    answer = client.get("/calling", headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text


def test_what_is_too_old_or_from_far_ahead_is_refused(
    app: Flask, clock: Callable[[float], None]
) -> None:
    signer = URLSafeTimedSerializer("key")
    clock(0)
    signed = signer.dumps("it")
    assert signer.loads(signed, max_age=10) == "it"
    for seconds in (12, -MAX_CLOCK_SKEW - 2):
        clock(seconds)
        with pytest.raises(SignatureExpired):
            signer.loads(signed, max_age=10)
    clock(2 - MAX_CLOCK_SKEW)
    assert signer.loads(signed, max_age=10) == "it"
