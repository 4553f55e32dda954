"""What came of a party: figures, thanks, bars, a file and a picture; who may see, and what not."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonebank.core.db import db
from phonebank.models import CallerState, Party
from phonebank.parties.services import end_party
from phonebank.parties.summary import BARS_AT_MOST, WIDTHS, summary_of
from tests.factories import create_account
from tests.phonebank.live.party_room import (
    Room,
    gives_away_the_contact,
    open_room,
    secret_contact,
)
from tests.signing_in import sign_in

EVENING = datetime(2026, 1, 13, 19, 0, tzinfo=UTC)


def minute(number: int) -> datetime:
    return EVENING + timedelta(minutes=number)


@pytest.fixture
def room(app_context: Flask) -> Room:
    return open_room(title="Tuesday <b>night</b>", goal=2, starts_at=EVENING)


def test_the_evening_is_bars_of_ten_minutes_with_its_breaks(room: Room) -> None:
    sam = room.join("Sam")
    room.record(sam, at=minute(2))
    room.record(sam, at=minute(9), conversation=True)
    room.record(sam, at=minute(35))
    evening = summary_of(room.party)
    assert evening.minutes == 10
    assert [(bar.began, bar.calls, bar.conversations) for bar in evening.bars] == [
        ("19:00", 2, 1),
        ("19:10", 0, 0),
        ("19:20", 0, 0),
        ("19:30", 1, 0),
    ]
    assert evening.busiest.began == "19:00"


def test_a_party_without_calls_has_no_bars_and_nobody_to_thank(room: Room) -> None:
    evening = summary_of(room.party)
    assert (evening.bars, evening.callers, evening.busiest) == ([], 0, None)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 60 * 24 * 30), min_size=1, max_size=12))
def test_every_call_is_in_one_bar_however_long_the_party(
    app_context: Flask, minutes: list[int]
) -> None:
    room = open_room()
    sam = room.join("Sam")
    for number in minutes:
        room.record(sam, at=minute(number))
    evening = summary_of(room.party)
    assert sum(bar.calls for bar in evening.bars) == len(minutes)
    assert len(evening.bars) <= BARS_AT_MOST
    assert evening.minutes in WIDTHS
    db.session.rollback()


def test_thanks_leave_out_the_hidden_and_the_removed_and_rank_nobody(room: Room) -> None:
    for name, calls, values in (
        ("zoe", 5, {}),
        ("Ada", 1, {}),
        ("Shy", 3, {"hidden": True}),
        ("Rude", 3, {"state": CallerState.REMOVED}),
    ):
        caller = room.join(name, **values)
        for _ in range(calls):
            room.record(caller)
    room.join("Idle")
    evening = summary_of(room.party)
    assert (evening.thanks, evening.others, evening.callers) == (["Ada", "zoe"], 2, 4)


@pytest.fixture
def ended(app: Flask, client: FlaskClient) -> Party:
    """A party of yesterday; the client is its host."""
    with app.app_context():
        room = open_room(title="Tuesday <b>night</b>", goal=2)
        sam, shy = room.join("Sam"), room.join("=Shy", hidden=True)
        room.record(sam, conversation=True, yes=True, contact=secret_contact(room))
        room.record(shy, reached=True)
        end_party(room.party)
        db.session.commit()
        party, host_id = room.party, room.host.id
        db.session.refresh(party)
        db.session.expunge(party)
    sign_in(client, host_id)
    return party


def test_the_host_sees_the_summary_and_can_share_it(client: FlaskClient, ended: Party) -> None:
    page = client.get(f"/parties/{ended.id}/summary")
    assert page.status_code == 200
    assert "Tuesday &lt;b&gt;night&lt;/b&gt;" in page.text
    assert f"/evening/{ended.summary_token}" in page.text
    assert "Sam and 1 more." in page.text
    assert not gives_away_the_contact(page.text)
    assert "summary" in client.get(f"/parties/{ended.id}").text


def test_the_link_shows_it_to_anybody_and_a_new_link_ends_the_old(
    client: FlaskClient, app: Flask, ended: Party
) -> None:
    stranger = app.test_client()
    page = stranger.get(f"/evening/{ended.summary_token}")
    assert page.status_code == 200
    assert "Sam" in page.text
    assert "Shy" not in page.text
    assert "<form" not in page.text
    assert not gives_away_the_contact(page.text)
    assert stranger.get(f"/parties/{ended.id}/summary").status_code in (302, 401)
    assert client.post(f"/parties/{ended.id}/summary-link").status_code == 303
    for path in ("", "/picture.svg"):
        assert stranger.get(f"/evening/{ended.summary_token}{path}").status_code == 410
    assert stranger.get(f"/evening/{ended.board_token}").status_code == 410


def test_the_picture_says_what_its_two_colours_are(client: FlaskClient, ended: Party) -> None:
    shown = client.get(f"/evening/{ended.summary_token}/picture.svg").text
    key = dict(re.findall(r'<rect fill="(#\w+)"[^>]*/>\s*<text[^>]*>([^<]+)</text>', shown))
    bars = {
        name: re.search(rf'class="evening-{name}" fill="(#\w+)"', shown).group(1)
        for name in ("calls", "conversations")
    }
    assert key == {bars["calls"]: "calls", bars["conversations"]: "conversations"}


def test_the_picture_is_a_drawing_without_names(client: FlaskClient, ended: Party) -> None:
    shown = client.get(f"/evening/{ended.summary_token}/picture.svg")
    assert shown.mimetype == "image/svg+xml"
    drawing = ElementTree.fromstring(shown.text)  # noqa: S314  (our own)
    words = " ".join(drawing.itertext())
    assert "Tuesday <b>night</b>" in words
    assert "Sam" not in words
    assert not gives_away_the_contact(shown.text)
    saved = client.get(f"/evening/{ended.summary_token}/picture.svg?save")
    assert "attachment" in saved.headers["Content-Disposition"]


def test_the_file_has_each_callers_figures_and_no_contact(
    client: FlaskClient, ended: Party
) -> None:
    file = client.get(f"/parties/{ended.id}/callers.csv")
    assert file.mimetype == "text/csv"
    assert list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff")))) == [
        ["caller", "calls", "answered", "conversations", "yeses"],
        ["Sam", "1", "1", "1", "1"],
        # No spreadsheet runs it.
        ["'=Shy", "1", "1", "0", "0"],
    ]
    assert not gives_away_the_contact(file.text)


def test_another_host_gets_none_of_it(client: FlaskClient, app: Flask, ended: Party) -> None:
    with app.app_context():
        other = create_account("host")
        db.session.commit()
        other_id = other.id
    browser = app.test_client()
    sign_in(browser, other_id)
    for path in ("summary", "callers.csv"):
        assert browser.get(f"/parties/{ended.id}/{path}").status_code == 404
    assert browser.post(f"/parties/{ended.id}/summary-link").status_code == 404
