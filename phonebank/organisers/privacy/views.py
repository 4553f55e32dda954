"""The page on which an organiser erases what is stored about one person, or downloads it. The page
sends phone numbers by POST only, so no address, log or browser history contains a number."""

from itertools import groupby
from typing import Any

from flask import Blueprint, Flask, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import NotFoundError
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.scopes import campaign_for, campaigns_within
from phonebank.models import Campaign, Contact, RoleName, SightKind, now
from phonebank.organisers.privacy.forms import EraseForm, NumberForm
from phonebank.organisers.responses import after_commit_enqueue, commit_and_redirect
from phonebank.persons.sights import record_sights
from phonebank.phones.e164 import InvalidPhoneNumberError, format_for_reading, read_number
from phonebank.privacy.erase import OnScreenError, erase_person
from phonebank.privacy.jobs import search_files
from phonebank.privacy.person import contacts_with, person_of
from phonebank.privacy.subject_access import subject_access_text

pages = Blueprint("privacy", __name__, url_prefix="/campaigns/<int:campaign_id>/one-person")

LOOK_UPS = "30 per minute"


def init_app(app: Flask) -> None:
    """Add the page of one person's data."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int) -> ResponseReturnValue:
    """Show the page as it is before a look-up."""
    return _page(campaign_for(current_user, campaign_id), NumberForm(formdata=None))


@pages.post("")
@limiter.limit(LOOK_UPS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def look_up(campaign_id: int) -> ResponseReturnValue:
    """Show the people who have a given number, in all of the organiser's campaigns."""
    campaign = campaign_for(current_user, campaign_id)
    form = NumberForm()
    if not form.validate():
        return _page(campaign, form), 422
    try:
        phone = read_number(form.number.data, campaign.country, allow_drama=True)
    except InvalidPhoneNumberError as refused:
        form.number.errors = [refused.message]
        return _page(campaign, form), 422
    contacts = contacts_with(phone, campaigns_within(current_user))
    people = _people(contacts)
    record_sights(contacts, current_user, SightKind.FOUND)
    record_audit(
        "looked up a number", account=current_user, campaign=campaign, after={"found": len(people)}
    )
    db.session.commit()
    shown = format_for_reading(phone, campaign.country)
    return _page(campaign, form, people=people, shown=shown)


@pages.post("/file")
@limiter.limit(LOOK_UPS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def file(campaign_id: int) -> ResponseReturnValue:
    """Download everything that is stored about a person in the organiser's campaigns, as one text
    file."""
    campaign = campaign_for(current_user, campaign_id)
    contact = _contact(EraseForm().contact_id.data)
    person, contacts = person_of(contact, campaigns_within(current_user))
    told = subject_access_text(person, contacts)
    record_sights(contacts, current_user, SightKind.FILE)
    record_audit(
        "made a person's file",
        account=current_user,
        campaign=campaign,
        subject_kind="contact",
        subject_id=contact.id,
    )
    db.session.commit()
    # The text begins with a byte order mark, so that Windows reads it as UTF-8. The file's name
    # says nothing about the person.
    disposition = f'attachment; filename="what-is-stored-{now():%Y-%m-%d}.txt"'
    return Response(
        "\ufeff" + told,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
    )


@pages.post("/erase")
@limiter.limit(LOOK_UPS, key_func=account_key)
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def erase(campaign_id: int) -> ResponseReturnValue:
    """Erase a person's data. A job then erases the person from stored files. If the person is on a
    caller's screen, erase nothing at first, and ask the organiser whether to end that caller's
    call."""
    campaign = campaign_for(current_user, campaign_id)
    form = EraseForm()
    contact = _contact(form.contact_id.data)
    contact_id = contact.id
    person, contacts = person_of(contact, campaigns_within(current_user))
    ids = [one.id for one in contacts]
    never_again, ends_calls = bool(form.never_again.data), form.ends_calls.data == "yes"
    try:
        erasure = erase_person(person, ids, current_user, never_again, ends_calls)
    except OnScreenError as on_screen:
        db.session.rollback()
        campaign = campaign_for(current_user, campaign_id)
        return _page(campaign, NumberForm(formdata=None), on_screen=on_screen, erase=form), 409
    record_audit(
        "erased a person",
        account=current_user,
        campaign=campaign,
        subject_kind="contact",
        subject_id=contact_id,
        after={"contacts": ids, "never_again": never_again, "ended_a_call": ends_calls},
    )
    after_commit_enqueue(search_files, erasure.id)
    return commit_and_redirect(
        url_for(".show", campaign_id=campaign.id),
        "This person's data is erased. We're now removing it from stored files, too.",
    )


def _contact(contact_id: int | None) -> Contact:
    contact = db.session.get(Contact, contact_id or 0)
    if contact is not None and contact.phone:
        # Raises NotFoundError if the organiser may see nothing of that campaign.
        campaign_for(current_user, contact.campaign_id)
        return contact
    raise NotFoundError("This person is not stored any more.", "Their data may already be erased.")


def _people(contacts: Any) -> list[dict[str, Any]]:
    """Return the people whom these contacts describe. The contacts all have the same number, so
    contacts with the same name are one person. The contacts must be sorted by name. Each result has
    one `contact` of the person, and the names of the person's `campaigns`."""
    people = []
    for _, group in groupby(contacts, key=lambda contact: contact.name_key):
        theirs = list(group)
        campaigns = [db.session.get_one(Campaign, one.campaign_id).name for one in theirs]
        people.append({"contact": theirs[0], "campaigns": sorted(set(campaigns))})
    return people


def _page(campaign: Campaign, form: NumberForm, **shown: Any) -> str:
    return render_template("privacy/one_person.html", campaign=campaign, form=form, **shown)
