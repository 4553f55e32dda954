"""Answers Twilio's webhooks. Only `softphone` writes to the database before it answers.

A busy process does not refuse a webhook that only reports something. Accepting such a webhook takes
no more work than refusing it, and Twilio would not send a refused webhook again.
"""

import re
from datetime import UTC, datetime

from flask import Response, request

from phonebank.core.access import SIGNED, open_to
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.overload import Urgency, with_urgency
from phonebank.core.statement import Statement
from phonebank.phone_webhooks.after_answer import record_after
from phonebank.phone_webhooks.blueprint import phone_webhooks
from phonebank.phone_webhooks.signed import signed_by_twilio
from phonebank.telephony import twilio_events as events
from phonebank.telephony import twilio_twiml as twiml
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.information_message import message_for_line
from phonebank.telephony.softphone_line import open_softphone_line

_CALLER = re.compile(r"client:caller-(\d{1,18})", re.ASCII)
_LINE_OF_CALL = Statement(
    "SELECT id FROM line WHERE backend = 'twilio' AND provider_id = :provider_id"
)


@phone_webhooks.post(twiml.STATUS)
@open_to(SIGNED)
@with_urgency(Urgency.PROBE)
@signed_by_twilio
def status() -> Response:
    """Store Twilio's report that a call's status has changed. If the request's address has no id of
    a line, the call is from a browser. In that case, the line is found by Twilio's id of the call.
    """
    line_id = request.args.get("line", type=int)
    fields = request.form.to_dict()

    def find() -> list[LineEvent]:
        line = line_id or _LINE_OF_CALL.scalar({"provider_id": fields.get("CallSid", "")})
        event = events.event_of_status_webhook(line, fields) if line else None
        return [event] if event else []

    return record_after(Response(status=204), find)


@phone_webhooks.post(twiml.ROOM)
@open_to(SIGNED)
@with_urgency(Urgency.PROBE)
@signed_by_twilio
def room() -> Response:
    """Store Twilio's report that somebody has entered or left a caller's conference room."""
    line_id, fields = _line_id(), request.form.to_dict()
    return record_after(
        Response(status=204), lambda: events.events_of_room_webhook(line_id, fields)
    )


@phone_webhooks.post(twiml.MESSAGE)
@open_to(SIGNED)
@with_urgency(Urgency.RECORD)
@signed_by_twilio
def message() -> Response:
    """Tell Twilio what to say to a person for whom no caller was free, and store that the message
    begins."""
    line_id = _line_id()
    words, language = message_for_line(line_id)
    said = twiml.say_message(current_config().base_url, line_id, words, language)
    event = _event_now(line_id, EventKind.PLAYING)
    return record_after(_answer(said), lambda: [event])


@phone_webhooks.post(twiml.PLAYED)
@open_to(SIGNED)
@with_urgency(Urgency.RECORD)
@signed_by_twilio
def played() -> Response:
    """Twilio reports that it has said the whole message to a person for whom no caller was free.
    Store this report, and tell Twilio to end the call."""
    event = _event_now(_line_id(), EventKind.PLAYED)
    return record_after(_answer(twiml.end()), lambda: [event])


@phone_webhooks.post("/phone/twilio/softphone")
@open_to(SIGNED)
@with_urgency(Urgency.RECORD)
@signed_by_twilio
def softphone() -> Response:
    """Let a caller's browser open the caller's telephone line. A line is one connection to a
    telephone or browser. The line's id comes from the browser. The caller's id comes from Twilio,
    which read the id in the token that Phonebank made for the browser.

    Tell Twilio to end the call if the line is not this caller's, has ended, or is already open
    under another id of Twilio's. Also do so if the request has no valid id of the line or of the
    caller.
    """
    caller = _CALLER.fullmatch(request.form.get("From", ""))
    line_id = request.form.get("line", type=int)
    provider_id = request.form.get("CallSid", "")
    if caller is None or not line_id:
        return _answer(twiml.end())
    is_open = open_softphone_line(line_id, int(caller[1]), provider_id)
    db.session.commit()
    if not is_open:
        return _answer(twiml.end())
    event = _event_now(line_id, EventKind.ANSWERED)
    words = twiml.into_own_room(current_config().base_url, line_id)
    return record_after(_answer(words), lambda: [event])


def _event_now(line_id: int, kind: EventKind) -> LineEvent:
    """Return an event of this kind on the line, dated now, with Twilio's id of the call from the
    current request."""
    provider_id = request.form.get("CallSid", "")
    return LineEvent(line_id, 0, kind, None, datetime.now(UTC), provider_id)


def _line_id() -> int:
    line_id = request.args.get("line", type=int)
    if line_id is None:
        raise NotFoundError("The address names no line.")
    return line_id


def _answer(words: str) -> Response:
    return Response(words, mimetype="text/xml")
