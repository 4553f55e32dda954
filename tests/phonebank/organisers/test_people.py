"""The organiser's pages about people: invitations, roles, deactivating, and the last organiser."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.accounts import accounts
from phonebank.core.db import db
from phonebank.models import Account, AuditEntry, Campaign, RoleName
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
        "where": f"campaign-{campaign_id}",
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


def test_an_invitation_to_an_organiser(
    organiser_client: FlaskClient, app: Flask, campaign: int
) -> None:
    data = invitation(
        campaign, role=RoleName.ORGANISER, where="everywhere", email="bo@example.org", name="Bo"
    )
    organiser_client.post("/people/invite", data=data)
    with app.app_context():
        made = accounts.account_of("bo@example.org")
        assert made is not None
        assert [role.name for role in made.roles] == [RoleName.ORGANISER]
        assert db.session.get_one(Campaign, campaign).hosts == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": "cy"}, "That isn&#39;t an e-mail address."),
        ({"name": " "}, "Type a name."),
        ({"name": "x" * 81}, "Use up to 80 characters."),
        ({"role": "king"}, "Not a valid choice"),
        ({"where": "campaign-999"}, "Not a valid choice"),
        ({"where": "everywhere"}, "A host needs a campaign."),
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
    answer = organiser_client.post("/people/invite", data=invitation(0, where="everywhere"))
    assert answer.status_code == 422
    assert "A host needs a campaign." in answer.text
    assert account(app, "cy@example.org") is None


def test_an_invitation_that_the_mail_server_refuses_stores_nothing(
    public_app: Flask, outbox: list, ada: int, campaign: int
) -> None:
    away = public_app.extensions["mailman"]
    away.backend, away.server, away.port = "smtp", "127.0.0.1", 9
    client = public_app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    # The organiser signs in through the pages, without a second factor.
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


def test_what_a_reset_of_the_second_factor_brings_depends_on_the_role(
    organiser_client: FlaskClient, app: Flask, ada: int, cy: int
) -> None:
    with app.app_context():
        other = create_account("organiser", name="", email="other@example.org")
        for one in (other, db.session.get_one(Account, cy)):
            one.tf_primary_method = "authenticator"
        db.session.commit()
        other_id = other.id
    page = organiser_client.get(f"/people/{cy}").text
    assert "They can then sign in with only the link" in page
    organiser_client.post(f"/people/{cy}/second-factor")
    assert "Cy is signed out, and can sign in without" in organiser_client.get(f"/people/{cy}").text
    page = organiser_client.get(f"/people/{other_id}").text
    assert "set up an authenticator app again" in page
    assert "They can then sign in" not in page
    organiser_client.post(f"/people/{other_id}/second-factor")
    page = organiser_client.get(f"/people/{other_id}").text
    assert "other@example.org will set up an authenticator app the next time" in page


def test_a_person_without_the_role_of_host_hosts_for_no_campaign(
    organiser_client: FlaskClient, app: Flask, campaign: int, cy: int
) -> None:
    page = f"/people/{cy}"
    organiser_client.post(f"{page}/roles", data={"role": "host", "where": f"campaign-{campaign}"})
    assert "Host for Kitchen Table" in organiser_client.get(page).text
    organiser_client.post(f"{page}/roles/take", data={"role": "host", "where": "everywhere"})
    text = organiser_client.get(page).text
    assert "Host for" not in text
    assert "<h2>Hosts for</h2>" not in text
    assert "They can sign in, but can't see any campaign or party." in text
    organiser_client.post(f"{page}/deactivate")
    assert "They can sign in" not in organiser_client.get(page).text


def test_the_page_of_a_deactivated_account_offers_only_what_works(
    organiser_client: FlaskClient, app: Flask, campaign: int, cy: int
) -> None:
    page = f"/people/{cy}"
    with app.app_context():
        db.session.get_one(Account, cy).tf_primary_method = "authenticator"
        db.session.commit()
    role = {"role": "viewer", "where": f"campaign-{campaign}"}
    organiser_client.post(f"{page}/roles", data=role)
    text = organiser_client.get(page).text
    assert "<h2>Give a role</h2>" in text
    assert "<h2>Second factor</h2>" in text
    assert "sign them out. They'll have to sign in again" in text
    organiser_client.post(f"{page}/deactivate")
    text = organiser_client.get(page).text
    assert "<h2>Give a role</h2>" not in text
    assert "<h2>Second factor</h2>" not in text
    assert "have to sign in again" not in text
    assert "have the roles above" in text
    host = {"role": "host", "where": "everywhere"}
    organiser_client.post(f"{page}/roles/take", data=host)
    text = organiser_client.post(f"{page}/roles/take", data=role, follow_redirects=True).text
    assert "no longer has this role." in text
    assert "have the roles above" not in text


EVERYTHING = {"role": RoleName.ORGANISER, "where": "everywhere"}


def test_the_last_organiser_can_neither_leave_nor_step_down(
    organiser_client: FlaskClient, ada: int, cy: int
) -> None:
    for path, data in (
        (f"/people/{ada}/deactivate", {}),
        (f"/people/{ada}/roles/take", EVERYTHING),
        (f"/people/{ada}/roles", EVERYTHING | {"role": RoleName.VIEWER}),
    ):
        answer = organiser_client.post(path, data=data)
        assert answer.status_code == 409
        assert "Ada is the only organiser of all campaigns." in answer.text
        assert "Make another person an organiser of all campaigns first." in answer.text
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
    organiser_client.post(f"/people/{cy}/roles", data=EVERYTHING)
    answer = organiser_client.post(f"/people/{ada}/roles/take", data=EVERYTHING)
    assert answer.location == "/"
    assert organiser_client.get("/people").status_code == 302, "a change of role signs out"
    sign_in(organiser_client, ada)
    assert organiser_client.get("/people").status_code == 403


def test_roles_in_parts_are_given_seen_taken_and_recorded(
    organiser_client: FlaskClient, app: Flask, campaign: int, ada: int, cy: int
) -> None:
    made = organiser_client.post("/chapters", data={"name": " North  End "})
    assert made.location == "/chapters/1"
    for role, where in (
        (RoleName.ORGANISER, "chapter-1"),
        (RoleName.ORGANISER, f"campaign-{campaign}"),
        (RoleName.VIEWER, f"campaign-{campaign}"),
    ):
        data = {"role": role, "where": where}
        assert organiser_client.post(f"/people/{cy}/roles", data=data).status_code == 302
    held = "Organiser of the chapter North End, Viewer of the campaign Kitchen Table, Host"
    assert held in organiser_client.get("/people").text
    assert "Organiser of the chapter North End" in organiser_client.get(f"/people/{cy}").text
    viewer = {"role": RoleName.VIEWER, "where": f"campaign-{campaign}"}
    assert organiser_client.post(f"/people/{cy}/roles/take", data=viewer).status_code == 302
    again = organiser_client.post(f"/people/{cy}/roles/take", data=viewer)
    assert again.status_code == 409
    assert "Cy does not have this role any more." in again.text
    for wrong in ({"where": "chapter-9"}, {"where": "chapter-x"}, {"role": "king"}):
        refused = organiser_client.post(f"/people/{cy}/roles", data=viewer | wrong)
        assert refused.status_code == 422
    assert 'href="/audit"' in organiser_client.get("/people").text
    assert "Role taken away" in organiser_client.get("/audit").text
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        told = [
            (entry.action, entry.account_id, entry.subject_id, (entry.after or {}).get("role"))
            for entry in entries
        ]
    assert told == [
        ("chapter made", ada, "1", None),
        ("role given", ada, str(cy), "organiser"),
        ("role given", ada, str(cy), "organiser"),
        ("role given", ada, str(cy), "viewer"),
        ("role taken away", ada, str(cy), None),
    ]


def test_nobody_at_that_number(organiser_client: FlaskClient) -> None:
    for number in (0, 999, 2**31, 2**80):
        assert organiser_client.get(f"/people/{number}").status_code == 404
        assert organiser_client.post(f"/people/{number}/deactivate").status_code in (400, 404)


def test_hosts_do_not_see_the_people(client: FlaskClient, cy: int, ada: int) -> None:
    sign_in(client, cy)
    for path in ("/people", "/people/invite", f"/people/{ada}"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert "ada@example.org" not in answer.text
    for path in ("roles", "roles/take", "deactivate", "reactivate", "second-factor"):
        assert client.post(f"/people/{ada}/{path}").status_code == 403
