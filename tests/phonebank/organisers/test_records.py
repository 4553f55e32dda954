"""The access ledger and what organisers did, each as a page and a file."""

import csv
import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.audit.record import record_audit
from phonebank.calls.called_back import find_called_back
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Account, now
from phonebank.organisers.privacy import record_views
from tests.factories import create_contact
from tests.phonebank.exports.room import create_room


@pytest.fixture
def campaign(app: Flask, organiser: FlaskClient) -> str:
    """The address of a campaign in which Sam called two people, and one called back."""
    with app.app_context():
        room = create_room()
        for last, name in (("123", "Zora"), ("456", "Zuleika")):
            create_contact(room.contact_list, phone=f"+442079460{last}", first_name=name)
            db.session.commit()
            hold = claim(room.caller)
            record(room.caller, hold.call.id, "no_answer")
            db.session.commit()
        find_called_back(room.caller, "123")
        db.session.commit()
        return f"/campaigns/{room.campaign.id}"


def rows_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_ledger_says_who_saw_whom_and_when(
    organiser: FlaskClient, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today, yesterday = now().date(), now().date() - timedelta(days=1)
    page = organiser.get(f"{campaign}/access-ledger").text
    assert page.count("Sam (caller 1)") == 3
    assert page.count("On the screen") == 2
    assert page.count("First name again") == 1
    for name in ("Zora", "Zuleika", "946"):
        assert name not in page
    empty_day = organiser.get(f"{campaign}/access-ledger?day={yesterday}").text
    assert "No caller or organiser saw" in empty_day
    assert organiser.get(f"{campaign}/access-ledger?day=9999-12-31&page=-3").status_code == 200
    monkeypatch.setattr(record_views, "SIGHTS_A_PAGE", 2)
    assert "Later that day" in organiser.get(f"{campaign}/access-ledger").text
    assert "First name again" in organiser.get(f"{campaign}/access-ledger?page=2").text

    rows = rows_of(organiser, f"{campaign}/access-ledger.csv")
    assert [(row["caller"], row["contact_id"], row["what"]) for row in rows] == [
        ("Sam", "1", "on the screen"),
        ("Sam", "2", "on the screen"),
        ("Sam", "1", "first name again"),
    ]
    assert len(rows_of(organiser, f"{campaign}/access-ledger.csv?day={today}")) == 3
    assert rows_of(organiser, f"{campaign}/access-ledger.csv?day={yesterday}") == []


def test_what_organisers_did_is_a_page_and_a_file(
    app: Flask, organiser: FlaskClient, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        account = db.session.query(Account).first()
        who = account.name or account.email
        for n in range(3):
            record_audit(f"tried <b>{n}</b>", account=account, after={"n": n})
        db.session.commit()
    organiser.get(f"{campaign}/access-ledger.csv")
    page = organiser.get(f"{campaign}/audit").text
    assert "Access ledger downloaded" in page
    assert "Tried" not in page, "that was not in this campaign"
    whole = organiser.get("/audit").text
    assert whole.index("Access ledger downloaded") < whole.index("Tried &lt;b&gt;2")
    monkeypatch.setattr(record_views, "ENTRIES_A_PAGE", 2)
    assert "Older entries" in organiser.get("/audit").text
    assert "Tried &lt;b&gt;0" in organiser.get("/audit?before=3").text
    rows = rows_of(organiser, "/audit.csv")
    assert [row["action"] for row in rows][:2] == ["tried <b>0</b>", "tried <b>1</b>"]
    assert (rows[2]["who"], rows[2]["after"]) == (who, '{"n": 2}')
    assert rows_of(organiser, f"{campaign}/audit.csv")[-1]["action"] == "audit downloaded"


def test_what_organisers_did_names_the_account_that_it_is_about(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        account = db.session.query(Account).first()
        account_id, name = account.id, account.name or account.email
        for subject_id in (account_id, 999):
            record_audit("tried", account=None, subject_kind="account", subject_id=subject_id)
        db.session.commit()
    page = organiser.get("/audit").text
    assert f'<a href="/people/{account_id}">{name}</a>' in page
    assert "account 999" in page, "that account is gone"
