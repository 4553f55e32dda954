"""The second factor's pages: setting it up, signing in with it, losing and resetting it."""

import re
import time
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP

from phonebank.accounts import accounts, roles, sign_in_mail
from phonebank.core.db import db
from phonebank.models import Account, RoleName
from phonebank.site.second_factor_views import SECOND_FACTOR_WITHIN
from tests.factories import create_account, create_campaign
from tests.signing_in import sign_in


@pytest.fixture(autouse=True)
def early_in_a_half_minute() -> Iterator[None]:
    """Set the clock to the start of a half minute, so that the code before still counts."""
    with time_machine.travel(time.time() // 30 * 30):
        yield


@pytest.fixture
def organiser(public_app: Flask, public_client: FlaskClient) -> int:
    with public_app.app_context():
        account = create_account(RoleName.ORGANISER, email="bo@example.org", name="Bo")
        db.session.commit()
        return account.id


def use_link(client: FlaskClient, account_id: int, next: str = "/") -> str:
    """Use a new link. Returns the path of the redirect."""
    app = client.application
    with app.app_context():
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, account_id), next)
    return client.post(link.removeprefix("https://phonebank.example.org")).location


def set_up_app(client: FlaskClient) -> TOTP:
    """Go through the set-up pages. Returns the authenticator app."""
    assert client.get("/account/second-factor").status_code == 200
    page = client.post("/account/second-factor", data={"setup": "authenticator"}).text
    assert 'src="data:image/svg+xml;base64,' in page
    key = re.search(r"<code>([A-Z2-7 -]+)</code>", page)
    assert key, page
    return TOTP(key=key[1])


def code(app: TOTP, later: int = 0) -> str:
    """The code `later` seconds from now. Those of the half minutes before and after count too."""
    return app.generate(time=time.time() + later).token


def finish(client: FlaskClient, token: str) -> int:
    return client.post("/sign-in/second-factor", data={"code": token}).status_code


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


@pytest.fixture
def phone(public_client: FlaskClient, organiser: int) -> TOTP:
    """The organiser's app, after its set-up and a sign-out."""
    use_link(public_client, organiser)
    app = set_up_app(public_client)
    # This is the earliest code that counts, so the tests have two more to use.
    assert finish(public_client, code(app, -30)) == 302
    public_client.post("/sign-out")
    return app


@pytest.fixture
def recovery_codes(public_client: FlaskClient, organiser: int, phone: TOTP) -> list[str]:
    use_link(public_client, organiser)
    finish(public_client, code(phone))
    page = public_client.post("/account/recovery-codes").text
    public_client.post("/sign-out")
    codes = re.findall(r"<li><code>([0-9a-f-]+)</code></li>", page)
    assert len(codes) == 8
    return codes


def test_an_organisers_link_alone_does_not_let_them_in(
    public_client: FlaskClient, organiser: int
) -> None:
    assert use_link(public_client, organiser) == "/account/second-factor"
    assert not is_in(public_client)
    assert public_client.get("/people").status_code == 302


@pytest.mark.parametrize(
    ("role", "leads_to"),
    [(RoleName.ORGANISER, "/account/second-factor"), (RoleName.VIEWER, "/signed-in")],
)
def test_an_organiser_of_one_campaign_needs_the_app_too_and_a_viewer_does_not(
    public_app: Flask, public_client: FlaskClient, role: RoleName, leads_to: str
) -> None:
    with public_app.app_context():
        account = create_account(email="cy@example.org")
        roles.give_role(account, role, roles.Scope(campaign_id=create_campaign().id), None)
        db.session.commit()
        account_id = account.id
    assert use_link(public_client, account_id) == leads_to


def test_setting_up_the_app_signs_in_and_leads_past_the_codes_to_where_they_were_going(
    public_client: FlaskClient, organiser: int
) -> None:
    use_link(public_client, organiser, "/people")
    app = set_up_app(public_client)
    finished = public_client.post("/sign-in/second-factor", data={"code": code(app)})
    assert finished.location == "/signed-in"
    assert public_client.get("/signed-in").location == "/account/recovery-codes"
    assert "Make my codes" in public_client.get("/account/recovery-codes").text
    shown = public_client.post("/account/recovery-codes").text
    assert 'href="/signed-in"' in shown
    assert public_client.get("/signed-in").location == "/people"
    assert public_client.get("/people").status_code == 200


def test_a_wrong_code_at_set_up_is_said_so_and_can_be_tried_again(
    public_client: FlaskClient, organiser: int
) -> None:
    use_link(public_client, organiser)
    app = set_up_app(public_client)
    wrong = public_client.post("/sign-in/second-factor", data={"code": "000000"})
    assert wrong.status_code == 200
    assert "That code isn&#39;t right" in wrong.text
    assert not is_in(public_client)
    assert finish(public_client, code(app)) == 302
    assert is_in(public_client)


def test_next_time_the_app_is_asked(
    public_client: FlaskClient, organiser: int, phone: TOTP
) -> None:
    assert use_link(public_client, organiser) == "/sign-in/second-factor"
    assert not is_in(public_client)
    assert finish(public_client, "123456") == 200
    assert finish(public_client, "") == 200
    assert not is_in(public_client)
    assert finish(public_client, code(phone)) == 302
    assert is_in(public_client)


def test_no_code_works_twice(public_client: FlaskClient, organiser: int, phone: TOTP) -> None:
    use_link(public_client, organiser)
    token = code(phone)
    assert finish(public_client, token) == 302
    public_client.post("/sign-out")
    use_link(public_client, organiser)
    assert finish(public_client, token) == 200
    assert not is_in(public_client)
    assert finish(public_client, code(phone, 30)) == 302


def test_another_app_cannot_be_set_up_with_the_link_alone(
    public_client: FlaskClient, organiser: int, phone: TOTP
) -> None:
    use_link(public_client, organiser)
    turned_away = public_client.post("/account/second-factor", data={"setup": "authenticator"})
    assert turned_away.status_code == 302
    assert not is_in(public_client)


def test_without_a_link_the_pages_in_between_turn_away(public_client: FlaskClient) -> None:
    for path in ("/sign-in/second-factor", "/sign-in/lost-phone", "/account/second-factor"):
        assert public_client.get(path).location == "/sign-in", path
        assert public_client.post(path, data={"code": "123456"}).location == "/sign-in", path


def test_the_step_in_between_does_not_wait_for_ever(
    public_client: FlaskClient, organiser: int, phone: TOTP
) -> None:
    use_link(public_client, organiser)
    with public_client.session_transaction(base_url="https://localhost") as session:
        session["second_factor_until"] -= SECOND_FACTOR_WITHIN + 1
    late = public_client.post("/sign-in/second-factor", data={"code": code(phone)})
    assert late.location == "/sign-in"
    page = public_client.get("/sign-in").text
    assert "This step works for 15 minutes after you use a sign-in link." in page
    assert not is_in(public_client)


def test_guessing_codes_is_slowed_down_wherever_the_guesses_come_from(
    public_client: FlaskClient, organiser: int, phone: TOTP
) -> None:
    use_link(public_client, organiser)
    answers = []
    for n in range(11):
        guess = public_client.post(
            "/sign-in/second-factor",
            data={"code": f"{n:06}"},
            environ_base={"REMOTE_ADDR": f"192.0.2.{n}"},
        )
        answers.append(guess.status_code)
    # Setting the app up counted as the first guess.
    assert answers == [200] * 9 + [429] * 2


def test_a_recovery_code_lets_in_once(
    public_client: FlaskClient, organiser: int, recovery_codes: list[str]
) -> None:
    use_link(public_client, organiser)
    typed = f"  {recovery_codes[0].upper()} "
    assert public_client.post("/sign-in/lost-phone", data={"code": typed}).status_code == 302
    assert is_in(public_client)
    public_client.post("/sign-out")
    use_link(public_client, organiser)
    again = public_client.post("/sign-in/lost-phone", data={"code": recovery_codes[0]})
    assert "one of your recovery codes, or you&#39;ve already used it" in again.text
    assert not is_in(public_client)
    assert public_client.post("/sign-in/lost-phone", data={"code": recovery_codes[1]}).location


def test_recovery_codes_and_secrets_are_encrypted_at_rest(
    public_app: Flask, organiser: int, phone: TOTP, recovery_codes: list[str]
) -> None:
    with public_app.app_context():
        account = db.session.get_one(Account, organiser)
        stored = f"{account.mf_recovery_codes} {account.tf_totp_secret}"
    assert not any(code in stored for code in recovery_codes)
    assert phone.base32_key not in stored


def test_an_organiser_cannot_take_the_second_factor_off(
    public_client: FlaskClient, organiser: int, phone: TOTP
) -> None:
    use_link(public_client, organiser)
    finish(public_client, code(phone))
    assert "Stop using an authenticator app" not in public_client.get("/account/second-factor").text
    public_client.post("/account/second-factor", data={"setup": "disable"})
    public_client.post("/sign-out")
    assert use_link(public_client, organiser) == "/sign-in/second-factor"


@pytest.mark.parametrize("path", ["/account/second-factor", "/account/recovery-codes"])
def test_changing_the_second_factor_asks_for_a_recent_sign_in(
    public_client: FlaskClient, organiser: int, phone: TOTP, path: str
) -> None:
    use_link(public_client, organiser)
    finish(public_client, code(phone))
    assert public_client.get(path).status_code == 200
    with public_client.session_transaction(base_url="https://localhost") as session:
        session["fs_paa"] -= 2 * 60 * 60
        session.pop("fs_gexp")
    assert public_client.get("/people").status_code == 200
    assert public_client.get(path).location == f"/sign-in?next={path}"
    assert not is_in(public_client)


def test_the_page_for_codes_is_not_for_those_who_are_in(
    public_client: FlaskClient, cy: int
) -> None:
    use_link(public_client, cy)
    assert public_client.get("/sign-in/second-factor").location == "/account"
    assert is_in(public_client)


def test_a_host_needs_no_second_factor_and_may_have_one(
    public_client: FlaskClient, public_app: Flask, cy: int
) -> None:
    assert use_link(public_client, cy) == "/signed-in"
    app = set_up_app(public_client)
    done = public_client.post("/sign-in/second-factor", data={"code": code(app, -30)})
    assert done.location == "/account"
    public_client.post("/sign-out")
    assert use_link(public_client, cy) == "/sign-in/second-factor"
    assert finish(public_client, code(app)) == 302
    assert "Stop using an authenticator app" in public_client.get("/account/second-factor").text
    public_client.post("/account/second-factor", data={"setup": "disable"})
    public_client.post("/sign-out")
    assert use_link(public_client, cy) == "/signed-in"


def test_a_host_made_organiser_signs_in_again_and_needs_the_second_factor(
    public_client: FlaskClient, public_app: Flask, cy: int
) -> None:
    use_link(public_client, cy)
    assert is_in(public_client)
    with public_app.app_context():
        accounts.create_account("cy@example.org", "Cy", [RoleName.ORGANISER])
        db.session.commit()
    assert not is_in(public_client)
    assert use_link(public_client, cy) == "/account/second-factor"


def test_another_organiser_resets_a_lost_second_factor(
    public_client: FlaskClient, public_app: Flask, organiser: int, phone: TOTP
) -> None:
    with public_app.app_context():
        other = create_account(RoleName.ORGANISER, email="di@example.org", name="Di").id
        db.session.commit()
    use_link(public_client, other)
    finish(public_client, code(set_up_app(public_client)))
    assert "Reset the second factor" in public_client.get(f"/people/{organiser}").text
    assert public_client.post(f"/people/{organiser}/second-factor").status_code == 302
    public_client.post("/sign-out")
    assert use_link(public_client, organiser) == "/account/second-factor"


def test_the_demonstration_asks_no_organiser_for_a_second_factor(
    app: Flask, client: FlaskClient, ada: int
) -> None:
    sign_in(client, ada)
    assert is_in(client)


def test_hosts_cannot_reset_anything(public_client: FlaskClient, organiser: int, cy: int) -> None:
    use_link(public_client, cy)
    assert public_client.post(f"/people/{organiser}/second-factor").status_code == 403


def test_a_wrong_code_for_a_new_app_does_not_look_like_a_sign_in(
    public_client: FlaskClient, organiser: int, phone: TOTP
) -> None:
    use_link(public_client, organiser)
    asked = public_client.post("/sign-in/second-factor", data={"code": "000000"}).text
    assert "Your e-mail link worked" in asked
    assert "have my phone" in asked
    assert finish(public_client, code(phone)) == 302
    set_up_app(public_client)
    wrong = public_client.post("/sign-in/second-factor", data={"code": "000000"}).text
    assert "Type the code that you see now in the app" in wrong
    assert "Your e-mail link worked" not in wrong
    assert "have my phone" not in wrong
