"""Tests the cookie of a device: which caller it names, and when it ends."""

from flask.testing import FlaskClient

from phonebank.calls.hold import current_hold
from phonebank.core.db import db
from phonebank.models import Caller
from phonebank.volunteers.volunteers import COOKIE_KEY, cookie_for, find_or_create
from tests.phone_bank import PhoneBank, come_in

JSON = {"Accept": "application/json"}


def test_a_stranger_learns_how_to_join(client: FlaskClient) -> None:
    page = client.get("/calling")
    assert page.status_code == 401
    assert 'href="/join"' in page.text
    for method, path in (("get", "/calling/person"), ("post", "/calling/next")):
        answer = getattr(client, method)(path, headers=JSON)
        assert answer.status_code == 401
        assert answer.json["error"]["title"]


def test_a_new_device_token_ends_every_cookie(phone_bank: PhoneBank, client: FlaskClient) -> None:
    caller = come_in(client, phone_bank)
    assert client.get("/calling").status_code == 200
    caller.device_token = "another"
    db.session.commit()
    assert client.get("/calling").status_code == 401


def test_a_devices_cookie_opens_no_other_caller(phone_bank: PhoneBank, client: FlaskClient) -> None:
    come_in(client, phone_bank)
    with client.session_transaction() as session:
        session["caller"] = session["caller"] | {"id": phone_bank.priya.id}
    assert client.get("/calling").status_code == 401
    with client.session_transaction() as session:
        session["caller"] = "nonsense"
    assert client.get("/calling").status_code == 401


def test_leaving_releases_the_contact_and_forgets_the_device(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    caller = come_in(client, phone_bank)
    client.post("/calling/next")
    assert current_hold(caller) is not None
    page = client.post("/leave", follow_redirects=True)
    assert "has forgotten you" in page.text
    assert client.get("/calling").status_code == 401
    db.session.expire_all()
    assert current_hold(db.session.get_one(Caller, caller.id)) is None


def test_a_device_that_still_knows_a_volunteer_says_so_after_leaving(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, phone_bank)
    volunteer = find_or_create("priya@example.org", "Priya")
    db.session.commit()
    with client.session_transaction() as session:
        session[COOKIE_KEY] = cookie_for(volunteer)
    page = client.post("/leave", follow_redirects=True)
    assert "This device still knows you on the page “My calls”." in page.text
    assert "has forgotten you" not in page.text


def test_a_copied_cookie_is_worthless_after_leaving(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, phone_bank)
    client.get("/calling")
    copied = client.get_cookie("session")
    assert copied
    thief = client.application.test_client()
    thief.set_cookie("session", copied.value)
    assert thief.get("/calling").status_code == 200
    client.post("/leave")
    for method, path in (
        ("get", "/calling"),
        ("get", "/calling/person"),
        ("post", "/calling/next"),
        ("get", "/calling/mine"),
        ("post", "/leave"),
    ):
        assert getattr(thief, method)(path, headers=JSON).status_code == 401, path


def test_forms_are_refused_without_their_token(phone_bank: PhoneBank, client: FlaskClient) -> None:
    come_in(client, phone_bank)
    client.application.config["WTF_CSRF_ENABLED"] = True
    try:
        assert client.post("/calling/next").status_code == 400
        assert client.post("/leave").status_code == 400
    finally:
        client.application.config["WTF_CSRF_ENABLED"] = False
