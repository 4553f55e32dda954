"""Invitations: what the e-mail says, and what a second invitation changes."""

from datetime import timedelta

import pytest
from flask import Flask

from phonebank.accounts import invitations, links
from phonebank.core.db import db
from phonebank.models import Campaign
from tests.factories import create_campaign


@pytest.fixture
def campaign(app: Flask, clean_stores: None) -> int:
    with app.app_context():
        made = create_campaign(name="Kitchen Table").id
        db.session.commit()
        return made


def test_the_invitation_says_for_what_and_gives_a_way_in_that_lasts_some_days(
    public_app: Flask, outbox: list, campaign: int
) -> None:
    with public_app.app_context():
        invitations.invite_host(
            db.session.get_one(Campaign, campaign), "cy@example.org", "Cy", None
        )
        db.session.commit()
        [message] = outbox
        assert message.to == ["cy@example.org"]
        assert "Kitchen Table" in message.body
        assert "The Kitchen Table Campaign" in message.body
        token = message.body.split("/sign-in/link/")[1].split()[0]
        assert links.read(token).account.email == "cy@example.org"
    assert timedelta(days=3) == invitations.INVITATION_LIVES_FOR
    assert "within 3 days" in message.body


def test_inviting_a_host_again_for_another_campaign_keeps_the_first(
    app: Flask, campaign: int
) -> None:
    with app.app_context():
        first = invitations.invite_host(
            db.session.get_one(Campaign, campaign), "cy@example.org", "Cy", None
        )
        again = invitations.invite_host(
            db.session.get_one(Campaign, campaign), "CY@example.org", "Xy", None
        )
        second = create_campaign()
        other = invitations.invite_host(second, "cy@example.org", "", None)
        db.session.commit()
        assert first.id == again.id == other.id
        assert other.name == "Cy"
        assert db.session.get_one(Campaign, campaign).hosts == second.hosts == [first]
