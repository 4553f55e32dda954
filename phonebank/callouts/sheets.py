"""Paper sheets on which people sign in without a phone. Somebody types in the lines of each sheet
afterwards. These functions do not commit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from sqlalchemy import delete, func, select

from phonebank.callouts import pledges, sign_ups
from phonebank.callouts.areas import find_area
from phonebank.callouts.board import begin_change
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import (
    CallOut,
    CallOutSheet,
    SheetLine,
    SheetLineState,
    SignUp,
    now,
)
from phonebank.parties.promises import read_start

SHEETS_AT_MOST = 100
# A page has room for this many handwritten lines.
LINES = 20
# Somebody types this in place of words that nobody can read.
UNREADABLE = "?"


@dataclass(frozen=True)
class Line:
    """What is on one line of a sheet. `day`, `at` and `chairs` are given if the person pledged to
    host."""

    first_name: str
    reach: str
    postcode: str
    place: str = ""
    day: date | None = None
    at: time | None = None
    chairs: int | None = None

    @property
    def is_unreadable(self) -> bool:
        return UNREADABLE in (self.first_name.strip(), self.reach.strip(), self.postcode.strip())


def create_sheets(call_out: CallOut, count: int) -> None:
    """Make `count` more sheets. Raises InvalidInputError if there would be more than
    SHEETS_AT_MOST."""
    begin_change(call_out)
    made = len(sheets_of(call_out))
    if not 1 <= count <= SHEETS_AT_MOST - made:
        raise InvalidInputError(
            f"A call-out can have up to {SHEETS_AT_MOST} sheets.", "Type a smaller number."
        )
    for number in range(made + 1, made + count + 1):
        db.session.add(CallOutSheet(call_out_id=call_out.id, number=number))
    db.session.flush()


def sheets_of(call_out: CallOut) -> Sequence[CallOutSheet]:
    """Return the call-out's sheets in the order of their numbers."""
    query = select(CallOutSheet).where(CallOutSheet.call_out_id == call_out.id)
    return db.session.scalars(query.order_by(CallOutSheet.number)).all()


def sheet_by_token(token: str) -> CallOutSheet:
    """Return the sheet with this token, which is part of the link in the QR code printed on the
    sheet. Raises GoneError for any other token."""
    sheet = db.session.scalar(select(CallOutSheet).where(CallOutSheet.token == token))
    if sheet is None:
        raise GoneError("This sheet's link no longer works.", "Ask the organiser.")
    return sheet


def lines_of(sheet: CallOutSheet) -> Sequence[tuple[SheetLine, str | None]]:
    """Return the lines that were typed in, newest first, each with the person's first name. An
    unreadable line has None instead of a name."""
    rows = db.session.execute(
        select(SheetLine, SignUp.first_name)
        .outerjoin(SignUp, SignUp.id == SheetLine.sign_up_id)
        .where(SheetLine.sheet_id == sheet.id)
        .order_by(SheetLine.number.desc())
    )
    return [(row[0], row[1]) for row in rows]


def enter_line(sheet: CallOutSheet, number: int, line: Line) -> None:
    """Store one line. `number` is the number of the line that the page asked for. If that line is
    already stored, because the form was sent twice, nothing changes.

    Raises InvalidInputError for values that cannot be used, the errors of `sign_ups.sign_up` and
    `pledges.pledge`, and ConflictError for a finished sheet.
    """
    begin_change(sheet.call_out)
    _lock_unfinished(sheet)
    if number <= _count(sheet):
        return
    number = _count(sheet) + 1
    if line.is_unreadable:
        _add(sheet, number, SheetLineState.UNREADABLE, None)
        return
    campaign = sheet.call_out.campaign
    name = sign_ups.clean_first_name(line.first_name)
    reach = sign_ups.read_reach(line.reach, campaign)
    area = find_area(line.postcode, campaign.country, line.place)
    starts_at = None
    if line.day or line.at or line.chairs is not None:
        starts_at = read_start(line.day, line.at, sheet.call_out.time_zone)
    person, is_new = sign_ups.sign_up(sheet.call_out, uuid.uuid4(), name, reach, area)
    if starts_at is not None:
        chairs = line.chairs if line.chairs is not None else 0
        pledges.pledge(sheet.call_out, person, starts_at, area, chairs)
    state = SheetLineState.NEW if is_new else SheetLineState.KNOWN
    _add(sheet, number, state, person.id)


def take_last_back(sheet: CallOutSheet) -> None:
    """Delete the last line. If the person on this line had not signed in before, delete the
    person's sign-up and pledge too.

    Raises ConflictError if the pledge has already become a party, or if the sheet is finished.
    """
    begin_change(sheet.call_out)
    _lock_unfinished(sheet)
    last = db.session.get(SheetLine, (sheet.id, _count(sheet)))
    if last is None:
        return
    if last.state == SheetLineState.NEW and last.sign_up_id is not None:
        sign_ups.remove(sheet.call_out, last.sign_up_id)
    db.session.execute(
        delete(SheetLine).where(SheetLine.sheet_id == sheet.id, SheetLine.number == last.number)
    )


def finish(sheet: CallOutSheet, rows: int) -> None:
    """Finish the sheet. `rows` is how many lines of the paper are filled in, counted by hand.

    Raises ConflictError if a different number of lines was typed in, or if the sheet is already
    finished.
    """
    _lock_unfinished(sheet)
    typed = _count(sheet)
    if rows != typed:
        raise ConflictError(
            f"The paper has {rows} lines, and you typed {typed}.",
            "Look for the line that is missing."
            if rows > typed
            else "Count the lines on the paper again.",
        )
    sheet.finished_at = now()


def next_number(sheet: CallOutSheet) -> int:
    """Return the number of the next line to type in."""
    return _count(sheet) + 1


def _lock_unfinished(sheet: CallOutSheet) -> None:
    lock_row(sheet)
    if sheet.finished_at is not None:
        raise ConflictError("This sheet is finished.", "Take the next one.")


def _count(sheet: CallOutSheet) -> int:
    count = select(func.count()).where(SheetLine.sheet_id == sheet.id)
    return db.session.scalar(count) or 0


def _add(
    sheet: CallOutSheet, number: int, state: SheetLineState, sign_up_id: uuid.UUID | None
) -> None:
    db.session.add(SheetLine(sheet_id=sheet.id, number=number, state=state, sign_up_id=sign_up_id))
    db.session.flush()
