"""A script's published versions: list, read, parse, add and publish them.

A stored version never changes, and a call keeps the version that it began with. If a campaign uses
the script, its callers get a newly published version with their next contact, unless an experiment
chooses another version. These functions do not commit.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, Script, ScriptVersion
from scripts_library.diagnostics import Diagnostic, InvalidScriptError
from scripts_library.parser import parse
from scripts_library.script import Script as ParsedScript


class FaultyScriptError(InvalidInputError):
    """The error for a script that callers cannot use. `diagnostics` says what is wrong."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        number = "One thing" if len(errors) == 1 else f"{len(errors)} things"
        super().__init__(
            f"{number} in this script must be fixed first.",
            "; ".join(str(diagnostic) for diagnostic in errors[:3]),
        )
        self.diagnostics = tuple(diagnostics)


def published_version_id(campaign: Campaign) -> int | None:
    """Return the id of the published version of the campaign's script.

    Return None if no script is chosen for the campaign, or if no version of the script is
    published. A running experiment may choose other versions: see
    `phonebank.experiments.script_choice`.
    """
    if campaign.script_id is None:
        return None
    return db.session.scalar(
        select(Script.published_version_id).where(Script.id == campaign.script_id)
    )


def published_version(script: Script) -> ScriptVersion | None:
    """Return the script's published version, or None if there is none. If a campaign uses the
    script, its callers get this version with their next contact, unless an experiment chooses
    another version."""
    if script.published_version_id is None:
        return None
    return db.session.get(ScriptVersion, script.published_version_id)


def versions_of(script: Script) -> Sequence[ScriptVersion]:
    """Return all versions of the script, newest first."""
    return db.session.scalars(
        select(ScriptVersion)
        .where(ScriptVersion.script_id == script.id)
        .order_by(ScriptVersion.number.desc())
    ).all()


def version_for(script: Script, number: int) -> ScriptVersion:
    """Return a version of the script by its number. Raises NotFoundError if there is no such
    version."""
    version = db.session.scalar(
        select(ScriptVersion).where(
            ScriptVersion.script_id == script.id, ScriptVersion.number == number
        )
    )
    if version is None:
        raise NotFoundError("This script has no such version.", "Go back to its versions.")
    return version


def add_version(script: Script, source: str, account: Account | None) -> ScriptVersion:
    """Store YAML as the script's next version.

    Raises FaultyScriptError if the YAML has errors.
    """
    try:
        parsed = parse(source, script.name)
    except InvalidScriptError as refused:
        raise FaultyScriptError(refused.diagnostics) from None
    # Two organisers who publish at once wait for each other, so each version gets its own number.
    lock_row(script)
    last = db.session.scalar(
        select(func.max(ScriptVersion.number)).where(ScriptVersion.script_id == script.id)
    )
    version = ScriptVersion(
        script_id=script.id,
        number=(last or 0) + 1,
        source=source,
        needs_action={step_id: list(keys) for step_id, keys in parsed.needs_action.items()},
        tags={step_id: dict(tags) for step_id, tags in parsed.tags.items()},
        created_by_id=account.id if account else None,
    )
    db.session.add(version)
    db.session.flush()
    return version


def publish(script: Script, version: ScriptVersion) -> None:
    """Publish a version. If a campaign uses this script, its callers get the version with their
    next contact, unless an experiment chooses another version. A call that has begun keeps its
    version."""
    script.published_version_id = version.id


def script_of(version_id: int | None) -> ParsedScript | None:
    """Return the parsed script of a stored version, or None if `version_id` is None."""
    if version_id is None:
        return None
    return _parse_version(version_id)


def parsed_versions(script: Script) -> Iterator[ParsedScript]:
    """Yield the parsed script of each version that was ever published, newest first."""
    for version_id in db.session.scalars(
        select(ScriptVersion.id)
        .where(ScriptVersion.script_id == script.id)
        .order_by(ScriptVersion.number.desc())
    ).all():
        yield _parse_version(version_id)


def identifiers_used(script: Script) -> dict[str, dict[str, str]]:
    """Return the step ids and the answer keys in all published versions of the script. The result
    maps each step id to a dict, which maps each of the step's answer keys to the answer's newest
    label.

    Answers are stored under these ids and keys. So a new step must not get one of these ids. A new
    answer may get one of its step's keys only if the key's label is the same as the answer's label.
    """
    used: dict[str, dict[str, str]] = {}
    for version in parsed_versions(script):
        for step in version.steps:
            labels = used.setdefault(step.id, {})
            for choice in step.choices:
                labels.setdefault(choice.key, choice.label)
    return used


# A stored version never changes, so its parsed script can be cached.
@lru_cache(maxsize=256)
def _parse_version(version_id: int) -> ParsedScript:
    source = db.session.scalars(
        select(ScriptVersion.source).where(ScriptVersion.id == version_id)
    ).one()
    return parse(source, f"script version {version_id}")
