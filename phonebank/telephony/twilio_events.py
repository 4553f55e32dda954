"""Turns what Twilio reports about calls into our events. This module uses neither a database nor
Twilio's library."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from phonebank.telephony.events import EndCause, EventKind, LineEvent
from phonebank.telephony.twilio_twiml import line_of

CAUSES = {
    "completed": EndCause.HUNG_UP,
    "busy": EndCause.BUSY,
    "no-answer": EndCause.NO_ANSWER,
    "canceled": EndCause.CANCELLED,
    "failed": EndCause.FAILED,
}
KINDS = {"ringing": EventKind.RINGING, "in-progress": EventKind.ANSWERED}
# SIP's answers for a number that is not in use.
NOT_IN_USE = {"404", "410", "484", "604"}
# Twilio's clock shows whole seconds. Within a second, this many events of a room can have an order.
PLACES = 1000


def event_of_status(
    line_id: int, provider_id: str, status: str, at: datetime, sequence: int = 0, sip: str = ""
) -> LineEvent | None:
    """Return the event that a call's status reports for the call's line, or None for a status that
    reports no event, such as `queued`.

    `sip` is the SIP status code with which the telephone network refused the call, or "" if the
    code is not known.
    """
    if status in KINDS:
        return LineEvent(line_id, sequence, KINDS[status], None, at, provider_id)
    if status not in CAUSES:
        return None
    cause = CAUSES[status]
    if cause == EndCause.FAILED and sip in NOT_IN_USE:
        cause = EndCause.NO_SUCH_NUMBER
    return LineEvent(line_id, sequence, EventKind.ENDED, cause, at, provider_id)


def event_of_status_webhook(line_id: int, fields: Mapping[str, str]) -> LineEvent | None:
    """Return the event that a webhook about a call's status reports, or None if the status reports
    no event."""
    return event_of_status(
        line_id,
        fields.get("CallSid", ""),
        fields.get("CallStatus", ""),
        moment(fields.get("Timestamp")),
        _number(fields.get("SequenceNumber")),
        fields.get("SipResponseCode", ""),
    )


def events_of_room_webhook(caller_line_id: int, fields: Mapping[str, str]) -> list[LineEvent]:
    """Return the events that a webhook about a caller's room reports. The list is empty if the
    webhook does not report that a line has entered or left the room.

    When a person enters or leaves the room, both the person's line and the caller's line have an
    event: JOINED or LEFT. When the caller enters, the caller's line has the event ANSWERED. When
    the caller leaves, the caller's line has the event ENDED.
    """
    line_id = line_of(fields.get("ParticipantLabel", ""))
    comes = fields.get("StatusCallbackEvent") == "participant-join"
    if line_id is None or not (comes or fields.get("StatusCallbackEvent") == "participant-leave"):
        return []
    at, provider_id = moment(fields.get("Timestamp")), fields.get("CallSid", "")
    number = _number(fields.get("SequenceNumber"))
    if line_id == caller_line_id:
        kind, cause = (EventKind.ANSWERED, None) if comes else (EventKind.ENDED, EndCause.HUNG_UP)
        return [LineEvent(line_id, number, kind, cause, at, provider_id)]
    kind = EventKind.JOINED if comes else EventKind.LEFT
    return joined_or_left(kind, line_id, caller_line_id, at, min(number, PLACES - 1), provider_id)


def joined_or_left(
    kind: EventKind, person: int, caller: int, at: datetime, place: int, provider_id: str
) -> list[LineEvent]:
    """Return the JOINED or LEFT events of a person's line and a caller's line. `place`, from 0 to
    PLACES - 1, orders events within the same second.

    The sequence number of the events is made from the time, because Twilio numbers only the events
    that webhooks report.
    """
    number = int(at.timestamp()) * PLACES + place
    return [
        LineEvent(person, number, kind, None, at, provider_id),
        LineEvent(caller, number, kind, None, at),
    ]


def moment(text: str | None) -> datetime:
    """Return the moment (aware) in a text written by Twilio. If the text contains no moment, return
    the current moment."""
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
