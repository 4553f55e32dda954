"""The do-not-call page. It shows how many numbers are on the list. Organisers can look up a number,
add numbers, and remove a number.

The page sends numbers by POST only, so no address, log or browser history contains a number.
"""

import logging
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.security import takes_files
from phonebank.models import Campaign, RoleName, Suppression, SuppressionOrigin
from phonebank.organisers.suppressions import file_views
from phonebank.organisers.suppressions.forms import (
    REASONS,
    AddForm,
    LiftForm,
    LookUpForm,
    TakeBackForm,
)
from phonebank.phones.e164 import InvalidPhoneNumberError, format_for_reading, read_number
from phonebank.suppressions import batches, entries, files, hashed_numbers
from phonebank.suppressions.file_reader import needs_review, read_table
from phonebank.suppressions.pasted_numbers import BYTES_AT_MOST, RefusedLine, read_lines

log = logging.getLogger(__name__)

pages = Blueprint("suppressions", __name__, url_prefix="/do-not-call")

SOURCES = {
    SuppressionOrigin.CALL: "in a call",
    SuppressionOrigin.LIST: "from an uploaded file",
    SuppressionOrigin.ORGANISER: "by an organiser",
}
REFUSED_SHOWN = 100
FILES_SHOWN = 20
# The limit is enough for an organiser with a pile of letters, and too low for trying all numbers of
# a directory.
LOOK_UPS = "30 per minute"


def init_app(app: Flask) -> None:
    """Add the do-not-call page."""
    app.register_blueprint(pages)
    file_views.init_app(app)


@pages.get("")
@open_to(RoleName.ORGANISER)
def show() -> ResponseReturnValue:
    """Show the page as it is before a look-up."""
    return _page()


@pages.post("/look-up")
@limiter.limit(LOOK_UPS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def look_up() -> ResponseReturnValue:
    """Show whether a number is on the do-not-call list. If it is, also show since when and why."""
    form = LookUpForm()
    if not form.validate():
        return _page(look_up=form), 422
    try:
        phone = read_number(form.number.data, form.country.data, allow_drama=True)
    except InvalidPhoneNumberError as refused:
        form.number.errors = [refused.message]
        return _page(look_up=form), 422
    return _page(
        look_up=form,
        found=db.session.get(Suppression, phone) or hashed_numbers.entry_of(phone),
        phone=phone,
        shown=format_for_reading(phone, form.country.data),
        lift=LiftForm(formdata=None, phone=phone),
    )


@pages.post("/add")
@limiter.limit(LOOK_UPS, key_func=account_key)
@open_to(RoleName.ORGANISER)
@takes_files
def add() -> ResponseReturnValue:
    """Put every phone number in the typed text on the list. Show the lines that cannot be read as
    phone numbers.

    A file, a long text or a text with several columns goes to `file_views` for review first.
    """
    form = AddForm()
    if not form.validate():
        return _page(add=form), 422
    typed = form.numbers.data or ""
    try:
        if form.file.data:
            data = form.file.data.read(BYTES_AT_MOST + 1)
            return _store_for_review(form, data, form.file.data.filename or "")
        if needs_review(typed):
            return _store_for_review(form, typed.encode("utf-8", "replace"), "Pasted numbers")
        read = read_lines(typed, form.country.data)
    except InvalidInputError as fault:
        field = form.file if form.file.data else form.numbers
        field.errors = [f"{fault.message} {fault.what_to_do}".strip()]
        return _page(add=form), 422
    before = entries.suppressed_among(read.phones)
    new = len(read.phones) - len(before)
    _enter(read.phones, form.reason.data, new)
    words = _count_in_words(new, len(before), len(read.refused))
    if not read.refused:
        flash(words, "success")
        return redirect(url_for(".show"))
    return _page(add=form, entered=words, refused=read.refused), 200 if read.phones else 422


# This is a separate function, because `retry_on_deadlock` may run it a second time. The view must
# not run twice, because it can read the uploaded file only once.
@retry_on_deadlock
def _enter(phones: list[str], reason: str, new: int) -> None:
    entries.suppress_all(
        phones, SuppressionOrigin.ORGANISER, reason=reason, account_id=current_user.id
    )
    record_audit(
        "numbers put on do-not-call", account=current_user, after={"new": new, "reason": reason}
    )
    db.session.commit()


@pages.post("/lift")
@limiter.limit(LOOK_UPS, key_func=account_key)
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def lift() -> ResponseReturnValue:
    """Take a number off the list, and log the organiser's reason without the number."""
    form = LiftForm()
    phone = form.phone.data or ""
    if not form.validate():
        country = _usual_country()
        found = db.session.get(Suppression, phone) or hashed_numbers.entry_of(phone)
        page = _page(found=found, phone=phone, shown=format_for_reading(phone, country), lift=form)
        return page, 422
    if not entries.lift(phone):
        flash("That number was not on the list.", "info")
        return redirect(url_for(".show"))
    record_audit(
        "number taken off do-not-call", account=current_user, after={"reason": form.why.data}
    )
    db.session.commit()
    log.info("account %s lifted a do-not-call entry: %s", current_user.id, form.why.data)
    flash("The number is off the list and can be called again.", "success")
    return redirect(url_for(".show"))


def _store_for_review(form: AddForm, data: bytes, filename: str) -> ResponseReturnValue:
    """Store a file or a long typed text, and open the page for its review. Raises InvalidInputError
    if `read_table` cannot read the data as a table."""
    read_table(data)
    batch = files.store_file(data, filename, form.country.data, form.reason.data, current_user.id)
    batch_id = batch.id
    db.session.commit()
    return redirect(url_for("suppression_files.show", batch_id=batch_id))


def _count_in_words(new: int, already: int, refused: int) -> str:
    """Return sentences that say how many numbers were put on the list, how many were already there,
    and how many lines were refused."""
    words = f"{new:,} {'number was' if new == 1 else 'numbers were'} put on the list."
    if already:
        words += f" {already:,} {'was' if already == 1 else 'were'} already there."
    if refused:
        words += f" {refused:,} {'line was' if refused == 1 else 'lines were'} refused."
    return words


def _page(
    look_up: LookUpForm | None = None,
    add: AddForm | None = None,
    refused: list[RefusedLine] | None = None,
    **shown: Any,
) -> str:
    country = _usual_country()
    return render_template(
        "suppressions/show.html",
        count=hashed_numbers.count_entries(),
        without_key=hashed_numbers.count_without_key(),
        look_up=look_up or LookUpForm(formdata=None, country=country),
        add=add or AddForm(formdata=None, country=country),
        refused=(refused or [])[:REFUSED_SHOWN],
        refused_more=max(0, len(refused or []) - REFUSED_SHOWN),
        sources=SOURCES,
        files=files.recent_files(FILES_SHOWN),
        take_back=TakeBackForm(formdata=None),
        reasons_to_lift=batches.REASONS_TO_LIFT_MANY,
        reasons=REASONS,
        **shown,
    )


def _usual_country() -> str:
    """Return the country of the newest campaign, or GB if there is no campaign yet."""
    newest = select(Campaign.country).order_by(Campaign.id.desc()).limit(1)
    return db.session.scalar(newest) or "GB"
