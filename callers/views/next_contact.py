"""The response to a caller who wants the next contact: the contact's page, or the reason why there
is no contact.

The functions of this module also claim the contact, and commit the claim.
"""

from typing import Any

from flask import g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from callers.views import page_data, phone_page, waiting
from callers.views.blueprint import wants_screen
from callers.views.call_data import call_data, next_call, scripts_of_page
from callers.views.call_view_model import CallView, view_of
from phonebank.calls import claim
from phonebank.calls.claim import NobodyToCallError
from phonebank.calls.eligibility import NotAdmittedError, OnBreakError
from phonebank.calls.hold import Hold, current_hold
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import autocommit, db
from phonebank.core.errors import (
    GoneError,
    InvalidInputError,
    NotRunningError,
    PhonebankError,
    ServiceUnavailableError,
)
from phonebank.core.overload import is_overloaded, seconds_until_claim
from phonebank.models import CampaignState
from phonebank.roster.pace import PacePausedError
from phonebank.roster.practice_first import PracticeRequiredError
from phonebank.rules.outcomes import OUTCOMES
from phonebank.scripts.step_renderer import fill
from phonebank.trainings.marks import TrainingRequiredError

NOBODY_NOW = (
    NobodyToCallError,
    NotRunningError,
    ServiceUnavailableError,
    TrainingRequiredError,
)
# The name in `g` under which a view keeps the callback time that the caller has just chosen.
ASKED_CALLBACK = "asked_callback"
# The name in `g` under which a view keeps the call that it has just recorded (`LastCall`).
RECORDED = "recorded"
# The errors that may have a `next_at`: the time from which the caller may get a contact.
WITH_A_TIME = (NobodyToCallError, PacePausedError, OnBreakError)


class OverloadedError(NotRunningError):
    """The error for a caller who must wait for the next contact until the server is less busy. The
    call that the caller has just recorded is saved."""

    title = "One moment"

    def __init__(self) -> None:
        super().__init__(
            "Your call is saved. A lot of people are calling right now, so it will take a moment"
            " to find the next person.",
            "Keep this page open. It tries again automatically.",
        )


@autocommit
def show_next(
    from_waiting_page: bool = False,
    recorded_json: dict[str, Any] | None = None,
    holds_nobody: bool = False,
) -> ResponseReturnValue:
    """Claim a contact, commit, and show the contact. If there is no contact, show the reason. If
    the caller must not claim a contact because of the campaign's telephone service
    (`_waits_for_the_phone`), show the telephone page instead. But a caller who is not on the
    telephone gets the reason if nobody may call now, for example because the campaign has ended. A
    caller who must practise first is redirected to the practice page.

    `from_waiting_page` is true for a request from the waiting page, which tries again
    automatically. `recorded_json` has the fields that a recorded outcome adds to the JSON response,
    or is None. With these fields, an API client gets a response with status 200 even if there is no
    next contact. `holds_nobody` is true if it is certain that the caller has no contact on the
    screen.

    Raises PracticeRequiredError for an API client that has recorded no outcome. Raises the other
    errors of `claim` if there is no page or JSON for the reason.
    """
    waits_for_the_phone = _waits_for_the_phone()
    if holds_nobody and not waits_for_the_phone and is_overloaded():
        return _put_off(from_waiting_page, recorded_json)
    try:
        if waits_for_the_phone:
            return _show_phone(recorded_json)
        hold = claim.claim(g.caller, holds_nobody)
    except PacePausedError as pause:
        db.session.commit()  # the pause, and the flag for the organisers
        return _render_waiting(pause, from_waiting_page, recorded_json)
    except NOBODY_NOW as reason:
        db.session.rollback()
        return _render_waiting(reason, from_waiting_page, recorded_json)
    except (GoneError, NotAdmittedError) as over:
        db.session.rollback()
        return _calling_ended(over, recorded_json)
    except PracticeRequiredError as first:
        db.session.rollback()
        if wants_json() and not wants_screen():
            if recorded_json is None:
                raise first
            return jsonify(
                recorded_json | {"person": None, "message": first.message, "next_at": None}
            )
        return redirect(url_for("callers.practice"), 303)
    if not hold.is_new:  # a new call stores this time itself
        page_data.update_last_seen(g.caller)
    # The page is rendered before the commit, because the commit gives the database connection back.
    page = show_or_redirect(hold, recorded_json)
    db.session.commit()
    return page


def _show_phone(recorded_json: dict[str, Any] | None) -> ResponseReturnValue:
    """Show the telephone page, and commit. Raises the errors of `claim.refuse` if the caller is not
    on the telephone: connecting would cost money, although nobody may call now."""
    if phone_page.is_off(g.caller):
        claim.refuse(g.caller)
    page = phone_page.show_phone(g.caller, recorded_json or {})
    db.session.commit()
    return page


def _put_off(from_waiting_page: bool, recorded_json: dict[str, Any] | None) -> ResponseReturnValue:
    """Return the response that a caller gets if the server is too busy to find a contact.

    For our own JavaScript, the `Retry-After` header tells the call page when to send its outcome
    again. The second request normally gets the next contact. So the browser does not load the
    waiting page, which would cost the server more than finding the contact now. Other browsers and
    API clients get the usual response for a caller who has to wait.
    """
    busy = OverloadedError()
    if not wants_screen():
        return _render_waiting(busy, from_waiting_page, recorded_json)
    answer = jsonify(person=None, message=busy.message)
    answer.headers["Retry-After"] = str(seconds_until_claim())
    return answer


def _waits_for_the_phone() -> bool:
    """Whether this request must not claim a contact, because the campaign calls people through a
    telephone service. The result is true if the server calls people before callers see them, if the
    caller is not connected by telephone, or if the caller has asked to finish. The result is always
    false in a campaign that shows numbers."""
    mode = g.caller.campaign.mode
    if mode.shows_numbers:
        return False
    return mode.dials_first or not phone_page.wants_people(g.caller)


def show_or_redirect(
    hold: Hold, recorded_json: dict[str, Any] | None = None, undone: str = ""
) -> ResponseReturnValue:
    """Show the page of the contact in `hold`, or redirect to this page. `undone` is the outcome
    that was just undone, or "".

    Our own JavaScript and API clients get the contact in the response. Any other request gets a
    redirect, so that a reload repeats a GET request and not the form (POST/redirect/GET).
    """
    if wants_screen() or wants_json():
        return show(hold, recorded_json=recorded_json, undone=undone)
    return redirect(url_for("callers.person", undone=undone or None), 303)


def show(
    hold: Hold,
    status: int = 200,
    refused: InvalidInputError | None = None,
    recorded_json: dict[str, Any] | None = None,
    undone: str = "",
) -> ResponseReturnValue:
    """Show the contact in `hold`: as a page, or as JSON for a page that is already open or for an
    API client. If the server calls people first, and the caller may not see a person yet
    (`must_wait`), show the telephone page instead.

    `refused` says what was wrong with the form that was just sent, or is None. `recorded_json` has
    the fields that a recorded outcome adds to the JSON, or is None. `undone` is the outcome that
    was just undone, or "".
    """
    campaign = page_data.campaign_of(g.caller)
    if campaign.mode.dials_first and phone_page.must_wait(g.caller):
        return phone_page.show_phone(g.caller, recorded_json)
    view = view_of(
        hold,
        g.caller,
        campaign,
        change=request.args.get("change", ""),
        from_start="from_start" in request.args,
    )
    if wants_json() and not wants_screen():
        return jsonify(
            (recorded_json or {}) | {"person": view.as_json(), "csrf_token": generate_csrf()}
        )
    toast = (
        page_data.undone_toast(undone)
        if undone in OUTCOMES
        else page_data.toast_of(g.caller, g.get(ASKED_CALLBACK), g.get(RECORDED))
    )
    known_scripts = scripts_of_page()
    if known_scripts is not None and view.can_be_followed and refused is None:
        return next_call(view, toast, known_scripts)
    on_the_phone = {} if campaign.mode.shows_numbers else phone_page.page_parts(g.caller)
    page = render_template(
        "callers/person.html",
        refused=refused,
        toast=toast,
        here=url_for("callers.person"),
        answers_url=url_for("callers.answer", call_id=view.call_id, turn=view.turn),
        outcome_url=url_for("callers.outcome", call_id=view.call_id, turn=view.turn),
        leave_url=url_for("callers.give_back", call_id=view.call_id),
        leave_label="Take a break",
        practice_words=None,
        practice_answers=None,
        **page_parts(view),
        **(on_the_phone or page_data.place_of(g.caller)),
    )
    return page, status


def page_parts(view: CallView, replies: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what the call page and the practice page both need: the view model, the steps, the
    cards and the call's data."""
    call_id = view.call_id
    urls = {
        "answer": url_for("callers.answer", call_id=call_id, turn=view.turn) if call_id else "",
        "renew": url_for("callers.renew", call_id=call_id) if call_id else "",
    }
    return {
        "view": view,
        "steps": view.words.steps_for(view.fields, view.current, view.answers, replies or {}),
        "cards": fill(view.words.cards, view.fields),
        "data": call_data(view) | urls,
    }


def show_refused(refused: InvalidInputError) -> ResponseReturnValue:
    """Show on the call page why the form was refused, so that the caller can correct it.

    Raises `refused` for an API client, or if the caller has no contact on the screen.
    """
    db.session.rollback()
    hold = current_hold(g.caller)
    if hold is None or (wants_json() and not wants_screen()):
        raise refused
    return show(hold, refused.status, refused)


def _calling_ended(
    over: GoneError | NotAdmittedError, recorded_json: dict[str, Any] | None
) -> ResponseReturnValue:
    """Return the response if the party or the campaign has ended, or if the caller is not admitted.
    An outcome that was just recorded stays recorded.

    Raises `over` for an API client that has recorded no outcome. Also raises `over` for a caller
    who is not admitted, unless the caller has just recorded an outcome or the party has ended.
    """
    if wants_json() and not wants_screen():
        if recorded_json is None:
            raise over
        return jsonify(recorded_json | {"person": None, "message": over.message, "next_at": None})
    place = page_data.place_of(g.caller)
    recorded = recorded_json is not None and isinstance(over, NotAdmittedError)
    if recorded or (place["party"] is not None and place["party"].has_ended):
        return redirect(url_for("callers.calling"), 303)
    if isinstance(over, GoneError) and place["campaign"].state == CampaignState.ENDED:
        return waiting.render_ended(over, g.caller), over.status
    raise over


def _render_waiting(
    reason: PhonebankError, from_waiting_page: bool, recorded_json: dict[str, Any] | None
) -> ResponseReturnValue:
    if wants_json() and not wants_screen():
        if recorded_json is None and not isinstance(reason, WITH_A_TIME):
            raise reason
        return jsonify((recorded_json or {}) | _nobody(reason, from_waiting_page))
    if not from_waiting_page and not wants_screen():
        return redirect(url_for("callers.wait"), 303)
    is_on_the_phone = not g.caller.campaign.mode.shows_numbers and not phone_page.is_off(g.caller)
    if wants_screen() and is_on_the_phone:
        # The waiting page is a separate document. If the caller is connected through the browser,
        # loading another document would end the connection.
        return phone_page.show_phone(g.caller, notice=f"{reason.message} {reason.what_to_do}")
    page = waiting.render_waiting(waiting.waiting_of(reason), g.caller)
    return page, 503 if isinstance(reason, ServiceUnavailableError) else 200


def _nobody(reason: PhonebankError, from_waiting_page: bool) -> dict[str, Any]:
    """Return why there is no contact, as JSON."""
    shown = waiting.waiting_of(reason)
    next_at = shown.next_at.isoformat() if shown.next_at else None
    nobody: dict[str, Any] = {"person": None, "message": reason.message, "next_at": next_at}
    if isinstance(reason, WITH_A_TIME):
        nobody["reason"] = shown.key.partition(" ")[0]
    if from_waiting_page:
        nobody |= {"key": shown.key} | waiting.team_of(g.caller)
    return nobody
