"""The page on which area editors (volunteers who check the events of an area) and trainers check
events. The page shows only what strangers see of an event. It never shows a street address, a guest
or the host's e-mail address."""

from flask import flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.audit.record import record_audit
from phonebank.core import mail
from phonebank.core.after_response import run_after
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.listings import checks, editors
from phonebank.models import Campaign, Listing, VolunteerRole, VolunteerRoleKind
from phonebank.movement.blueprint import for_volunteers, pages
from phonebank.places.distance import describe_distance
from phonebank.volunteers import roles

ACTIONS = {
    "right": (
        editors.approve,
        "listing checked",
        "Thank you. The event's page now says that it was confirmed today.",
    ),
    "hide": (
        checks.hide,
        "listing hidden",
        "The event is hidden. Its guests keep their places.",
    ),
}


@pages.get("/volunteer/checks")
@for_volunteers
def event_checks() -> ResponseReturnValue:
    """Show the events that the volunteer may check."""
    return _page()


@pages.post('/volunteer/checks/<int:listing_id>/<any("right", "hide"):action>')
@for_volunteers
def check_event(listing_id: int, action: str) -> ResponseReturnValue:
    """Approve an event, or hide it."""
    listing = editors.listing_to_check(g.volunteer, listing_id)
    act, recorded, words = ACTIONS[action]
    act(listing, request.form.get("shown", ""))
    _record(recorded, listing)
    db.session.commit()
    flash(words, "success")
    return redirect(url_for(".event_checks"), 303)


@pages.post("/volunteer/checks/<int:listing_id>/back")
@for_volunteers
def send_event_back(listing_id: int) -> ResponseReturnValue:
    """Send an event back to its host, who gets the reason by e-mail."""
    listing = editors.listing_to_check(g.volunteer, listing_id)
    try:
        editors.send_back(listing, request.form.get("reason", ""), request.form.get("shown", ""))
    except (InvalidInputError, ConflictError) as error:
        db.session.rollback()  # the page keeps the typed reason
        return _page(listing_id, f"{error.message} {error.what_to_do}".strip()), error.status
    _record("listing sent back", listing)
    db.session.commit()
    message = editors.message_to_host(listing)
    flash(f"Sent back. {listing.host_name} will get an e-mail with your reason.", "success")
    response = make_response(redirect(url_for(".event_checks"), 303))
    run_after(response, lambda: mail.send_one(message))
    return response


@pages.post("/volunteer/roles/<int:role_id>/stop")
@for_volunteers
def stop_role(role_id: int) -> ResponseReturnValue:
    """Let the volunteer give up one of their roles."""
    roles.give_role_up(g.volunteer, role_id)
    db.session.commit()
    flash("Thank you for your help. You no longer have this role.", "success")
    return redirect(url_for(".mine"), 303)


def _page(refused_id: int | None = None, refused: str = "") -> str:
    own = roles.roles_of(g.volunteer)
    return render_template(
        "movement/checks.html",
        found=editors.listings_for(g.volunteer),
        areas=[describe_role(role) for role in own],
        refused_id=refused_id,
        refused=refused,
        typed=request.form.get("reason", ""),
        at_most=editors.REASON_AT_MOST,
    )


def describe_role(role: VolunteerRole) -> str:
    """Return a sentence that says what the volunteer with this role does."""
    if role.kind == VolunteerRoleKind.TRAINER or role.km is None:
        return f"You train callers for {role.campaign.name}, and check its events."
    far = describe_distance(role.km, role.campaign.country)
    return f"You check the events of {role.campaign.name} within {far} of {role.area}."


def _record(action: str, listing: Listing) -> None:
    record_audit(
        action,
        account=None,
        campaign=db.session.get_one(Campaign, listing.campaign_id),
        subject_kind="listing",
        subject_id=listing.id,
        after={"by": "a volunteer who checks events"},
    )
