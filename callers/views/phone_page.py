"""The telephone page, for a caller who has no person on the screen. The telephone bar on the call
page describes the state of the connection in the same words."""

from typing import Any

from flask import jsonify, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from callers.views import page_data
from callers.views.blueprint import wants_screen
from callers.views.softphone import allow_softphone
from phonebank.core.content_negotiation import wants_json
from phonebank.models import Caller, CampaignMode, EndCause, now
from phonebank.phones.e164 import format_for_reading
from phonebank.telephony.phases import Phase
from phonebank.telephony.sessions import CallerPhone, phone_of
from phonebank.telephony.spending import is_money_spent

# The signed cookie of this browser keeps the caller's own number under this name, so that the
# caller need not type it again.
OWN_NUMBER = "own_number"

_SAID = {
    Phase.OFF: "You're not on the phone.",
    Phase.CONNECTING: "We're calling your phone. Pick up, and stay on the line.",
    Phase.RESTING: "You're on the phone. We won't call anybody until you say so.",
    Phase.WAITING: "You're next. We're finding someone for you.",
    Phase.CALLING: "We're calling someone. You'll see who it is when they pick up.",
    Phase.TALKING: "They can hear you.",
    Phase.WRAPPING_UP: "They're no longer on the phone. Say how the call ended.",
}
_CONNECTING_BROWSER = "We're connecting your browser. Allow the microphone if it asks."
_CALLING_SEEN = "We're calling them."
_CANNOT_CALL = "We can't call anyone for you right now."
_FINISHING = "You're on the phone. We won't call anybody else for you."
# What the page says after a call that nobody answered, if the caller sees the person already.
_NOT_REACHED = {
    EndCause.BUSY: "Their phone is busy.",
    EndCause.NO_ANSWER: "Nobody picked up.",
    EndCause.NO_SUCH_NUMBER: "The number isn't in service.",
    EndCause.HUNG_UP: "They hung up.",
}
_FAILED = "The call didn't go through."


def phone_state(caller: Caller, seen: bool = False) -> dict[str, Any]:
    """Return the state of the caller's telephone connection, for the page's JavaScript.

    In the result, "page" is the address of the page to show, and "key" changes whenever that page
    must be rendered again. With `seen`, store that the caller's page is open.
    """
    return _state(caller, phone_of(caller.id, seen))


def _state(caller: Caller, phone: CallerPhone) -> dict[str, Any]:
    shows_person = _shows_person(caller, phone)
    if shows_person:
        key = f"{phone.call_id} {phone.turn}"
    else:
        key = f"{phone.phase} {phone.finishing} {phone.notice}"
    return {
        "phase": phone.phase,
        "said": describe(phone, caller.campaign.mode),
        "finishing": phone.finishing,
        "by_browser": phone.by_browser,
        "key": key,
        "page": url_for("callers.person" if shows_person else "callers.phone"),
    }


def describe(phone: CallerPhone, mode: CampaignMode) -> str:
    """Describe the state of the caller's telephone connection in words."""
    if phone.phase == Phase.CONNECTING and phone.by_browser:
        return _CONNECTING_BROWSER
    if phone.phase == Phase.WAITING and phone.notice:
        return _CANNOT_CALL
    if phone.phase == Phase.RESTING and phone.finishing:
        return _FINISHING
    if mode.dials_first or phone.call_id is None:
        return _SAID[phone.phase]
    if phone.phase == Phase.CALLING:
        return _CALLING_SEEN
    cause = phone.situation.cause
    if cause is not None and not phone.situation.was_joined:
        return _NOT_REACHED.get(cause, _FAILED)
    return _SAID[phone.phase]


def must_wait(caller: Caller) -> bool:
    """Whether the caller must wait before they may see a person. This is so if the server calls
    people first, and has not yet connected a person to the caller. A caller who corrects how a call
    ended need not wait."""
    return caller.campaign.mode.dials_first and not phone_of(caller.id).shows_person


def wants_people(caller: Caller) -> bool:
    """Whether the caller is connected by telephone, and has not asked to finish."""
    phone = phone_of(caller.id)
    return phone.situation.is_on and phone.situation.is_connected and not phone.finishing


def is_off(caller: Caller) -> bool:
    """Whether the caller is not on the telephone and has no open call."""
    phone = phone_of(caller.id)
    return phone.phase == Phase.OFF and phone.call_id is None


def show_phone(
    caller: Caller, recorded_json: dict[str, Any] | None = None, notice: str = ""
) -> ResponseReturnValue:
    """Show the telephone page. An API client gets the state of the caller's telephone connection as
    JSON instead. If `recorded_json` is not None, a browser is redirected to the page, except if our
    own JavaScript sent the request.

    `recorded_json` has the fields that a recorded outcome adds to the JSON, or is None. `notice`
    says why there is nobody to call, or is "".
    """
    if wants_json() and not wants_screen():
        nobody = {"person": None, "csrf_token": generate_csrf()}
        return jsonify((recorded_json or {}) | nobody | phone_state(caller, seen=True))
    if recorded_json is not None and not wants_screen():
        return redirect(url_for("callers.phone"), 303)
    return render_template(
        "callers/phone.html",
        toast=page_data.toast_of(caller),
        notice=notice,
        **page_parts(caller, seen=True),
    )


def page_parts(caller: Caller, seen: bool = False) -> dict[str, Any]:
    """Return what the telephone page and the bar on the call page show."""
    phone = phone_of(caller.id, seen)
    return {
        "state": _state(caller, phone),
        "phone": phone,
        "money_spent": phone.phase == Phase.OFF and is_money_spent(caller.campaign, now()),
        "own_number": _number_to_read(caller),
        "softphone": allow_softphone(),
        **page_data.place_of(caller),
    }


def _number_to_read(caller: Caller) -> str:
    """Return the caller's own number from this browser's cookie, formatted for reading, or ""."""
    number = session.get(OWN_NUMBER, "")
    return format_for_reading(number, caller.campaign.country) if number else ""


def _shows_person(caller: Caller, phone: CallerPhone) -> bool:
    return phone.call_id is not None and (
        phone.shows_person or not caller.campaign.mode.dials_first
    )
