"""Which words a contact hears: their arm's while an experiment runs, else the campaign's script."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from phonebank.core.db import db
from phonebank.experiments.assignment import arm_of
from phonebank.models import Campaign, Experiment, ExperimentArm, ExperimentState, Script


@dataclass(frozen=True)
class ScriptChoice:
    """The script version that a call runs on, and the arm that decided it; None: none."""

    script_version_id: int | None
    experiment_arm_id: int | None = None


def script_options(campaign_id: int | ColumnElement[int]) -> ScalarSelect[dict[str, Any]]:
    """What `choose_script` chooses from, as one more column of a query that is made anyway: each
    call asks. `campaign_id` may be a column of that query."""
    usual, of_arm = aliased(Script), aliased(Script)
    version = func.coalesce(ExperimentArm.script_version_id, of_arm.published_version_id)
    arm = func.json_build_object(
        "id", ExperimentArm.id, "share", ExperimentArm.share, "version", version,
        "salt", Experiment.salt,
    )  # fmt: skip
    arms = (
        select(func.json_agg(aggregate_order_by(arm, ExperimentArm.id)))
        .select_from(ExperimentArm)
        .join(Experiment, Experiment.id == ExperimentArm.experiment_id)
        .join(of_arm, of_arm.id == ExperimentArm.script_id)
        .where(Experiment.campaign_id == Campaign.id, Experiment.state == ExperimentState.RUNNING)
        .correlate(Campaign)
        .scalar_subquery()
    )
    return (
        select(func.json_build_object("usual", usual.published_version_id, "arms", arms))
        .select_from(Campaign)
        .outerjoin(usual, usual.id == Campaign.script_id)
        .where(Campaign.id == campaign_id)
        .scalar_subquery()
    )


def choose_script(on_offer: dict[str, Any], contact_id: int) -> ScriptChoice:
    """The contact's words among those of `script_options`."""
    arms = on_offer["arms"]
    if not arms:
        return ScriptChoice(on_offer["usual"])
    arm = arms[arm_of(contact_id, arms[0]["salt"], [arm["share"] for arm in arms])]
    return ScriptChoice(arm["version"], arm["id"])


def script_choice_for(campaign_id: int, contact_id: int) -> ScriptChoice:
    """The words for a contact of the campaign, as things stand."""
    on_offer = db.session.execute(select(script_options(campaign_id))).scalar_one()
    return choose_script(on_offer, contact_id)


def active_version_ids(campaign_id: int) -> list[int]:
    """The script versions that callers of the campaign have people hear just now, each once.

    While an experiment runs, those of its arms, the one with the largest share first; else the
    campaign's own, if it has one.
    """
    on_offer = db.session.execute(select(script_options(campaign_id))).scalar_one()
    arms = sorted(on_offer["arms"] or [], key=lambda arm: -arm["share"])
    versions = [arm["version"] for arm in arms] or [on_offer["usual"]]
    return list(dict.fromkeys(version for version in versions if version is not None))
