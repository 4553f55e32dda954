"""The columns of the calls file, with the value and the meaning of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from phonebank.core.db import db
from phonebank.exports.cells import Cell
from phonebank.models import Call, Campaign, Script, ScriptVersion
from phonebank.scripts.versions import script_of
from scripts_library.merge_fields import render_text
from scripts_library.script import Script as ParsedScript
from scripts_library.script import Step


@dataclass(frozen=True)
class Column:
    """A column of the file; `value` reads its value from a row of the query in `calls.py`."""

    name: str
    meaning: str
    value: Callable[[Row[Any]], Cell]


def _column(name: str, meaning: str) -> Column:
    return Column(name, meaning, lambda row: getattr(row, name))


COLUMNS = (
    Column("call_id", "The ID of the call. Every call has its own.", lambda row: str(row.call_id)),
    _column("started_at", "When the person appeared on the caller's screen, in UTC."),
    _column(
        "ended_at",
        "When the person left the caller's screen, in UTC. Empty while the person is still on it.",
    ),
    Column(
        "ending",
        "How the person left the screen. recorded: the caller recorded an outcome. given_back: the"
        " caller gave the person back without an outcome. expired: the caller took too long."
        " taken_away: the caller was removed or the campaign ended. on_screen: not yet.",
        lambda row: row.ending or "on_screen",
    ),
    _column("recorded_at", "When the caller recorded the outcome, in UTC. Empty if they did not."),
    _column("outcome", "How the call ended. Empty if nothing was recorded."),
    _column("reached", "yes if someone answered, whether or not it was the person called."),
    _column("conversation", "yes if a person picked up and answered the script's main question."),
    _column("yes", "yes if it was a conversation and they said yes to what the script asks for."),
    _column(
        "counted",
        "yes if the call is in the totals of campaign and party. no if the phone never rang,"
        " if the outcome came too late because another caller had been given the person, or if the"
        " call was set aside.",
    ),
    _column("late", "yes if the outcome was recorded after the caller's hold had run out."),
    _column(
        "set_aside",
        "yes if an organiser set aside what this caller recorded. The call counts nowhere.",
    ),
    _column("caller", "The caller's first name, as they gave it."),
    _column("party", "The phone party the caller called in. Empty if none."),
    _column("list", "The contact list that the person is on."),
    _column("contact_external_id", "The person's ID in your own list, if it has one."),
    _column("contact_first_name", "The person's first name."),
    _column("contact_last_name", "The person's last name."),
    _column(
        "contact_phone",
        "The number called, with its country code. The apostrophe in front tells"
        " spreadsheets that it is text.",
    ),
    _column("contact_postcode", "The person's postcode."),
    _column(
        "household",
        "How many other people on the number the caller could ask for, by first name.",
    ),
    _column("script", "The script that the caller had on screen."),
    _column("script_version", "The version of the script. The words of a version never change."),
    _column(
        "experiment_arm",
        "The arm of the experiment that decided the script. Empty outside an experiment.",
    ),
    _column("note", "The caller's note."),
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


def steps_asked(campaign: Campaign) -> dict[str, list[AskedStep]]:
    """Return the steps with an answer, by id, of all script versions that recorded calls used.

    Steps of the newest version come first, then steps that only older versions have. Each list has
    the newest version first.
    """
    asked: dict[str, list[AskedStep]] = {}
    for version_id, number, name in _versions_used(campaign.id):
        for step in _parse_version(version_id).steps:
            if step.answer is not None:
                asked.setdefault(step.id, []).append(AskedStep(name, number, version_id, step))
    return asked


def answer_columns(campaign: Campaign, step_id: str, versions: Sequence[AskedStep]) -> list[Column]:
    """Return the column of a step's answers, and a second with their words if they have keys.

    The words are those of the version that the call used, even if the script has changed since.
    """
    name = f"answer_{step_id}"
    title = render_text(versions[0].step.title, merge_values(campaign))
    columns = [Column(name, title, _key_of(step_id))]
    if any(version.step.choices for version in versions):
        meaning = f"The words of {name}, as the caller saw them."
        words = _words_of(step_id, versions, merge_values(campaign))
        columns.append(Column(f"words_{step_id}", meaning, words))
    return columns


def merge_values(campaign: Campaign) -> dict[str, str | None]:
    """Return the campaign's values of its scripts' merge fields."""
    own = {"campaign_name": campaign.name, "on_behalf_of": campaign.on_behalf_of}
    return {**campaign.merge_values, **own}


def _key_of(step_id: str) -> Callable[[Row[Any]], Cell]:
    def value(row: Row[Any]) -> Cell:
        given = (row.answers or {}).get(step_id)
        return " | ".join(given) if isinstance(given, list) else given

    return value


def _words_of(
    step_id: str, versions: Sequence[AskedStep], of_campaign: dict[str, str | None]
) -> Callable[[Row[Any]], Cell]:
    steps = {version.version_id: version.step for version in versions}

    def value(row: Row[Any]) -> Cell:
        given = (row.answers or {}).get(step_id)
        step = steps.get(row.script_version_id)
        if given is None or step is None:
            return None
        fields = of_campaign | {
            "first_name": row.contact_first_name,
            "last_name": row.contact_last_name,
            "caller_name": row.caller,
        }
        chosen = [step.choice(key) for key in _as_list(given)]
        return " | ".join(render_text(choice.label, fields) for choice in chosen if choice)

    return value


def _as_list(given: Any) -> list[str]:
    return [str(key) for key in given] if isinstance(given, list) else [str(given)]


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
