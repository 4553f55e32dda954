"""Two organisers press two buttons of one campaign at once: every pair of buttons."""

import pytest
from flask import Flask

from phonebank.campaigns import services as campaigns
from phonebank.models import Campaign, CampaignState
from phonebank.scripts import campaign_scripts
from tests.factories import (
    create_campaign,
    create_list,
    create_script,
)
from tests.two_at_once import Act, State, faults_of_all_pairs, one_row


def _moves(verb: str) -> Act:
    def becomes(state: State) -> State | None:
        target = campaigns.MOVES[state["state"]].get(verb)
        return state | {"state": target} if target else None

    return Act(verb, lambda campaign: campaigns.change_state(campaign, verb), becomes)


def _make_campaign(state: str) -> Campaign:
    campaign = create_campaign(state=state)
    create_list(campaign)
    create_script(campaign, campaign_scripts.BLANK.read_text("utf-8"))
    return campaign


@pytest.mark.parametrize("state", CampaignState)
def test_a_campaign_goes_from_state_to_state_in_one_order(app_context: Flask, state: str) -> None:
    acts = [_moves(verb) for verb in ("start", "pause", "resume", "end", "reopen")]
    place = one_row(
        Campaign,
        lambda: _make_campaign(state),
        lambda campaign: {"state": campaign.state},
    )
    assert faults_of_all_pairs(app_context, place, acts) == []
