"""The volunteer's guide: what each button means, and what to do when something goes wrong."""

from flask import render_template
from flask.typing import ResponseReturnValue

from callers.sessions import caller_of_device
from callers.views.blueprint import pages
from phonebank.core.access import ANYONE, open_to
from phonebank.models import CallerState


@pages.get("/help")
@open_to(ANYONE)
def guide() -> ResponseReturnValue:
    """Show the guide. Everyone may open the guide, because people want to read it before they
    join."""
    known = caller_of_device()
    inside = known is not None and known.state != CallerState.REMOVED
    return render_template("callers/guide.html", known=inside)
