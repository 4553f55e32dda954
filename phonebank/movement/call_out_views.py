"""The page that the projector shows at a call-out (a meeting in a hall), and the remote: the page
from which somebody changes the call-out's step."""

from datetime import timedelta
from typing import Any

from flask import Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.callouts import call_outs
from phonebank.callouts.board import state_of
from phonebank.core.access import TV, open_to
from phonebank.core.config import current_config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.qr_codes import qr_svg
from phonebank.models import CallOut, CallOutStep, now
from phonebank.movement.blueprint import pages

# The name of each step on the remote.
STEPS = {
    CallOutStep.SIGN_IN: "Sign in",
    CallOutStep.PRACTISE: "Practise",
    CallOutStep.HOST: "Who will host?",
    CallOutStep.JOIN: "Go to a party",
    CallOutStep.THANKS: "Thank you",
}


@pages.get("/call-out/<token>")
@open_to(TV)
def projector(token: str) -> ResponseReturnValue:
    """Show the page for the projector in the hall. For a request that wants JSON, return the
    call-out's state as {"board": …}. The page polls the state on networks that block websockets.
    """
    call_out = call_outs.call_out_by_projector(token)
    if wants_json():
        return _answer_state(call_out)
    return render_template("movement/projector.html", token=token, **_shown(call_out))


@pages.get("/call-out/remote/<token>")
@open_to(TV)
def remote(token: str) -> ResponseReturnValue:
    """Show the remote, which has a button for each step of the call-out. For a request that wants
    JSON, return the call-out's state as {"board": …}."""
    call_out = call_outs.call_out_by_remote(token)
    if wants_json():
        return _answer_state(call_out)
    steps = list(STEPS)
    place = steps.index(call_out.step)
    return render_template(
        "movement/remote.html",
        token=token,
        steps=STEPS,
        minutes=call_outs.MINUTES,
        following=steps[place + 1] if place + 1 < len(steps) else None,
        passed=_minutes_since(call_out.step_at),
        passed_in_all=_minutes_since(call_out.began_at),
        **_shown(call_out),
    )


@pages.post("/call-out/remote/<token>")
@open_to(TV)
def move(token: str) -> ResponseReturnValue:
    """Show the tapped step on the projector. A second tap on the same button leaves the step
    unchanged."""
    call_out = call_outs.call_out_by_remote(token)
    step = request.form.get("step", "")
    if step not in list(CallOutStep):
        raise InvalidInputError("There is no such step.", "Tap one of the buttons.")
    call_outs.move(call_out, CallOutStep(step))
    db.session.commit()
    return redirect(url_for(".remote", token=token), 303)


@pages.post("/call-out/remote/<token>/end")
@open_to(TV)
def end(token: str) -> ResponseReturnValue:
    """End the call-out."""
    call_out = call_outs.call_out_by_remote(token)
    call_outs.end(call_out)
    db.session.commit()
    return redirect(url_for(".remote", token=token), 303)


def _answer_state(call_out: CallOut) -> Response:
    tag = str(call_out.version)
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        answer = jsonify(board=state_of(call_out))
    answer.set_etag(tag, weak=True)
    return answer


def _shown(call_out: CallOut) -> dict[str, Any]:
    base_url = current_config().base_url
    link = base_url + url_for(".hall_sign_up", code=call_out.code)
    return {
        "call_out": call_out,
        "campaign": call_out.campaign,
        "board": state_of(call_out),
        "qr": qr_svg(link),
        "address": base_url.split("://", 1)[-1] + "/hall",
    }


def _minutes_since(at: Any) -> int | None:
    return (now() - at) // timedelta(minutes=1) if at else None
