"""Setting up, running and sharing a campaign."""

import pytest
from flask import Flask

from phonebank.campaigns import services
from phonebank.core import scopes
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.models import CallerState, CampaignState
from phonebank.roster.admit import set_door
from scripts_library.library import source_of
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_list,
    create_party,
    create_script,
)


def test_a_draft_starts_only_with_people_and_a_script(app_context: Flask) -> None:
    campaign = create_campaign(state=CampaignState.DRAFT)
    with pytest.raises(ConflictError, match=r"Upload the people.*Choose a script"):
        services.change_state(campaign, "start")
    create_list(campaign)
    create_script(campaign, source_of("persuasive-conversation", "en"))
    services.change_state(campaign, "start")
    assert campaign.state == CampaignState.RUNNING


def test_a_campaign_pauses_resumes_ends_and_reopens_but_nothing_else(app_context: Flask) -> None:
    campaign = create_campaign()
    for verb, state in (
        ("pause", CampaignState.PAUSED),
        ("resume", CampaignState.RUNNING),
        ("end", CampaignState.ENDED),
        ("reopen", CampaignState.PAUSED),
    ):
        services.change_state(campaign, verb)
        assert campaign.state == state
    for verb in ("start", "pause", "reopen", "explode", ""):
        with pytest.raises(ConflictError):
            services.change_state(campaign, verb)


def test_only_organisers_reach_a_campaign_by_its_number(app_context: Flask) -> None:
    campaign = create_campaign()
    host, organiser = create_account("host"), create_account("organiser")
    campaign.hosts.append(host)
    db.session.flush()
    assert scopes.campaign_for(organiser, campaign.id) is campaign
    assert list(services.campaigns_of(organiser)) == [campaign]
    assert list(services.campaigns_of(host)) == []
    for stranger, campaign_id in ((host, campaign.id), (organiser, 999_999)):
        with pytest.raises(NotFoundError):
            scopes.campaign_for(stranger, campaign_id)


def test_opening_the_door_lets_those_waiting_in_and_no_partys_guests(app_context: Flask) -> None:
    campaign = create_campaign()
    party = create_party(campaign, create_account("host"))
    waiting = create_caller(campaign, state=CallerState.WAITING)
    guest = create_caller(campaign, party, state=CallerState.WAITING)
    set_door(campaign, True)
    assert (waiting.state, guest.state) == (CallerState.ADMITTED, CallerState.WAITING)
    late = create_caller(campaign, state=CallerState.WAITING)
    assert services.admit(campaign, [guest.id]) == 0
    assert services.admit(campaign, [late.id]) == 1
    assert guest.state == CallerState.WAITING


def test_a_new_link_ends_the_old_one(app_context: Flask) -> None:
    campaign = create_campaign()
    db.session.flush()
    old = campaign.join_token
    services.replace_join_link(campaign)
    assert campaign.join_token != old
