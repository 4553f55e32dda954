"""Set up, start, stop and discard a campaign's experiments. The functions of this module do not
commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import (
    Campaign,
    CampaignState,
    Experiment,
    ExperimentArm,
    ExperimentState,
    Script,
    ScriptVersion,
    now,
)

# For each script, an arm can use the published version or one of this many newest versions.
VERSIONS_OFFERED = 5


@dataclass(frozen=True)
class ArmScript:
    """The script of an arm. If `script_version_id` is set, the arm always uses that version.
    Otherwise the arm uses the script's published version."""

    script_id: int
    script_version_id: int | None
    name: str

    @property
    def key(self) -> str:
        """The value of this script's option in the form for a new experiment. If the version is
        fixed, the value has the ids of the script and the version, such as "12:34". Otherwise it is
        the script's id, such as "12"."""
        if self.script_version_id is None:
            return f"{self.script_id}"
        return f"{self.script_id}:{self.script_version_id}"


@dataclass(frozen=True)
class NewArm:
    """An arm to create. The arm's part of the contacts is its `share` divided by the sum of the
    shares of all arms."""

    script: ArmScript
    share: int
    label: str = ""


def experiments_of(campaign: Campaign) -> Sequence[Experiment]:
    """Return the campaign's experiments, newest first."""
    return db.session.scalars(
        select(Experiment)
        .where(Experiment.campaign_id == campaign.id)
        .order_by(Experiment.id.desc())
    ).all()


def experiment_for(campaign: Campaign, experiment_id: int) -> Experiment:
    """Return an experiment of the campaign. Raises NotFoundError if there is no such experiment."""
    experiment = db.session.get(Experiment, experiment_id)
    if experiment is None or experiment.campaign_id != campaign.id:
        raise NotFoundError("This campaign has no such experiment.", "Go back to its experiments.")
    return experiment


def running_experiment(campaign: Campaign) -> Experiment | None:
    """Return the campaign's running experiment, or None if no experiment is running. The running
    experiment decides the script for each contact."""
    return db.session.scalar(_running(campaign))


def available_arm_scripts(campaign: Campaign) -> list[ArmScript]:
    """Return the scripts that an arm can use. Each of the campaign's scripts is in the list with
    its published version, if it has one. If a script has several versions, it is also in the list
    with each of its VERSIONS_OFFERED newest versions."""
    offered = []
    for script in db.session.scalars(
        select(Script).where(Script.campaign_id == campaign.id).order_by(Script.id)
    ):
        if script.published_version_id is not None:
            offered.append(ArmScript(script.id, None, script.name))
        versions = db.session.scalars(
            select(ScriptVersion)
            .where(ScriptVersion.script_id == script.id)
            .order_by(ScriptVersion.number.desc())
            .limit(VERSIONS_OFFERED)
        ).all()
        if len(versions) > 1:
            offered += [
                ArmScript(script.id, version.id, f"{script.name}, version {version.number}")
                for version in versions
            ]
    return offered


def create_experiment(campaign: Campaign, name: str, arms: Sequence[NewArm]) -> Experiment:
    """Create an experiment as a draft. Nothing changes for callers yet.

    The results compare each of the later arms with the first arm. Raises InvalidInputError if there
    are fewer than two arms, or if two arms have the same script and the same `script_version_id`.
    """
    if len(arms) < 2:
        raise InvalidInputError(
            "An experiment compares at least two scripts.", "Choose a second one."
        )
    if len({arm.script.key for arm in arms}) < len(arms):
        raise InvalidInputError(
            "Two of the scripts are the same.", "Choose another script for one of them."
        )
    experiment = Experiment(campaign_id=campaign.id, name=name)
    experiment.arms = [
        ExperimentArm(
            script_id=arm.script.script_id,
            script_version_id=arm.script.script_version_id,
            label=(arm.label or arm.script.name)[:80],
            share=arm.share,
        )
        for arm in arms
    ]
    db.session.add(experiment)
    db.session.flush()
    return experiment


def start(campaign: Campaign, experiment: Experiment) -> None:
    """Start the experiment. From their next contact on, callers get the arms' scripts.

    Raises ConflictError if the experiment is not a draft, if the campaign has ended, or if another
    experiment is running. Also raises ConflictError if an arm has no fixed version and its script
    is not published.
    """
    # The lock on the campaign makes two organisers who start two experiments at once take turns.
    lock_row(campaign)
    lock_row(experiment)
    if experiment.state != ExperimentState.DRAFT:
        raise ConflictError("This experiment has already been started.", "Set up a new one.")
    if campaign.state == CampaignState.ENDED:
        raise ConflictError("The campaign has ended.", "Reopen it first.")
    # If another organiser is stopping an experiment, this query waits for that transaction.
    running = db.session.scalar(_running(campaign).with_for_update(key_share=True))
    if running is not None:
        raise ConflictError(
            f"“{running.name}” is running.", "Stop it first. Only one experiment can run at a time."
        )
    for arm in experiment.arms:
        script = db.session.get_one(Script, arm.script_id)
        if arm.script_version_id is None and script.published_version_id is None:
            raise ConflictError(
                f"“{arm.label}” has not been published.", "Publish the script first."
            )
    experiment.state = ExperimentState.RUNNING
    experiment.started_at = now()


def stop(experiment: Experiment) -> None:
    """Stop the experiment for good: callers get the campaign's script again.

    Raises ConflictError if the experiment is not running.
    """
    lock_row(experiment)
    if not experiment.is_running:
        raise ConflictError("This experiment is not running.", "Reload the page.")
    experiment.state = ExperimentState.STOPPED
    experiment.stopped_at = now()


def discard(experiment: Experiment) -> None:
    """Delete a draft. Raises ConflictError if the experiment was started, because it may have
    results."""
    lock_row(experiment)
    if experiment.state != ExperimentState.DRAFT:
        raise ConflictError("This experiment was started, so it can't be discarded.", "Keep it.")
    for arm in experiment.arms:
        db.session.delete(arm)
    db.session.flush()
    db.session.delete(experiment)


def _running(campaign: Campaign) -> Select[Experiment]:
    return select(Experiment).where(
        Experiment.campaign_id == campaign.id, Experiment.state == ExperimentState.RUNNING
    )
