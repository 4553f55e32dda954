"""The host's pages as plain forms: who may open them, what they do and what they never show."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar

from phonebank.core.db import db
from phonebank.core.qr_codes import qr_svg
from phonebank.models import Caller, CallerState, Party
from phonebank.parties.codes import join_link
from phonebank.site.guides import DOCS
from tests.factories import create_account, create_caller, create_campaign
from tests.phonebank.live.party_room import gives_away_the_contact, open_room, party_with
from tests.signing_in import sign_in


def party(app: Flask, party_id: int, attribute: str) -> Any:
    with app.app_context():
        return getattr(db.session.get_one(Party, party_id), attribute)


def caller_named(app: Flask, name: str) -> Caller:
    with app.app_context():
        caller = db.session.query(Caller).filter_by(first_name=name).one()
        db.session.expunge(caller)
        return caller


def test_the_host_sees_their_party_and_no_contact(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    page = client.get(f"/parties/{party_id}")
    assert page.status_code == 200
    assert "Tuesday &lt;b&gt;night&lt;/b&gt;" in page.text
    assert party(app, party_id, "code")[:3] in page.text
    link = join_link("http://localhost", str(party(app, party_id, "code")))
    assert link in page.text
    assert qr_svg(link) in page.text
    assert "Sam" in page.text
    assert "Priya" in page.text
    assert not gives_away_the_contact(page.text)


def test_a_page_that_looks_again_is_given_the_people_and_nothing_else(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    whole = client.get(f"/parties/{party_id}").text
    part = client.get(f"/parties/{party_id}", headers={"HX-Target": "people"}).text
    assert 'id="people"' in part
    assert "Priya" in part
    assert "<h1" not in part
    sam = caller_named(app, "Sam").id
    shares = client.get(f"/parties/{party_id}/shares")
    assert shares.json == {
        str(sam): {"share": "1 conversation, 1 call", "kind": "calling", "words": "Calling"}
    }
    for text in (whole, part):
        assert f'id="share-{sam}">1 conversation, 1 call<' in text


def test_strangers_are_kept_out_of_every_page(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room, stranger = open_room(), create_account("host")
        db.session.commit()
        party_id, stranger_id = room.party.id, stranger.id
    asked = client.get(f"/parties/{party_id}", headers={"Accept": "application/json"})
    assert asked.status_code in (302, 401)
    sign_in(client, stranger_id)
    assert client.get(f"/parties/{party_id}").status_code == 404
    for action in ("lock", "break", "end", "code", "board-link", "door", "admit-all", "message"):
        assert client.post(f"/parties/{party_id}/{action}").status_code == 404
    assert party(app, party_id, "state") == "open"
    assert not party(app, party_id, "paused")


def test_a_caller_does_nothing_that_is_the_hosts(app: Flask, party_id: int) -> None:
    sam, priya = caller_named(app, "Sam"), caller_named(app, "Priya")
    phone = app.test_client()
    with phone.session_transaction() as session:
        session["caller"] = {"id": sam.id, "token": sam.device_token}
    assert phone.get("/calling/mine").status_code == 200
    at = f"/parties/{party_id}"
    json = {"Accept": "application/json"}
    for action, data in (
        ("message", {"text": "Everybody go home"}),
        ("end", {}),
        ("break", {"minutes": "open"}),
        ("door", {"open": "yes"}),
        ("settings", {"title": "Mine", "goal": "1"}),
        (f"callers/{priya.id}/remove", {}),
        (f"callers/{sam.id}/name", {"name": "Host"}),
    ):
        refused = phone.post(f"{at}/{action}", data=data, headers=json)
        assert refused.status_code == 401
        assert refused.json["error"]["message"]
    assert phone.get(at, headers=json).status_code == 401
    assert (party(app, party_id, "state"), party(app, party_id, "paused")) == ("open", False)
    assert caller_named(app, "Priya").state == CallerState.WAITING
    assert caller_named(app, "Sam").first_name == "Sam"


def test_a_party_is_made_with_one_press(client: FlaskClient, app: Flask, party_id: int) -> None:
    page = client.get("/parties/new")
    campaign = re.search(r'<option value="(\d+)"', page.text).group(1)
    made = client.post(
        "/parties/new",
        data={
            "campaign": campaign,
            "title": "Ada’s phone party",
            "goal": "50",
            "starts_at": "2026-07-01T19:30",
            "time_zone": "Europe/Paris",
        },
    )
    assert made.status_code == 302
    shown = client.get(made.location)
    assert "Wednesday 1 July, 19:30" in shown.text
    new_id = int(made.location.rsplit("/", 1)[1])
    assert party(app, new_id, "starts_at").isoformat() == "2026-07-01T17:30:00+00:00"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "The title is empty."),
        ("title", "x" * 500, "500 characters"),
        ("title", "a\u202eb", "has a character in it that we can"),
        ("goal", "0", "from 1 to"),
        ("goal", "9" * 400, "from 1 to"),
        ("goal", "many", "The goal must be a whole number, such as 50."),
        ("campaign", "999999", "Not a valid choice"),
        ("starts_at", "tomorrow", "Not a valid"),
    ],
)
def test_a_party_that_cannot_be_made_says_why(
    client: FlaskClient, app: Flask, party_id: int, field: str, value: str, words: str
) -> None:
    page = client.get("/parties/new")
    campaign = re.search(r'<option value="(\d+)"', page.text).group(1)
    data = {"campaign": campaign, "title": "Fine", "goal": "50"} | {field: value}
    refused = client.post("/parties/new", data=data)
    assert refused.status_code == 422
    assert words in refused.text
    with app.app_context():
        assert db.session.query(Party).count() == 1


def test_a_time_zone_that_does_not_exist_is_the_campaigns(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    page = client.get("/parties/new")
    campaign = re.search(r'<option value="(\d+)"', page.text).group(1)
    made = client.post(
        "/parties/new",
        data={"campaign": campaign, "title": "x", "goal": "5", "time_zone": "Mars/Olympus"},
    )
    assert party(app, int(made.location.rsplit("/", 1)[1]), "time_zone") == "Europe/London"


def test_a_host_without_a_campaign_is_told_whom_to_ask(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        create_campaign()
        host = create_account("host")
        db.session.commit()
        host_id = host.id
    sign_in(client, host_id)
    page = client.get("/parties/new")
    assert page.status_code == 200
    assert "Ask an organiser" in page.text
    assert client.post("/parties/new", data={"title": "x"}).status_code == 422


def test_the_host_lets_in_renames_hides_and_removes(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    priya, sam = caller_named(app, "Priya"), caller_named(app, "Sam")
    people = f"/parties/{party_id}/callers"
    assert client.post(f"{people}/{priya.id}/admit").status_code == 303
    assert caller_named(app, "Priya").state == CallerState.ADMITTED
    client.post(f"{people}/{priya.id}/name", data={"name": "Priya S"})
    client.post(f"{people}/{priya.id}/hide")
    assert caller_named(app, "Priya S").hidden
    client.post(f"{people}/{priya.id}/show")
    assert not caller_named(app, "Priya S").hidden
    client.post(f"{people}/{sam.id}/remove")
    assert caller_named(app, "Sam").state == CallerState.REMOVED
    assert client.post(f"{people}/{sam.id}/admit").status_code == 404


def test_the_bar_counts_only_those_whom_the_host_can_let_in(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    with app.app_context():
        priya = db.session.query(Caller).filter_by(first_name="Priya").one()
        create_caller(
            priya.campaign, priya.party, first_name="Zed", state=CallerState.WAITING, held=True
        )
        db.session.commit()
    page = client.get(f"/parties/{party_id}").text
    assert "1 at the door · let in" in page
    assert "2 at the door" not in page


def test_what_the_guide_tells_hosts_to_press_is_on_the_page(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    sam, phone = caller_named(app, "Sam"), app.test_client()
    with phone.session_transaction() as session:
        session["caller"] = {"id": sam.id, "token": sam.device_token}
    phone.post("/calling/help", data={"about": "words"})
    guide = (DOCS / "for-hosts.md").read_text("utf-8")
    table = "\n".join(line for line in guide.splitlines() if line.startswith("|"))
    named = re.findall(r"\*\*(.+?)\*\*", table)
    assert "Stop new people joining" in named
    page = client.get(f"/parties/{party_id}").text
    assert [name for name in named if name not in page] == []


def test_the_host_runs_the_party(client: FlaskClient, app: Flask, party_id: int) -> None:
    at = f"/parties/{party_id}"
    old_code, old_token = party(app, party_id, "code"), party(app, party_id, "board_token")
    for action, attribute, value in (
        ("lock", "state", "locked"),
        ("unlock", "state", "open"),
    ):
        assert client.post(f"{at}/{action}").status_code == 303
        assert party(app, party_id, attribute) == value
    client.post(f"{at}/settings", data={"title": "Later", "goal": "77"})
    assert (party(app, party_id, "title"), party(app, party_id, "goal")) == ("Later", 77)
    assert party(app, party_id, "celebrate") is False
    client.post(f"{at}/break", data={"minutes": "10"})
    assert party(app, party_id, "break_until") is not None
    client.post(f"{at}/break", data={"minutes": "open"})
    assert (party(app, party_id, "paused"), party(app, party_id, "break_until")) == (True, None)
    assert "On a break" in client.get(at).text
    assert "On a break" in client.get("/parties").text
    client.post(f"{at}/end-break")
    assert not party(app, party_id, "paused")
    client.post(f"{at}/code")
    client.post(f"{at}/board-link")
    assert party(app, party_id, "code") != old_code
    assert client.get(f"/board/{old_token}").status_code == 410
    client.post(f"{at}/door", data={"open": "yes"})
    assert caller_named(app, "Priya").state == CallerState.ADMITTED
    assert (
        "Sent" in client.post(f"{at}/message", data={"text": "Pizza!"}, follow_redirects=True).text
    )
    client.post(f"{at}/end")
    assert party(app, party_id, "state") == "ended"
    over = client.get(at)
    assert over.status_code == 200
    assert "Let in" not in over.text
    assert client.post(f"{at}/break", data={"minutes": "5"}).status_code == 409


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("settings", {"title": "x" * 500, "goal": "5"}),
        ("settings", {"title": "Fine", "goal": "-5"}),
        ("settings", {"title": "Fine", "goal": "9" * 400}),
        ("break", {"minutes": "525600"}),
        ("break", {}),
        ("message", {"text": ""}),
        ("message", {"text": "x" * 5000}),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    client: FlaskClient, app: Flask, party_id: int, action: str, data: dict
) -> None:
    refused = client.post(f"/parties/{party_id}/{action}", data=data)
    assert refused.status_code == 422
    assert (party(app, party_id, "title"), party(app, party_id, "goal")) == (
        "Tuesday <b>night</b>",
        50,
    )
    assert party(app, party_id, "break_until") is None


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("title", "x" * 500, "The title has 500 characters."),
        ("title", " ", "The title is empty."),
        ("goal", "many", "The goal must be a whole number, such as 50."),
        ("goal", "", "Type how many conversations the party wants to have."),
        ("goal", "0", "The goal must be from 1 to 100,000."),
    ],
)
def test_settings_that_cannot_be_are_shown_again_with_the_fault_at_its_field(
    client: FlaskClient, app: Flask, party_id: int, field: str, typed: str, words: str
) -> None:
    sent = {"title": "Wednesday", "goal": "77"} | {field: typed}
    page = client.post(f"/parties/{party_id}/settings", data=sent)
    assert page.status_code == 422
    assert f'<a href="#{field}">{words}' in page.text
    assert re.search(rf'id="{field}-error"[^>]*>.*{re.escape(words)}', page.text)
    for name, value in sent.items():
        shown = re.search(rf'<input[^>]* id="{name}"[^>]*>', page.text).group()
        assert f'value="{value}"' in shown
        assert ('aria-invalid="true"' in shown) == (name == field)
    assert "checked" not in re.search(r'<input[^>]* id="celebrate"[^>]*>', page.text).group()
    # The form saves all or nothing, and the page still shows the party.
    assert party(app, party_id, "title") == "Tuesday <b>night</b>"
    assert party(app, party_id, "celebrate") is True
    assert "Priya" in page.text


def test_the_list_of_parties_is_the_hosts_own(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    with app.app_context():
        open_room(title="Somebody else’s")
        db.session.commit()
    page = client.get("/parties")
    assert "Tuesday" in page.text
    assert "Somebody else" not in page.text


def test_the_host_downloads_it_with_the_link_in_it(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room, other = open_room(title="Tuesday night"), open_room()
        db.session.commit()
        party_id, code, other_id = room.party.id, room.party.code, other.party.id
        host_id = room.host.id
    sign_in(client, host_id)
    assert f"/parties/{party_id}/invitation.ics" in client.get(f"/parties/{party_id}").text
    file = client.get(f"/parties/{party_id}/invitation.ics")
    assert file.mimetype == "text/calendar"
    assert "attachment" in file.headers["Content-Disposition"]
    event = Calendar.from_ical(file.data).walk("VEVENT")[0]
    assert str(event["URL"]) == f"http://localhost/join/{code}"
    assert f"type {code}" in str(event["DESCRIPTION"])
    assert client.get(f"/parties/{other_id}/invitation.ics").status_code == 404


def test_hosts_see_them_and_not_another_campaigns(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room, elsewhere = open_room(), open_room()
        party_with(room, "Attic <b>", 2)
        party_with(room, "Barn", 1)
        party_with(elsewhere, "Castle", 5)
        db.session.commit()
        party_id, host_id = room.party.id, room.host.id
    sign_in(client, host_id)
    page = client.get(f"/parties/{party_id}").text
    assert "Parties with the most conversations" in page
    assert "Attic &lt;b&gt;" in page
    assert "Castle" not in page
