"""The views that record a call. These views save answers and outcomes, undo an outcome, return the
contact to the queue, and extend the time for which the caller keeps the contact.

The views accept forms and JSON. Every address has the call's id. A request may arrive twice,
because JavaScript or the browser sends it again, or because of a second tap. The second copy
changes nothing that the first copy has recorded.

The addresses for answers, outcome and undo may also have the call's turn, such as `?turn=0`. The
turn is the number of times that the call's outcome had been undone when the page was made. An
answer may have "seq", a number that grows with each answer. With the turn and "seq", the server
recognises an old copy of a request that the network delivers late.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from flask import g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from callers.sessions import for_busy_callers, for_callers
from callers.views.blueprint import mark_saved, pages, read_fields, wants_screen
from callers.views.call_view_model import seconds_until
from callers.views.next_contact import (
    ASKED_CALLBACK,
    RECORDED,
    show_next,
    show_or_redirect,
    show_refused,
)
from phonebank.calls.answers import save_answer
from phonebank.calls.callback_times import callback_time, zone_of
from phonebank.calls.caller_to_read import caller_and_call, caller_to_read
from phonebank.calls.earlier_call import take_over
from phonebank.calls.hold import current_hold, own_call, release_hold, renew_hold
from phonebank.calls.record import RecordResult, record
from phonebank.calls.undo import undo
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db, store
from phonebank.core.errors import InvalidInputError
from phonebank.models import Caller, now
from phonebank.rules.outcomes import OUTCOMES

_NO = ("no", "false", "0")
_CHANGED = "phonebank.changed"
_SEQ_DIGITS = 16  # JavaScript counts exactly up to this many digits


@pages.post("/calling/person/<uuid:call_id>/answers")
@for_busy_callers
def answer(call_id: uuid.UUID) -> ResponseReturnValue:
    """Save the answer to one step of the script."""
    fields = read_fields()
    step_id = str(fields.get("step_id") or "")
    _take_over(call_id, fields)
    try:
        value = save_answer(g.caller, call_id, step_id, _answer_in(fields), _turn(), _seq(fields))
    except InvalidInputError as refused:
        return show_refused(refused)
    db.session.commit()
    if wants_json():
        return jsonify(step_id=step_id, value=value)
    return redirect(url_for(".person", _anchor="now"), 303)


def _find_with_call(caller_id: int) -> Caller | None:
    """Return the caller, or None if there is no such caller. Store in `g` the fields of the request
    and the rows of the call. One query reads these rows together with the caller.

    The rows are None if the request names no known outcome, or if the caller has no such call. If
    the request also asks to copy the answers of an earlier call into this call, the rows are read
    later, because copying changes them.
    """
    g.fields, g.call_rows = read_fields(), None
    outcome = OUTCOMES.get(_outcome_in(g.fields))
    if outcome is None or g.fields.get("go_on_from"):
        return caller_to_read(caller_id)
    call_id = (request.view_args or {})["call_id"]
    caller, g.call_rows = caller_and_call(caller_id, call_id, outcome)
    return caller


@pages.post("/calling/person/<uuid:call_id>/outcome")
@partial(for_busy_callers, find=_find_with_call)
def outcome(call_id: uuid.UUID) -> ResponseReturnValue:
    """Record how the call ended. Then show the next contact, or say why there is none
    (`show_next`).

    A JSON request has "outcome", and may have "note", "only_me" and "language". A request for a
    callback may say when to call: either in "ring_back", or in "date" and "time" (see
    `callback_time`). A request with "ring_back" needs no "outcome". With "next": false, no contact
    is claimed.
    """
    fields = g.fields
    try:
        recorded = _record(call_id, fields)
    except InvalidInputError as refused:
        return show_refused(refused)
    mark_saved()
    # The claim below may deadlock, and then this view runs again. The second run finds the outcome
    # recorded, so what the first run changed is kept in a variable.
    changed = recorded.changed or request.environ.get(_CHANGED, False)
    request.environ[_CHANGED] = changed
    recorded_json = {"call_id": str(call_id), "outcome": recorded.outcome, "changed": changed}
    if _says_no(fields, "next"):
        return jsonify(recorded_json) if wants_json() else redirect(url_for(".calling"), 303)
    return show_next(recorded_json=recorded_json, holds_nobody=recorded.changed)


@pages.post("/calling/person/<uuid:call_id>/undo")
@for_callers
def take_back(call_id: uuid.UUID) -> ResponseReturnValue:
    """Undo the outcome of a call, and show the call's contact again."""
    outcome = undo(g.caller, call_id, _turn())
    db.session.commit()
    mark_saved()
    hold = current_hold(g.caller)
    if hold is not None:
        return show_or_redirect(hold, undone=outcome)
    return jsonify(person=None) if wants_json() else redirect(url_for(".calling"), 303)


@pages.post("/calling/person/<uuid:call_id>/give-back")
@for_callers
def give_back(call_id: uuid.UUID) -> ResponseReturnValue:
    """Let the caller take a break. The contact returns to the queue."""
    release_hold(g.caller, call_id)
    db.session.commit()
    if wants_json() and not wants_screen():
        return jsonify(call_id=str(call_id), given_back=True)
    return redirect(url_for(".calling"), 303)


@pages.post("/calling/person/<uuid:call_id>/renew")
@for_busy_callers
def renew(call_id: uuid.UUID) -> ResponseReturnValue:
    """Extend the time for which the caller keeps the contact (the hold). The call page sends this
    request if it cannot renew the hold over the websocket in time."""
    until = renew_hold(g.caller, call_id)
    db.session.commit()
    if not wants_json():
        return redirect(url_for(".person"), 303)
    return jsonify(expires_at=until.isoformat(), seconds_left=seconds_until(until))


def _record(call_id: uuid.UUID, fields: MultiDict[str, Any] | Mapping[str, Any]) -> RecordResult:
    """Record the outcome that the request names, and commit. Raises InvalidInputError if the
    request names no outcome, and the errors of `record`."""
    ring_back, key = str(fields.get("ring_back") or ""), _outcome_in(fields)
    if not key:
        raise InvalidInputError(
            "You haven't said how the call ended.", "Choose one of the buttons."
        )
    _take_over(call_id, fields)
    asked = _callback_at(call_id, ring_back, fields)
    setattr(g, ASKED_CALLBACK, asked)
    recorded = record(
        g.caller,
        call_id,
        key,
        note=str(fields.get("note") or "").strip(),
        callback_at=asked,
        only_me=not _says_no(fields, "only_me"),
        language=str(fields.get("language") or "")[:8],
        turn=_turn(),
        rows=g.call_rows,
    )
    store()
    setattr(g, RECORDED, recorded.last)
    return recorded


def _outcome_in(fields: MultiDict[str, Any] | Mapping[str, Any]) -> str:
    """Return the key of the outcome that the fields name, or ""."""
    return "call_back" if fields.get("ring_back") else str(fields.get("outcome") or "")


def _take_over(call_id: uuid.UUID, fields: MultiDict[str, Any] | Mapping[str, Any]) -> None:
    """If the page continued an earlier call, copy that call's answers to this call."""
    earlier_id = str(fields.get("go_on_from") or "")
    if earlier_id:
        take_over(g.caller, call_id, earlier_id)


def _callback_at(
    call_id: uuid.UUID, ring_back: str, fields: MultiDict[str, Any] | Mapping[str, Any]
) -> datetime | None:
    day, clock = str(fields.get("date") or ""), str(fields.get("time") or "")
    if not (ring_back or day or clock):
        return None
    call = own_call(g.caller, call_id)
    # The call's outcome is recorded already, so the callback time in this request no longer
    # matters, and may be in the past.
    if call.outcome is not None:
        return None
    return callback_time(ring_back, day, clock, zone_of(call), now())


def _turn() -> int | None:
    """Return the call's turn (how often its outcome was undone) from the request. Return None if
    the request has no such number."""
    return request.args.get("turn", type=int)


def _seq(fields: MultiDict[str, Any] | Mapping[str, Any]) -> int | None:
    """Return the sequence number of the answer. Return None if the request has none, for example if
    it comes from a form without JavaScript. Raises InvalidInputError if "seq" is not a whole number
    of at most 16 digits."""
    text = str(fields.get("seq") or "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _SEQ_DIGITS:
        raise InvalidInputError("“seq” must be a whole number.", "Leave it out, or count upwards.")
    return int(text)


def _answer_in(fields: MultiDict[str, Any] | Mapping[str, Any]) -> Any:
    if not isinstance(fields, MultiDict):
        return fields.get("answer")
    values = fields.getlist("answer")
    return values[0] if len(values) == 1 else values


def _says_no(fields: MultiDict[str, Any] | Mapping[str, Any], name: str) -> bool:
    return str(fields.get(name, "")).lower() in _NO
