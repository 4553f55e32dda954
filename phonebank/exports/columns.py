"""The columns of the calls file. Each column has a name, a meaning in words, and SQL for its
value."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select

from phonebank.core.db import db
from phonebank.exports.tables import Column, phone_sql, time_sql, yes_no_sql
from phonebank.models import Call, Campaign, Script, ScriptVersion
from phonebank.scripts.versions import script_of
from scripts_library.merge_fields import render_text
from scripts_library.script import Script as ParsedScript
from scripts_library.script import Step

COLUMNS = (
    Column("call_id", "The ID of the call. Every call has its own.", "call.id"),
    Column(
        "started_at",
        "When the person appeared on the caller's screen, in UTC.",
        time_sql("call.started_at"),
    ),
    Column(
        "ended_at",
        "When the person left the caller's screen, in UTC. Empty while the person is still on it.",
        time_sql("call.ended_at"),
    ),
    Column(
        "ending",
        "How the person left the screen. recorded: the caller recorded an outcome. given_back: the"
        " caller gave the person back without an outcome. expired: the caller took too long."
        " taken_away: the caller was removed, the campaign ended, or the person was erased,"
        " or they answered the telephone service and no caller was free."
        " on_screen: not yet.",
        "coalesce(call.ending, 'on_screen')",
    ),
    Column(
        "recorded_at",
        "When the caller recorded the outcome, in UTC. Empty if they did not.",
        time_sql("call.recorded_at"),
    ),
    Column("outcome", "How the call ended. Empty if nothing was recorded.", "call.outcome"),
    Column(
        "reached",
        "yes if someone answered, whether or not it was the person called.",
        yes_no_sql("call.reached"),
    ),
    Column(
        "conversation",
        "yes if a person picked up and answered the script's main question.",
        yes_no_sql("call.conversation"),
    ),
    Column(
        "yes",
        "yes if it was a conversation and they said yes to what the script asks for.",
        yes_no_sql("call.yes"),
    ),
    Column(
        "counted",
        "yes if the call is in the totals of campaign and party. no if the phone never rang,"
        " if the outcome came too late because another caller had been given the person, or if the"
        " call was set aside.",
        yes_no_sql("call.counted"),
    ),
    Column(
        "late",
        "yes if the outcome was recorded after the caller's hold had run out.",
        yes_no_sql("call.late"),
    ),
    Column(
        "set_aside",
        "yes if an organiser set this call aside. It is then in no total.",
        yes_no_sql("call.set_aside_at IS NOT NULL"),
    ),
    Column("caller", "The caller's first name, as they gave it.", "caller.first_name"),
    Column("party", "The phone party the caller called in. Empty if none.", "party.title"),
    Column("list", "The contact list that the person is on.", "contact_list.name"),
    Column(
        "contact_external_id",
        "The person's ID in your own list, if it has one.",
        "contact.external_id",
    ),
    Column("contact_first_name", "The person's first name.", "contact.first_name"),
    Column("contact_last_name", "The person's last name.", "contact.last_name"),
    Column(
        "contact_phone",
        "The number called, with its country code. The apostrophe in front tells"
        " spreadsheets that it is text.",
        phone_sql("call.phone"),
    ),
    Column("contact_postcode", "The person's postcode.", "contact.postcode"),
    Column(
        "household",
        "How many other people on the number the caller could ask for, by first name.",
        "jsonb_array_length(call.household)",
    ),
    Column("script", "The script that the caller had on screen.", "script.name"),
    Column(
        "script_version",
        "The version of the script. The words of a version never change.",
        "script_version.number",
    ),
    Column(
        "experiment_arm",
        "The arm of the experiment that decided the script. Empty outside an experiment.",
        "experiment_arm.label",
    ),
    Column("note", "The caller's note.", "call.note"),
    Column(
        "text_sent_at",
        "When the caller sent the text after the call, in UTC. Empty if they did not.",
        time_sql("(SELECT sent_at FROM text_sent WHERE text_sent.call_id = call.id)"),
    ),
)

FITS = {
    "choice": "The key of one of the answers below.",
    "several": "The keys of one or more of the answers below.",
    "scale": "A number from 0 to 10.",
    "text": "Text, as the caller typed it.",
    "number": "A number.",
    "date": "A date, as year-month-day.",
}


@dataclass(frozen=True)
class AskedStep:
    """One step that takes an answer, in one version of a script."""

    script: str
    version: int
    version_id: int
    step: Step


Asked = dict[str, list[AskedStep]]


def steps_asked(campaign: Campaign) -> Asked:
    """Return the steps that take an answer, from all script versions that the campaign's recorded
    calls used. The keys of the dictionary are the ids of the steps.

    Steps of the newest version come first, then steps that only older versions have. If several
    versions have a step, the newest version comes first.
    """
    asked: Asked = {}
    for version_id, number, name in _versions_used(campaign.id):
        for step in _parse_version(version_id).steps:
            if step.answer is not None:
                asked.setdefault(step.id, []).append(AskedStep(name, number, version_id, step))
    return asked


def answer_columns(campaign: Campaign, asked: Asked) -> list[tuple[str, str]]:
    """Return the name and the meaning of each column of answers. Every step has one column, and a
    step with choices has a second column with the words of the chosen answers.

    The words in the second column are from the script version that the call used, even if the
    script has changed since then.
    """
    columns = []
    for step_id, versions in asked.items():
        name = f"answer_{step_id}"
        columns.append((name, render_text(versions[0].step.title, merge_values(campaign))))
        if any(version.step.choices for version in versions):
            columns.append((f"words_{step_id}", f"The words of {name}, as the caller saw them."))
    return columns


def merge_values(campaign: Campaign) -> dict[str, str | None]:
    """Return the campaign's values for the merge fields (placeholders) in its scripts."""
    own = {"campaign_name": campaign.name, "on_behalf_of": campaign.on_behalf_of}
    return {**campaign.merge_values, **own}


def _versions_used(campaign_id: int) -> Sequence[Row[int, int, str]]:
    used = (
        select(Call.script_version_id)
        .where(Call.campaign_id == campaign_id, Call.recorded_at.is_not(None))
        .distinct()
    )
    return db.session.execute(
        select(ScriptVersion.id, ScriptVersion.number, Script.name)
        .join(Script, Script.id == ScriptVersion.script_id)
        .where(ScriptVersion.id.in_(used))
        .order_by(ScriptVersion.id.desc())
    ).all()


def _parse_version(version_id: int) -> ParsedScript:
    script = script_of(version_id)
    assert script is not None  # noqa: S101  (calls used this version)
    return script
