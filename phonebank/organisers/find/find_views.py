"""The page on which an organiser finds a person.

The search text is sent by POST only, so no address, log or browser history contains it.
"""

from collections.abc import Sequence

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select

from phonebank.audit.record import record_audit
from phonebank.core.access import ORGANISER_ANYWHERE, open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.scopes import campaigns_within
from phonebank.models import Campaign, SightKind
from phonebank.persons.search import CHARACTERS_AT_MOST, FoundPeople, find_people
from phonebank.persons.sights import record_sights
from phonebank.phones.e164 import format_for_reading

pages = Blueprint("find", __name__, url_prefix="/find")

# The limit is enough for an organiser with a pile of letters, and too low for copying a list.
SEARCHES = "30 per minute"


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(ORGANISER_ANYWHERE)
def show() -> ResponseReturnValue:
    """Show the search form."""
    return _page()


@pages.post("")
@limiter.limit(SEARCHES, key_func=account_key)
@open_to(ORGANISER_ANYWHERE)
def search() -> ResponseReturnValue:
    """Search all campaigns that the signed-in account organises, and show the people found, at most
    `search.SHOWN_AT_MOST`. The access ledger (who saw whom) records each person shown."""
    campaigns = db.session.scalars(select(Campaign).where(campaigns_within(current_user))).all()
    typed = request.form.get("typed", "")
    try:
        found = find_people(typed, campaigns)
    except InvalidInputError as fault:
        return _page(typed=typed, fault=fault.message), 422
    record_sights(found.people, current_user, SightKind.FOUND)
    record_audit("people searched", account=current_user, after={"found": len(found.people)})
    page = _page(typed=typed, found=found, campaigns=campaigns)
    db.session.commit()
    return page


def _page(
    typed: str = "",
    fault: str = "",
    found: FoundPeople | None = None,
    campaigns: Sequence[Campaign] = (),
) -> str:
    by_id = {campaign.id: campaign for campaign in campaigns}
    rows = [
        (
            person,
            by_id[person.campaign_id],
            format_for_reading(person.phone, by_id[person.campaign_id].country),
        )
        for person in (found.people if found else ())
    ]
    return render_template(
        "find/show.html",
        typed=typed,
        fault=fault,
        found=found,
        rows=rows,
        characters_at_most=CHARACTERS_AT_MOST,
    )
