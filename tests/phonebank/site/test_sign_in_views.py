"""Signing in and out, as hosts and organisers see it."""

import re
import time
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phonebank.accounts import accounts, sign_in_mail
from phonebank.accounts.sessions import SIGNED_IN_FOR
from phonebank.app import create_app
from phonebank.core.db import db
from phonebank.models import Account, RoleName
from tests.at_once import at_once
from tests.factories import create_account
from tests.signing_in import sign_in


def ask_for_link(client: FlaskClient, email: str, next: str = "/") -> TestResponse:
    answer = client.post("/sign-in", data={"email": email, "next": next})
    answer.close()  # closing the answer sends the mail
    return answer


def link_in(text: str) -> str:
    """The path of the sign-in link in a message."""
    found = re.search(r"https?://[^/\s]+(/sign-in/link/\S+)", text)
    assert found, text
    return found[1]


def shut(app: Flask, account_id: int) -> None:
    with app.app_context():
        db.session.get_one(Account, account_id).active = False
        db.session.commit()


def test_a_host_signs_in_by_mail_and_is_where_they_wanted_to_be(
    public_client: FlaskClient, outbox: list, cy: int
) -> None:
    asked = public_client.get("/account")
    assert asked.location == "/sign-in?next=/account"
    form = public_client.get(asked.location).text
    assert re.search(r'name="next"[^>]* value="/account"', form)
    sent = ask_for_link(public_client, " Cy@Example.org ", "/account")
    assert "cy@example.org" in public_client.get(sent.location).text
    [message] = outbox
    assert message.to == ["cy@example.org"]
    assert message.from_email == "bank@example.org"
    assert "https://phonebank.example.org/sign-in/link/" in message.body
    path = link_in(message.body)
    page = public_client.get(path)
    assert "cy@example.org" in page.text
    public_client.post(path)
    arrived = public_client.get("/signed-in")
    assert arrived.location == "/account"
    assert "You sign in as cy@example.org" in public_client.get("/account").text


def test_looking_at_a_link_does_not_use_it_up(client: FlaskClient, app: Flask, cy: int) -> None:
    with app.app_context():
        link = sign_in_mail.sign_in_link(db.session.get_one(Account, cy))
    path = link_in(link)
    for _ in range(3):
        assert client.get(path).status_code == 200
    assert client.get("/account").status_code == 302, "looking is not signing in"
    assert client.post(path).status_code == 302
    assert client.get("/account").status_code == 200


def test_a_used_link_gets_a_clear_page_with_the_way_to_a_new_one(
    app: Flask, client: FlaskClient, cy: int
) -> None:
    with app.app_context():
        path = link_in(sign_in_mail.sign_in_link(db.session.get_one(Account, cy)))
    client.post(path)
    stranger = app.test_client()
    for answer in (stranger.get(path), stranger.post(path)):
        assert answer.status_code == 410
        assert "This link has been used or has expired" in answer.text
        assert 'name="email"' in answer.text
    assert stranger.get("/account").status_code == 302


def test_the_person_who_used_the_link_may_press_it_again(
    client: FlaskClient, app: Flask, cy: int
) -> None:
    with app.app_context():
        path = link_in(
            sign_in_mail.sign_in_link(db.session.get_one(Account, cy), "/account", reusable=True)
        )
    client.post(path)
    assert client.get(path).location == "/account"


def test_a_link_signs_out_the_earlier_account_and_says_so(
    client: FlaskClient, app: Flask, ada: int, cy: int
) -> None:
    sign_in(client, ada)
    with app.app_context():
        path = link_in(sign_in_mail.sign_in_link(db.session.get_one(Account, cy)))
    assert "signs out ada@example.org" in client.get(path).text
    client.post(path)
    assert "cy@example.org" in client.get("/account").text
    assert client.get("/people").status_code == 403


@pytest.mark.parametrize("known", [True, False, None], ids=["known", "unknown", "deactivated"])
def test_an_unknown_address_gets_the_same_answer(
    public_client: FlaskClient, public_app: Flask, outbox: list, cy: int, known: bool | None
) -> None:
    if known is None:
        shut(public_app, cy)
    email = "nobody@example.org" if known is False else "cy@example.org"
    answer = ask_for_link(public_client, email)
    page = public_client.get(answer.location)
    assert (answer.status_code, answer.location) == (302, "/sign-in/sent")
    assert page.text.replace(email, "") == public_client.get("/sign-in/sent").text.replace(
        email, ""
    )
    assert "If <strong>" in page.text
    assert len(outbox) == (1 if known else 0)


def test_the_answer_does_not_wait_for_the_mail_server(
    public_client: FlaskClient, outbox: list, cy: int
) -> None:
    answer = public_client.post("/sign-in", data={"email": "cy@example.org"})
    assert answer.status_code == 302
    assert outbox == []
    answer.close()
    assert len(outbox) == 1


@pytest.mark.parametrize("typed", ["", "   "])
def test_an_empty_field_is_said_to_be_empty(client: FlaskClient, typed: str) -> None:
    answer = client.post("/sign-in", data={"email": typed})
    assert answer.status_code == 422
    assert "Type your e-mail address." in answer.text
    assert "isn&#39;t an e-mail address" not in answer.text


@pytest.mark.parametrize("typed", ["cy", "cy@", "@example.org", "cy@example", "a b@example.org"])
def test_what_is_no_address_is_said_to_be_none(client: FlaskClient, typed: str) -> None:
    answer = client.post("/sign-in", data={"email": typed})
    assert answer.status_code == 422
    assert "That isn&#39;t an e-mail address. Type it like this: name@example.org" in answer.text


def test_without_a_mail_server_the_link_is_printed_in_one_line(
    client: FlaskClient, capsys: pytest.CaptureFixture[str], cy: int
) -> None:
    ask_for_link(client, "cy@example.org", "/account")
    printed = capsys.readouterr().out
    assert re.fullmatch(r"Sign-in link for cy@example\.org: http://localhost/\S+\n", printed)
    client.post(link_in(printed))
    assert client.get("/signed-in").location == "/account"


def test_in_production_no_link_is_printed(
    public_app: Flask, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, cy: int
) -> None:
    configured = public_app.extensions["phonebank"]
    public_app.extensions["phonebank"] = replace(configured, mail_server="")
    try:
        ask_for_link(public_app.test_client(), "cy@example.org")
    finally:
        public_app.extensions["phonebank"] = configured
    assert "/sign-in/link/" not in capsys.readouterr().out + caplog.text
    assert "MAIL_SERVER is not set" in caplog.text


def test_signing_out_ends_it(client: FlaskClient, cy: int) -> None:
    sign_in(client, cy)
    assert client.get("/account").status_code == 200
    gone = client.post("/sign-out")
    assert gone.location == "/"
    assert "You&#39;re signed out." in client.get("/").text
    assert client.get("/account").status_code == 302


def test_signing_out_is_not_a_link(client: FlaskClient, cy: int) -> None:
    sign_in(client, cy)
    assert client.get("/sign-out").status_code == 405
    assert client.get("/account").status_code == 200


def test_a_sign_in_ends_by_itself(client: FlaskClient, cy: int) -> None:
    sign_in(client, cy)
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - SIGNED_IN_FOR.total_seconds() + 60
    assert client.get("/account").status_code == 200
    with client.session_transaction() as session:
        session["fs_paa"] = time.time() - SIGNED_IN_FOR.total_seconds() - 1
    assert client.get("/account").status_code == 302


def test_deactivating_somebody_ends_their_open_sign_in(
    client: FlaskClient, app: Flask, ada: int, cy: int
) -> None:
    sign_in(client, cy)
    with app.app_context():
        accounts.deactivate(db.session.get_one(Account, cy))
        db.session.commit()
    assert client.get("/account").status_code == 302
    with app.app_context():
        accounts.reactivate(db.session.get_one(Account, cy))
        db.session.commit()
    assert client.get("/account").status_code == 302


def test_a_token_in_the_address_or_a_header_signs_nobody_in(
    client: FlaskClient, app: Flask, cy: int
) -> None:
    with app.test_request_context():
        token = str(db.session.get_one(Account, cy).get_auth_token())
    assert client.get(f"/account?auth_token={token}").status_code == 302
    assert client.get("/account", headers={"Authentication-Token": token}).status_code == 302


def test_asking_again_and_again_from_one_address_is_slowed_down(client: FlaskClient) -> None:
    answers = [ask_for_link(client, f"p{n}@example.org").status_code for n in range(11)]
    assert answers == [302] * 10 + [429]


def test_one_mailbox_is_not_filled_from_many_addresses(
    public_app: Flask, public_client: FlaskClient, outbox: list, cy: int
) -> None:
    answers = []
    for n in range(6):
        spelled = "CY@example.org " if n % 2 else "cy@example.org"
        answer = public_client.post(
            "/sign-in", data={"email": spelled}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        )
        answer.close()
        answers.append(answer.status_code)
    assert answers == [302] * 5 + [429]
    assert len(outbox) == 5
    other = public_client.post("/sign-in", data={"email": "di@example.org"})
    assert other.status_code == 302, "only that mailbox waits"


WAYS_TO_WRITE_ONE_MAILBOX = (
    "cy@example.org",
    "CY@Example.ORG",
    "\u3000cy@example.org\u00a0",
    "\uff43\uff59@example.org",
    "\uff23\uff39\uff20\uff25xample.org",
    "cy@ex\uff41mple\uff0eorg",
    "cy@example\u3002org",
    "\U0001d41c\U0001d432@example.org",
    "c\u24e8@example.org",
    "cy@\u24d4xample.org",
)


def test_one_mailbox_is_one_however_it_is_written(
    public_client: FlaskClient, outbox: list, cy: int
) -> None:
    answers = []
    for n, spelled in enumerate(WAYS_TO_WRITE_ONE_MAILBOX):
        answer = public_client.post(
            "/sign-in", data={"email": spelled}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        )
        answer.close()
        answers.append(answer.status_code)
    assert answers == [302] * 5 + [429] * 5
    assert [message.to for message in outbox] == [["cy@example.org"]] * 5


@pytest.mark.parametrize(
    "pair",
    [("cy@xn--mnchen-3ya.example", "cy@m\u00fcnchen.example"), ("a\u0301@b.org", "\u00e1@b.org")],
)
def test_an_international_address_is_one_mailbox_too(
    public_client: FlaskClient, pair: tuple[str, str]
) -> None:
    answers = []
    for n in range(6):
        answer = public_client.post(
            "/sign-in", data={"email": pair[n % 2]}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        )
        answer.close()
        answers.append(answer.status_code)
    assert answers == [302] * 5 + [429]


def test_links_asked_for_at_once_are_counted_all_the_same(
    public_app: Flask, public_client: FlaskClient, outbox: list, cy: int
) -> None:
    def ask(n: int) -> int:
        answer = public_app.test_client().post(
            "/sign-in",
            data={"email": "cy@example.org"},
            environ_base={"REMOTE_ADDR": f"192.0.2.{n}"},
        )
        answer.close()
        return answer.status_code

    # One process serves this many requests at once.
    asked = at_once(*[lambda n=n: ask(n) for n in range(12)])
    assert sorted(asked) == [302] * 5 + [429] * 7
    assert len(outbox) == 5


def test_an_unknown_mailbox_is_slowed_down_alike(public_client: FlaskClient) -> None:
    answers = [ask_for_link(public_client, "nobody@example.org").status_code for _ in range(6)]
    assert answers == [302] * 5 + [429]


def test_the_front_page_has_both_ways_in(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "Join with a code" in page
    assert 'href="/sign-in"' in page


def test_the_front_page_sends_everybody_to_their_own(
    app: Flask, client: FlaskClient, ada: int, cy: int
) -> None:
    sign_in(client, ada)
    assert client.get("/").location == "/campaigns"
    host = app.test_client()
    sign_in(host, cy)
    assert host.get("/").location == "/parties"


def test_those_signed_in_are_not_asked_again(client: FlaskClient, cy: int) -> None:
    sign_in(client, cy)
    assert client.get("/sign-in?next=/account").location == "/account"
    assert client.get("/sign-in?next=https://evil.example/").location == "/"


def test_a_script_is_told_instead_of_sent_to_a_page(client: FlaskClient) -> None:
    answer = client.get("/account", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json["error"]["title"] == "Please sign in first"


def test_a_failing_mail_server_is_logged_without_the_address(
    app: Flask, clean_stores: None, caplog: pytest.LogCaptureFixture
) -> None:
    # Nothing listens on port 9 of this machine.
    away = create_app(replace(app.extensions["phonebank"], mail_server="127.0.0.1", mail_port=9))
    away.config["WTF_CSRF_ENABLED"] = False
    with away.app_context():
        create_account(RoleName.HOST, email="cy@example.org")
        db.session.commit()
    answer = ask_for_link(away.test_client(), "cy@example.org")
    assert answer.status_code == 302
    assert "did not take a message: ConnectionRefusedError" in caplog.text
    assert "cy@example.org" not in caplog.text
