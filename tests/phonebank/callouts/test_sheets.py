"""Paper sheets: a line a person, duplicates merge, the unreadable is marked, and the rows must
match."""

from datetime import date, time
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from phonebank.callouts import call_outs, sheets
from phonebank.callouts.handwriting import read_day, read_time
from phonebank.callouts.jobs import look_after_call_outs
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import CallOutSheet, Pledge, SheetLine, SignUp
from tests.phonebank.callouts.conftest import Hall, sign_in
from tests.phonebank.callouts.test_hall import SOON, NewPhone, figures, pledge

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("text", "country", "day"),
    [
        ("", "GB", None),
        ("14/1", "GB", date(2027, 1, 14)),
        ("14.12.", "DE", date(2026, 12, 14)),
        ("1/14", "US", date(2027, 1, 14)),
        ("2026-12-14", "GB", date(2026, 12, 14)),
        ("29/2", "GB", date(2028, 2, 29)),
        ("30/2", "GB", "14/1"),
        ("14 12 26", "GB", date(2026, 12, 14)),
        ("31/2", "GB", "14/1"),
        ("Tuesday", "GB", "14/1"),
        ("14/1", "US", "1/14"),
    ],
)
def test_days_are_read_as_people_write_them(text: str, country: str, day: date | str) -> None:
    if isinstance(day, str):
        with pytest.raises(InvalidInputError) as refused:
            read_day(text, country, TODAY)
        assert day in refused.value.what_to_do
    else:
        assert read_day(text, country, TODAY) == day


@pytest.mark.parametrize(
    ("text", "at"),
    [("19:30", time(19, 30)), ("1930", time(19, 30)), ("19", time(19)), ("7.30pm", time(19, 30)),
     ("12am", time(0)), ("", None)],
)  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, at: time | None) -> None:
    assert read_time(text) == at
    for wrong in ("25:00", "19:61", "evening"):
        with pytest.raises(InvalidInputError):
            read_time(wrong)


def new_sheet(hall: Hall) -> CallOutSheet:
    sheets.create_sheets(hall.call_out, 1)
    db.session.commit()
    return sheets.sheets_of(hall.call_out)[-1]


def type_in(client: FlaskClient, sheet: CallOutSheet, number: int, *line: str, **more: str) -> Any:
    sent = dict(zip(("first_name", "reach", "postcode"), line, strict=True))
    return client.post(f"/call-out/sheet/{sheet.token}", data={"number": number, **sent, **more})


def states(sheet: CallOutSheet) -> list[str]:
    db.session.expire_all()
    return [line.state.value for line, _ in sheets.lines_of(sheet)][::-1]


def test_a_sheet_is_typed_in_and_its_rows_must_match(hall: Hall, client: FlaskClient) -> None:
    sheet = new_sheet(hall)
    sign_in(client.application.test_client(), hall, "Ana")
    type_in(client, sheet, 1, "Ben", "020 7946 0123", "M14 5RQ")
    for _ in range(2):  # Enter twice
        type_in(client, sheet, 2, "Anna", "ana@example.org", "SW9")
    type_in(client, sheet, 3, "?", "", "")
    host = {"day": SOON.isoformat(), "at": "19:30", "chairs": "6"}
    type_in(client, sheet, 4, "Cleo", "cleo@example.org", "Leeds", **host)
    assert states(sheet) == ["new", "known", "unreadable", "new"]
    state = figures(hall)
    assert (state["signed_in"], state["parties"], state["chairs"]) == (3, 1, 6)
    page = client.get(f"/call-out/sheet/{sheet.token}").text
    assert "Unreadable" in page
    assert "line 5" in page
    finish = f"/call-out/sheet/{sheet.token}/finish"
    for rows, words in (
        ("5", "The paper has 5 lines, and you typed 4."),
        ("1", "The paper has 1 line, and you typed 4."),
        ("", "Type their number in digits."),
        ("many", "Type their number in digits."),
    ):
        client.post(finish, data={"rows": rows})
        assert sheet.finished_at is None, rows
        assert words in client.get(f"/call-out/sheet/{sheet.token}").text
    client.post(finish, data={"rows": "4"})
    db.session.expire_all()
    assert sheet.finished_at is not None
    assert type_in(client, sheet, 5, "Dee", "dee@example.org", "SW9").status_code == 422


def test_a_line_that_cannot_be_used_is_typed_again(hall: Hall, client: FlaskClient) -> None:
    sheet = new_sheet(hall)
    for wrong in (
        ("", "ana@example.org", "SW9"),
        ("Ana", "ana@", "SW9"),
        ("Ana", "ana@example.org", "Nowhereville"),
    ):
        answer = type_in(client, sheet, 1, *wrong)
        assert answer.status_code == 422
        assert "line 1" in answer.text
    for half in ({"chairs": "6"}, {"day": SOON.isoformat()}, {"day": "2020-01-01", "at": "19:30"}):
        assert type_in(client, sheet, 1, "Ana", "ana@example.org", "SW9", **half).status_code == 422
    for table in (SignUp, SheetLine, Pledge):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0


def test_the_last_line_can_be_taken_back(hall: Hall, client: FlaskClient) -> None:
    sheet = new_sheet(hall)
    sign_in(client.application.test_client(), hall, "Ana")
    type_in(client, sheet, 1, "Ana", "ana@example.org", "SW9")
    type_in(client, sheet, 2, "Ben", "ben@example.org", "SW9")
    take_back = f"/call-out/sheet/{sheet.token}/take-back"
    client.post(take_back)
    assert (states(sheet), figures(hall)["signed_in"]) == (["known"], 1)
    client.post(take_back)
    assert (states(sheet), figures(hall)["signed_in"]) == ([], 1), "Ana came by her phone"
    client.post(take_back)
    assert client.get("/call-out/sheet/guessed").status_code == 410


def person_and_pledge() -> tuple[Any, ...] | None:
    """The first name, the area and the pledged chairs of the person with Ana's e-mail address."""
    db.session.expire_all()
    query = select(SignUp.first_name, SignUp.area, Pledge.chairs).outerjoin(Pledge)
    row = db.session.execute(query.where(SignUp.email == "ana@example.org")).one_or_none()
    return tuple(row) if row else None


HOST = {"day": SOON.isoformat(), "at": "19:30"}


@pytest.mark.parametrize("has_pledged", [False, True])
def test_a_line_of_a_known_person_gives_back_what_it_replaced(
    hall: Hall, client: FlaskClient, new_phone: NewPhone, has_pledged: bool
) -> None:
    sheet = new_sheet(hall)
    phone = new_phone("Ana")
    if has_pledged:
        pledge(phone, hall, chairs="8")
    before = person_and_pledge()
    take_back = f"/call-out/sheet/{sheet.token}/take-back"

    type_in(client, sheet, 1, "Anna", "ana@example.org", "M14 5RQ", **HOST, chairs="6")
    assert person_and_pledge() == ("Anna", "M14 (Fallowfield)", 6)
    client.post(take_back)
    assert (states(sheet), person_and_pledge()) == ([], before)

    # What she has changed on her phone since then stays.
    type_in(client, sheet, 1, "Anna", "ana@example.org", "M14 5RQ", **HOST, chairs="6")
    pledge(phone, hall, chairs="9")
    client.post(take_back)
    assert person_and_pledge() == (*(before or ())[:2], 9)


def test_a_person_on_two_sheets_stays_as_the_other_sheet_says(
    hall: Hall, client: FlaskClient
) -> None:
    first, second = new_sheet(hall), new_sheet(hall)
    type_in(client, first, 1, "Anne", "ana@example.org", "SW9", **HOST, chairs="6")
    type_in(client, second, 1, "Anna", "ana@example.org", "M14")
    client.post(f"/call-out/sheet/{first.token}/take-back")
    assert person_and_pledge() == ("Anna", "M14 (Fallowfield)", None)
    assert (states(first), states(second)) == ([], ["new"])
    client.post(f"/call-out/sheet/{second.token}/take-back")
    assert person_and_pledge() is None


def test_a_person_who_came_on_their_phone_since_their_line_stays(
    hall: Hall, client: FlaskClient, new_phone: NewPhone
) -> None:
    sheet = new_sheet(hall)
    type_in(client, sheet, 1, "Anna", "ana@example.org", "M14", **HOST, chairs="6")
    new_phone("Ana")
    client.post(f"/call-out/sheet/{sheet.token}/take-back")
    assert person_and_pledge() == ("Ana", "SW9 (Brixton)", None)


def test_a_person_who_has_taken_a_place_since_their_line_stays(
    hall: Hall, client: FlaskClient, new_phone: NewPhone
) -> None:
    pledge(new_phone("Ben"), hall, chairs="3")
    own = db.session.scalars(select(Pledge.id)).one()
    sheet = new_sheet(hall)
    type_in(client, sheet, 1, "Ana", "ana@example.org", "SW9")
    new_phone("Ana").post(f"{hall.address}/parties/{own}/take")
    client.post(f"/call-out/sheet/{sheet.token}/take-back")
    assert person_and_pledge() == ("Ana", "SW9 (Brixton)", None)
    assert figures(hall)["places_taken"] == 1


def test_a_pledge_with_guests_or_a_party_is_not_taken_back(
    hall: Hall, client: FlaskClient, new_phone: NewPhone
) -> None:
    sheet = new_sheet(hall)
    pledge(new_phone("Ana"), hall, chairs="1")
    type_in(client, sheet, 1, "Anna", "ana@example.org", "M14", **HOST, chairs="6")
    own = db.session.scalars(select(Pledge.id)).one()
    for name in ("Ben", "Cleo"):
        new_phone(name).post(f"{hall.address}/parties/{own}/take")
    take_back = f"/call-out/sheet/{sheet.token}/take-back"
    refused = client.post(take_back)
    assert (refused.status_code, "2 people are coming already" in refused.text) == (409, True)
    call_outs.end(hall.call_out)
    db.session.commit()
    look_after_call_outs()
    refused = client.post(take_back)
    assert (refused.status_code, "set up already" in refused.text) == (409, True)
    assert states(sheet) == ["known"]
