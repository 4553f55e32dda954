"""Finds the questions with countable answers in a campaign's scripts. Choices and numbers on a
scale can be counted, but typed text cannot."""

from typing import Any

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Campaign, Script, ScriptVersion
from phonebank.scripts.versions import script_of

COUNTABLE = ("choice", "several", "scale")


def versions_of(campaign: Campaign) -> list[tuple[int, str, int]]:
    """Return the script versions in the campaign, newest first. For each version, give its id, its
    script's name and its version number."""
    rows = db.session.execute(
        select(ScriptVersion.id, Script.name, ScriptVersion.number)
        .join(Script, Script.id == ScriptVersion.script_id)
        .where(Script.campaign_id == campaign.id)
        .order_by(ScriptVersion.id.desc())
    )
    return [(row[0], row[1], row[2]) for row in rows]


def countable_steps(campaign: Campaign) -> dict[str, Any]:
    """Find the steps with countable answers in all script versions of the campaign. Return a
    dictionary with two parallel lists: `version_ids` and `step_ids`."""
    pairs = [
        (version_id, step.id)
        for version_id, _, _ in versions_of(campaign)
        if (script := script_of(version_id)) is not None
        for step in script.steps
        if step.answer in COUNTABLE
    ]
    return {"version_ids": [pair[0] for pair in pairs], "step_ids": [pair[1] for pair in pairs]}
