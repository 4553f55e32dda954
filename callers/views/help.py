"""Asking the host for help, from the lobby and from the call."""

from flask import flash, g, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue

from callers.sessions import for_callers
from callers.views.blueprint import screens, sent
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.parties.help_requests import ask_for_help

TOLD = "We've told your host."


@screens.post("/calling/help")
@for_callers
def ask() -> ResponseReturnValue:
    """Tell the host that this caller wants help, and with what kind of thing."""
    ask_for_help(g.caller, str(sent().get("about") or ""))
    db.session.commit()
    if wants_json():
        return jsonify(message=TOLD)
    flash(TOLD, "success")
    # Back to the lobby or, from there, to the person who is on the screen.
    return redirect(url_for(".calling"), 303)
