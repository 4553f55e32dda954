"""What organisers do is in the audit: who did it, to what, and the values before and after."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Account, AuditEntry
from tests.factories import create_account, create_campaign, create_contact, create_list


def test_organisers_actions_come_into_the_audit(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        campaign = create_campaign(name="Riverside")
        contacts = create_list(campaign)
        create_contact(contacts)
        host = create_account("host")
        db.session.commit()
        campaign_id, list_id, host_id = campaign.id, contacts.id, host.id
    at = f"/campaigns/{campaign_id}"
    edited = {"name": "Bridge", "on_behalf_of": "Us", "country": "GB", "language": "en"}
    for address, typed in [
        (f"{at}/edit", edited),
        (f"{at}/state", {"verb": "pause"}),
        (f"{at}/lists/{list_id}/remove", {}),
        (f"{at}/downloads", {"kind": "calls"}),
        ("/do-not-call/add", {"numbers": "+442079460999", "country": "GB", "reason": "other"}),
        (f"/people/{host_id}/deactivate", {}),
    ]:
        assert organiser.post(address, data=typed).status_code == 302, address
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [(entry.action, entry.subject_kind, entry.subject_id) for entry in entries] == [
            ("campaign changed", None, None),
            ("campaign state changed", None, None),
            ("list paused", "list", str(list_id)),
            ("file asked for", "export", "1"),
            ("numbers put on do-not-call", None, None),
            ("account deactivated", "account", str(host_id)),
        ]
        organiser_id = db.session.scalars(select(Account.id).where(Account.id != host_id)).one()
        assert {entry.account_id for entry in entries} == {organiser_id}
        assert [entry.campaign_id for entry in entries] == [campaign_id] * 4 + [None] * 2
        assert entries[0].before is not None
        assert entries[0].before["name"] == "Riverside"
        assert entries[0].after is not None
        assert entries[0].after["name"] == "Bridge"
        assert entries[1].after == {"state": "paused"}
        assert "0999" not in str([(entry.before, entry.after) for entry in entries])


def test_the_audit_says_that_the_message_to_callers_changed_and_not_what_it_says(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        campaign_id = create_campaign(briefing="Don't call Ann Archer.").id
        db.session.commit()
    edited = {"name": "Bridge", "on_behalf_of": "Us", "country": "GB", "language": "en"}
    address = f"/campaigns/{campaign_id}/edit"
    for briefing in ("Don't call Bea Brook.", "Don't call Bea Brook."):
        answer = organiser.post(address, data=edited | {"briefing": briefing})
        assert answer.status_code == 302
    with app.app_context():
        first, second = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert first.after is not None
        assert (first.after["name"], first.after["briefing"]) == ("Bridge", "changed")
        assert first.before is not None
        assert "briefing" not in first.before
        assert not second.before
        assert not second.after
    page = organiser.get(f"/campaigns/{campaign_id}/audit").text
    assert "briefing" in page
    assert "Ann" not in page
    assert "Bea" not in page
