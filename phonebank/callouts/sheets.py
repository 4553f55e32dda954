"""Paper sheets on which people sign in without a phone. Somebody types in the lines of each sheet
afterwards. The functions of this module do not commit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import delete, exists, func, select

from phonebank.callouts import pledges, sign_ups
from phonebank.callouts.areas import find_area
from phonebank.callouts.board import begin_change, show_change
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import (
    CallOut,
    CallOutSheet,
    Pledge,
    PledgeSeat,
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
AREA = ("country", "area", "latitude", "longitude")


@dataclass(frozen=True)
class Line:
    """What somebody typed in for one line of a sheet. `reach` is an e-mail address or a phone
    number. If the typed text may mean several places, `place` is the "COUNTRY/CODE" of the chosen
    place. Otherwise `place` is "". `day`, `at` and `chairs` are None if the person did not pledge
    to host."""

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
    """Add `count` sheets to the call-out. Raises InvalidInputError if `count` is less than 1, or if
    the call-out would then have more than SHEETS_AT_MOST sheets."""
    begin_change(call_out)
    made = len(sheets_of(call_out))
    left = SHEETS_AT_MOST - made
    if not 1 <= count <= left:
        raise InvalidInputError(
            f"A call-out can have up to {SHEETS_AT_MOST} sheets, and this one has {made}.",
            f"Type a number from 1 to {left}." if left else "Use the sheets that you have.",
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
    """Return the lines of this sheet that were typed in, newest first, each with the person's first
    name. The name is None if the line is unreadable or the person's sign-up was deleted."""
    rows = db.session.execute(
        select(SheetLine, SignUp.first_name)
        .outerjoin(SignUp, SignUp.id == SheetLine.sign_up_id)
        .where(SheetLine.sheet_id == sheet.id)
        .order_by(SheetLine.number.desc())
    )
    return [(row[0], row[1]) for row in rows]


def enter_line(sheet: CallOutSheet, number: int, line: Line) -> None:
    """Store one line. `number` is the line's number from the form. If the sheet already has a line
    with this number, because the form was sent twice, nothing changes. Otherwise the line gets the
    next free number. If somebody typed UNREADABLE as the name, as the postcode, or as the e-mail
    address or phone number, the line is stored as unreadable. None of the typed values of an
    unreadable line is stored.

    Raises InvalidInputError for values that cannot be used, and ConflictError for a finished sheet.
    Also raises the errors of `find_area`, `sign_ups.sign_up` and `pledges.pledge`.
    """
    begin_change(sheet.call_out)
    _lock_unfinished(sheet)
    if number <= _count(sheet):
        return
    number = _count(sheet) + 1
    if line.is_unreadable:
        _add(sheet, number, SheetLineState.UNREADABLE, None, {})
        return
    campaign = sheet.call_out.campaign
    name = sign_ups.clean_first_name(line.first_name)
    reach = sign_ups.read_reach(line.reach, campaign)
    area = find_area(line.postcode, campaign.country, line.place)
    starts_at = None
    if line.day or line.at or line.chairs is not None:
        starts_at = read_start(line.day, line.at, sheet.call_out.time_zone)
    known = sign_ups.with_reach(sheet.call_out, reach)
    before = _person_values(known), _pledge_values(known)
    person, is_new = sign_ups.sign_up(sheet.call_out, uuid.uuid4(), name, reach, area)
    if starts_at is not None:
        chairs = line.chairs if line.chairs is not None else 0
        pledges.pledge(sheet.call_out, person, starts_at, area, chairs)
    state = SheetLineState.NEW if is_new else SheetLineState.KNOWN
    changes: dict[str, Any] = {"person": [before[0], _person_values(person)]}
    if starts_at is not None:
        changes["pledge"] = [before[1], _pledge_values(person)]
    _add(sheet, number, state, person.id, changes)


def take_last_back(sheet: CallOutSheet) -> None:
    """Delete the sheet's last line, and undo what this line changed. If the person on this line had
    not signed in before, and nothing about them has changed since, delete the person's sign-up and
    pledge.

    Otherwise, restore two groups of values: the name with the area, and the pledge. If any value of
    a group has changed since then, the whole group stays as it is. A person who had not signed in
    before keeps the name and area.

    Raises ConflictError if the sheet is finished, or if the pledge has already become a party. Also
    raises ConflictError if more people are coming than the earlier pledge had chairs for.
    """
    begin_change(sheet.call_out)
    _lock_unfinished(sheet)
    last = db.session.get(SheetLine, (sheet.id, _count(sheet)))
    if last is None:
        return
    if last.sign_up_id is not None:
        _undo_changes(sheet.call_out, last)
    db.session.execute(
        delete(SheetLine).where(SheetLine.sheet_id == sheet.id, SheetLine.number == last.number)
    )


def finish(sheet: CallOutSheet, rows: int | None) -> None:
    """Finish the sheet. Somebody has counted the filled-in lines on the paper, and typed their
    number into the form. `rows` is this number, or None if the typed text is not a number.

    Raises ConflictError if the sheet is already finished, or if `rows` is not the number of lines
    that were typed in. Raises InvalidInputError if `rows` is None.
    """
    _lock_unfinished(sheet)
    typed = _count(sheet)
    if rows is None:
        raise InvalidInputError(
            "Count the lines on the paper that are filled in.", "Type their number in digits."
        )
    if rows != typed:
        lines = "1 line" if rows == 1 else f"{rows} lines"
        raise ConflictError(
            f"The paper has {lines}, and you typed {typed}.",
            "Look for the line that is missing."
            if rows > typed
            else "Count the lines on the paper again.",
        )
    sheet.finished_at = now()


def next_number(sheet: CallOutSheet) -> int:
    """Return the number of the next line to type in."""
    return _count(sheet) + 1


def _undo_changes(call_out: CallOut, line: SheetLine) -> None:
    person = db.session.get_one(SignUp, line.sign_up_id)
    later = db.session.scalars(
        select(SheetLine)
        .where(SheetLine.sign_up_id == person.id, SheetLine.created_at > line.created_at)
        .order_by(SheetLine.created_at)
    ).all()
    is_new = line.state == SheetLineState.NEW
    if is_new and not later and _is_untouched(person, line):
        sign_ups.remove(call_out, person.id)
        return
    for part, (before, after) in line.changes.items():
        following = next((one for one in later if part in one.changes), None)
        if following is not None:
            # The following line has replaced these values. To take it back is to undo both.
            both = [before, following.changes[part][1]]
            following.changes = following.changes | {part: both}
        elif part == "pledge" and _pledge_values(person) == after:
            _restore_pledge(person, before)
        elif part == "person" and _person_values(person) == after and before is not None:
            _set_values(person, before)
    if is_new and later:
        later[0].state = SheetLineState.NEW
    show_change(call_out)


def _is_untouched(person: SignUp, line: SheetLine) -> bool:
    """Whether the new person on this line has taken no place, has not practised, and still has the
    name, area and pledge that this line gave them. Also true if `line.changes` is empty."""
    if not line.changes:
        return True
    _, pledge = line.changes.get("pledge", (None, None))
    if db.session.scalar(select(exists().where(PledgeSeat.sign_up_id == person.id))):
        return False
    return (
        person.caller_id is None
        and _person_values(person) == line.changes["person"][1]
        and _pledge_values(person) == pledge
    )


def _restore_pledge(person: SignUp, before: dict[str, Any] | None) -> None:
    own = pledges.pledge_of(person)
    if own is None:
        return
    if own.party_id is not None:
        raise ConflictError("Their party is set up already.", "Cancel it on its own page.")
    if before is None:
        db.session.delete(own)
        return
    if (taken := pledges.places_taken(own)) > before["chairs"]:
        people = "1 person is" if taken == 1 else f"{taken} people are"
        chairs = "1 chair" if before["chairs"] == 1 else f"{before['chairs']} chairs"
        raise ConflictError(
            f"{people} coming already. Before this line, the pledge was for {chairs}.",
            "Ask the person what is right.",
        )
    _set_values(own, before | {"starts_at": datetime.fromisoformat(before["starts_at"])})


def _person_values(person: SignUp | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {name: getattr(person, name) for name in ("first_name", *AREA)}


def _pledge_values(person: SignUp | None) -> dict[str, Any] | None:
    own = pledges.pledge_of(person) if person is not None else None
    if own is None:
        return None
    values = {name: getattr(own, name) for name in ("chairs", *AREA)}
    return values | {"starts_at": own.starts_at.astimezone(UTC).isoformat()}


def _set_values(row: SignUp | Pledge, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _lock_unfinished(sheet: CallOutSheet) -> None:
    lock_row(sheet)
    if sheet.finished_at is not None:
        raise ConflictError("This sheet is finished.", "Take the next one.")


def _count(sheet: CallOutSheet) -> int:
    count = select(func.count()).where(SheetLine.sheet_id == sheet.id)
    return db.session.scalar(count) or 0


def _add(
    sheet: CallOutSheet,
    number: int,
    state: SheetLineState,
    sign_up_id: uuid.UUID | None,
    changes: dict[str, Any],
) -> None:
    line = SheetLine(sheet_id=sheet.id, number=number, state=state, sign_up_id=sign_up_id)
    line.changes = changes
    db.session.add(line)
    db.session.flush()
