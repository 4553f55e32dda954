"""Links and codes that sign one browser in, also if many browsers send them at once."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import text

from phonebank.accounts import sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account
from tests.at_once import at_once
from tests.phonebank.conftest import ORIGIN
from tests.phonebank.site.test_second_factor_views import (
    code,
    early_in_a_half_minute,
    finish,
    is_in,
    organiser,
    phone,
    recovery_codes,
    set_up_app,
    use_link,
)

__all__ = ["early_in_a_half_minute", "organiser", "phone", "recovery_codes"]  # fixtures

BROWSERS = 6


@pytest.fixture
def browsers(public_app: Flask, public_client: FlaskClient) -> list[FlaskClient]:
    clients = [public_app.test_client() for _ in range(BROWSERS)]
    for client in clients:
        client.environ_base["wsgi.url_scheme"] = "https"
    return clients


def all_wait_for(public_app: Flask, account_id: int, *acts: Callable[[], object]) -> None:
    """Run the acts at once, and keep the account locked until every act waits for it.

    This makes every action read the account before another action can change it.
    """
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with public_app.app_context(), db.engine.connect() as holder:
        holder.execute(text("SELECT FROM account WHERE id = :id FOR UPDATE"), {"id": account_id})
        doing = threading.Thread(target=lambda: at_once(*acts))
        doing.start()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
            while watcher.execute(waiting).scalar_one() < len(acts) and doing.is_alive():
                doing.join(0.05)
        holder.rollback()
        doing.join()


def test_a_link_lets_one_browser_in(
    public_app: Flask, browsers: list[FlaskClient], cy: int
) -> None:
    with public_app.app_context():
        path = sign_in_mail.sign_in_link(db.session.get_one(Account, cy)).removeprefix(ORIGIN)
    all_wait_for(public_app, cy, *[lambda client=client: client.post(path) for client in browsers])
    assert [is_in(client) for client in browsers].count(True) == 1


def test_an_authenticator_code_lets_one_browser_in(
    public_app: Flask, browsers: list[FlaskClient], organiser: int, phone: TOTP
) -> None:
    for client in browsers:
        use_link(client, organiser)
    token = code(phone)
    all_wait_for(
        public_app, organiser, *[lambda client=client: finish(client, token) for client in browsers]
    )
    assert [is_in(client) for client in browsers].count(True) == 1


def test_a_recovery_code_lets_one_browser_in(
    public_app: Flask, browsers: list[FlaskClient], organiser: int, recovery_codes: list[str]
) -> None:
    for client in browsers:
        use_link(client, organiser)

    def send(client: FlaskClient, recovery_code: str) -> None:
        client.post("/sign-in/lost-phone", data={"code": recovery_code})

    # Three browsers send each code. Both codes are used up, and neither use restores the other.
    sent = [(client, recovery_codes[number % 2]) for number, client in enumerate(browsers)]
    all_wait_for(public_app, organiser, *[lambda pair=pair: send(*pair) for pair in sent])
    assert [is_in(client) for client in browsers].count(True) == 2
    with public_app.app_context():
        account = db.session.get_one(Account, organiser)
        assert len(account.mf_recovery_codes or ()) == 6
    latecomer = next(client for client in browsers if not is_in(client))
    for used in recovery_codes[:2]:
        send(latecomer, used)
    assert not is_in(latecomer)


def test_of_two_browsers_that_set_up_an_app_at_once_one_does(
    public_app: Flask, browsers: list[FlaskClient], organiser: int
) -> None:
    two = browsers[:2]
    for client in two:
        use_link(client, organiser)
    apps = [set_up_app(client) for client in two]
    all_wait_for(
        public_app,
        organiser,
        *[
            lambda client=client, app=app, later=later: finish(client, code(app, later))
            for client, app, later in zip(two, apps, (-30, 0), strict=True)
        ],
    )
    assert [is_in(client) for client in two].count(True) == 1


def test_changing_the_app_signs_the_other_browsers_out(
    public_app: Flask, browsers: list[FlaskClient], organiser: int, phone: TOTP
) -> None:
    here, there, halfway = browsers[:3]
    for client, later in ((here, 0), (there, 30)):
        use_link(client, organiser)
        finish(client, code(phone, later))
        assert is_in(client)
    use_link(halfway, organiser)
    with public_app.app_context():  # otherwise the new app's codes would be older than the used one
        db.session.get_one(Account, organiser).totp_step_used = None
        db.session.commit()
    new_app = set_up_app(here)
    assert finish(here, code(new_app)) == 302
    assert is_in(here)
    assert not is_in(there)
    finish(halfway, code(new_app, 30))
    assert not is_in(halfway), "it began before the change"
