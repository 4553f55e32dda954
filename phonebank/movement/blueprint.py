"""The blueprint of the pages for volunteers and strangers, and the functions that sign a volunteer
in or out on a device."""

import functools
from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from phonebank.core import error_pages
from phonebank.core.access import VOLUNTEER, open_to
from phonebank.core.content_negotiation import wants_json
from phonebank.core.errors import SignInRequiredError
from phonebank.models import Volunteer
from phonebank.volunteers.volunteers import COOKIE_KEY, cookie_for, volunteer_of_cookie

pages = Blueprint("movement", __name__, template_folder="templates")


class VolunteerRequiredError(SignInRequiredError):
    """The error for a request to a volunteer's page from a device that is not signed in as a
    volunteer."""

    def __init__(self) -> None:
        super().__init__(
            "We don't recognise this device.", "Type your e-mail address to get a new link."
        )


def remember(volunteer: Volunteer) -> None:
    """Sign the volunteer in on this device. The volunteer stays signed in as long as the browser
    keeps the cookie, unless they sign out."""
    session[COOKIE_KEY] = cookie_for(volunteer)
    session.permanent = True


def forget_device() -> None:
    """Sign the volunteer out on this device."""
    session.pop(COOKIE_KEY, None)


def for_volunteers(view: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a view, so that only signed-in volunteers can open it. The view finds the volunteer in
    `g.volunteer`. If nobody is signed in as a volunteer, the wrapped view raises
    VolunteerRequiredError."""

    @functools.wraps(view)
    def known(*args: Any, **kwargs: Any) -> Any:
        volunteer = volunteer_of_cookie(session.get(COOKIE_KEY))
        if volunteer is None:
            raise VolunteerRequiredError
        g.volunteer = volunteer
        return view(*args, **kwargs)

    return open_to(VOLUNTEER)(known)


@pages.errorhandler(VolunteerRequiredError)
def ask_for_link(error: VolunteerRequiredError) -> ResponseReturnValue:
    """Redirect a browser to the form for a sign-in link. If the request sends a form or wants JSON,
    return the error instead of a redirect."""
    error_pages.roll_back()
    if wants_json() or request.method != "GET":
        return error_pages.answer_to(error)
    return redirect(url_for("movement.sign_in"))
