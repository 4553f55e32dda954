"""The pages of the inbox. The inbox lists the answers that need action, including those that are
done. An organiser claims an answer, does what is needed, and marks the answer as done."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for
from phonebank.inbox import items
from phonebank.models import Campaign, InboxState, RoleName, SightKind
from phonebank.organisers.responses import commit_and_redirect
from phonebank.persons.sights import record_sights
from phonebank.phones.e164 import format_for_reading

inbox = Blueprint("inbox", __name__, url_prefix="/campaigns/<int:campaign_id>/inbox")

STATES = {
    InboxState.OPEN: "To do",
    InboxState.CLAIMED: "In progress",
    InboxState.DONE: "Done",
}


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(inbox)


@inbox.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show one page of the answers, oldest first. `?state=` chooses which answers: open, claimed or
    done. Without a valid `?state=`, show the open answers. `?after=` is the id of the last answer
    on the previous page."""
    campaign = campaign_for(current_user, campaign_id)
    asked = request.args.get("state", "")
    state = InboxState(asked) if asked in list(InboxState) else InboxState.OPEN
    shown = items.items_in(campaign, state, max(0, request.args.get("after", 0, type=int)))
    record_sights([wanted.contact for wanted in shown], current_user, SightKind.INBOX)
    page = render_template(
        "inbox/index.html",
        campaign=campaign,
        state=state,
        states=STATES,
        counts=items.counts(campaign),
        shown=shown,
        more=shown[-1].item.id if len(shown) == items.SHOWN_AT_MOST else None,
    )
    db.session.commit()
    return page


@inbox.get("/<int:item_id>")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, item_id: int) -> ResponseReturnValue:
    """Show one answer, with the person's number."""
    campaign = campaign_for(current_user, campaign_id)
    wanted = items.item_for(campaign, item_id)
    record_sights([wanted.contact], current_user, SightKind.INBOX)
    page = render_template(
        "inbox/item.html",
        campaign=campaign,
        wanted=wanted,
        states=STATES,
        number=format_for_reading(wanted.contact.phone, campaign.country),
        note_at_most=items.NOTE_AT_MOST,
    )
    db.session.commit()
    return page


@inbox.post("/<int:item_id>/claim")
@open_to(RoleName.ORGANISER)
def claim(campaign_id: int, item_id: int) -> ResponseReturnValue:
    """Claim an answer, so that other organisers see who acts on it. The others can still mark the
    answer as done or put it back."""
    campaign = campaign_for(current_user, campaign_id)
    items.claim_item(campaign, item_id, current_user)
    return _done(campaign, item_id, "inbox answer claimed", "You've taken this on.")


@inbox.post("/<int:item_id>/put-back")
@open_to(RoleName.ORGANISER)
def put_back(campaign_id: int, item_id: int) -> ResponseReturnValue:
    """Put back an answer that is claimed or done, so that any organiser can claim it."""
    campaign = campaign_for(current_user, campaign_id)
    items.put_back(campaign, item_id)
    return _done(
        campaign, item_id, "inbox answer put back", "Put back. Any organiser can take this on now."
    )


@inbox.post("/<int:item_id>/done")
@open_to(RoleName.ORGANISER)
def done(campaign_id: int, item_id: int) -> ResponseReturnValue:
    """Mark an answer as done, and go back to the inbox."""
    campaign = campaign_for(current_user, campaign_id)
    items.finish_item(campaign, item_id, current_user)
    address = url_for(".index", campaign_id=campaign_id)
    return _done(campaign, item_id, "inbox answer done", "Done.", address)


@inbox.post("/<int:item_id>/note")
@open_to(RoleName.ORGANISER)
def note(campaign_id: int, item_id: int) -> ResponseReturnValue:
    """Replace the organisers' note about an answer, unless another organiser has changed the note
    since the page was opened."""
    campaign = campaign_for(current_user, campaign_id)
    items.set_note(campaign, item_id, request.form.get("note", ""), request.form.get("seen", ""))
    return _done(campaign, item_id, "inbox note changed", "The note is saved.")


def _done(
    campaign: Campaign, item_id: int, action: str, said: str, address: str = ""
) -> ResponseReturnValue:
    record_audit(
        action,
        account=current_user,
        campaign=campaign,
        subject_kind="inbox answer",
        subject_id=item_id,
    )
    address = address or url_for(".show", campaign_id=campaign.id, item_id=item_id)
    return commit_and_redirect(address, said)
