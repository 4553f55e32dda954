"""Choose the script for a contact.

An experiment compares several scripts. Each script, with its share of the contacts, is called an
arm. While an experiment is running, each contact belongs to one arm, and the arm decides the
script. If no experiment is running, callers use the campaign's script.
"""

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
    """The script version that a call uses, and the experiment's arm to which the contact belongs.
    The version is None if the campaign has no script, or if the script is not published. The arm is
    None if no experiment is running."""

    script_version_id: int | None
    experiment_arm_id: int | None = None


def script_options(campaign_id: int | ColumnElement[int]) -> ScalarSelect[dict[str, Any]]:
    """Return a subquery for the values that `choose_script` needs: the published version of the
    campaign's script, and the arms of the running experiment.

    These values are needed whenever a caller gets a contact. So that no extra query is needed then,
    the calling code adds the subquery as a column to another query. `campaign_id` may be a column
    of that query.
    """
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


def choose_script(options: dict[str, Any], contact_id: int) -> ScriptChoice:
    """Return the script version for calls to a contact, and the contact's arm if an experiment is
    running. `options` is the value of the `script_options` subquery."""
    arms = options["arms"]
    if not arms:
        return ScriptChoice(options["usual"])
    arm = arms[arm_of(contact_id, arms[0]["salt"], [arm["share"] for arm in arms])]
    return ScriptChoice(arm["version"], arm["id"])


def script_choice_for(campaign_id: int, contact_id: int) -> ScriptChoice:
    """Return the script version that a call to this contact uses if the call begins now, and the
    contact's arm if an experiment is running."""
    options = db.session.execute(select(script_options(campaign_id))).scalar_one()
    return choose_script(options, contact_id)


def active_version_ids(campaign_id: int) -> list[int]:
    """Return the ids of the script versions that callers of the campaign use now. The list has each
    id only once.

    While an experiment is running, these are the versions that its arms use. The version of the arm
    with the largest share comes first. If no experiment is running, the list has only the published
    version of the campaign's script. The list is empty if the campaign has no script, or if the
    script is not published.
    """
    options = db.session.execute(select(script_options(campaign_id))).scalar_one()
    arms = sorted(options["arms"] or [], key=lambda arm: -arm["share"])
    versions = [arm["version"] for arm in arms] or [options["usual"]]
    return list(dict.fromkeys(version for version in versions if version is not None))
