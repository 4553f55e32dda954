"""The pages of calls by machine: simulated evenings, and what the records prove."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.machine_calls import simulations
from phonebank.machine_calls.jobs import simulate_evenings
from phonebank.models import Line
from phonebank.organisers.machine_calls import simulation_views
from tests.factories import create_campaign
from tests.phonebank.machine_calls.test_day import DAY, Rows


@pytest.fixture
def address(app: Flask, organiser: FlaskClient) -> str:
    with app.app_context():
        campaign_id = create_campaign().id
        db.session.commit()
    return f"/campaigns/{campaign_id}/machine-calls"


def test_an_organiser_simulates_an_evening(
    app: Flask, organiser: FlaskClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, ...]] = []
    monkeypatch.setattr(simulation_views, "enqueue", lambda job, *args: asked.append(args))
    monkeypatch.setattr(simulations, "EVENINGS_AT_LEAST", 2)
    monkeypatch.setattr(simulations, "EVENINGS_AT_MOST", 2)
    evening = {"callers": "6", "answers": "15", "talk": "90"}
    for _ in range(2):  # a second tap plays nothing more
        sent = organiser.post(f"{address}/simulate", data=evening)
        assert sent.status_code == 302
    assert asked == [(6, 15, 90, 30)]
    waiting = organiser.get(sent.location)
    assert "We're simulating some evenings" in waiting.text
    with app.app_context():
        simulate_evenings(*asked[0])
        assert db.session.query(Line).count() == 0, "nobody is called"
    part = organiser.get(sent.location, headers={"HX-Request": "true"}).text
    assert "<form" not in part
    assert "hx-trigger" not in part, "the page stops asking"
    for words in ("conversations an hour", "Seconds from one call to the next", "find nobody"):
        assert words in part
    assert "With 6 callers" in part
    assert "of 1,000 people who answer in a day, at most 30 may find nobody free" in part


def test_an_evening_that_cannot_be_is_refused(organiser: FlaskClient, address: str) -> None:
    refused = organiser.post(
        f"{address}/simulate", data={"callers": "0", "answers": "90", "talk": ""}
    )
    assert refused.status_code == 422
    for words in ("Enter 1 to 300 callers", "Enter 2 to 60 calls", "Enter a number of seconds"):
        assert words in refused.text
    # An address that somebody changed shows the form.
    assert organiser.get(f"{address}/simulate?callers=x&answers=1&talk=9").status_code == 200


def test_a_day_without_lines_says_so(organiser: FlaskClient, address: str) -> None:
    assert "No calls by machine in the last 60 days" in organiser.get(address).text
    assert organiser.get(f"{address}?day=tomorrow").status_code == 404


def test_the_page_says_of_each_rule_whether_it_was_kept(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        rows = Rows()
        for _ in range(60):
            rows.line(answered=8, joined=8.1, ended=90, outcome="talked", reached=True)
        rows.line(answered=8, message=10, ended=20)
        short = rows.line(ended=9).id
        address = f"/campaigns/{rows.campaign.id}/machine-calls"
        db.session.commit()
    page = organiser.get(f"{address}?day={DAY}").text
    assert "14 July 2026" in page
    assert "62 calls, 61 answered: 60 people talked with a caller" in page
    assert page.count(">Kept<") == 5
    assert f"Broken by line {short}" in page
    file = organiser.get(f"{address}/{DAY}.csv")
    assert file.mimetype == "text/csv"
    assert len(file.text.splitlines()) == 63
    assert "+44" not in file.text
    assert organiser.get(f"{address}/yesterday.csv").status_code == 404
