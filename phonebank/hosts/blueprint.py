"""The shared parts of the host's pages: the blueprint, the redirect after a change, and dates in
words."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.core.db import db
from phonebank.models import Party
from phonebank.rules.local_moments import describe_moment

pages = Blueprint("parties", __name__, url_prefix="/parties", template_folder="templates")


def back_to(party: Party, words: str = "", page: str = ".run") -> ResponseReturnValue:
    """Commit, and redirect to a page of the party. Unless htmx sent the request, that page shows
    `words` once."""
    db.session.commit()
    if words and "HX-Request" not in request.headers:
        flash(words, "success")
    return redirect(url_for(page, party_id=party.id), 303)


def describe_start(party: Party) -> str:
    """Return the start of the party in the party's time zone, such as “Tuesday 13 January,
    19:30”."""
    return describe_moment(party.starts_at, party.time_zone)
