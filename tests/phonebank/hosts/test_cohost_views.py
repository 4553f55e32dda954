"""Co-hosts: up to two people run a party with its host, and no other party."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Account, Party, RoleName
from tests.factories import create_account
from tests.phonebank.live.party_room import open_room
from tests.signing_in import sign_in


@pytest.fixture
def party_id(app: Flask, client: FlaskClient) -> int:
    """A party that the client's host runs."""
    with app.app_context():
        room = open_room()
        open_room()
        db.session.commit()
        found, host_id = room.party.id, room.host.id
    sign_in(client, host_id)
    return found


def invite(client: FlaskClient, party_id: int, email: str) -> int:
    data = {"email": email}
    answer = client.post(f"/parties/{party_id}/cohosts", data=data)
    return answer.status_code


def browser_of(app: Flask, email: str) -> FlaskClient:
    with app.app_context():
        account_id = db.session.query(Account).filter_by(email=email).one().id
    browser = app.test_client()
    sign_in(browser, account_id)
    return browser


def cohosts(app: Flask, party_id: int) -> list[str]:
    with app.app_context():
        return [one.email for one in db.session.get_one(Party, party_id).cohosts]


def test_a_cohost_gets_a_link_and_runs_this_party_and_no_other(
    client: FlaskClient, app: Flask, party_id: int, capsys: pytest.CaptureFixture
) -> None:
    assert invite(client, party_id, "Kit@Example.org ") == 303
    assert cohosts(app, party_id) == ["kit@example.org"]
    link = re.search(r"http://\S+", capsys.readouterr().out).group(0)
    kit = app.test_client()
    kit.post(link.removeprefix("http://localhost"))
    assert kit.get(f"/parties/{party_id}").status_code == 200
    assert kit.post(f"/parties/{party_id}/lock").status_code == 303
    assert kit.get(f"/parties/{party_id + 1}").status_code == 404
    assert f'href="/parties/{party_id}"' in kit.get("/parties").text
    assert f'href="/parties/{party_id + 1}"' not in kit.get("/parties").text


def test_a_cohost_names_nobody_and_removes_nobody(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    invite(client, party_id, "kit@example.org")
    kit = browser_of(app, "kit@example.org")
    as_cohost = kit.get(f"/parties/{party_id}").text
    assert "Invite a co-host" not in as_cohost
    assert "/remove" not in as_cohost[as_cohost.index('id="cohosts"') :]
    assert invite(kit, party_id, "lou@example.org") == 403
    with app.app_context():
        kit_id = db.session.query(Account).filter_by(email="kit@example.org").one().id
    assert kit.post(f"/parties/{party_id}/cohosts/{kit_id}/remove").status_code == 403
    assert cohosts(app, party_id) == ["kit@example.org"]


def test_the_host_finds_the_forms_that_add_and_remove_cohosts(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    assert "Invite a co-host" in client.get(f"/parties/{party_id}").text
    invite(client, party_id, "kit@example.org")
    with app.app_context():
        kit_id = db.session.query(Account).filter_by(email="kit@example.org").one().id
    page = client.get(f"/parties/{party_id}").text
    assert "Invite a co-host" in page
    assert f'action="/parties/{party_id}/cohosts/{kit_id}/remove"' in page
    invite(client, party_id, "lou@example.org")
    assert "Invite a co-host" not in client.get(f"/parties/{party_id}").text


def test_a_removed_cohost_is_a_stranger_again(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    invite(client, party_id, "kit@example.org")
    kit = browser_of(app, "kit@example.org")
    with app.app_context():
        kit_id = db.session.query(Account).filter_by(email="kit@example.org").one().id
    assert client.post(f"/parties/{party_id}/cohosts/{kit_id}/remove").status_code == 303
    assert kit.get(f"/parties/{party_id}").status_code == 404
    assert kit.get(f"/parties/{party_id}/summary").status_code == 404
    assert client.post(f"/parties/{party_id}/cohosts/{kit_id}/remove").status_code == 404


def test_there_are_two_at_most_and_asking_twice_is_once(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    for email in ("kit@example.org", "kit@example.org", "lou@example.org"):
        assert invite(client, party_id, email) == 303
    assert invite(client, party_id, "max@example.org") == 409
    assert cohosts(app, party_id) == ["kit@example.org", "lou@example.org"]
    with app.app_context():
        # A refused invitation creates no account either.
        assert db.session.query(Account).filter_by(email="max@example.org").count() == 0


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 300 + "@example.org"])
def test_what_is_no_address_says_so(client: FlaskClient, party_id: int, email: str) -> None:
    assert invite(client, party_id, email) == 422


def test_the_host_is_no_cohost_and_an_ended_party_gets_none(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    with app.app_context():
        party = db.session.get_one(Party, party_id)
        own = db.session.get_one(Account, party.host_id).email
    assert invite(client, party_id, own) == 422
    client.post(f"/parties/{party_id}/end")
    assert invite(client, party_id, "kit@example.org") == 409


def test_somebody_elses_party_gets_no_cohost_from_here(app: Flask, party_id: int) -> None:
    with app.app_context():
        other = create_account("host", email="other@example.org")
        db.session.commit()
        assert other.id
    assert invite(browser_of(app, "other@example.org"), party_id, "kit@example.org") == 404
    assert cohosts(app, party_id) == []


def test_an_organiser_who_is_invited_stays_signed_in(
    client: FlaskClient, app: Flask, party_id: int
) -> None:
    with app.app_context():
        create_account(RoleName.ORGANISER, email="org@example.org")
        db.session.commit()
    organiser = browser_of(app, "org@example.org")
    assert invite(client, party_id, "org@example.org") == 303
    assert organiser.get("/campaigns").status_code == 200
    assert organiser.get(f"/parties/{party_id}").status_code == 200
