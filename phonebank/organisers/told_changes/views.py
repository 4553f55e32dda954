"""The page on which organisers accept or refuse the changes that people told callers about, such as
a new phone number."""

from collections.abc import Callable

from flask import Blueprint, Flask, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.scopes import campaign_for
from phonebank.models import Account, Campaign, RoleName, SightKind, ToldChange, ToldKind
from phonebank.organisers.responses import commit_and_redirect
from phonebank.persons.sights import record_sights
from phonebank.phones.e164 import format_for_reading
from phonebank.told_changes import decide

told_changes = Blueprint("told_changes", __name__, url_prefix="/campaigns/<int:campaign_id>/told")

KINDS = {
    ToldKind.NUMBER: "Right number",
    ToldKind.NAME: "Name",
    ToldKind.MOVED: "Moved to",
}


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(told_changes)


@told_changes.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the oldest changes that wait for a decision, and the changes that were decided in the
    last 30 days, newest decision first. Show at most `decide.SHOWN_AT_MOST` of each kind."""
    campaign = campaign_for(current_user, campaign_id)
    undecided, decided = decide.undecided(campaign), decide.decided(campaign)
    shown = [told.contact for told in (*undecided, *decided)]
    record_sights(shown, current_user, SightKind.TOLD)
    page = render_template(
        "told_changes/index.html",
        campaign=campaign,
        undecided=undecided,
        waiting=decide.undecided_count(campaign),
        decided=decided,
        kinds=KINDS,
        in_words=lambda change: _in_words(change, campaign),
        number=lambda phone: format_for_reading(phone, campaign.country),
    )
    db.session.commit()
    return page


@told_changes.post("/<int:change_id>/accept")
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def accept(campaign_id: int, change_id: int) -> ResponseReturnValue:
    """Accept a change: change the contact's data to what the person said."""
    return _act(campaign_id, change_id, decide.accept, "accepted", "You accepted the change.")


@told_changes.post("/<int:change_id>/refuse")
@open_to(RoleName.ORGANISER)
def refuse(campaign_id: int, change_id: int) -> ResponseReturnValue:
    """Refuse a change, and leave the contact as it is."""
    return _act(campaign_id, change_id, decide.refuse, "refused", "You refused the change.")


@told_changes.post("/<int:change_id>/take-back")
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def take_back(campaign_id: int, change_id: int) -> ResponseReturnValue:
    """Undo the decision to accept or refuse a change. The contact gets back the values from before
    an accepted change. The change then waits for a decision again."""
    said = "The decision is taken back. The change waits for a decision again."
    return _act(campaign_id, change_id, decide.take_back, "taken back", said)


def _act(
    campaign_id: int,
    change_id: int,
    action: Callable[[Campaign, int, Account], ToldChange],
    done: str,
    said: str,
) -> ResponseReturnValue:
    campaign = campaign_for(current_user, campaign_id)
    change = action(campaign, change_id, current_user)
    record_audit(
        f"told change {done}",
        account=current_user,
        campaign=campaign,
        subject_kind="contact",
        subject_id=change.contact_id,
        after={"kind": change.kind.value},
    )
    return commit_and_redirect(url_for(".index", campaign_id=campaign.id), said)


def _in_words(change: ToldChange, campaign: Campaign) -> str:
    said = change.said
    if change.kind == ToldKind.NUMBER:
        return format_for_reading(said["number"], campaign.country)
    if change.kind == ToldKind.NAME:
        return f"{said['first_name']} {said['last_name']}".strip()
    return str(said.get("postcode") or said.get("town"))
