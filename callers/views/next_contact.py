"""What a volunteer is shown after a tap: their person, or why there is none. Claims commit here."""

from math import ceil
from typing import Any

from flask import g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from callers.views import page_data
from callers.views.blueprint import wants_screen
from callers.views.call_page import CallView, view_of
from callers.views.steps import cards_of, steps_html
from phonebank.calls import claim
from phonebank.calls.claim import NobodyToCallError
from phonebank.calls.eligibility import NotAdmittedError
from phonebank.calls.hold import Hold, current_hold
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import (
    GoneError,
    InvalidInputError,
    NotRunningError,
    PhonebankError,
    ServiceUnavailableError,
)
from phonebank.core.overload import is_busy
from phonebank.models import now
from phonebank.roster.pace import PacePausedError
from phonebank.roster.practice_first import PracticeRequiredError

NOBODY_NOW = (NobodyToCallError, NotRunningError, ServiceUnavailableError)


class OverloadedError(NotRunningError):
    """What was said of the last call is saved; the next person comes when others are served."""

    title = "One moment"

    def __init__(self) -> None:
        super().__init__(
            "Your call is saved. A lot of people are calling right now, so the next person takes a"
            " moment.",
            "Keep this page open. It tries again by itself.",
        )


def hand_over(
    in_line: bool = False, told: dict[str, Any] | None = None, holds_nobody: bool = False
) -> ResponseReturnValue:
    """Claim, commit, and show the person; or say why there is nobody.

    `in_line`: the page that tries again by itself asks. `told` goes into the JSON answer, which
    after an outcome is a success whether or not there is a next person. `holds_nobody`: see
    `claim.claim`.
    """
    if holds_nobody and is_busy(request.environ):
        return _nobody(OverloadedError(), in_line, told)
    try:
        hold = claim.claim(g.caller, holds_nobody)
    except PacePausedError as pause:
        db.session.commit()  # the pause, and the flag for the organisers
        return _nobody(pause, in_line, told)
    except NOBODY_NOW as reason:
        db.session.rollback()
        return _nobody(reason, in_line, told)
    except (GoneError, NotAdmittedError) as over:
        db.session.rollback()
        return _over(over, told)
    except PracticeRequiredError as first:
        db.session.rollback()
        if wants_json() and not wants_screen():
            if told is None:
                raise first
            return jsonify(told | {"person": None, "message": first.message, "next_at": None})
        return redirect(url_for("callers.practice"), 303)
    page_data.note_presence(g.caller)
    # Drawn before the commit, which would have every row read again; sent after it.
    page = show_or_go(hold, told)
    db.session.commit()
    return page


def commit_and_keep() -> None:
    """Commit, and keep the rows as they were read: the next person follows in milliseconds."""
    db.session.expire_on_commit = False
    try:
        db.session.commit()
    finally:
        db.session.expire_on_commit = True


def show_or_go(hold: Hold, told: dict[str, Any] | None = None) -> ResponseReturnValue:
    """The person at once where a script asked; else the address of their page, so that a reload
    or a discarded tab repeats a look and not a form."""
    if wants_screen() or wants_json():
        return show(hold, told=told)
    return redirect(url_for("callers.person"), 303)


def show(
    hold: Hold,
    status: int = 200,
    refused: InvalidInputError | None = None,
    told: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    """The call page of a hold; with `refused`, what was wrong with the form just sent."""
    campaign = page_data.campaign_of(g.caller)
    view = view_of(hold, g.caller, campaign, change=request.args.get("change", ""))
    if wants_json() and not wants_screen():
        return jsonify((told or {}) | {"person": view.as_json(), "csrf_token": generate_csrf()})
    last = page_data.last_recorded(g.caller)
    page = render_template(
        "callers/person.html",
        refused=refused,
        last=last,
        how_far=page_data.how_far(g.caller) if last else None,
        here=url_for("callers.person"),
        answers_url=url_for("callers.answer", call_id=view.call_id, turn=view.turn),
        outcome_url=url_for("callers.outcome", call_id=view.call_id, turn=view.turn),
        leave_url=url_for("callers.give_back", call_id=view.call_id),
        leave_label="Take a break",
        practice_words=None,
        practice_answers=None,
        **drawn(view),
        **page_data.place_of(g.caller),
    )
    return page, status


def drawn(view: CallView, replies: dict[str, str] | None = None) -> dict[str, Any]:
    """The parts of the call page that practice shares: the view, its steps, cards and data."""
    call_id = view.call_id
    return {
        "view": view,
        "steps": steps_html(view, replies),
        "cards": cards_of(view),
        "data": {
            "call": view.call_id,
            "seconds_left": view.seconds_left,
            "answers": dict(view.answers),
            "seq": view.seq,
            "script": view.ways or {"first": None, "steps": {}},
            "practice": view.practice,
            "answer": (
                url_for("callers.answer", call_id=call_id, turn=view.turn) if call_id else ""
            ),
            "renew": url_for("callers.renew", call_id=call_id) if call_id else "",
        },
    }


def not_like_that(refused: InvalidInputError) -> ResponseReturnValue:
    """What was sent cannot be used: say so on the person's own page, where it can be mended."""
    db.session.rollback()
    hold = current_hold(g.caller)
    if hold is None or (wants_json() and not wants_screen()):
        raise refused
    return show(hold, refused.status, refused)


def _over(over: GoneError | NotAdmittedError, told: dict[str, Any] | None) -> ResponseReturnValue:
    """The campaign or the party is over, or nobody has let them in. An outcome just recorded is
    recorded all the same."""
    if wants_json() and not wants_screen():
        if told is None:
            raise over
        return jsonify(told | {"person": None, "message": over.message, "next_at": None})
    party = page_data.place_of(g.caller)["party"]
    recorded = told is not None and isinstance(over, NotAdmittedError)
    if not recorded and (party is None or not party.is_over):
        raise over
    return redirect(url_for("callers.calling"), 303)


def _nobody(
    reason: PhonebankError, in_line: bool, told: dict[str, Any] | None
) -> ResponseReturnValue:
    pause = isinstance(reason, PacePausedError)
    next_at = reason.next_at if isinstance(reason, NobodyToCallError | PacePausedError) else None
    if wants_json() and not wants_screen():
        if told is None and not isinstance(reason, NobodyToCallError | PacePausedError):
            raise reason
        at = next_at.isoformat() if next_at else None
        nobody = {"person": None, "message": reason.message, "next_at": at}
        if isinstance(reason, NobodyToCallError):
            nobody["reason"] = reason.why
        return jsonify((told or {}) | nobody)
    if not in_line and not wants_screen():
        return redirect(url_for("callers.wait"), 303)
    last = page_data.last_recorded(g.caller)
    page = render_template(
        "callers/waiting.html",
        reason=reason,
        next_at=next_at,
        pause_seconds=ceil((next_at - now()).total_seconds()) if pause and next_at else None,
        retry=page_data.worth_staying(reason, next_at),
        last=last,
        how_far=page_data.how_far(g.caller) if last else None,
        **page_data.place_of(g.caller),
    )
    return page, 503 if isinstance(reason, ServiceUnavailableError) else 200
