"""The views for callers in campaigns that call people through a telephone service.

A line is one telephone connection: to a caller, or to a person whom the caller calls. The views do
not open or end lines themselves. They only change rows in the database. The dialler, a separate
process, reads these rows and then opens or ends lines. No response contains the number of a person
to call.
"""

import uuid

from flask import g, jsonify, redirect, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from callers.sessions import for_callers
from callers.views.blueprint import pages, read_fields, wants_screen
from callers.views.next_contact import show_next
from callers.views.phone_page import OWN_NUMBER, is_off, phone_state, show_phone
from phonebank.calls.claim import refuse
from phonebank.calls.hold import Person, own_call
from phonebank.calls.undo import redial_block_reason
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PhonebankError,
)
from phonebank.models import Campaign, CampaignMode, Contact, now
from phonebank.phones.e164 import InvalidPhoneNumberError, read_number
from phonebank.telephony.backends import current_backend
from phonebank.telephony.sessions import (
    connect,
    end_session,
    finish_after_call,
    phone_of,
    set_ready,
    want_hang_up,
    want_person_line,
)
from phonebank.telephony.spending import is_money_spent


@pages.get("/calling/phone")
@for_callers
def phone() -> ResponseReturnValue:
    """Show the state of the caller's telephone connection, and what the caller can do. If the
    caller is not on the telephone and nobody may call now, show the reason instead (`show_next`).
    In a campaign in which callers dial themselves, redirect to `calling`. Do the same for a caller
    who is not admitted."""
    if g.caller.campaign.mode == CampaignMode.MANUAL or not g.caller.may_call:
        return redirect(url_for(".calling"))
    if _refusal() is not None:
        return show_next()
    page = show_phone(g.caller)
    db.session.commit()
    return page


@pages.get("/calling/phone/state")
@for_callers
def phone_state_now() -> ResponseReturnValue:
    """Return the state of the caller's telephone connection, for the page's JavaScript. The
    JavaScript asks for it every few seconds."""
    _campaign_on_the_phone()
    state = phone_state(g.caller, seen=True)
    db.session.commit()
    return jsonify(state)


@pages.post("/calling/phone/connect")
@for_callers
def phone_connect() -> ResponseReturnValue:
    """Ask the dialler to connect the caller by telephone or through this browser. If the form has
    "browser", this browser is connected. Otherwise the dialler calls the "number" in the form, or
    the number in this browser's cookie if the form has none.

    A caller who is already connected gets a new line, and stays connected to the person in the
    caller's open call. Raises NotFoundError for a caller who is not admitted. Raises ConflictError
    if the day's money for calls is spent, and InvalidInputError for an invalid number.

    A caller who is not on the telephone is not connected if nobody may call now, for example
    because the campaign has ended. Then redirect to the page with the reason. For a request that
    wants JSON, raise the errors of `claim.refuse`.
    """
    campaign, fields = _campaign_on_the_phone(), read_fields()
    if not g.caller.may_call:
        raise NotFoundError(
            "Nobody has let you in yet.", "Ask your host, or the person who sent you the link."
        )
    refusal = _refusal()
    if refusal is not None:
        if wants_json():
            raise refusal
        return redirect(url_for(".phone"), 303)
    if is_money_spent(campaign, now()):
        raise ConflictError("Today's money for calls is spent.", "Come back tomorrow. Thank you!")
    if fields.get("browser"):
        connect(g.caller, None)
    else:
        number = _own_number(str(fields.get("number") or session.get(OWN_NUMBER, "")), campaign)
        session[OWN_NUMBER] = number
        connect(g.caller, number)
    return _done()


@pages.post("/calling/phone/ready")
@for_callers
def phone_ready() -> ResponseReturnValue:
    """Store whether the caller wants the next person. The caller does, unless "ready" in the form
    is "no". Raises NotConnectedError if the caller is not on the telephone."""
    _campaign_on_the_phone()
    set_ready(g.caller, str(read_fields().get("ready")) != "no")
    return _done()


@pages.post("/calling/phone/finish")
@for_callers
def phone_finish() -> ResponseReturnValue:
    """End the caller's telephone session after the current call, or soon if there is no current
    call. Raises NotConnectedError if the caller is not on the telephone."""
    _campaign_on_the_phone()
    finish_after_call(g.caller)
    return _done()


@pages.post("/calling/phone/hang-up")
@for_callers
def phone_hang_up() -> ResponseReturnValue:
    """End the caller's telephone session now. The dialler then hangs up on the caller, and on the
    person in the caller's open call."""
    end_session(g.caller.id)
    return _done()


@pages.post("/calling/person/<uuid:call_id>/dial")
@for_callers
def dial(call_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the dialler to call the person on the screen. Callers do this in a campaign in which they
    see each person before the call. If the person is being called already, do nothing.

    Raises ConflictError if the server calls people first, if the caller's own phone is not
    connected, if the person may not be called now, or if the day's money for calls is spent. Raises
    NotFoundError if there is no telephone service, or if the caller has no such call.
    """
    campaign = _campaign_on_the_phone()
    if campaign.mode.dials_first:
        raise ConflictError("In this campaign, we call people for you.", "Tap Ready.")
    if not phone_of(g.caller.id).situation.is_connected:
        raise ConflictError("Your own phone isn't connected.", "Connect it first.")
    call = own_call(g.caller, call_id, lock=True)
    contact = db.session.get_one(Contact, call.contact_id)
    if call.ended_at is not None or redial_block_reason(call, Person.of(contact), campaign):
        raise ConflictError("This person can't be called now.", "Say how the call ended.")
    if is_money_spent(campaign, now()):
        raise ConflictError(
            "Today's money for calls is spent.", "Say how the call ended, or tap “Take a break”."
        )
    backend = current_backend()
    if backend is None:
        raise NotFoundError("This server has no telephone service.", "Tell an organiser.")
    try:
        want_person_line(g.caller, call, backend)
    except IntegrityError:
        db.session.rollback()  # a second tap: the person is being called already
    return _done(".person")


@pages.post("/calling/person/<uuid:call_id>/hang-up")
@for_callers
def hang_up(call_id: uuid.UUID) -> ResponseReturnValue:
    """Ask the dialler to hang up on the person on the screen. The caller stays connected."""
    want_hang_up(g.caller, call_id)
    return _done(".person")


def _campaign_on_the_phone() -> Campaign:
    campaign: Campaign = g.caller.campaign
    if campaign.mode == CampaignMode.MANUAL:
        raise NotFoundError("In this campaign you dial on your own phone.", "Go back to calling.")
    return campaign


def _refusal() -> PhonebankError | None:
    """Return the reason why the caller may not connect: nobody may call now. Return None if the
    caller may connect, or is on the telephone or in a call already."""
    if is_off(g.caller):
        try:
            refuse(g.caller)
        except PhonebankError as reason:
            return reason
    return None


def _own_number(text: str, campaign: Campaign) -> str:
    try:
        return read_number(text, campaign.country, campaign.allow_drama_numbers)
    except InvalidPhoneNumberError as refused:
        raise InvalidInputError(refused.message, "Type your own number again.") from None


def _done(to: str = ".phone") -> ResponseReturnValue:
    db.session.commit()
    if wants_json() or wants_screen():
        return jsonify(phone_state(g.caller))
    return redirect(url_for(to), 303)
