"""Let a caller keep their calls under their e-mail address. The caller gets a link by e-mail, and
becomes a volunteer by tapping the button on the page that the link opens."""

from flask import flash, g, jsonify, make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from callers.sessions import device_key, for_callers
from callers.views.blueprint import pages, read_fields
from phonebank.core.after_response import run_after
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError
from phonebank.core.links import link_to
from phonebank.core.rate_limits import limiter, typed_email_key
from phonebank.volunteers import confirm, mails

SENT = "We've sent you a link. Open it and tap the button to keep your calls."


@pages.post("/calling/keep")
@limiter.limit("10 per hour", key_func=device_key)
@limiter.limit("5 per 15 minutes", key_func=typed_email_key)
@for_callers
def keep() -> ResponseReturnValue:
    """E-mail the caller a link. When the caller opens the link and taps the button on the page, the
    caller's calls are kept under the e-mail address."""
    caller = g.caller
    try:
        email = normalise_email(str(read_fields().get("email") or ""))
    except InvalidInputError as refused:
        if wants_json():
            raise
        flash(f"{refused.message} {refused.what_to_do}", "error")
        return redirect(url_for(".mine", _anchor="keep"), 303)
    first_name = caller.first_name
    token = confirm.create_confirmation(email, first_name, caller)
    db.session.commit()
    link = link_to("movement.open_link", token=token)
    if wants_json():
        response = make_response(jsonify(message=SENT), 202)
    else:
        flash(SENT, "success")
        response = make_response(redirect(url_for(".mine", _anchor="keep"), 303))
    run_after(response, lambda: mails.send_confirmation(email, first_name, link))
    return response
