"""The pages on which an organiser sees the calls of one caller, and corrects what was recorded
about a call."""

import uuid
from dataclasses import replace
from typing import Any

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.calls.answers import answers_of
from phonebank.calls.callback_times import callback_time, zone_of
from phonebank.calls.caller_history import caller_in
from phonebank.calls.correct import Correction, call_in, correct, version_of
from phonebank.calls.record import NOTE_AT_MOST
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.scopes import campaign_for
from phonebank.models import Call, Caller, Campaign, Contact, RoleName, SightKind, now
from phonebank.organisers.responses import commit_and_redirect
from phonebank.persons.history import calls_by, questions_of
from phonebank.persons.sights import record_sights
from phonebank.rules.outcomes import GROUPS, OUTCOMES
from scripts_library.merge_fields import render_text

pages = Blueprint("correct", __name__, url_prefix="/campaigns/<int:campaign_id>")

_PERSON_STAYS = (
    "Corrected. The person's status stays as it is, because something later, such as another call, "
    "decided it."
)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("/callers/<int:caller_id>/calls")
@open_to(RoleName.ORGANISER)
def calls(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Show one page of the calls that one caller recorded. The access ledger (who saw whom) records
    that the organiser saw the people on this page."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    page_number = max(1, request.args.get("page", 1, type=int))
    told, older = calls_by(caller, campaign, page_number)
    record_sights([one.contact for one in told], current_user, SightKind.LISTED)
    page = render_template(
        "find/calls.html",
        campaign=campaign,
        caller=caller,
        calls=told,
        page=page_number,
        older=older,
    )
    db.session.commit()
    return page


@pages.get("/calls/<uuid:call_id>/correct")
@open_to(RoleName.ORGANISER)
def form(campaign_id: int, call_id: uuid.UUID) -> ResponseReturnValue:
    """Show the form for correcting what was recorded about a call."""
    campaign = campaign_for(current_user, campaign_id)
    call = call_in(campaign, call_id)
    record_sights([db.session.get_one(Contact, call.contact_id)], current_user, SightKind.OPENED)
    page = _page(campaign, call)
    db.session.commit()
    return page


@pages.post("/calls/<uuid:call_id>/correct")
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def save(campaign_id: int, call_id: uuid.UUID) -> ResponseReturnValue:
    """Store the corrected record of the call, and redirect to the page of the person who was
    called. If the correction is refused, show the form again with the reason. If somebody has
    changed the call in the meantime, the form shows what is stored now."""
    campaign = campaign_for(current_user, campaign_id)
    call = call_in(campaign, call_id)
    contact_id = call.contact_id
    said = Correction(
        request.form.get("outcome", ""),
        request.form.get("note", "").replace("\r\n", "\n").strip(),
        {step.id: _typed(step.id, step.answer == "several") for step in _asked(call)},
    )
    day, clock = request.form.get("date", ""), request.form.get("time", "")
    try:
        if said.outcome in OUTCOMES and OUTCOMES[said.outcome].takes_callback:
            promised = callback_time("", day, clock, zone_of(call), now())
            said = replace(said, callback_at=promised)
        done = correct(call, request.form.get("version", ""), said, current_user)
    except (ConflictError, InvalidInputError) as fault:
        db.session.rollback()
        call = call_in(campaign, call_id)
        # After a conflict the page shows what is stored now.
        typed = said if isinstance(fault, InvalidInputError) else None
        return _page(campaign, call, f"{fault.message} {fault.what_to_do or ''}", typed), 409 if (
            typed is None
        ) else 422
    message = "Corrected. The totals are up to date."
    if not done.changed:
        message = "Nothing was changed."
    elif done.person_stays:
        message = _PERSON_STAYS
    return commit_and_redirect(
        url_for("person.show", campaign_id=campaign.id, contact_id=contact_id, _anchor="calls"),
        message,
        "success" if done.changed else "info",
    )


def _asked(call: Call) -> list[Any]:
    """Return the questions that were on the form when it was sent."""
    return [step for step in questions_of(call) if f"asked-{step.id}" in request.form]


def _typed(step_id: str, several: bool) -> Any:
    name = f"answer-{step_id}"
    return request.form.getlist(name) if several else request.form.get(name, "")


def _page(campaign: Campaign, call: Call, fault: str = "", typed: Correction | None = None) -> str:
    contact = db.session.get_one(Contact, call.contact_id)
    caller = db.session.get_one(Caller, call.caller_id)
    stored = answers_of(call)
    fields = {name: str(value) for name, value in campaign.merge_values.items()} | {
        "first_name": contact.first_name,
        "caller_name": caller.first_name,
    }
    questions = [
        {
            "step": step,
            "title": render_text(step.title, fields),
            "choices": [(one.key, render_text(one.label, fields)) for one in step.choices],
            "value": typed.answers.get(step.id) if typed else stored.get(step.id),
            "answered": stored.get(step.id) not in (None, "", []),
        }
        for step in questions_of(call)
    ]
    return render_template(
        "find/correct.html",
        campaign=campaign,
        call=call,
        person=contact,
        by=caller,
        fault=fault,
        version=version_of(call),
        outcome=typed.outcome if typed else call.outcome,
        note=typed.note if typed else call.note,
        note_at_most=NOTE_AT_MOST,
        groups=[
            (title, [one for one in OUTCOMES.values() if one.group == group])
            for group, title in GROUPS.items()
        ],
        questions=questions,
        typed_day=request.form.get("date", "") if typed else "",
        typed_time=request.form.get("time", "") if typed else "",
    )
