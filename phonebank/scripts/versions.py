"""Which script a call runs on. A stored version never changes, so a parsed one is kept."""

from collections.abc import Iterator
from functools import lru_cache

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Campaign, Script, ScriptVersion
from scripts_library.parser import parse
from scripts_library.script import Script as ParsedScript


def published_version_id(campaign: Campaign) -> int | None:
    """The version that the campaign's next call runs on; None when it has no script yet."""
    if campaign.script_id is None:
        return None
    return db.session.scalar(
        select(Script.published_version_id).where(Script.id == campaign.script_id)
    )


def script_of(version_id: int | None) -> ParsedScript | None:
    """The parsed script of a stored version; None for None."""
    if version_id is None:
        return None
    return _parsed(version_id)


def parsed_versions(script: Script) -> Iterator[ParsedScript]:
    """The parsed script of each version that was ever published, newest first."""
    for version_id in db.session.scalars(
        select(ScriptVersion.id)
        .where(ScriptVersion.script_id == script.id)
        .order_by(ScriptVersion.number.desc())
    ).all():
        yield _parsed(version_id)


def identifiers_used(script: Script) -> dict[str, dict[str, str]]:
    """Step id → its choices' keys → the newest label of each, of every step that any version had.

    Answers are kept under these names, so nothing new may be given one of them.
    """
    used: dict[str, dict[str, str]] = {}
    for version in parsed_versions(script):
        for step in version.steps:
            labels = used.setdefault(step.id, {})
            for choice in step.choices:
                labels.setdefault(choice.key, choice.label)
    return used


@lru_cache(maxsize=256)
def _parsed(version_id: int) -> ParsedScript:
    source = db.session.scalars(
        select(ScriptVersion.source).where(ScriptVersion.id == version_id)
    ).one()
    return parse(source, f"script version {version_id}")
