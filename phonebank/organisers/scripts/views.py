"""A campaign's scripts: choose one, read it, its versions, publish, take it away as text."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.datastructures import FileStorage

from phonebank.campaigns.services import campaign_for
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.experiments.script_choice import active_version_ids
from phonebank.models import Account, Campaign, RoleName, Script
from phonebank.organisers.campaigns.forms import LANGUAGES
from phonebank.organisers.scripts.editor_views import OVERTAKEN, editor, in_form_words
from phonebank.scripts import campaign_merge_values, services
from phonebank.scripts.answer_compat import changed_meanings
from phonebank.scripts.diff import differences
from phonebank.scripts.flowchart.drawing import draw_flowchart
from phonebank.scripts.missing_fields import missing_field_warnings
from phonebank.scripts.read_view import ANSWERS, merged_html, step_views, talking_time
from phonebank.scripts.transitions import describe_steps
from phonebank.scripts.versions import script_of
from scripts_library.diagnostics import Diagnostic
from scripts_library.merge_fields import render_text
from scripts_library.parser import diagnose
from scripts_library.script import Script as ParsedScript
from scripts_library.yaml_source import MAX_BYTES

scripts = Blueprint("scripts", __name__, url_prefix="/campaigns/<int:campaign_id>/scripts")

NOTHING_TO_PUBLISH = "There is nothing to publish. Everything is published already."
NOTHING_LEFT = "There is nothing to publish. The draft was already published or discarded."
NOTHING_TO_DISCARD = "There is nothing to discard. The draft was already published or discarded."
DRAFT_STAYS = (
    "Someone has changed this script since you opened this page, so nothing was discarded."
    " Review the changes first."
)
NOT_BROUGHT_BACK = (
    "Someone has changed this script since you opened this page, so nothing was restored."
    " Check what is there now, or press the button again to replace it with the old words."
)


def init_app(app: Flask) -> None:
    """Add the pages of scripts and of their editor."""
    app.register_blueprint(scripts)
    app.register_blueprint(editor)
    app.add_template_filter(dict(LANGUAGES).get, "language_name")
    app.add_template_filter(talking_time, "talking_time")
    app.add_template_filter(merged_html)
    app.add_template_global(draw_flowchart)
    app.add_template_global(describe_steps)
    app.add_template_filter(lambda words: render_text(words, {}), "merged")


@scripts.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """The campaign's scripts, and the ready-made ones."""
    campaign = _campaign(campaign_id)
    return render_template(
        "scripts/index.html",
        campaign=campaign,
        own=services.scripts_of(campaign),
        library=services.library(),
    )


@scripts.get("/library/<slug>/<language>")
@open_to(RoleName.ORGANISER)
def read_ready_made(campaign_id: int, slug: str, language: str) -> ResponseReturnValue:
    """One ready-made script, to read before it is chosen."""
    campaign = _campaign(campaign_id)
    for script in services.library():
        if (script.slug, script.language) == (slug, language):
            return render_template(
                "scripts/ready_made.html",
                campaign=campaign,
                parsed=script,
                blocks=step_views(script),
            )
    raise NotFoundError("There is no such ready-made script.", "Choose one from the list.")


@scripts.post("/library")
@open_to(RoleName.ORGANISER)
def use_ready_made(campaign_id: int) -> ResponseReturnValue:
    """Copy a ready-made script into the campaign and call with it."""
    campaign = _campaign(campaign_id)
    slug, language = request.form.get("slug", ""), request.form.get("language", "")
    script = services.use_ready_made(campaign, slug, language, _account())
    db.session.commit()
    flash(
        f"The script is now yours. {_when_callers_get_it(campaign, script)}"
        " Fill in what is missing, and change what you like.",
        "success",
    )
    return _to("show", campaign, script)


@scripts.post("/blank")
@open_to(RoleName.ORGANISER)
def start_blank(campaign_id: int) -> ResponseReturnValue:
    """Begin a script of one's own."""
    campaign = _campaign(campaign_id)
    script = services.start_blank(campaign)
    db.session.commit()
    return redirect(url_for("script_editor.edit", campaign_id=campaign.id, script_id=script.id))


@scripts.get("/<int:script_id>")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """The published script to read, and what may be done with it."""
    return _show_page(*_script(campaign_id, script_id))


@scripts.post("/<int:script_id>/choose")
@open_to(RoleName.ORGANISER)
def choose(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Call with this script from the next person on."""
    campaign, script = _script(campaign_id, script_id)
    services.choose(campaign, script)
    db.session.commit()
    flash(f"This is now the campaign's script. {_when_callers_get_it(campaign, script)}", "success")
    return _to("show", campaign, script)


@scripts.post("/<int:script_id>/values")
@open_to(RoleName.ORGANISER)
def fill_in(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Keep what was changed of what the campaign's own merge fields hold."""
    campaign, script = _script(campaign_id, script_id)
    fields = _declared_fields(script)
    overtaken = campaign_merge_values.fill_in(campaign, fields, request.form)
    if overtaken:
        typed = campaign_merge_values.changed_values(fields, request.form)
        return _show_page(campaign, script, typed, overtaken), 422
    db.session.commit()
    flash("Saved. Callers see it with their next person.", "success")
    return _to("show", campaign, script)


@scripts.route("/<int:script_id>/publish", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def publish(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Look over what would change for callers, and publish it on purpose."""
    campaign, script = _script(campaign_id, script_id)
    sent = request.method == "POST"
    if sent:
        lock_row(script)
    if script.draft is None:
        flash(NOTHING_LEFT if sent else NOTHING_TO_PUBLISH, "info")
        return _to("show", campaign, script)
    seen = services.publish_digest(script)
    overtaken = sent and request.form.get("seen") != seen
    new, found = services.working_script(script)
    meanings = changed_meanings(script, new)
    unconfirmed = sent and bool(meanings) and request.form.get("confirmed") != "yes"
    if sent and not overtaken and not unconfirmed:
        services.publish_draft(campaign, script, _account())
        db.session.commit()
        flash(f"Published. {_when_callers_get_it(campaign, script)}", "success")
        return _to("show", campaign, script)
    old = script_of(script.published_version_id)
    page = render_template(
        "scripts/publish.html",
        campaign=campaign,
        row=script,
        parsed=new,
        in_form_words=in_form_words(new),
        errors=[diagnostic for diagnostic in found if diagnostic.severity == "error"],
        warnings=[*_warnings(found), *missing_field_warnings(campaign, new)],
        meanings=meanings,
        answers=ANSWERS,
        seen=seen,
        overtaken=overtaken,
        unconfirmed=unconfirmed and not overtaken,
        sections=differences(old, new) if old else None,
    )
    return page, 422 if sent else 200


@scripts.post("/<int:script_id>/discard")
@open_to(RoleName.ORGANISER)
def discard(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Throw away what was not published."""
    campaign, script = _script(campaign_id, script_id)
    lock_row(script)
    if script.draft is None:
        flash(NOTHING_TO_DISCARD, "info")
        return _to("show", campaign, script)
    if request.form.get("seen") != services.publish_digest(script):
        flash(DRAFT_STAYS, "error")
        return _show_page(campaign, script), 422
    services.discard_draft(script)
    db.session.commit()
    flash("Changes discarded. Callers never saw them.", "success")
    return _to("show", campaign, script)


@scripts.get("/<int:script_id>/versions")
@open_to(RoleName.ORGANISER)
def versions(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Every version, newest first, each with what it changed."""
    return _versions_page(*_script(campaign_id, script_id))


@scripts.get("/<int:script_id>/versions/<int:number>")
@open_to(RoleName.ORGANISER)
def read_version(campaign_id: int, script_id: int, number: int) -> ResponseReturnValue:
    """One version to read, and how it differs from what callers have now."""
    campaign, script = _script(campaign_id, script_id)
    version = services.version_for(script, number)
    parsed, published = _parsed(version.id), script_of(script.published_version_id)
    return render_template(
        "scripts/version.html",
        campaign=campaign,
        row=script,
        version=version,
        parsed=parsed,
        blocks=step_views(parsed),
        sections=differences(parsed, published) if published else [],
        seen=services.publish_digest(script),
    )


@scripts.post("/<int:script_id>/versions/<int:number>/restore")
@open_to(RoleName.ORGANISER)
def restore(campaign_id: int, script_id: int, number: int) -> ResponseReturnValue:
    """Bring an old version's words back, to be looked over and published."""
    campaign, script = _script(campaign_id, script_id)
    version = services.version_for(script, number)
    lock_row(script)
    # Pressed twice, it has only done what was asked.
    overtaken = request.form.get("seen") != services.publish_digest(script)
    if overtaken and not services.is_restored(script, version):
        flash(NOT_BROUGHT_BACK, "error")
        return _versions_page(campaign, script), 422
    had_draft = script.draft is not None
    services.restore(script, version)
    db.session.commit()
    if script.draft is None:
        lost = " The draft was discarded." if had_draft else ""
        flash(
            f"Version {number} has the words that are published now, so there is nothing to"
            f" publish.{lost}",
            "info",
        )
        return _to("versions", campaign, script)
    flash(f"Version {number} is your draft now. Review it, then publish it.", "success")
    return _to("publish", campaign, script)


@scripts.route("/<int:script_id>/text", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def as_text(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """The script as YAML: to copy, to paste, to upload. What is wrong is named with its line."""
    campaign, script = _script(campaign_id, script_id)
    if request.method == "POST":
        lock_row(script)
    source, seen = services.working_source(script), services.digest(script)
    found, status = None, 200
    if request.method == "POST":
        kept, source = source, _text_sent()
        found = diagnose(source)
        if request.form.get("seen") != seen and source != kept:
            flash(OVERTAKEN, "error")
            status = 422
        else:
            try:
                services.save_draft(script, source)
            except InvalidInputError as error:
                flash(f"Nothing was saved. {error.message}", "error")
                status = 422
            else:
                seen = services.digest(script)
                db.session.commit()
                flash("Saved as a draft. Callers get it once you publish it.", "success")
    page = render_template(
        "scripts/text.html",
        campaign=campaign,
        row=script,
        source=source,
        seen=seen,
        diagnostics=diagnose(source) if found is None else found,
    )
    return page, status


@scripts.get("/<int:script_id>/script.yaml")
@open_to(RoleName.ORGANISER)
def download(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """The script as a file: a version, or what is being worked on."""
    _, script = _script(campaign_id, script_id)
    number = request.args.get("version", type=int)
    source = (
        services.version_for(script, number).source if number else services.working_source(script)
    )
    filename = f"script-{script.id}{f'-version-{number}' if number else ''}.yaml"
    return Response(
        source,
        mimetype="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _show_page(
    campaign: Campaign,
    script: Script,
    typed: Mapping[str, str] | None = None,
    overtaken: Mapping[str, str] | None = None,
) -> str:
    """`typed`: what somebody wrote into merge fields and is not kept yet; `overtaken`: what a
    colleague wrote into them meanwhile."""
    parsed = script_of(script.published_version_id)
    return render_template(
        "scripts/show.html",
        campaign=campaign,
        row=script,
        version=services.published_version(script),
        parsed=parsed,
        blocks=step_views(parsed) if parsed else [],
        fields=_declared_fields(script),
        typed=typed or {},
        overtaken=overtaken or {},
        seen=services.publish_digest(script),
    )


def _versions_page(campaign: Campaign, script: Script) -> str:
    stored = services.versions_of(script)
    authors = {account.id: account for account in db.session.query(Account)}
    rows = []
    for at, version in enumerate(stored):
        before = script_of(stored[at + 1].id) if at + 1 < len(stored) else None
        sections = differences(before, _parsed(version.id)) if before else None
        rows.append((version, authors.get(version.created_by_id or 0), sections))
    return render_template(
        "scripts/versions.html",
        campaign=campaign,
        row=script,
        rows=rows,
        seen=services.publish_digest(script),
    )


def _text_sent() -> str:
    """The text of the form, or of the file that was chosen. Raises InvalidInputError for no
    text."""
    upload: FileStorage | None = request.files.get("file")
    if upload is None or not upload.filename:
        return request.form.get("source", "").replace("\r\n", "\n")
    try:
        return upload.stream.read(MAX_BYTES + 1).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidInputError(
            "This file isn't UTF-8 text, so it can't be a script.", "Choose a .yaml file."
        ) from None


def _when_callers_get_it(campaign: Campaign, script: Script) -> str:
    """When callers get the published words, for them who have just had a hand in that."""
    if script.published_version_id in active_version_ids(campaign.id):
        return "Callers get it with their next person."
    if campaign.script_id == script.id:
        return "Callers get it once you stop the experiment that is running."
    return "Callers get it once you press “Call with this one”. They have another script now."


def _declared_fields(script: Script) -> dict[str, str]:
    """The merge fields that the script declares: name → what it holds."""
    try:
        parsed, _ = services.working_script(script)
    except NotFoundError:
        return {}
    return dict(parsed.fields)


def _warnings(found: list[Diagnostic]) -> list[Diagnostic]:
    return [diagnostic for diagnostic in found if diagnostic.severity == "warning"]


def _parsed(version_id: int) -> ParsedScript:
    parsed = script_of(version_id)
    if parsed is None:
        raise NotFoundError("This script has no such version.", "Go back to its versions.")
    return parsed


def _account() -> Any:
    return current_user._get_current_object()


def _campaign(campaign_id: int) -> Campaign:
    return campaign_for(current_user, campaign_id)


def _script(campaign_id: int, script_id: int) -> tuple[Campaign, Script]:
    campaign = _campaign(campaign_id)
    return campaign, services.script_for(campaign, script_id)


def _to(page: str, campaign: Campaign, script: Script) -> ResponseReturnValue:
    return redirect(url_for(f"scripts.{page}", campaign_id=campaign.id, script_id=script.id))
