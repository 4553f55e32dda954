"""The volunteer's guide: what to do when something goes wrong, and which button means what."""

from flask import render_template
from flask.typing import ResponseReturnValue

from callers.sessions import recognised
from callers.views.blueprint import screens
from phonebank.core.access import ANYONE, open_to
from phonebank.models import CallerState


@screens.get("/help")
@open_to(ANYONE)
def guide() -> ResponseReturnValue:
    """Open to anybody: people look before they join."""
    known = recognised()
    inside = known is not None and known.state != CallerState.REMOVED
    return render_template("callers/guide.html", known=inside)
