"""A campaign with two scripts to compare, and calls to people in each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.experiments.services import NewArm, available_arm_scripts, create_experiment, start
from phonebank.models import (
    Answer,
    Call,
    CallEnding,
    Caller,
    Campaign,
    Contact,
    ContactList,
    Experiment,
    ExperimentArm,
    Script,
)
from scripts_library.library import source_of
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_script,
)

STARTED = datetime(2026, 3, 2, 18, tzinfo=UTC)
FIRST_EVENING = STARTED + timedelta(hours=1)
NEXT_MORNING = datetime(2026, 3, 3, 9, tzinfo=UTC)


@dataclass
class Comparison:
    """An experiment that began at `STARTED`. One of its two scripts has two ratings."""

    campaign: Campaign
    contact_list: ContactList
    caller: Caller
    experiment: Experiment

    @property
    def canvass(self) -> ExperimentArm:
        return self.experiment.arms[0]

    @property
    def persuasive(self) -> ExperimentArm:
        return self.experiment.arms[1]

    def call(
        self,
        arm: ExperimentArm,
        answers: dict[str, object] | None = None,
        *,
        reached: bool = True,
        yes: bool = False,
        counted: bool = True,
        at: datetime = FIRST_EVENING,
        contact: Contact | None = None,
    ) -> Contact:
        """Record a call in that arm; it is a conversation if there are answers."""
        contact = contact or create_contact(self.contact_list)
        script = db.session.get_one(Script, arm.script_id)
        call = Call(
            campaign_id=self.campaign.id,
            contact_id=contact.id,
            caller_id=self.caller.id,
            script_version_id=arm.script_version_id or script.published_version_id,
            experiment_arm_id=arm.id,
            phone=contact.phone,
            started_at=at,
            expires_at=at,
            ended_at=at,
            ending=CallEnding.RECORDED,
            outcome="talked" if answers else "no_answer",
            recorded_at=at,
            reached=reached,
            conversation=bool(answers),
            yes=yes,
            counted=counted,
        )
        db.session.add(call)
        db.session.flush()
        for step_id, value in (answers or {}).items():
            db.session.add(Answer(call_id=call.id, step_id=step_id, value=value, answered_at=at))
        return contact


def set_up_comparison() -> Comparison:
    """Return the campaign and its started experiment, not committed."""
    campaign = create_campaign()
    create_script(campaign, source_of("deep-canvass", "en"), "Deep canvass")
    create_script(campaign, source_of("persuasive-conversation", "en"), "Persuasive")
    first, second = available_arm_scripts(campaign)
    experiment = create_experiment(
        campaign, "Slow or quick?", [NewArm(first, 50), NewArm(second, 50)]
    )
    db.session.flush()
    start(campaign, experiment)
    experiment.started_at = STARTED
    return Comparison(campaign, create_list(campaign), create_caller(campaign), experiment)


@pytest.fixture
def comparison(app_context: Flask) -> Comparison:
    made = set_up_comparison()
    db.session.commit()
    return made
