"""A caller's sign-in at the telephone service, for calls through the browser."""

from typing import Any

from flask import g, jsonify
from flask.typing import ResponseReturnValue

from callers.sessions import device_key, for_callers
from callers.views.blueprint import pages
from phonebank.core.assets import vendor
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.core.rate_limits import limiter
from phonebank.core.security import allow_connections
from phonebank.telephony.sessions import phone_of
from phonebank.telephony.softphones import browser_addresses, token_for

# For each driver of softphone.js, the name of the driver's library in tools/vendor.py.
LIBRARIES = {"sip": "jssip", "twilio": "twilio-voice"}
# The page asks every half second until the dialler has made the line.
SIGN_INS = "120 per minute"


def allow_softphone() -> bool:
    """Return whether callers can speak through the browser. If they can, allow this page to connect
    to the telephone service."""
    addresses = browser_addresses(current_config())
    if addresses:
        allow_connections(*addresses)
    return bool(addresses)


@pages.post("/calling/phone/softphone")
@for_callers
@limiter.limit(SIGN_INS, key_func=device_key)
def softphone() -> ResponseReturnValue:
    """Return a sign-in with which this browser can connect the caller. The sign-in is valid only
    for the caller's own line (one telephone connection), and does not contain the number of a
    person to call.

    Raises ConflictError if the caller has not asked to be connected through a browser, or if the
    dialler has not made the line yet.
    """
    phone = phone_of(g.caller.id)
    if not phone.situation.is_on or not phone.by_browser or phone.line_id is None:
        raise ConflictError("Your line isn't ready yet.", "Wait a moment.")
    db.session.rollback()  # the provider may take a second to answer
    token = token_for(g.caller.id, phone.line_id)
    library = vendor(LIBRARIES[token.driver])
    answer: dict[str, Any] = {
        "driver": token.driver,
        "secret": token.secret,
        "settings": token.settings,
        "expires_at": token.expires_at.isoformat(),
        "library": {"url": library.url, "integrity": library.integrity},
    }
    return jsonify(answer)
