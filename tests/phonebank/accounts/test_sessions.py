"""Sessions: each browser's session ends on the server, and only there."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from phonebank.accounts import accounts, roles, second_factor, sign_in_mail
from phonebank.accounts.sessions import SEEN_EVERY, SIGNED_IN_FOR, sessions_of
from phonebank.core.db import db
from phonebank.models import Account, AccountSession, RoleName, now
from tests.at_once import at_once
from tests.factories import create_account, create_campaign
from tests.signing_in import sign_in

FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0"


@pytest.fixture
def browsers(app: Flask, ada: int) -> list[FlaskClient]:
    """Three browsers that Ada is signed in with; the second is Firefox on Android."""
    clients = [app.test_client() for _ in range(3)]
    clients[1].environ_base["HTTP_USER_AGENT"] = FIREFOX
    for client in clients:
        sign_in(client, ada)
    return clients


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def copied(client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of this one's cookie."""
    cookie = client.get_cookie("session")
    assert cookie
    thief = client.application.test_client()
    thief.set_cookie("session", cookie.value)
    return thief


def with_account(app: Flask, account_id: int, act: Callable[[Account], object]) -> None:
    with app.app_context():
        act(db.session.get_one(Account, account_id))
        db.session.commit()


def test_a_copied_cookie_is_worthless_after_signing_out(
    app: Flask, browsers: list[FlaskClient]
) -> None:
    with app.app_context():
        campaign = create_campaign()
        db.session.commit()
        download = f"/campaigns/{campaign.id}/definitions.csv"
    thief = copied(browsers[0])
    assert is_in(thief)
    assert thief.get(download).status_code == 200
    assert browsers[0].post("/sign-out").status_code == 302
    for path in ("/account", "/campaigns", download):
        answer = thief.get(path)
        assert (answer.status_code, answer.location[:9]) == (302, "/sign-in?"), path
    assert thief.get(download, headers={"Accept": "application/json"}).status_code == 401
    assert thief.post("/people/1/deactivate").status_code == 401
    assert is_in(browsers[1]), "another browser's session is another"


def test_a_cookie_without_its_session_opens_nothing(browsers: list[FlaskClient]) -> None:
    for secret in (None, "", "guessed", 7, ["x"]):
        thief = copied(browsers[0])
        with thief.session_transaction() as session:
            session["account_session"] = secret
        assert not is_in(thief)
    assert is_in(browsers[0])


def test_signing_out_everywhere_ends_every_browser_and_the_links_not_yet_used(
    app: Flask, ada: int, browsers: list[FlaskClient]
) -> None:
    with app.app_context():
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, ada)).removeprefix(
            "http://localhost"
        )
    thieves = [copied(client) for client in browsers]
    answer = browsers[0].post("/account/sign-out-everywhere", follow_redirects=True)
    assert "You&#39;re signed out everywhere." in answer.text
    for client in browsers + thieves:
        assert not is_in(client)
    assert app.test_client().post(link).status_code == 410
    sign_in(browsers[0], ada)
    assert is_in(browsers[0])


def test_the_account_page_lists_the_browsers_and_ends_one(
    browsers: list[FlaskClient], cy: int
) -> None:
    page = browsers[0].get("/account").text
    assert page.count("Now: this browser") == 1
    assert "Firefox on Android" in page
    ends = re.findall(r'action="(/account/sessions/\d+/end)"', page)
    assert len(ends) == 3
    # The page lists this browser, which was used last, and the two that signed in before it.
    [firefox] = re.findall(r'Firefox on Android.*?action="(/account/sessions/\d+/end)"', page, re.S)
    other = browsers[0].application.test_client()
    sign_in(other, cy)
    assert other.post(firefox).status_code == 302
    assert is_in(browsers[1]), "somebody else's session stays"
    browsers[0].post(firefox)
    assert [is_in(client) for client in browsers] == [True, False, True]
    assert "Firefox on Android" not in browsers[0].get("/account").text


def test_ending_the_present_browser_signs_it_out(browsers: list[FlaskClient]) -> None:
    page = browsers[0].get("/account").text
    [own] = re.findall(r'Now: this browser.*?action="(/account/sessions/\d+/end)"', page, re.S)
    assert "You&#39;re signed out." in browsers[0].post(own, follow_redirects=True).text
    assert [is_in(client) for client in browsers] == [False, True, True]


@pytest.mark.parametrize(
    "act",
    [
        accounts.deactivate,
        lambda account: roles.take_role(account, RoleName.ORGANISER, roles.EVERYWHERE, None),
        lambda account: roles.give_role(account, RoleName.VIEWER, roles.EVERYWHERE, None),
        second_factor.reset_second_factor,
        lambda account: (accounts.deactivate(account), accounts.reactivate(account)),
    ],
    ids=["deactivated", "role taken away", "another role", "second factor reset", "let in again"],
)
def test_what_an_organiser_changes_of_an_account_ends_its_sessions(
    app: Flask, browsers: list[FlaskClient], ada: int, act: Callable[[Account], object]
) -> None:
    with app.app_context():
        create_account(RoleName.ORGANISER, email="second@example.org")
        db.session.commit()
    with_account(app, ada, act)
    assert not any(is_in(client) for client in browsers)
    with app.app_context():
        assert db.session.query(AccountSession).count() == 0


def test_a_session_ends_by_itself_on_the_server(
    app: Flask, browsers: list[FlaskClient], ada: int
) -> None:
    with app.app_context():
        began = now() - SIGNED_IN_FOR
        db.session.execute(update(AccountSession).values(created_at=began))
        db.session.commit()
    assert not any(is_in(client) for client in browsers)
    sign_in(browsers[0], ada)
    with app.app_context():
        assert db.session.query(AccountSession).count() == 1, "those that are over are put away"


def test_when_it_was_last_used_is_noted_now_and_then(
    app: Flask, browsers: list[FlaskClient], ada: int
) -> None:
    def seen() -> list[timedelta]:
        with app.app_context():
            account = db.session.get_one(Account, ada)
            return sorted(now() - found.seen_at for found in sessions_of(account))

    with app.app_context():
        db.session.execute(update(AccountSession).values(seen_at=now() - 2 * SEEN_EVERY))
        db.session.commit()
    assert is_in(browsers[0])
    assert seen()[0] < SEEN_EVERY
    assert seen()[1] > SEEN_EVERY
    before = seen()[0]
    assert is_in(browsers[0])
    assert seen()[0] >= before, "not written at every request"


def test_a_sign_in_and_a_deactivation_at_once_leave_nobody_in(app: Flask, ada: int) -> None:
    """Either may commit first: the sign-in ends, or the link is refused."""
    with app.app_context():
        create_account(RoleName.ORGANISER, email="second@example.org")
        db.session.commit()
    for _ in range(5):
        with app.app_context():
            link = sign_in_mail.sign_in_link(db.session.get_one(Account, ada))
        client = app.test_client()
        path = link.removeprefix("http://localhost")
        at_once(
            partial(client.post, path),
            lambda: with_account(app, ada, accounts.deactivate),
        )
        with_account(app, ada, accounts.reactivate)
        assert not is_in(client)
