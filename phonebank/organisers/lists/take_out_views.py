"""The pages on which an organiser uploads a file of people who should not be called any more, and
sees which people the file identifies. The list's page (`views.progress`) shows how much of the file
is processed, and has a button to undo the upload."""

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.scopes import campaign_for
from phonebank.core.security import takes_files
from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import InvalidFileError
from phonebank.lists import services, upload_checks
from phonebank.lists.import_check import token_of
from phonebank.lists.jobs import take_people_out
from phonebank.lists.known_people import UpdatePlan
from phonebank.lists.take_out_check import TakeOutCheck, check_take_out
from phonebank.lists.uploads import guesses_of, store_upload
from phonebank.models import Campaign, ContactList, ListPurpose, ListState, RoleName
from phonebank.organisers.lists.counted_check import (
    check_meter,
    found_by_job,
    kept_choices,
    pace_of_check,
)
from phonebank.organisers.lists.take_out_forms import NamesForm, TakeOutForm, names_form
from phonebank.organisers.responses import commit_and_enqueue

take_out = Blueprint("take_out", __name__, url_prefix="/campaigns/<int:campaign_id>/take-out")


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(take_out)


@take_out.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
@takes_files
def new(campaign_id: int) -> ResponseReturnValue:
    """Show the form that uploads a file. A POST stores the file and opens the page about the file's
    columns."""
    campaign = campaign_for(current_user, campaign_id)
    form = TakeOutForm()
    if form.validate_on_submit():
        upload = form.file.data
        try:
            stored = store_upload(
                campaign, current_user.id, upload.filename, upload.stream, form.reason.data
            )
        except InvalidFileError as refused:
            db.session.rollback()
            form.file.errors = [refused.message]
        else:
            _audit("take-out file uploaded", campaign, stored)
            db.session.commit()
            return redirect(_address("columns", stored))
    page = render_template("lists/take_out_new.html", campaign=campaign, form=form)
    return page, 422 if form.is_submitted() else 200


@take_out.route("/<int:list_id>", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def columns(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Show the file's columns, and which people the chosen columns identify. A POST confirms the
    columns, if the organiser has agreed to what the file would do. A job then stops the calls to
    these people. Raises NotFoundError for an upload that is a list of people to call.

    While a job counts the rows, htmx requests only the job's progress meter.
    """
    campaign = campaign_for(current_user, campaign_id)
    contact_list = services.list_of(campaign, list_id)
    if contact_list.purpose != ListPurpose.TAKE_OUT:
        raise NotFoundError(
            "This file takes nobody out.", "Choose the file from the list of uploads."
        )
    if contact_list.state != ListState.UPLOADED:
        return redirect(url_for("lists.progress", campaign_id=campaign.id, list_id=list_id))
    if request.headers.get("HX-Request"):
        return check_meter(contact_list, _address("columns", contact_list))
    form = names_form(guesses_of(contact_list), contact_list.name, kept_choices(contact_list))
    check = _check(campaign, contact_list, form)
    db.session.commit()
    valid = form.validate_on_submit() and form.is_usable()
    counted = upload_checks.check_of(contact_list)
    if valid and check is None and counted and not counted.fault:
        return redirect(_address("columns", contact_list))  # a job counts these columns
    if valid and check and form.is_agreed(check):
        services.confirm_take_out(contact_list, form.name.data or "", form.targets(), agreed=True)
        _audit("people taken out by file", campaign, contact_list, people=check.people)
        commit_and_enqueue(take_people_out, list_id)
        return redirect(url_for("lists.progress", campaign_id=campaign.id, list_id=list_id))
    page = render_template(
        "lists/take_out_columns.html",
        campaign=campaign,
        contact_list=contact_list,
        form=form,
        columns=form.columns_with_guesses(),
        check=check,
        counted=counted,
        pace=pace_of_check(contact_list, counted),
    )
    return page, 422 if form.is_submitted() else 200


def _check(campaign: Campaign, contact_list: ContactList, form: NamesForm) -> TakeOutCheck | None:
    """Return counts and samples of the people whom the form's columns identify. Return None if the
    chosen columns can't be used (see `NamesForm.fault_of`). Also return None if a job counts the
    rows and has not succeeded."""
    mapping = Mapping.of(contact_list.headers, form.targets())
    if form.fault_of(mapping):
        return None
    token = token_of(mapping)
    if not upload_checks.needs_job(contact_list):
        form.token = token
        return check_take_out(campaign, contact_list, mapping)
    found = found_by_job(contact_list, mapping, UpdatePlan(), token)
    if found is None:
        return None
    form.token = token
    return TakeOutCheck(**found)


def _audit(action: str, campaign: Campaign, contact_list: ContactList, **after: object) -> None:
    record_audit(
        action,
        account=current_user,
        campaign=campaign,
        subject_kind="list",
        subject_id=contact_list.id,
        after={"reason": contact_list.reason, **after},
    )


def _address(page: str, contact_list: ContactList) -> str:
    return url_for(f".{page}", campaign_id=contact_list.campaign_id, list_id=contact_list.id)
