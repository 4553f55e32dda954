"""The practice call: the call page with somebody made up. Only that it was made is kept."""

import json
from collections.abc import Mapping
from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from callers.practice import practice_call as rehearsal
from callers.sessions import for_callers
from callers.views import page_data
from callers.views.blueprint import screens, sent
from callers.views.call_page import CallView, script_state
from callers.views.next_contact import drawn
from phonebank.calls.merge_fields import shared_fields
from phonebank.core.db import db
from phonebank.experiments.script_choice import active_version_ids
from phonebank.models import now
from phonebank.roster.practice_first import MINUTES, owes_practice
from phonebank.scripts.versions import script_of
from scripts_library.engine import InvalidAnswerError, check_answer
from scripts_library.script import Answer, Character, Script


@screens.route("/calling/practice", methods=["GET", "POST"])
@for_callers
def practice() -> ResponseReturnValue:
    """A practice call. Its answers live on the page: each form brings them along."""
    fields = sent() if request.method == "POST" else request.args
    words, _ = _words(fields)
    script = script_of(words)
    person = rehearsal.person_of(script, str(fields.get("with") or ""))
    answers = rehearsal.answers_in(script, str(fields.get("answers") or ""))
    step_id = str(fields.get("step_id") or "")
    refused = _take(script, answers, step_id) if step_id else None
    view = _view(script, person, answers, str(fields.get("change") or ""))
    return render_template(
        "callers/person.html",
        refused=refused,
        person=person,
        owed_minutes=MINUTES if owes_practice(g.caller) else None,
        here=url_for(".practice"),
        answers_url=url_for(".practice"),
        outcome_url=url_for(".practised"),
        practice_words=words,
        practice_answers=json.dumps(answers),
        **drawn(view, rehearsal.replies_of(script, person)),
        **page_data.place_of(g.caller),
    )


@screens.post("/calling/practice/done")
@for_callers
def practised() -> ResponseReturnValue:
    """The end of a practice call: what went well, and what to try."""
    fields = sent()
    words, others_heard = _words(fields)
    script = script_of(words)
    person = rehearsal.person_of(script, str(fields.get("with") or ""))
    answers = rehearsal.answers_in(script, str(fields.get("answers") or ""))
    outcome = "call_back" if fields.get("ring_back") else str(fields.get("outcome") or "")
    view = _view(script, person, answers, "")
    if rehearsal.is_complete(script, person, answers, outcome, view.fields):
        g.caller.practised_at = now()
        db.session.commit()
    return render_template(
        "callers/practised.html",
        person=person,
        others=[other for other in rehearsal.people(script) if other != person],
        words=words,
        other_words=others_heard,
        still_owed=owes_practice(g.caller),
        wanted=rehearsal.what_is_wanted(script, view.fields),
        identification=view.identification,
        remarks=rehearsal.remarks(script, person, answers, outcome, view.fields),
        **page_data.place_of(g.caller),
    )


def _words(fields: Mapping[str, Any]) -> tuple[int | None, list[int]]:
    """The script version to practise with, and what else people hear just now.

    What the page asks for, while callers have people hear it; else what most of them do.
    """
    heard = active_version_ids(g.caller.campaign_id)
    asked_for = str(fields.get("words") or "")
    words = next((version for version in heard if str(version) == asked_for), None)
    words = words or next(iter(heard), None)
    return words, [version for version in heard if version != words]


def _take(
    script: Script | None, answers: dict[str, Answer], step_id: str
) -> InvalidAnswerError | None:
    """Put the answer just sent among the others; what is wrong with it, if anything."""
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
    script: Script | None, person: Character, answers: dict[str, Answer], change: str
) -> CallView:
    shared = shared_fields(g.caller, page_data.campaign_of(g.caller))
    name = rehearsal.name_on_the_list(person)
    fields = shared | {"first_name": name, "last_name": None, "town": None}
    return CallView(
        call_id="",
        name=name,
        first_name=name,
        town="",
        phone="",
        phone_shown="No real call",
        expires_at="",
        seconds_left=0,
        shared=shared,
        practice=True,
        **script_state(script, fields, answers, change),
    )
