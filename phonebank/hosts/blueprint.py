"""What the host's pages share: their blueprint, the way back, and how they tell the time."""

from datetime import datetime

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.core.db import db
from phonebank.models import Party
from phonebank.rules.time_zones import time_zone

pages = Blueprint("parties", __name__, url_prefix="/parties", template_folder="templates")


def back_to(party: Party, words: str = "", page: str = ".run") -> ResponseReturnValue:
    """Commit, and go back to a page of the party, where `words` say what was done."""
    db.session.commit()
    if words and "HX-Request" not in request.headers:
        flash(words, "success")
    return redirect(url_for(page, party_id=party.id), 303)


def when_it_starts(party: Party) -> str:
    """“Tuesday 13 January, 19:30”, by the clocks of the party's time zone."""
    moment: datetime = party.starts_at.astimezone(time_zone(party.time_zone))
    return f"{moment:%A} {moment.day} {moment:%B}, {moment:%H:%M}"
