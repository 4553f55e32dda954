"""The pages on which an organiser reviews the numbers of a do-not-call file, puts them on the list,
and removes them again.

Once a file's numbers are on the list, these pages cannot remove single numbers. For one file,
`take_back` removes all numbers that only this file put on the list. If nobody puts a file's numbers
on the list within a day, a job deletes the file.
"""

import logging
from collections.abc import Sequence

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from flask_wtf import FlaskForm

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import NotFoundError
from phonebank.core.rate_limits import account_key, limiter
from phonebank.models import BatchState, RoleName, SuppressionBatch
from phonebank.organisers.responses import commit_and_enqueue, commit_and_redirect
from phonebank.organisers.suppressions.forms import REASONS, TakeBackForm
from phonebank.phones.e164 import format_for_reading
from phonebank.rules.countries import rules_for
from phonebank.suppressions import batches, files
from phonebank.suppressions.entries import suppressed_among
from phonebank.suppressions.file_reader import Table, read_numbers_in, read_table
from phonebank.suppressions.jobs import lift_batch
from phonebank.suppressions.pasted_numbers import NumbersRead

log = logging.getLogger(__name__)

pages = Blueprint("suppression_files", __name__, url_prefix="/do-not-call/files/<int:batch_id>")

# Each review shows how many of the file's numbers are on the list already. The limit keeps anyone
# from finding out in this way which numbers are on the list.
REVIEWS = "30 per minute"
REFUSED_SHOWN = 100
NUMBERS_SHOWN = 5


def init_app(app: Flask) -> None:
    """Add the pages of do-not-call files."""
    app.register_blueprint(pages)


@pages.get("")
@limiter.limit(REVIEWS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def show(batch_id: int) -> ResponseReturnValue:
    """Show samples from each of the file's columns. Also show the first numbers in the columns that
    seem to contain phone numbers, and say how many numbers these columns have."""
    batch = _file(batch_id)
    if batch.state != BatchState.UPLOADED:
        return redirect(url_for("suppressions.show"))
    table = read_table(batch.data or b"")
    return _page(batch, table, table.guessed)


@pages.post("")
@limiter.limit(REVIEWS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def enter(batch_id: int) -> ResponseReturnValue:
    """Show the first numbers in the chosen columns, and how many numbers these columns have. If the
    organiser has agreed to this many numbers, put all of them on the list instead."""
    batch = _file(batch_id)
    if batch.state != BatchState.UPLOADED:
        flash("The numbers of that file were put on the list before.", "info")
        return redirect(url_for("suppressions.show"))
    table = read_table(batch.data or b"")
    chosen = _chosen_columns(table)
    fault = _fault_of(table, chosen)
    if fault:
        return _page(batch, table, chosen, fault), 422
    read = read_numbers_in(table, chosen, batch.country)
    agreed = request.form.get("agreed", "")
    if not agreed:
        return _page(batch, table, chosen)
    if agreed != str(len(read.phones)) or not read.phones:
        numbers = "1 number" if len(read.phones) == 1 else f"{len(read.phones):,} numbers"
        what_to_do = f"Check, then press “Put {numbers} on the list”."
        if not read.phones:
            what_to_do = "Choose other columns."
        fault = f"The chosen columns have {numbers}. {what_to_do}"
        return _page(batch, table, chosen, fault), 422
    entered = _enter(batch_id, read.phones, chosen)
    log.info("account %s enters do-not-call file %s: %d", current_user.id, batch_id, entered)
    flash(
        f"{entered:,} {'number was' if entered == 1 else 'numbers were'} put on the list.",
        "success",
    )
    return redirect(url_for("suppressions.show"))


@retry_on_deadlock
def _enter(batch_id: int, phones: Sequence[str], chosen: list[int]) -> int:
    before = suppressed_among(list(phones))
    files.enter_file(batch_id, phones, chosen)
    new = len(phones) - len(before)
    record_audit(
        "do-not-call file entered",
        account=current_user,
        subject_kind="do-not-call file",
        subject_id=batch_id,
        after={"new": new},
    )
    db.session.commit()
    return new


@pages.post("/delete")
@open_to(RoleName.ORGANISER)
def delete(batch_id: int) -> ResponseReturnValue:
    """Delete a file whose numbers are not on the list yet."""
    files.delete_file(batch_id)
    return commit_and_redirect(
        url_for("suppressions.show"),
        "The file is deleted. We put none of its numbers on the list.",
        "info",
    )


@pages.post("/take-back")
@open_to(RoleName.ORGANISER)
def take_back(batch_id: int) -> ResponseReturnValue:
    """Begin to remove a file's numbers from the list, and record the organiser's reason. A job
    removes the numbers that only this file put on the list."""
    _file(batch_id)
    form = TakeBackForm()
    if not form.validate():
        flash("Choose why you are removing these numbers.", "error")
        return redirect(url_for("suppressions.show"))
    batches.begin_lifting(batch_id, form.why.data, current_user.id)
    record_audit(
        "do-not-call file taken back",
        account=current_user,
        subject_kind="do-not-call file",
        subject_id=batch_id,
        after={"reason": form.why.data},
    )
    log.info("account %s takes back do-not-call file %s", current_user.id, batch_id)
    commit_and_enqueue(lift_batch, batch_id)
    flash(
        "We're removing this file's numbers from the list, except those that a caller, an "
        "organiser or another file also put there.",
        "success",
    )
    return redirect(url_for("suppressions.show"))


def _file(batch_id: int) -> SuppressionBatch:
    """Return the `SuppressionBatch` in which a do-not-call file is stored. Raises NotFoundError if
    there is no such file.

    NotFoundError is also raised for a batch that comes from a contact list or from other software,
    because these pages are only for do-not-call files.
    """
    batch = db.session.get(SuppressionBatch, batch_id)
    if batch is None or batch.contact_list_id is not None or not batch.filename:
        raise NotFoundError("This file does not exist.", "Choose one on the do-not-call page.")
    return batch


def _chosen_columns(table: Table) -> list[int]:
    """Return the indexes of the columns that the organiser chose in the form, lowest first. Indexes
    that the table does not have are left out."""
    indexes = {int(text) for text in request.form.getlist("columns") if text.isdigit()}
    return sorted(index for index in indexes if index < len(table.columns))


def _fault_of(table: Table, chosen: Sequence[int]) -> str:
    """Return a sentence that says why the numbers in these columns cannot go on the list, or "" if
    they can."""
    if not chosen:
        return "Choose the column that has the phone numbers."
    others = [
        table.columns[index].name for index in chosen if table.columns[index].holds_other_data
    ]
    if others:
        named = " and ".join(f"“{name}”" for name in others)
        return (
            f"{named} is not named like a column of phone numbers. If it is one, rename it to "
            "“Phone” in the file and upload the file again."
        )
    return ""


def _page(batch: SuppressionBatch, table: Table, chosen: Sequence[int], fault: str = "") -> str:
    usable = chosen and not any(table.columns[index].holds_other_data for index in chosen)
    read = read_numbers_in(table, chosen, batch.country) if usable else NumbersRead()
    return render_template(
        "suppressions/file.html",
        batch=batch,
        table=table,
        chosen=chosen,
        fault=fault,
        form=FlaskForm(),
        count=len(read.phones),
        already=len(suppressed_among(read.phones)),
        numbers=[format_for_reading(phone, batch.country) for phone in read.phones[:NUMBERS_SHOWN]],
        refused=read.refused[:REFUSED_SHOWN],
        refused_more=max(0, len(read.refused) - REFUSED_SHOWN),
        reason=REASONS.get(batch.reason, REASONS["other"]),
        country=rules_for(batch.country).name,
    )
