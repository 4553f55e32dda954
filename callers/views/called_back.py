"""The page where a caller looks up a person who has called them back."""

from flask import g, jsonify, render_template
from flask.typing import ResponseReturnValue

from callers.sessions import device_key, for_callers
from callers.views import page_data
from callers.views.blueprint import pages, read_fields
from callers.views.script_words import words_of
from phonebank.calls.called_back import CalledBack, find_called_back
from phonebank.calls.merge_fields import shared_fields
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import limiter
from phonebank.experiments.script_choice import active_version_ids
from phonebank.rules.outcomes import label_of
from phonebank.scripts.step_renderer import fill

LOOK_UPS = "20 per hour"


@pages.get("/calling/called-back")
@for_callers
def called_back() -> ResponseReturnValue:
    """Show the form that asks for the last three digits of the number from which somebody has
    called the caller back."""
    return _page(None)


@pages.post("/calling/called-back")
@limiter.limit(LOOK_UPS, key_func=device_key)
@for_callers
def find_caller_back() -> ResponseReturnValue:
    """Show the names of people whom this caller called in the last twelve hours (see
    `find_called_back`). Each of these people was called on a number that ends in the digits from
    the form."""
    try:
        found = find_called_back(g.caller, str(read_fields().get("digits") or ""))
    except InvalidInputError as refused:
        db.session.rollback()
        if wants_json():
            raise
        return _page(None, refused), refused.status
    db.session.commit()
    if wants_json():
        return jsonify(people=[{"call_id": str(p.call_id), "name": p.first_name} for p in found])
    return _page(found)


def _page(found: list[CalledBack] | None, refused: InvalidInputError | None = None) -> str:
    words = words_of(next(iter(active_version_ids(g.caller.campaign_id)), None))
    place = page_data.place_of(g.caller)
    return render_template(
        "callers/called_back.html",
        found=found,
        refused=refused,
        identification=fill(words.identification, shared_fields(g.caller, place["campaign"])),
        label_of=label_of,
        **place,
    )
