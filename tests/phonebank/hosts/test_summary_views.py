"""The summary's pages, file and picture: who may see them, and what they never show."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Party
from phonebank.parties.services import end_party
from tests.factories import create_account
from tests.phonebank.live.party_room import gives_away_the_contact, open_room, secret_contact
from tests.signing_in import sign_in


@pytest.fixture
def ended(app: Flask, client: FlaskClient) -> Party:
    """An ended party, whose host the client is signed in as."""
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
    drawing = ElementTree.fromstring(shown.text)  # noqa: S314  (our own drawing)
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
        # The apostrophe keeps a spreadsheet from running it.
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
