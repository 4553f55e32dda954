"""The page on which an organiser appoints a campaign's area editors (who check the events of an
area) and trainers."""

from flask import flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.after_response import run_after
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.links import link_to
from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, RoleName, VolunteerRole, VolunteerRoleKind
from phonebank.organisers.listings.forms import RoleForm
from phonebank.organisers.listings.views import listings
from phonebank.organisers.responses import commit_and_redirect
from phonebank.places.distance import describe_distance
from phonebank.places.find import one_place
from phonebank.volunteers import confirm, mails, roles


@listings.route("/roles", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def volunteer_roles(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's area editors and trainers. A POST appoints another person, and e-mails
    them."""
    campaign = campaign_for(current_user, campaign_id)
    form = RoleForm()
    form.km.choices = _reaches(campaign)
    if form.validate_on_submit():
        try:
            return _name(campaign, form)
        except InvalidInputError as error:
            db.session.rollback()
            form.form_errors.append(f"{error.message} {error.what_to_do}".strip())
    page = render_template(
        "listings/roles.html",
        campaign=campaign,
        form=form,
        found=[
            (role, describe_distance(role.km or 0, campaign.country))
            for role in roles.roles_in(campaign)
        ],
    )
    return page, 422 if form.is_submitted() else 200


def _name(campaign: Campaign, form: RoleForm) -> ResponseReturnValue:
    email, first_name = form.email.data or "", form.first_name.data or ""
    if form.kind.data == VolunteerRoleKind.TRAINER:
        role = roles.name_trainer(campaign, email, first_name)
        words = f"train callers for “{campaign.name}”"
    else:
        place = one_place(form.place.data or "", campaign.country)
        role = roles.name_editor(campaign, email, first_name, place, form.km.data)
        words = f"check the events of “{campaign.name}” near {role.area}"
    to, name = role.email, role.first_name
    token = confirm.create_confirmation(to, name)
    _record("volunteer role given", campaign, role)
    db.session.commit()
    link, sign_in = link_to("movement.open_link", token=token), link_to("movement.sign_in")
    flash(f"{name} will get an e-mail with a link.", "success")
    response = make_response(redirect(url_for(".volunteer_roles", campaign_id=campaign.id), 303))
    run_after(response, lambda: mails.send_role(to, name, words, link, sign_in))
    return response


@listings.post("/roles/<int:role_id>/remove")
@open_to(RoleName.ORGANISER)
def take_volunteer_role(campaign_id: int, role_id: int) -> ResponseReturnValue:
    """Remove one person's role as area editor or trainer."""
    campaign = campaign_for(current_user, campaign_id)
    role = roles.take_role(campaign, role_id)
    _record("volunteer role taken away", campaign, role)
    return commit_and_redirect(
        url_for(".volunteer_roles", campaign_id=campaign.id),
        f"{role.first_name} no longer has this role.",
    )


def _record(action: str, campaign: Campaign, role: VolunteerRole) -> None:
    record_audit(
        action,
        account=current_user,
        campaign=campaign,
        subject_kind="volunteer role",
        subject_id=role.id,
        after={"kind": str(role.kind), "area": role.area},
    )


def _reaches(campaign: Campaign) -> list[tuple[int, str]]:
    return [(km, describe_distance(km, campaign.country)) for km in roles.REACHES]
