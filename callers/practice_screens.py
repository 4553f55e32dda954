"""The practice call."""

from flask import g, render_template
from flask.typing import ResponseReturnValue

from callers import screen_data
from callers.blueprint import screens
from callers.sessions import for_callers


@screens.get("/calling/practice")
@for_callers
def practice() -> ResponseReturnValue:
    return render_template("callers/lobby.html", **screen_data.place_of(g.caller))
