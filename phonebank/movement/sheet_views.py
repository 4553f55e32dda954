"""The page on which somebody types in the lines of a paper sheet from a call-out (a meeting in a
hall). Each line has one person's data. The Enter key saves a line, so nobody needs a mouse."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.callouts import sheets
from phonebank.callouts.areas import WhichPlaceError
from phonebank.callouts.handwriting import example_day, read_day, read_time
from phonebank.core.access import TV, open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError, PhonebankError
from phonebank.models import CallOutSheet, now
from phonebank.movement.blueprint import pages
from phonebank.movement.hall_forms import LineForm


@pages.get("/call-out/sheet/<token>")
@open_to(TV)
def sheet(token: str) -> ResponseReturnValue:
    """Show the form for the next line, and the lines so far."""
    found = sheets.sheet_by_token(token)
    return _page(found, LineForm(formdata=None))


@pages.post("/call-out/sheet/<token>")
@open_to(TV)
@retry_on_deadlock
def enter_line(token: str) -> ResponseReturnValue:
    """Store one line. If the line is refused, show the form again with the reason."""
    found = sheets.sheet_by_token(token)
    form = LineForm()
    places: list[tuple[str, str]] = []
    try:
        if not form.validate():
            wrong = " ".join(message for each in form.errors.values() for message in each)
            raise InvalidInputError(wrong)
        line = sheets.Line(
            form.first_name.data or "",
            form.reach.data or "",
            form.postcode.data or "",
            form.place.data or "",
            read_day(form.day.data or "", found.call_out.campaign.country, now().date()),
            read_time(form.at.data or ""),
            form.chairs.data,
        )
        number = form.number.data or ""
        sheets.enter_line(found, int(number) if number.isdecimal() else 0, line)
        db.session.commit()
        return redirect(url_for(".sheet", token=token), 303)
    except WhichPlaceError as error:
        places = error.choices
        refused: PhonebankError = error
    except (InvalidInputError, ConflictError, NotFoundError) as error:
        refused = error
    db.session.rollback()
    return _page(sheets.sheet_by_token(token), form, refused, places), 422


@pages.post("/call-out/sheet/<token>/take-back")
@open_to(TV)
def take_line_back(token: str) -> ResponseReturnValue:
    """Delete the last line, and undo what it changed (with the exceptions in
    `sheets.take_last_back`)."""
    sheets.take_last_back(sheets.sheet_by_token(token))
    db.session.commit()
    flash("Taken back.", "success")
    return redirect(url_for(".sheet", token=token), 303)


@pages.post("/call-out/sheet/<token>/finish")
@open_to(TV)
def finish_sheet(token: str) -> ResponseReturnValue:
    """Finish the sheet. Somebody has counted the lines on the paper, and the form sends this
    number. If it is not the number of lines that were typed in, the sheet stays unfinished."""
    found = sheets.sheet_by_token(token)
    typed = request.form.get("rows", "").strip()
    try:
        sheets.finish(found, int(typed) if typed.isdecimal() and len(typed) < 6 else None)
    except (ConflictError, InvalidInputError) as error:
        db.session.rollback()
        flash(f"{error.message} {error.what_to_do}", "error")
    else:
        db.session.commit()
        flash(f"Sheet {found.number} is finished. Thank you.", "success")
    return redirect(url_for(".sheet", token=token), 303)


def _page(
    found: CallOutSheet,
    form: LineForm,
    refused: PhonebankError | None = None,
    places: list[tuple[str, str]] | None = None,
) -> str:
    return render_template(
        "movement/sheet.html",
        sheet=found,
        call_out=found.call_out,
        form=form,
        example_day=example_day(found.call_out.campaign.country),
        number=sheets.next_number(found),
        lines=sheets.lines_of(found),
        refused=refused,
        places=places or [],
    )
