"""The practice call: the call page with an invented person.

The server stores only one thing: the time of the caller's last practice call that went far enough
to count.
"""

import json
from collections.abc import Mapping
from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from callers.practice import practice_call
from callers.sessions import for_callers
from callers.views import page_data
from callers.views.blueprint import pages, read_fields
from callers.views.call_view_model import CallView
from callers.views.next_contact import page_parts
from callers.views.script_words import ScriptWords, words_of
from phonebank.calls.merge_fields import shared_fields
from phonebank.core.db import db
from phonebank.experiments.script_choice import active_version_ids
from phonebank.models import now
from phonebank.roster import filters
from phonebank.roster.practice_first import MINUTES, owes_practice
from scripts_library.engine import InvalidAnswerError, check_answer
from scripts_library.script import Answer, Character, Script


@pages.route("/calling/practice", methods=["GET", "POST"])
@for_callers
def practice() -> ResponseReturnValue:
    """Show a practice call. The server does not store the answers, so each form sends all the
    answers so far."""
    fields = read_fields() if request.method == "POST" else request.args
    version_id, _ = _versions(fields)
    words = words_of(version_id)
    script = words.script
    person = practice_call.persona_of(script, str(fields.get("with") or ""))
    answers = practice_call.parse_answers(script, str(fields.get("answers") or ""))
    step_id = str(fields.get("step_id") or "")
    refused = _add_answer(script, answers, step_id) if step_id else None
    view = _view(words, person, answers, str(fields.get("change") or ""))
    return render_template(
        "callers/person.html",
        refused=refused,
        person=person,
        owed_minutes=MINUTES if owes_practice(g.caller) else None,
        here=url_for(".practice"),
        answers_url=url_for(".practice"),
        outcome_url=url_for(".practised"),
        practice_words=version_id,
        practice_answers=json.dumps(answers),
        **page_parts(view, practice_call.replies_of(script, person)),
        **page_data.place_of(g.caller),
    )


@pages.post("/calling/practice/done")
@for_callers
def practised() -> ResponseReturnValue:
    """Show the feedback after a practice call: what went well, and what to try. If the call went
    far enough to count, store the time of this practice call."""
    fields = read_fields()
    version_id, others_heard = _versions(fields)
    words = words_of(version_id)
    script = words.script
    person = practice_call.persona_of(script, str(fields.get("with") or ""))
    answers = practice_call.parse_answers(script, str(fields.get("answers") or ""))
    outcome = "call_back" if fields.get("ring_back") else str(fields.get("outcome") or "")
    view = _view(words, person, answers)
    if practice_call.is_complete(script, person, answers, outcome, view.fields):
        g.caller.practised_at = now()
        db.session.commit()
    place = page_data.place_of(g.caller)
    # A caller who must choose languages first does that on the briefing page.
    must_choose = g.caller.promised_at is None and filters.offered_languages(
        place["campaign"], g.caller
    )
    return render_template(
        "callers/practised.html",
        person=person,
        begins=g.caller.may_call and not must_choose,
        others=[other for other in practice_call.personas_for(script) if other != person],
        words=version_id,
        other_words=others_heard,
        still_owed=owes_practice(g.caller),
        wanted=practice_call.describe_requirement(script, view.fields),
        identification=view.identification,
        remarks=practice_call.feedback_on(script, person, answers, outcome, view.fields),
        **place,
    )


def _versions(fields: Mapping[str, Any]) -> tuple[int | None, list[int]]:
    """Return the id of the script version to practise with, and the ids of the other versions that
    callers use now.

    Practise with the version that the request names, if callers use that version now. Otherwise
    practise with the version that most contacts hear. The first id is None if callers use no
    script.
    """
    heard = active_version_ids(g.caller.campaign_id)
    asked_for = str(fields.get("words") or "")
    words = next((version for version in heard if str(version) == asked_for), None)
    words = words or next(iter(heard), None)
    return words, [version for version in heard if version != words]


def _add_answer(
    script: Script | None, answers: dict[str, Answer], step_id: str
) -> InvalidAnswerError | None:
    """Put the answer from the form into `answers`, and return None. If the answer is not valid,
    return the error instead. If there is no script, or the script does not have this step, do
    nothing."""
    if script is None or not script.has_step(step_id):
        return None
    values = request.form.getlist("answer")
    try:
        answers[step_id] = check_answer(
            script.step(step_id), values[0] if len(values) == 1 else values
        )
    except InvalidAnswerError as refused:
        return refused
    return None


def _view(
    words: ScriptWords, person: Character, answers: dict[str, Answer], change: str = ""
) -> CallView:
    name = practice_call.listed_name(person)
    shared = shared_fields(g.caller, page_data.campaign_of(g.caller))
    return CallView(
        call_id="",
        name=name,
        first_name=name,
        town="",
        phone="",
        phone_shown="No real call",
        words=words,
        fields=shared | {"first_name": name, "last_name": None, "town": None},
        answers=answers,
        change=change,
        expires_at="",
        seconds_left=0,
        practice=True,
    )
