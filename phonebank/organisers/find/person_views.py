"""One person's page. It shows the status and the reason for it, the calls, the tags, and who saw
the person's data. It also has buttons to change the status."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.contact_queue.status_counts import BUCKETS
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.locks import lock_row
from phonebank.core.scopes import campaign_for
from phonebank.models import ContactList, RoleName, SightKind, now
from phonebank.organisers.contact_status.wording import describe_moment, describe_why
from phonebank.organisers.responses import commit_and_redirect
from phonebank.organisers.suppressions.forms import REASONS
from phonebank.persons import actions
from phonebank.persons.history import calls_to
from phonebank.persons.sights import record_sights, sights_of
from phonebank.persons.status import status_of
from phonebank.persons.tags import set_tags, tags_of
from phonebank.phones.e164 import format_for_reading

pages = Blueprint(
    "person", __name__, url_prefix="/campaigns/<int:campaign_id>/person/<int:contact_id>"
)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """Show a person of this campaign: the details, the status, the tags, the calls, and who saw the
    person. The access ledger (who saw whom) records each view of this page."""
    campaign = campaign_for(current_user, campaign_id)
    person = actions.person_in(campaign, contact_id)
    record_sights([person], current_user, SightKind.OPENED)
    db.session.flush()
    status = status_of(person, campaign)
    page = render_template(
        "find/person.html",
        campaign=campaign,
        person=person,
        contact_list=db.session.get_one(ContactList, person.contact_list_id),
        numbers=[
            format_for_reading(phone, campaign.country)
            for phone in (person.phone, *person.other_phones)
        ],
        status=status,
        stands=BUCKETS[status.bucket],
        why=describe_why(status.bucket, person),
        next_at=describe_moment(campaign, status.next_at, now()) if status.next_at else "",
        entry_reasons=REASONS,
        show_number=lambda phone: format_for_reading(phone, campaign.country),
        version=actions.version_of(person),
        calls=calls_to(person, campaign),
        sights=sights_of(person),
        tags=tags_of(person),
    )
    db.session.commit()
    return page


@pages.post("/put-back")
@open_to(RoleName.ORGANISER)
def put_back(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """Make the person callable again, from the next moment inside calling hours. A promised
    callback is cancelled."""
    campaign = campaign_for(current_user, campaign_id)
    person = actions.person_in(campaign, contact_id)
    actions.put_back(person, campaign, request.form.get("version", ""), current_user)
    bucket = status_of(person, campaign).bucket
    said = (
        "This person can be called again."
        if bucket == "ready" and campaign.is_running
        else f"This person is put back. Their status is “{BUCKETS[bucket]}”."
    )
    return commit_and_redirect(
        url_for(".show", campaign_id=campaign.id, contact_id=contact_id), said
    )


@pages.post("/finish")
@open_to(RoleName.ORGANISER)
def finish(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """Mark the person as finished. Nobody calls the person in this campaign, unless an organiser
    makes the person callable again."""
    campaign = campaign_for(current_user, campaign_id)
    person = actions.person_in(campaign, contact_id)
    actions.finish(person, campaign, request.form.get("version", ""), current_user)
    return commit_and_redirect(
        url_for(".show", campaign_id=campaign.id, contact_id=contact_id),
        "Finished. Nobody will call this person in this campaign.",
    )


@pages.post("/tags")
@open_to(RoleName.ORGANISER)
def tag(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """Replace the person's tags with the typed ones. Tags that come from the person's answers
    stay."""
    campaign = campaign_for(current_user, campaign_id)
    person = actions.person_in(campaign, contact_id)
    lock_row(person)
    set_tags(person, campaign, request.form.get("tags", ""), current_user)
    return commit_and_redirect(
        url_for(".show", campaign_id=campaign.id, contact_id=contact_id), "The tags are saved."
    )


@pages.post("/do-not-call")
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def do_not_call(campaign_id: int, contact_id: int) -> ResponseReturnValue:
    """Put the person's numbers on the do-not-call list."""
    campaign = campaign_for(current_user, campaign_id)
    person = actions.person_in(campaign, contact_id)
    actions.suppress_person(person, campaign, current_user)
    return commit_and_redirect(
        url_for(".show", campaign_id=campaign.id, contact_id=contact_id),
        "This person is on the do-not-call list. Nobody will call them in any campaign.",
    )
