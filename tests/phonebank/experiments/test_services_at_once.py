"""Two organisers act on a campaign's experiments at once: every pair of actions."""

from typing import Any

import pytest
from flask import Flask

from phonebank.campaigns import services as campaigns
from phonebank.core.db import db
from phonebank.experiments import services as experiments
from phonebank.models import Campaign, Experiment, ExperimentState
from phonebank.scripts.campaign_scripts import BLANK
from tests.factories import (
    create_campaign,
    create_script,
)
from tests.two_at_once import Act, Becomes, Place, State, faults_of_all_pairs, only_from


@pytest.mark.parametrize("state", ExperimentState)
@pytest.mark.parametrize("beside", [ExperimentState.DRAFT, ExperimentState.RUNNING])
def test_a_started_experiment_is_not_discarded(
    app_context: Flask, state: ExperimentState, beside: ExperimentState
) -> None:
    if state == beside == ExperimentState.RUNNING:
        return  # one at a time

    def made() -> tuple[int, int, int]:
        campaign = create_campaign()
        create_script(campaign, BLANK.read_text("utf-8"))
        create_script(campaign, BLANK.read_text("utf-8"))
        arms = [experiments.NewArm(w, 1) for w in experiments.available_arm_scripts(campaign)[:2]]
        both = [experiments.create_experiment(campaign, name, arms) for name in ("This", "Other")]
        both[0].state, both[1].state = state, beside
        db.session.commit()
        return campaign.id, both[0].id, both[1].id

    def read(where: tuple[int, int, int]) -> Any:
        return (
            db.session.get_one(Campaign, where[0]),
            *(db.session.get_one(Experiment, one) for one in where[1:]),
        )

    def now_is(where: tuple[int, int, int]) -> State:
        this, other = (db.session.get(Experiment, one) for one in where[1:])
        return {
            "this": this.state if this else "gone",
            "other": other.state if other else "gone",
            "campaign": db.session.get_one(Campaign, where[0]).state,
        }

    def starts(which: str, another: str) -> Becomes:
        return lambda state: (
            state | {which: "running"}
            if state[which] == "draft"
            and state[another] != "running"
            and state["campaign"] != "ended"
            else None
        )

    def discards(rows: Any) -> None:
        experiments.discard(rows[1])
        db.session.flush()

    acts = [
        Act("starts", lambda rows: experiments.start(rows[0], rows[1]), starts("this", "other")),
        Act(
            "starts the other",
            lambda rows: experiments.start(rows[0], rows[2]),
            starts("other", "this"),
        ),
        Act(
            "stops",
            lambda rows: experiments.stop(rows[1]),
            only_from("this", ["running"], this="stopped"),
        ),
        Act("discards", discards, only_from("this", ["draft"], this="gone")),
        Act(
            "ends the campaign",
            lambda rows: campaigns.change_state(rows[0], "end"),
            only_from("campaign", ["running", "paused"], campaign="ended"),
        ),
    ]
    assert faults_of_all_pairs(app_context, Place(made, read, now_is), acts) == []
