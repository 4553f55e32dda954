"""The pages about a script's versions. An organiser can list the versions, and read, restore or
download each of them."""

from flask import Response, flash, render_template, request
from flask.typing import ResponseReturnValue

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, RoleName, Script
from phonebank.organisers.scripts.blueprint import load_script, redirect_to, scripts
from phonebank.scripts import drafts
from phonebank.scripts.diff import differences
from phonebank.scripts.read_view import step_views
from phonebank.scripts.versions import script_of, version_for, versions_of
from scripts_library.script import Script as ParsedScript

NOT_RESTORED = (
    "Someone has changed this script since you opened this page, so nothing was restored."
    " Check what is there now, or press the button again to replace it with the old words."
)


@scripts.get("/<int:script_id>/versions")
@open_to(RoleName.ORGANISER)
def versions(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Show every version with its changes, newest first."""
    return _versions_page(*load_script(campaign_id, script_id))


@scripts.get("/<int:script_id>/versions/<int:number>")
@open_to(RoleName.ORGANISER)
def read_version(campaign_id: int, script_id: int, number: int) -> ResponseReturnValue:
    """Show one version, and how it differs from the published version."""
    campaign, script = load_script(campaign_id, script_id)
    version = version_for(script, number)
    parsed, published = _parsed_script(version.id), script_of(script.published_version_id)
    return render_template(
        "scripts/version.html",
        campaign=campaign,
        row=script,
        version=version,
        parsed=parsed,
        blocks=step_views(parsed),
        sections=differences(parsed, published) if published else [],
        seen=drafts.publish_digest(script),
    )


@scripts.post("/<int:script_id>/versions/<int:number>/restore")
@open_to(RoleName.ORGANISER)
def restore(campaign_id: int, script_id: int, number: int) -> ResponseReturnValue:
    """Make an old version the draft, so that the organiser can review and publish it. If the script
    has changed since the page was opened, restore nothing. If the old version has the same words as
    the published version, there is no draft afterwards."""
    campaign, script = load_script(campaign_id, script_id)
    version = version_for(script, number)
    lock_row(script)
    overtaken = request.form.get("seen") != drafts.publish_digest(script)
    # If the organiser pressed the button twice, the first press has already restored the version.
    if overtaken and not drafts.is_restored(script, version):
        flash(NOT_RESTORED, "error")
        return _versions_page(campaign, script), 422
    had_draft = script.draft is not None
    drafts.restore(script, version)
    db.session.commit()
    if script.draft is None:
        lost = " The draft was discarded." if had_draft else ""
        flash(
            f"Version {number} has the words that are published now, so there is nothing to"
            f" publish.{lost}",
            "info",
        )
        return redirect_to("versions", campaign, script)
    flash(f"Version {number} is your draft now. Review it, then publish it.", "success")
    return redirect_to("publish", campaign, script)


@scripts.get("/<int:script_id>/script.yaml")
@open_to(RoleName.ORGANISER)
def download(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Download the script as YAML. `?version=` chooses a version by its number. Without
    `?version=`, download the draft. If there is no draft, download the published version. If no
    version is published, download the newest version. Raises NotFoundError if there is no version
    with the number."""
    _, script = load_script(campaign_id, script_id)
    number = request.args.get("version", type=int)
    source = version_for(script, number).source if number else drafts.working_source(script)
    filename = f"script-{script.id}{f'-version-{number}' if number else ''}.yaml"
    return Response(
        source,
        mimetype="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _versions_page(campaign: Campaign, script: Script) -> str:
    stored = versions_of(script)
    authors = {account.id: account for account in db.session.query(Account)}
    rows = []
    for at, version in enumerate(stored):
        before = script_of(stored[at + 1].id) if at + 1 < len(stored) else None
        sections = differences(before, _parsed_script(version.id)) if before else None
        rows.append((version, authors.get(version.created_by_id or 0), sections))
    return render_template(
        "scripts/versions.html",
        campaign=campaign,
        row=script,
        rows=rows,
        seen=drafts.publish_digest(script),
    )


def _parsed_script(version_id: int) -> ParsedScript:
    parsed = script_of(version_id)
    if parsed is None:
        raise NotFoundError("This script has no such version.", "Go back to its versions.")
    return parsed
