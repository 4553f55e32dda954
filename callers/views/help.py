"""The view with which a caller asks the host for help. The caller is on the call page, or in the
lobby (the page for callers who wait to be admitted)."""

from flask import flash, g, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue

from callers.sessions import for_callers
from callers.views.blueprint import pages, read_fields
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.parties.help_requests import ask_for_help

TOLD = "We've told your host."


@pages.post("/calling/help")
@for_callers
def ask() -> ResponseReturnValue:
    """Ask the host for the kind of help that the form or the JSON names in "about". Raises the
    errors of `ask_for_help`."""
    ask_for_help(g.caller, str(read_fields().get("about") or ""))
    db.session.commit()
    if wants_json():
        return jsonify(message=TOLD)
    flash(TOLD, "success")
    # This address leads to the lobby, or on to the contact on the screen.
    return redirect(url_for(".calling"), 303)
