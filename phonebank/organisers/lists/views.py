"""The organiser's pages about contact lists: upload, columns, progress, history, undo."""

import logging

from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.datastructures import MultiDict

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.core.scopes import campaign_for
from phonebank.core.security import takes_files
from phonebank.csv_input.column_mapping import Mapping, faults_of
from phonebank.csv_input.rows import InvalidFileError
from phonebank.lists import refused_file, screening, services, undo, upload_checks
from phonebank.lists.import_check import ImportCheck, check_import, token_of
from phonebank.lists.jobs import import_list, undo_import
from phonebank.lists.known_people import UpdatePlan
from phonebank.lists.reading_pace import describe_pace
from phonebank.lists.screening import ScreeningState
from phonebank.lists.take_out import REASONS
from phonebank.lists.uploads import guesses_of, store_upload
from phonebank.lists.yes_no_counts import counts_for
from phonebank.models import (
    Campaign,
    ContactList,
    ListPurpose,
    ListState,
    RoleName,
    now,
)
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS
from phonebank.organisers.lists.counted_check import (
    check_meter,
    found_by_job,
    kept_choices,
    pace_of_check,
)
from phonebank.organisers.lists.forms import (
    ColumnsForm,
    PriorityForm,
    ScreeningBeforeImportForm,
    ScreeningForm,
    UndoForm,
    UploadForm,
    columns_form,
)
from phonebank.organisers.responses import (
    commit_and_enqueue,
    commit_and_redirect,
)
from phonebank.phones.e164 import format_for_reading
from phonebank.rules.countries import rules_for
from phonebank.suppressions.batches import REASONS_TO_LIFT_MANY, count_numbers_to_lift

log = logging.getLogger(__name__)

lists = Blueprint("lists", __name__, url_prefix="/campaigns/<int:campaign_id>/lists")

REFUSED_ROWS_SHOWN = 50


def init_app(app: Flask) -> None:
    """Add the pages of contact lists."""
    app.register_blueprint(lists)


@lists.get("")
@open_to(RoleName.ORGANISER)
def history(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's lists, newest first."""
    campaign = _campaign(campaign_id)
    listed = services.lists_of(campaign)
    return render_template(
        "lists/history.html",
        campaign=campaign,
        lists=listed,
        names=services.names_of([contact_list for contact_list, _ in listed]),
        screenings=[
            (contact_list, found)
            for contact_list in services.lists_in_calling_order(campaign)
            if (found := screening.screening_of(contact_list, campaign)).blocks
            and (found.stops_calls or found.state is ScreeningState.ENDS_SOON)
            and contact_list.state == ListState.READY
        ],
        priorities=services.PRIORITIES,
    )


@lists.route("/new", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
@takes_files
def new(campaign_id: int) -> ResponseReturnValue:
    """Show the form for a new list. A POST stores the file and opens the page about the file's
    columns."""
    campaign = _campaign(campaign_id)
    form = UploadForm()
    if form.validate_on_submit():
        upload = form.file.data
        try:
            contact_list = store_upload(campaign, current_user.id, upload.filename, upload.stream)
        except InvalidFileError as refused:
            db.session.rollback()
            form.file.errors = [refused.message]
        else:
            _audit("list uploaded", campaign, contact_list)
            db.session.commit()
            return redirect(_address("columns", contact_list))
    status = 422 if form.is_submitted() else 200
    country = rules_for(campaign.country).name
    page = render_template("lists/new.html", campaign=campaign, form=form, country=country)
    return page, status


@lists.route("/<int:list_id>/columns", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def columns(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Show the columns and what an import would do. A POST confirms the columns, the meaning of the
    values in yes-or-no columns, and the data to update. It then starts the import. The organiser
    must have agreed to what the import would do.

    While a job counts the rows, htmx requests only the job's progress meter.
    """
    campaign, contact_list = _list(campaign_id, list_id)
    if contact_list.purpose == ListPurpose.TAKE_OUT:
        return redirect(_columns_address(contact_list))
    if contact_list.state != ListState.UPLOADED:
        return redirect(_address("progress", contact_list))
    if request.headers.get("HX-Request"):
        return check_meter(contact_list, _address("columns", contact_list))
    guesses = guesses_of(contact_list)
    kept = kept_choices(contact_list)
    sent = request.form or kept or MultiDict[str, str]()
    targets = [sent.get(f"column_{guess.index}", guess.target) for guess in guesses]
    mapping = Mapping.of(contact_list.headers, targets)
    counts = counts_for(contact_list, mapping)
    form = columns_form(guesses, contact_list.name, mapping, counts, kept)
    check = _check(campaign, contact_list, form)
    db.session.commit()
    first = check.first if check else None
    counted = upload_checks.check_of(contact_list)
    valid = form.validate_on_submit() and form.is_usable_for(contact_list.headers)
    if valid and check is None and counted:
        return redirect(_address("columns", contact_list))  # a job counts these columns
    screening_form = _screening_form(campaign, contact_list, kept)
    agreed = valid and check is not None and form.is_agreed(check)
    if agreed and _is_screening_stated(screening_form, contact_list, campaign):
        services.confirm(
            contact_list,
            form.name.data or "",
            form.priority.data,
            form.targets(),
            form.actions(),
            form.agreed_rows(),
            form.update_targets(),
            form.empties_values(),
        )
        _audit("list confirmed", campaign, contact_list, updated=contact_list.update_targets)
        commit_and_enqueue(import_list, list_id)
        return redirect(_address("progress", contact_list))
    page = render_template(
        "lists/columns.html",
        campaign=campaign,
        contact_list=contact_list,
        form=form,
        columns=list(zip(guesses, form.columns(), strict=True)),
        check=check,
        counted=counted,
        screening=screening.screening_of(contact_list, campaign),
        screening_form=screening_form,
        pace=pace_of_check(contact_list, counted),
        has_people=services.has_people(campaign),
        phone_shown=format_for_reading(first.phone, campaign.country) if first else "",
    )
    return page, 422 if form.is_submitted() else 200


@lists.get("/<int:list_id>")
@open_to(RoleName.ORGANISER)
def progress(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Show the list's page. While a job works on the list (such as an import or an undo), htmx
    requests only the progress meter."""
    campaign, contact_list = _list(campaign_id, list_id)
    if contact_list.state == ListState.UPLOADED:
        return redirect(_columns_address(contact_list))
    under_way = contact_list.state in LIST_STATES_IN_PROGRESS or (
        contact_list.state == ListState.UNDONE and contact_list.finished_at is None
    )
    if request.headers.get("HX-Request"):
        if under_way:
            return render_template(
                "lists/_meter.html", contact_list=contact_list, pace=_pace(contact_list)
            )
        # The whole page is replaced at the end, because screen readers announce a page that
        # reloads.
        return Response(headers={"HX-Refresh": "true"})
    batch = undo.suppression_batch_of(contact_list)
    return render_template(
        "lists/list.html",
        campaign=campaign,
        contact_list=contact_list,
        batch=batch,
        to_lift=count_numbers_to_lift(batch) if batch else 0,
        undo_form=UndoForm(),
        pace=_pace(contact_list),
        reasons_to_lift=REASONS_TO_LIFT_MANY,
        under_way=under_way,
        refused=services.refused_rows(contact_list, at_most=REFUSED_ROWS_SHOWN),
        undoable=undo.preview_undo(contact_list),
        form=PriorityForm(obj=contact_list),
        reasons_to_take_out=REASONS,
        screening=screening.screening_of(contact_list, campaign),
        screening_form=_filled_screening_form(contact_list),
    )


@lists.get("/<int:list_id>/refused.csv")
@open_to(RoleName.ORGANISER)
def refused(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Download the refused rows, so that the organiser can correct them and upload them again."""
    campaign, contact_list = _list(campaign_id, list_id)
    _audit("refused rows downloaded", campaign, contact_list)
    db.session.commit()
    log.info("account %s downloads the refused rows of list %s", current_user.id, contact_list.id)
    return Response(
        refused_file.refused_rows_file(contact_list),
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="refused-rows-{contact_list.id}.csv"'
        },
    )


@lists.post("/<int:list_id>/cancel")
@open_to(RoleName.ORGANISER)
def cancel(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Delete an uploaded file whose columns are not confirmed yet."""
    campaign, contact_list = _list(campaign_id, list_id)
    _audit("list deleted before import", campaign, contact_list)
    services.cancel(contact_list)
    return commit_and_redirect(
        url_for(".history", campaign_id=campaign_id),
        "The file is deleted. Nothing has changed.",
        "info",
    )


@lists.post("/<int:list_id>/undo")
@open_to(RoleName.ORGANISER)
def undo_list(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Undo an import.

    If the import put numbers on the do-not-call list, the list's page also asks why the organiser
    undoes the import.
    """
    campaign, contact_list = _list(campaign_id, list_id)
    why = UndoForm().why.data
    reason = why if why in REASONS_TO_LIFT_MANY else "undone"
    undo.begin_undo(contact_list, reason, current_user.id)
    _audit("list undone", campaign, contact_list, reason=reason)
    log.info("account %s undoes list %s: %s", current_user.id, contact_list.id, reason)
    commit_and_enqueue(undo_import, list_id)
    return redirect(_address("progress", contact_list))


@lists.post("/<int:list_id>/remove")
@open_to(RoleName.ORGANISER)
def remove(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Pause the list."""
    campaign, contact_list = _list(campaign_id, list_id)
    services.pause(contact_list)
    _audit("list paused", campaign, contact_list)
    return commit_and_redirect(
        _address("progress", contact_list),
        "This list is paused. Callers will not get anyone from it.",
    )


@lists.post("/<int:list_id>/restore")
@open_to(RoleName.ORGANISER)
def restore(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Resume the list."""
    campaign, contact_list = _list(campaign_id, list_id)
    services.resume(contact_list)
    _audit("list resumed", campaign, contact_list)
    return commit_and_redirect(
        _address("progress", contact_list),
        "This list is resumed. Callers can get people from it again.",
    )


@lists.post("/<int:list_id>/screening")
@open_to(RoleName.ORGANISER)
def state_screening(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Store what the organiser says about the list's screening. To screen a list means to compare
    it with the country's register of people who do not want calls."""
    campaign, contact_list = _list(campaign_id, list_id)
    try:
        ScreeningForm().attest(contact_list, campaign, current_user)
    except InvalidInputError as refused:
        flash(f"{refused.message} {refused.what_to_do}", "error")
        return redirect(_address("progress", contact_list))
    return commit_and_redirect(
        _address("progress", contact_list), "Saved, with your name and the time."
    )


@lists.post("/<int:list_id>/priority")
@open_to(RoleName.ORGANISER)
def priority(campaign_id: int, list_id: int) -> ResponseReturnValue:
    """Change the list's priority, unless somebody else has changed it since the page was opened.
    Callers get people from higher-priority lists first."""
    campaign, contact_list = _list(campaign_id, list_id)
    lock_row(contact_list)
    form = PriorityForm(obj=contact_list)
    if form.validate_on_submit() and not form.is_overtaken():
        services.set_priority(contact_list, form.priority.data)
        _audit("list priority changed", campaign, contact_list, priority=form.priority.data)
        db.session.commit()
        flash("Changed.", "success")
    elif form.validate():
        flash(
            "Someone else has just changed this list's priority, so your choice was not saved. "
            "Their choice is shown below. Change it again if you need to.",
            "error",
        )
    return redirect(_address("progress", contact_list))


def _pace(contact_list: ContactList) -> str:
    return describe_pace(
        contact_list.rows_read,
        contact_list.rows_total,
        contact_list.reading_since,
        now(),
        contact_list.reading_from,
    )


def _filled_screening_form(contact_list: ContactList) -> ScreeningForm:
    said = {"screened_on": contact_list.screened_on, "reason": contact_list.screening_reason}
    if contact_list.screening_not_needed or contact_list.screened_on:
        said["how"] = "not_needed" if contact_list.screening_not_needed else "screened"
    return ScreeningForm(data=said)


def _screening_form(
    campaign: Campaign, contact_list: ContactList, kept: MultiDict[str, str] | None
) -> ScreeningBeforeImportForm | None:
    """Return the form that asks whether the list was screened against the register of people who do
    not want calls. Return None if the law does not currently forbid calls to the list."""
    if not screening.screening_of(contact_list, campaign).stops_calls:
        return None
    return ScreeningBeforeImportForm(*([kept] if kept else []), prefix="screening-")


def _is_screening_stated(
    form: ScreeningBeforeImportForm | None, contact_list: ContactList, campaign: Campaign
) -> bool:
    """Store what the organiser says about the list's screening, and return True. Return True also
    if there is no form, or if the organiser chose to answer later. If the organiser's answer can't
    be stored, put an error into the form and return False."""
    if form is None or not form.says_something:
        return True
    try:
        form.attest(contact_list, campaign, current_user)
    except InvalidInputError as refused:
        db.session.rollback()
        form.how.errors = [f"{refused.message} {refused.what_to_do}".strip()]
        return False
    return True


def _check(campaign: Campaign, contact_list: ContactList, form: ColumnsForm) -> ImportCheck | None:
    """Return what would happen to the file's rows if they were imported with the columns chosen in
    the form. Return None if the columns can't be used, or if a job counts the rows and has not
    succeeded."""
    mapping = Mapping.of(contact_list.headers, form.targets(), form.actions())
    if faults_of(mapping):
        return None
    updated = form.update_targets()
    token, plan = token_of(mapping, updated), UpdatePlan.of(updated)
    if not upload_checks.needs_job(contact_list):
        form.token = token
        return check_import(campaign, contact_list, mapping, plan)
    found = found_by_job(contact_list, mapping, plan, token)
    if found is None:
        return None
    form.token = token
    return ImportCheck.from_json(found)


def _audit(action: str, campaign: Campaign, contact_list: ContactList, **after: object) -> None:
    record_audit(
        action,
        account=current_user,
        campaign=campaign,
        subject_kind="list",
        subject_id=contact_list.id,
        after=after or None,
    )


def _campaign(campaign_id: int) -> Campaign:
    return campaign_for(current_user, campaign_id)


def _list(campaign_id: int, list_id: int) -> tuple[Campaign, ContactList]:
    campaign = _campaign(campaign_id)
    return campaign, services.list_of(campaign, list_id)


def _columns_address(contact_list: ContactList) -> str:
    if contact_list.purpose == ListPurpose.TAKE_OUT:
        return url_for(
            "take_out.columns", campaign_id=contact_list.campaign_id, list_id=contact_list.id
        )
    return _address("columns", contact_list)


def _address(page: str, contact_list: ContactList) -> str:
    return url_for(f".{page}", campaign_id=contact_list.campaign_id, list_id=contact_list.id)
