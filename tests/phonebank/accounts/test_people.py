"""People: inviting, changing roles and shutting accounts, and what stops the last organiser."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.accounts import accounts, invitations, links, roles
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.models import Account, Campaign, RoleName
from tests.factories import create_account, create_campaign
from tests.signing_in import sign_in


@pytest.fixture
def campaign(app: Flask, clean_stores: None) -> int:
    with app.app_context():
        made = create_campaign(name="Kitchen Table").id
        db.session.commit()
        return made


@pytest.fixture
def organiser_client(client: FlaskClient, ada: int) -> FlaskClient:
    sign_in(client, ada)
    return client


def account(app: Flask, email: str) -> Account | None:
    with app.app_context():
        return db.session.scalar(select(Account).where(Account.email == email))


def invitation(campaign_id: int, **changed: str) -> dict[str, str]:
    return {
        "name": "Cy",
        "email": "cy@example.org",
        "role": RoleName.HOST,
        "campaign": str(campaign_id),
    } | changed


def test_an_organiser_invites_a_host(
    organiser_client: FlaskClient, app: Flask, campaign: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Kitchen Table" in organiser_client.get("/people/invite").text
    answer = organiser_client.post("/people/invite", data=invitation(campaign))
    assert answer.location == "/people"
    page = organiser_client.get("/people").text
    assert "cy@example.org" in page
    assert "phonebank links cy@example.org" in page, "no mail server: how they get in is said"
    printed = capsys.readouterr().out
    assert printed.startswith("Sign-in link for cy@example.org: http://localhost/sign-in/link/")
    with app.app_context():
        assert [h.email for h in db.session.get_one(Campaign, campaign).hosts] == ["cy@example.org"]
    host = app.test_client()
    host.post(printed.split()[-1].removeprefix("http://localhost"))
    assert "cy@example.org" in host.get("/account").text


def test_the_invitation_says_for_what_and_gives_a_way_in_that_lasts_some_days(
    public_app: Flask, outbox: list, campaign: int
) -> None:
    with public_app.app_context():
        invitations.invite_host(db.session.get_one(Campaign, campaign), "cy@example.org", "Cy")
        db.session.commit()
        [message] = outbox
        assert message.to == ["cy@example.org"]
        assert "Kitchen Table" in message.body
        assert "The Kitchen Table Campaign" in message.body
        token = message.body.split("/sign-in/link/")[1].split()[0]
        assert links.read(token).account.email == "cy@example.org"
    assert timedelta(days=3) == invitations.INVITATION_LIVES_FOR
    assert "within 3 days" in message.body


def test_an_invitation_to_an_organiser(
    organiser_client: FlaskClient, app: Flask, campaign: int
) -> None:
    data = invitation(campaign, role=RoleName.ORGANISER, email="bo@example.org", name="Bo")
    organiser_client.post("/people/invite", data=data)
    with app.app_context():
        made = accounts.account_of("bo@example.org")
        assert made is not None
        assert [role.name for role in made.roles] == [RoleName.ORGANISER]
        assert db.session.get_one(Campaign, campaign).hosts == []


def test_inviting_a_host_again_for_another_campaign_keeps_the_first(
    app: Flask, campaign: int
) -> None:
    with app.app_context():
        first = invitations.invite_host(
            db.session.get_one(Campaign, campaign), "cy@example.org", "Cy"
        )
        again = invitations.invite_host(
            db.session.get_one(Campaign, campaign), "CY@example.org", "Xy"
        )
        second = create_campaign()
        other = invitations.invite_host(second, "cy@example.org", "")
        db.session.commit()
        assert first.id == again.id == other.id
        assert other.name == "Cy"
        assert db.session.get_one(Campaign, campaign).hosts == second.hosts == [first]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": "cy"}, "That isn&#39;t an e-mail address."),
        ({"name": " "}, "Type a name."),
        ({"name": "x" * 81}, "Use up to 80 characters."),
        ({"role": "king"}, "Not a valid choice"),
        ({"campaign": "999"}, "Not a valid choice"),
    ],
)
def test_a_wrong_invitation_says_what_is_wrong_and_stores_nothing(
    organiser_client: FlaskClient, app: Flask, campaign: int, changed: dict[str, str], said: str
) -> None:
    answer = organiser_client.post("/people/invite", data=invitation(campaign, **changed))
    assert answer.status_code == 422
    assert said in answer.text
    assert account(app, "cy@example.org") is None


def test_a_host_cannot_be_invited_before_there_is_a_campaign(
    organiser_client: FlaskClient, app: Flask
) -> None:
    answer = organiser_client.post("/people/invite", data=invitation(0))
    assert answer.status_code == 422
    assert "Create a campaign first." in answer.text
    assert account(app, "cy@example.org") is None


def test_an_invitation_that_the_mail_server_refuses_stores_nothing(
    public_app: Flask, outbox: list, ada: int, campaign: int
) -> None:
    away = public_app.extensions["mailman"]
    away.backend, away.server, away.port = "smtp", "127.0.0.1", 9
    client = public_app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    # The organiser comes in through the pages, their second factor apart.
    public_app.config["SECURITY_TWO_FACTOR_REQUIRED"] = False
    try:
        sign_in(client, ada)
        answer = client.post("/people/invite", data=invitation(campaign))
    finally:
        away.backend, away.server, away.port = "locmem", "mail.example.org", 587
        public_app.config["SECURITY_TWO_FACTOR_REQUIRED"] = True
    assert answer.status_code == 422
    assert "The mail server didn&#39;t accept the e-mail." in answer.text
    assert account(public_app, "cy@example.org") is None


def test_a_deactivated_person_is_not_let_in_by_an_invitation(
    organiser_client: FlaskClient, app: Flask, campaign: int, cy: int
) -> None:
    organiser_client.post(f"/people/{cy}/deactivate")
    answer = organiser_client.post("/people/invite", data=invitation(campaign))
    assert answer.status_code == 422
    assert "The account cy@example.org is deactivated." in answer.text


def test_deactivating_and_reactivating(organiser_client: FlaskClient, app: Flask, cy: int) -> None:
    assert organiser_client.post(f"/people/{cy}/deactivate").location == f"/people/{cy}"
    page = organiser_client.get(f"/people/{cy}").text
    assert "Cy can no longer sign in." in page
    assert "Deactivated" in page
    organiser_client.post(f"/people/{cy}/reactivate")
    assert "Cy can sign in again." in organiser_client.get(f"/people/{cy}").text
    host = app.test_client()
    sign_in(host, cy)
    assert host.get("/account").status_code == 200


def test_the_last_organiser_can_neither_leave_nor_step_down(
    organiser_client: FlaskClient, ada: int, cy: int
) -> None:
    for path, data in (
        (f"/people/{ada}/deactivate", {}),
        (f"/people/{ada}/role", {"role": RoleName.HOST}),
    ):
        answer = organiser_client.post(path, data=data)
        assert answer.status_code == 409
        assert "Ada is the only organiser." in answer.text
        assert "Make another person an organiser first." in answer.text
    assert organiser_client.get("/people").status_code == 200


def test_a_deactivated_organiser_does_not_count_as_another(
    organiser_client: FlaskClient, app: Flask, ada: int
) -> None:
    with app.app_context():
        create_account(RoleName.ORGANISER, email="bo@example.org").active = False
        db.session.commit()
    assert organiser_client.post(f"/people/{ada}/deactivate").status_code == 409


def test_with_another_organiser_one_may_step_down(
    organiser_client: FlaskClient, app: Flask, ada: int, cy: int
) -> None:
    organiser_client.post(f"/people/{cy}/role", data={"role": RoleName.ORGANISER})
    answer = organiser_client.post(f"/people/{ada}/role", data={"role": RoleName.HOST})
    assert answer.location == "/"
    assert organiser_client.get("/people").status_code == 302, "a change of role signs out"
    sign_in(organiser_client, ada)
    assert organiser_client.get("/people").status_code == 403


def test_two_organisers_who_shut_each_other_out_at_once_leave_one(
    app: Flask, clean_stores: None
) -> None:
    with app.app_context():
        ids = [create_account(RoleName.ORGANISER).id for _ in range(2)]
        db.session.commit()
    both_are_there = threading.Barrier(2)
    refused = []

    def shut(account_id: int) -> None:
        with app.app_context():
            account = db.session.get_one(Account, account_id)
            both_are_there.wait()
            try:
                accounts.deactivate(account)
                db.session.commit()
            except ConflictError:
                refused.append(account_id)

    threads = [threading.Thread(target=shut, args=(account_id,)) for account_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        left = list(db.session.scalars(select(Account.id).where(Account.active)))
    assert left == refused
    assert len(left) == 1


def test_nobody_at_that_number(organiser_client: FlaskClient) -> None:
    for number in (0, 999, 2**31, 2**80):
        assert organiser_client.get(f"/people/{number}").status_code == 404
        assert organiser_client.post(f"/people/{number}/deactivate").status_code in (400, 404)


@pytest.mark.parametrize(
    "email", ["", "x" * 250 + "@example.org", "cy@exa mple.org", "cy\n@example.org"]
)
def test_addresses_that_cannot_be(app_context: Flask, email: str) -> None:
    with pytest.raises(InvalidInputError):
        accounts.create_account(email, "Cy", [RoleName.HOST])


def test_one_address_is_one_account_however_it_is_spelled(app_context: Flask) -> None:
    first = accounts.create_account("Cy@Example.ORG", "Cy", [RoleName.HOST])
    assert first.email == "cy@example.org"
    assert accounts.create_account(" cy@example.org", "Other", [RoleName.HOST]) is first
    assert accounts.account_of("CY@EXAMPLE.org ") is first
    assert first.name == "Cy"


def test_an_unknown_role_is_refused(app_context: Flask) -> None:
    with pytest.raises(InvalidInputError, match="There is no role"):
        accounts.create_account("cy@example.org", "Cy", ["king"])
    with pytest.raises(InvalidInputError, match="There is no role"):
        roles.change_role(create_account(RoleName.HOST), "")


def test_hosts_do_not_see_the_people(client: FlaskClient, cy: int, ada: int) -> None:
    sign_in(client, cy)
    for path in ("/people", "/people/invite", f"/people/{ada}"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert "ada@example.org" not in answer.text
    for path in ("role", "deactivate", "reactivate", "second-factor"):
        assert client.post(f"/people/{ada}/{path}").status_code == 403
