"""The drafts of scripts. Organisers work on a script's draft, and callers do not see the draft.

Save, discard and publish a draft, or restore an earlier version as the draft. These functions do
not commit.
"""

import hashlib
from dataclasses import replace

from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, Script, ScriptVersion
from phonebank.scripts.campaign_scripts import choose
from phonebank.scripts.versions import (
    FaultyScriptError,
    add_version,
    publish,
    published_version,
    script_of,
    versions_of,
)
from scripts_library.diagnostics import Diagnostic
from scripts_library.parser import parse_leniently
from scripts_library.script import Script as ParsedScript
from scripts_library.yaml_source import MAX_BYTES


def working_source(script: Script) -> str:
    """Return the YAML of the script that the script editor shows when it opens.

    This is the draft. If there is no draft, it is the published version. If no version is
    published, it is the newest version. Return "" if the script has no draft and no version.
    """
    if script.draft is not None:
        return script.draft
    version = published_version(script) or next(iter(versions_of(script)), None)
    return version.source if version else ""


def working_script(script: Script) -> tuple[ParsedScript, list[Diagnostic]]:
    """Return the script parsed from `working_source`, and the list of the script's errors and
    warnings, sorted by line.

    Raises NotFoundError if no step of the script can be read.
    """
    parsed, found = parse_leniently(working_source(script))
    if parsed is None:
        raise NotFoundError("This script has no step that can be read.", "Fix it as text.")
    return parsed, found


def declared_fields(script: Script) -> dict[str, str]:
    """Return the merge fields that the script in `working_source` declares: a dict from each
    field's name to its description.

    The result is empty if no step of the script can be read.
    """
    parsed, _ = parse_leniently(working_source(script))
    return dict(parsed.fields) if parsed else {}


def digest(script: Script) -> str:
    """Return a digest of `working_source`: 16 hexadecimal digits.

    A form sends this digest back. So a view notices if the script was saved after the form's page
    was made.
    """
    return _digest(working_source(script))


def publish_digest(script: Script) -> str:
    """Return one digest of the draft and the published version's id: 16 hexadecimal digits.

    A form sends this digest back. If the draft or the published version has changed since the page
    was made, the view publishes, discards or restores nothing.
    """
    return _digest(repr((script.published_version_id, script.draft)))


def save_draft(script: Script, source: str) -> None:
    """Store YAML as the script's draft, even if the YAML has errors.

    If the YAML describes the same script as the published version, there is no draft afterwards.
    The script's name becomes the title in the YAML, cut to 120 characters. An empty title leaves
    the name as it is.

    Raises InvalidInputError if the YAML is too large. Raises FaultyScriptError if no step can be
    read, because the script editor could not open such a draft.
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
    script.draft = None if published and _are_equivalent(published, parsed) else source
    script.name = parsed.title[:120] or script.name


def discard_draft(script: Script) -> None:
    """Delete the draft, and name the script after its published version again. Raises ConflictError
    if the script has no published version."""
    lock_row(script)
    if script.published_version_id is None:
        raise ConflictError(
            "This script has no published version to go back to.", "Keep the draft."
        )
    script.draft = None
    published = script_of(script.published_version_id)
    if published is not None:
        script.name = published.title[:120]


def publish_draft(campaign: Campaign, script: Script, account: Account | None) -> ScriptVersion:
    """Store the draft as a new version and publish this version. If no script is chosen for the
    campaign yet, choose this script.

    Raises ConflictError if there is no draft, and FaultyScriptError if the draft has errors.
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
    """Make the YAML of an earlier version the draft. The function calls `save_draft`, and raises
    the same errors.

    Publishing this draft adds a version with a new number. So the numbers stay in the order in
    which the versions were published.
    """
    save_draft(script, version.source)


def is_restored(script: Script, version: ScriptVersion) -> bool:
    """Whether restoring the version would change nothing."""
    if script.draft is not None:
        return script.draft == version.source
    published, parsed = script_of(script.published_version_id), script_of(version.id)
    return published is not None and parsed is not None and _are_equivalent(published, parsed)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _are_equivalent(one: ParsedScript, other: ParsedScript) -> bool:
    """Whether two scripts are equal. The order of the answers that count as a yes or need action
    does not matter."""

    def ordered(script: ParsedScript) -> ParsedScript:
        yes = {step_id: tuple(sorted(keys)) for step_id, keys in script.yes.items()}
        action = {step_id: tuple(sorted(keys)) for step_id, keys in script.needs_action.items()}
        return replace(script, yes=yes, needs_action=action)

    return ordered(one) == ordered(other)
