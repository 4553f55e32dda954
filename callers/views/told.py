"""A page that the caller can open during a call. The page has a form for what the person said about
themselves: another number, another name, or that they moved. If the script has a text message for
the person, the page shows this message too, but only in a campaign that shows numbers.

The call page has the same content in a part that is closed at first. The call page asks for the
content only when the caller opens that part (call_told.js).
"""

import uuid

from flask import Response, flash, g, jsonify, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from callers.sessions import device_key, for_callers
from callers.views import page_data
from callers.views.blueprint import pages, read_fields, wants_screen
from callers.views.phone_page import must_wait
from phonebank.calls.hold import current_hold
from phonebank.calls.text_message import record_sent, sms_link, text_for
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import limiter
from phonebank.told_changes.tell import tell

SENDS = "60 per hour"
SENT = "Sent. An organiser will decide what to change."
TEXT_SENT = "Noted: you have sent the text."


@pages.get("/calling/told")
@for_callers
def told() -> ResponseReturnValue:
    """Show the form for what the person on the screen said. If the caller sees no person now,
    redirect to `calling`."""
    return _page()


@pages.post("/calling/person/<uuid:call_id>/told")
@limiter.limit(SENDS, key_func=device_key)
@for_callers
def send_told(call_id: uuid.UUID) -> ResponseReturnValue:
    """Store what the person said. A JSON request has at least one of "number", "first_name",
    "last_name" and "place"."""
    fields = read_fields()
    try:
        tell(g.caller, call_id, fields)
    except InvalidInputError as refused:
        db.session.rollback()
        if wants_json():
            raise
        return _page(refused, fields), refused.status
    db.session.commit()
    if wants_json():
        return jsonify(message=SENT)
    flash(SENT, "success")
    return redirect(url_for(".calling"), 303)


@pages.post("/calling/person/<uuid:call_id>/text-sent")
@limiter.limit(SENDS, key_func=device_key)
@for_callers
def text_sent(call_id: uuid.UUID) -> ResponseReturnValue:
    """Record that the caller has sent the script's text message to the person."""
    record_sent(g.caller, call_id)
    db.session.commit()
    if wants_json():
        return jsonify(message=TEXT_SENT)
    flash(TEXT_SENT, "success")
    return redirect(url_for(".calling"), 303)


def _page(refused: InvalidInputError | None = None, typed: object = None) -> str | Response:
    hold = current_hold(g.caller)
    if hold is None or must_wait(g.caller):
        return make_response(redirect(url_for(".calling"), 303))
    campaign = page_data.campaign_of(g.caller)
    # The link that sends the text would show the number.
    words = text_for(hold, g.caller, campaign) if campaign.mode.shows_numbers else ""
    values = {
        "call_id": hold.call.id,
        "typed": typed or {},
        "words": words,
        "sms": sms_link(hold.call.phone, words) if words else "",
    }
    if wants_screen():
        return render_template("callers/_told.html", **values)
    return render_template(
        "callers/told.html", refused=refused, **values, **page_data.place_of(g.caller)
    )
