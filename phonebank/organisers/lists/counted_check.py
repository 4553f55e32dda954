"""Functions for the pages on which an organiser checks what an upload will do. If the uploaded file
is long, a job counts its rows."""

from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import upload_checks
from phonebank.lists.jobs import check_upload
from phonebank.lists.known_people import UpdatePlan
from phonebank.lists.reading_pace import describe_pace
from phonebank.models import ContactList, UploadCheck, now
from phonebank.organisers.responses import after_commit_enqueue


def found_by_job(
    contact_list: ContactList, mapping: Mapping, plan: UpdatePlan, token: str
) -> dict[str, Any] | None:
    """Return what a job has found in the list's file. Return None if the job has not finished or
    has failed. `mapping` says what each column contains, and `plan` says which stored data the
    import updates. `token` identifies both (`import_check.token_of`). If the list's latest job
    counted with another token, or if there is no job yet, enqueue a new job when the transaction
    commits. If this request sends the form, also store the form's values."""
    choices = dict(request.form.lists()) if request.form else {}
    choices.pop("csrf_token", None)
    if upload_checks.begin_check(contact_list, mapping, plan, token, choices):
        after_commit_enqueue(check_upload, contact_list.id)
    counted = upload_checks.check_of(contact_list)
    return counted.found or None if counted else None


def check_meter(contact_list: ContactList, address: str) -> ResponseReturnValue:
    """Return the part of the page that shows how many rows a job has counted. If the job has
    finished or failed, or if there is no job, return a response that makes the browser open
    `address`."""
    counted = upload_checks.check_of(contact_list)
    if counted and not counted.found and not counted.fault:
        return render_template(
            "lists/_check_meter.html",
            contact_list=contact_list,
            counted=counted,
            address=address,
            pace=pace_of_check(contact_list, counted),
        )
    return Response(headers={"HX-Redirect": address})


def pace_of_check(contact_list: ContactList, counted: UploadCheck | None) -> str:
    """Describe how fast a job counts the rows of a file, and how much longer that takes. Return ""
    if `counted` is None, or if the speed is not known yet."""
    if counted is None:
        return ""
    return describe_pace(counted.rows, contact_list.rows_total, counted.begun_at, now())


def kept_choices(contact_list: ContactList) -> MultiDict[str, str] | None:
    """Return the values that the form for the file's columns had when it was last sent. Return None
    if no such values are stored, or if this request sends the form. The values are stored only if a
    job counts the rows."""
    counted = upload_checks.check_of(contact_list)
    if request.form or counted is None or not counted.choices:
        return None
    return MultiDict(counted.choices)
