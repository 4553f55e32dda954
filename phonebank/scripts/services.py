"""What may be done with a campaign's scripts. The page that asks commits.

A version never changes once stored, and a call keeps the version that it began on: a new one
reaches callers with their next person. What an organiser is still at work on is the script's
draft, which nobody else sees.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, Script, ScriptVersion
from phonebank.scripts.versions import script_of
from scripts_library.diagnostics import Diagnostic, InvalidScriptError
from scripts_library.library import UnknownScriptError, ready_made, source_of
from scripts_library.parser import parse, parse_leniently
from scripts_library.script import Script as ParsedScript
from scripts_library.yaml_source import MAX_BYTES

BLANK = Path(__file__).parent / "blank.yaml"


class FaultyScriptError(InvalidInputError):
    """A script that cannot be used; `diagnostics` says all that is wrong with it."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        number = "One thing" if len(errors) == 1 else f"{len(errors)} things"
        super().__init__(
            f"{number} in this script must be fixed before callers can use it.",
            "; ".join(str(diagnostic) for diagnostic in errors[:3]),
        )
        self.diagnostics = tuple(diagnostics)


@cache
def library() -> tuple[ParsedScript, ...]:
    """The ready-made scripts; they only change with the software."""
    return tuple(ready_made())


def scripts_of(campaign: Campaign) -> Sequence[Script]:
    """The campaign's scripts, newest first."""
    return db.session.scalars(
        select(Script).where(Script.campaign_id == campaign.id).order_by(Script.id.desc())
    ).all()


def script_for(campaign: Campaign, script_id: int) -> Script:
    """A script of the campaign. Raises NotFoundError."""
    script = db.session.get(Script, script_id)
    if script is None or script.campaign_id != campaign.id:
        raise NotFoundError("This campaign has no such script.", "Go back to its scripts.")
    return script


def versions_of(script: Script) -> Sequence[ScriptVersion]:
    """Every version, newest first."""
    return db.session.scalars(
        select(ScriptVersion)
        .where(ScriptVersion.script_id == script.id)
        .order_by(ScriptVersion.number.desc())
    ).all()


def version_for(script: Script, number: int) -> ScriptVersion:
    """A version of the script by its number. Raises NotFoundError."""
    version = db.session.scalar(
        select(ScriptVersion).where(
            ScriptVersion.script_id == script.id, ScriptVersion.number == number
        )
    )
    if version is None:
        raise NotFoundError("This script has no such version.", "Go back to its versions.")
    return version


def published_version(script: Script) -> ScriptVersion | None:
    """The version that callers get with their next person."""
    if script.published_version_id is None:
        return None
    return db.session.get(ScriptVersion, script.published_version_id)


def use_ready_made(campaign: Campaign, slug: str, language: str, account: Account | None) -> Script:
    """Copy a ready-made script into the campaign, publish it, and make it the campaign's.

    Raises NotFoundError for one that does not exist.
    """
    try:
        source = source_of(slug, language)
    except UnknownScriptError as unknown:
        raise NotFoundError(str(unknown), "Choose one from the list.") from None
    script = _stored(campaign, source)
    publish(script, add_version(script, source, account))
    choose(campaign, script)
    return script


def start_blank(campaign: Campaign) -> Script:
    """A small script to write on from. A draft: callers get it once it is published and chosen."""
    source = BLANK.read_text("utf-8")
    script = _stored(campaign, source)
    script.draft = source
    return script


def choose(campaign: Campaign, script: Script) -> None:
    """Make a script the one that the campaign's next calls run on. Raises ConflictError before any
    version of it is published."""
    if script.published_version_id is None:
        raise ConflictError("This script has not been published yet.", "Publish it first.")
    lock_row(campaign)
    campaign.script_id = script.id


def working_source(script: Script) -> str:
    """The draft where there is one, else the published version: what an editor goes on with."""
    if script.draft is not None:
        return script.draft
    version = published_version(script) or next(iter(versions_of(script)), None)
    return version.source if version else ""


def working_script(script: Script) -> tuple[ParsedScript, list[Diagnostic]]:
    """The same, read, with its diagnostics. Raises NotFoundError when nothing of it can be read."""
    parsed, found = parse_leniently(working_source(script))
    if parsed is None:
        raise NotFoundError("This script has no step that can be read.", "Fix it as text.")
    return parsed, found


def digest(script: Script) -> str:
    """Tells whether what an editor goes on with is still what a form was drawn from.

    16 hexadecimal digits, of the draft's words, or the published ones where there is no draft.
    """
    return _digest(working_source(script))


def publish_digest(script: Script) -> str:
    """Tells whether publishing, or throwing the draft away, would still do what a page showed.

    16 hexadecimal digits, of the draft, or that there is none, and of what callers have.
    """
    return _digest(repr((script.published_version_id, script.draft)))


def save_draft(script: Script, source: str) -> None:
    """Keep YAML as the script's draft, whatever its diagnostics; none when it is as published.

    Raises InvalidInputError for what an editor could not open again.
    """
    if len(source.encode()) > MAX_BYTES:
        raise InvalidInputError(
            f"A script may be up to {MAX_BYTES // 1024} kB, and this one is larger.", "Shorten it."
        )
    parsed, found = parse_leniently(source)
    if parsed is None:
        raise FaultyScriptError(found)
    lock_row(script)
    published = script_of(script.published_version_id)
    script.draft = None if published and _alike(published, parsed) else source
    script.name = parsed.title[:120] or script.name


def discard_draft(script: Script) -> None:
    """Throw the draft away. Raises ConflictError where nothing else would be left."""
    lock_row(script)
    if script.published_version_id is None:
        raise ConflictError(
            "This script has no published version to go back to.", "Keep the draft."
        )
    script.draft = None
    published = script_of(script.published_version_id)
    if published is not None:
        script.name = published.title[:120]


def add_version(script: Script, source: str, account: Account | None) -> ScriptVersion:
    """Store YAML as the script's next version. Raises FaultyScriptError unless callers can use
    it."""
    try:
        parse(source, script.name)
    except InvalidScriptError as refused:
        raise FaultyScriptError(refused.diagnostics) from None
    # Two organisers publishing at once take turns, so that both get a number.
    lock_row(script)
    last = db.session.scalar(
        select(func.max(ScriptVersion.number)).where(ScriptVersion.script_id == script.id)
    )
    version = ScriptVersion(
        script_id=script.id,
        number=(last or 0) + 1,
        source=source,
        created_by_id=account.id if account else None,
    )
    db.session.add(version)
    db.session.flush()
    return version


def publish(script: Script, version: ScriptVersion) -> None:
    """Let callers have this version with their next person; calls under way keep theirs."""
    script.published_version_id = version.id


def publish_draft(campaign: Campaign, script: Script, account: Account | None) -> ScriptVersion:
    """Make a version of the draft and publish it; a campaign without a script gets this one.

    Raises ConflictError where there is no draft, FaultyScriptError for one that callers cannot use.
    """
    lock_row(script)
    if script.draft is None:
        raise ConflictError("There is nothing to publish.", "Change something first.")
    version = add_version(script, script.draft, account)
    publish(script, version)
    script.draft = None
    lock_row(campaign)
    if campaign.script_id is None:
        choose(campaign, script)
    return version


def restore(script: Script, version: ScriptVersion) -> None:
    """Bring an earlier version's words back as the draft. Published, it is a version of its own,
    so that the order of what callers said stays true."""
    save_draft(script, version.source)


def is_restored(script: Script, version: ScriptVersion) -> bool:
    """Whether bringing the version back would change nothing."""
    if script.draft is not None:
        return script.draft == version.source
    published, parsed = script_of(script.published_version_id), script_of(version.id)
    return published is not None and parsed is not None and _alike(published, parsed)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _alike(one: ParsedScript, other: ParsedScript) -> bool:
    """Whether two scripts say and do the same: in which order answers count as a yes is nothing."""

    def sorted_yes(script: ParsedScript) -> dict[str, list[str]]:
        return {step_id: sorted(keys) for step_id, keys in script.yes.items()}

    return sorted_yes(one) == sorted_yes(other) and replace(one, yes={}) == replace(other, yes={})


def _stored(campaign: Campaign, source: str) -> Script:
    script = Script(campaign_id=campaign.id, name=parse(source, "a new script").title[:120])
    db.session.add(script)
    db.session.flush()
    return script
