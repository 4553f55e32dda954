"""The script editor: a form of blocks, checked and previewed as somebody types.

Every button sends the whole form, and everything sent is kept as the script's draft, diagnostics
and all. Without scripts in the browser the same buttons load the page anew.
"""

import re
from collections.abc import Callable, Collection, Iterable

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.campaigns.services import campaign_for
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import Campaign, RoleName, Script
from phonebank.scripts import services
from phonebank.scripts.deleted_step import DeletedStep, restore_step, unpack_deleted_step
from phonebank.scripts.edit_actions import apply_action, resolve_next_below
from phonebank.scripts.editor_state import EditorState, editor_state_of
from phonebank.scripts.form_fields import BELOW, script_from_form
from phonebank.scripts.identifiers import assign_ids
from phonebank.scripts.preview import Preview, preview_after, preview_at
from phonebank.scripts.read_view import ANSWERS, CHARACTERS
from phonebank.scripts.transitions import describe_answers, title_of
from phonebank.scripts.versions import identifiers_used
from scripts_library.script import BUILT_IN_FIELDS, FIELDS_ALWAYS_KNOWN
from scripts_library.script import Script as ParsedScript

editor = Blueprint(
    "script_editor",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/scripts/<int:script_id>/edit",
)

KINDS = {
    "say": "Say: the caller says this and goes on",
    "question": "Question: the caller asks and notes the answer",
    "listen": "Listen: they talk, and the caller notes what matters",
    "story": "Story: the caller tells a story of their own",
    "ask": "Ask: for a vote, an hour of time, a promise",
    "close": "Close: the caller says goodbye, and the call ends",
}
# What the diagnostics call a setting → what the form calls it.
LABELS = {
    "about": "About them",
    "answer": "Kind of answer",
    "character": "Kind of person",
    "choices": "Answers",
    "fields": "Fields",
    "first_rating": "First rating",
    "goto": "Leads to",
    "guidance": "Tip for the caller",
    "identification": "Who is calling",
    "key": "Answer",
    "kind": "Kind of step",
    "label": "Answer",
    "main_question": "What makes it a conversation",
    "name": "Name",
    "next": "Then go to",
    "otherwise": "At all other steps they say",
    "practice": "For practice calls",
    "purpose": "What it is for",
    "scale": "From and to",
    "second_rating": "Second rating",
    "start": "Where it begins",
    "title": "Title",
    "words": "Words to say",
    "yes": "Counts as a yes",
}
OVERTAKEN = (
    "Someone has changed this script since you opened it, so nothing is saved yet. Open it in"
    " another tab to see their version. Save here again to replace it with yours."
)
NOT_HELD = (
    "The step could not be brought back, because this page no longer has it. If it was ever"
    " published, you can find it under “Versions”."
)
IN_WAY = (
    "The step was not brought back yet, because a new step without a title is in its place. Give"
    " the new step a title, then press Undo again."
)
FALLBACKS = {"first_name": "there", "last_name": "", "town": "your area"}


@editor.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """The editor. A POST keeps the form as the draft, after what its button asks for.

    Raises InvalidInputError for a POST without the form.
    """
    campaign, script = _script(campaign_id, script_id)
    if request.method == "POST":
        if not _form_came():
            raise InvalidInputError(
                "Your browser did not send the script, so nothing was saved.",
                "Open the editor again, and save once it has loaded.",
            )
        lock_row(script)
    kept, _ = services.working_script(script)
    seen = services.digest(script)
    if request.method == "GET":
        return _page(campaign, script, editor_state_of(kept), seen)
    deleted = unpack_deleted_step(request.form.get("before", ""), request.form.get("deleted", ""))
    used = identifiers_used(script)
    if deleted:  # it may come back, and has to find its name free
        used.setdefault(deleted.step_id, {})
    as_sent = script_from_form(request.form, kept, used)
    typed = assign_ids(as_sent, used)
    deleted = deleted and deleted.rename_steps(_names_given(as_sent, typed))
    button, about, at = _meant(as_sent, typed)
    if request.form["seen"] != seen and not _is_kept_already(typed, button, kept):
        sheet, opened = editor_state_of(typed), {about, at}
        page = _page(campaign, script, sheet, seen, OVERTAKEN, opened, deleted=deleted)
        # 422, as for any form that comes back: htmx shows no other error.
        return page, 422
    notice = ""
    if button == "undo":
        after, about, deleted, notice = _undone(resolve_next_below(typed), deleted)
    else:
        after = apply_action(typed, button)
    if about and typed.has_step(about) and not after.has_step(about):
        deleted = DeletedStep(about, resolve_next_below(typed))
    sheet = editor_state_of(after)
    try:
        services.save_draft(script, sheet.source)
    except InvalidInputError as error:
        notice = f"Nothing was saved. {error.message} {error.what_to_do}"
        page = _page(campaign, script, sheet, seen, notice, opened={about, at}, deleted=deleted)
        return page, 422
    seen = services.digest(script)
    db.session.commit()
    if button == "publish" and not sheet.diagnostics.errors:
        return _leave_for(url_for("scripts.publish", campaign_id=campaign.id, script_id=script.id))
    new_step = _newest(sheet.script) if button.startswith("add-step") else ""
    return _page(
        campaign,
        script,
        sheet,
        seen,
        notice,
        opened={about, at, new_step},
        new_step=new_step,
        at=at,
        deleted=deleted,
    )


@editor.post("/check")
@open_to(RoleName.ORGANISER)
def check(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """What is wrong with the form as it stands, and how it looks to a caller. Keeps nothing.

    No content for a request without the form: of nothing there is nothing to say.
    """
    campaign, script = _script(campaign_id, script_id)
    if not _form_came():
        return "", 204
    sheet = _sheet_sent(script)
    preview = preview_at(sheet.script, campaign, request.form.get("at", ""))
    return render_template(
        "scripts/_checked.html",
        campaign=campaign,
        row=script,
        sheet=sheet,
        preview=preview,
        in_form_words=in_form_words(sheet.script),
    )


@editor.post("/preview")
@open_to(RoleName.ORGANISER)
def preview(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """The preview at another step, or after an answer was given in it. Keeps nothing."""
    campaign, script = _script(campaign_id, script_id)
    if not _form_came():
        return "", 204
    shown = _preview_asked_for(campaign, _sheet_sent(script).script)
    return render_template("scripts/_preview.html", campaign=campaign, row=script, preview=shown)


def in_form_words(script: ParsedScript) -> Callable[[str], str]:
    """Turns a fault's message into the form's words: labels for settings, titles for step ids,
    and no lines of the text."""
    titles = {step.id: title_of(script, step.id) or step.id for step in script.steps}
    ids = "|".join(sorted(map(re.escape, filter(None, titles)), key=len, reverse=True))
    # Some ids are ordinary words too: without a _ they count only where a message names a step.
    spoken_of = re.compile(
        rf"(?<=names )(?:{ids})\b|(?<=leads to )(?:{ids})\b|(?<=after )(?:{ids})(?=\.$)"
        rf"|(?<=\()(?:{ids})(?=\))|(?<=→ )(?:{ids})\b|\b(?:{ids})(?= →)|(?<=answer of )(?:{ids})\b"
    )

    def words(message: str) -> str:
        message = re.sub(r" \((?:first on )?line \d+\)", "", message)
        message = message.replace("`is: a value` or `known: yes` (or no)", "a value or “is known”")
        message = spoken_of.sub(lambda found: f"“{titles[found[0]]}”", message)
        return re.sub(r"`(\w+)`", lambda found: f"“{LABELS.get(found[1], found[1])}”", message)

    return words


def _page(
    campaign: Campaign,
    script: Script,
    sheet: EditorState,
    seen: str,
    notice: str = "",
    opened: Collection[str] = (),
    new_step: str = "",
    at: str = "",
    deleted: DeletedStep | None = None,
) -> str:
    """`seen`: digest of what a save would overwrite; `opened`: the blocks that somebody is at work
    on; `at`: where they type; `deleted`: what can still be brought back."""
    return render_template(
        "scripts/edit.html",
        campaign=campaign,
        row=script,
        sheet=sheet,
        parsed=sheet.script,
        notice=notice,
        seen=seen,
        kinds=KINDS,
        answers=ANSWERS,
        below=BELOW,
        chips=_chips(sheet.script),
        describe_answers=describe_answers,
        known_fields=_fields_known(sheet.script),
        characters=CHARACTERS,
        deleted=deleted,
        in_form_words=in_form_words(sheet.script),
        preview=_preview_asked_for(campaign, sheet.script, new_step or at),
        new_step=new_step,
        at=at,
        opened=opened,
    )


def _undone(
    now: ParsedScript, deleted: DeletedStep | None
) -> tuple[ParsedScript, str, DeletedStep | None, str]:
    """The script after Undo; the step that it is about; what can still be brought back; and why
    nothing came back, where nothing did."""
    if deleted is None:
        return now, "", None, NOT_HELD
    step_id = deleted.step_id
    if not now.has_step(step_id):
        return restore_step(now, deleted), step_id, None, ""
    title = now.step(step_id).title
    return now, step_id, deleted, f"It is already in the script, as “{title}”." if title else IN_WAY


def _leave_for(address: str) -> ResponseReturnValue:
    """Another page: htmx would follow a redirect and look for the editor in what it finds there."""
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": address}
    return redirect(address)


def _form_came() -> bool:
    """Whether the editor's form is in the request. A browser sends nothing of a form that is shut
    while another of its buttons is on its way."""
    return "seen" in request.form and any(re.match(r"s\d+-", name) for name in request.form)


def _is_kept_already(typed: ParsedScript, button: str, kept: ParsedScript) -> bool:
    """Whether a button that only saves would save what is there: sent once more after the answer
    was lost on its way, say. Nobody's words are lost by it."""
    return (
        button in ("save", "publish")
        and editor_state_of(typed).source == editor_state_of(kept).source
    )


def _sheet_sent(script: Script) -> EditorState:
    kept, _ = services.working_script(script)
    return editor_state_of(script_from_form(request.form, kept, identifiers_used(script)))


def _preview_asked_for(campaign: Campaign, script: ParsedScript, at: str = "") -> Preview:
    step_id = request.values.get("step_id", "")
    if step_id and "again" not in request.values:
        return preview_after(script, campaign, step_id, request.values.getlist("answer"))
    return preview_at(script, campaign, at)


def _chips(script: ParsedScript) -> list[tuple[str, str]]:
    """(label, merge field) for each field that words may use."""
    names: Iterable[str] = [*sorted(BUILT_IN_FIELDS), *filter(None, script.fields)]
    return [(name.replace("_", " "), _merge_field(name)) for name in names]


def _merge_field(name: str) -> str:
    if name in FIELDS_ALWAYS_KNOWN:
        return f"{{{{ {name} }}}}"
    return f"{{{{ {name} or '{FALLBACKS.get(name, name.replace('_', ' '))}' }}}}"


def _meant(as_sent: ParsedScript, named: ParsedScript) -> tuple[str, str, str]:
    """The button pressed, the block it is about, and the step that was typed in.

    By the names that `assign_ids` has given: the browser knows a new block by its old one.
    """
    steps = _names_given(as_sent, named)
    cards = {old.id: new.id for old, new in zip(as_sent.cards, named.cards, strict=True)}
    fields = dict(zip(as_sent.fields, named.fields, strict=True))
    at = request.form.get("at", "")
    at = steps.get(at, at)
    verb, _, place = request.form.get("do", "save").partition(":")
    about, colon, row = place.partition(":")
    if verb.endswith(("character", "reply")):
        return f"{verb}:{place}", f"person-{about}", at
    _, _, sort = verb.rpartition("-")
    about = {"card": cards, "field": fields}.get(sort, steps).get(about, about)
    return f"{verb}:{about}{colon}{row}" if place else verb, about, at


def _names_given(as_sent: ParsedScript, named: ParsedScript) -> dict[str, str]:
    """The id of each step in the form → the one that it has now."""
    return {old.id: new.id for old, new in zip(as_sent.steps, named.steps, strict=True)}


def _fields_known(script: ParsedScript) -> list[str]:
    """The fields that contacts differ in."""
    own = [name for name, about in script.fields.items() if about]
    return [*sorted(BUILT_IN_FIELDS - FIELDS_ALWAYS_KNOWN), *own]


def _newest(script: ParsedScript) -> str:
    return next((step.id for step in script.steps if not step.title), "")


def _script(campaign_id: int, script_id: int) -> tuple[Campaign, Script]:
    campaign = campaign_for(current_user, campaign_id)
    return campaign, services.script_for(campaign, script_id)
