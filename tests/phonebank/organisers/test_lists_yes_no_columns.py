"""Columns that say who may be called: an organiser sees each value before any row is stored."""

import html
import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.lists import services
from phonebank.models import ContactList, Suppression
from tests.factories import drama_number
from tests.phonebank.lists.upload_desk import Desk
from tests.signing_in import sign_in


def upload(organiser: FlaskClient, lists_page: str, content: str) -> str:
    """Send a file; the address of its columns page."""
    sent = organiser.post(
        f"{lists_page}/new", data={"file": (io.BytesIO(content.encode()), "ward.csv")}
    )
    assert sent.status_code == 302
    return str(sent.location)


def fields_of(page: str) -> dict[str, str]:
    """The form's fields as the page shows them, ready to be sent."""
    values = {}
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        values[name] = html.unescape(chosen[1]) if chosen else ""
    values["name"] = "Ward"
    values |= re.findall(r'name="(suppress_rows|leave_out|checked)" value="(\w+)"', page)
    return values


def shown_values(page: str) -> dict[str, tuple[int, str]]:
    """Each value of a yes-or-no column, with its number of rows and its chosen action."""
    chosen = fields_of(page)
    found = re.findall(
        r'<label for="(value_\w+)"><span class="sample">(.*?)</span> ([\d,]+) rows?</label>', page
    )
    return {html.unescape(shown): (int(rows), chosen[name]) for name, shown, rows in found}


def name_of(page: str, value: str) -> str:
    """The name of the field that decides about a value."""
    labels = re.findall(r'<label for="(value_\w+)"><span class="sample">(.*?)</span>', page)
    return next(name for name, shown in labels if html.unescape(shown) == value)


def suppressed(upload_desk: Desk) -> int:
    with upload_desk.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Suppression)) or 0


def people(marks: list[str], header: str = "TPS") -> str:
    rows = [f"V{n},{drama_number(n)},{mark}" for n, mark in enumerate(marks)]
    return "\n".join([f"First name,Phone,{header}", *rows]) + "\n"


def test_not_found_in_the_register_is_no_do_not_call(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    """VLOOKUP writes the number where it found it and #N/A where it did not."""
    marks = ["#N/A"] * 20
    for listed in (0, 5, 10, 15):
        marks[listed] = f"0{drama_number(listed)[3:]}"
    page = upload(organiser, lists_page, people(marks))
    shown = organiser.get(page).text
    assert shown_values(shown) == {
        "#N/A": (16, "call"),
        "the row’s own phone number": (4, "suppress"),
    }

    asked = organiser.post(page, data=fields_of(shown))
    assert asked.status_code == 422
    assert "4 of 20 people would go on the do-not-call list" in asked.text
    assert "press “Check and import” again" in asked.text
    assert suppressed(upload_desk) == 0
    done = organiser.post(page, data=fields_of(asked.text))
    assert done.status_code == 302
    upload_desk.work()
    assert len(upload_desk.contacts()) == 16
    assert suppressed(upload_desk) == 4


def test_an_unknown_value_is_decided_by_the_organiser_before_anything_is_stored(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    page = upload(organiser, lists_page, people(["no"] * 18 + ["hmm", "Hmm."]))
    shown = organiser.get(page).text
    assert shown_values(shown) == {"no": (18, "call"), "hmm": (2, "")}

    refused = organiser.post(page, data=fields_of(shown))
    assert refused.status_code == 422
    assert "Say what “hmm” means in “TPS”" in html.unescape(refused.text)
    upload_desk.work()
    assert upload_desk.contacts() == []

    decided = fields_of(shown) | {name_of(shown, "hmm"): "set_aside"}
    looked = organiser.post(page, data=decided).text
    done = organiser.post(page, data=fields_of(looked))
    assert done.status_code == 302
    upload_desk.work()
    assert len(upload_desk.contacts()) == 18
    assert suppressed(upload_desk) == 0
    assert "Rows with this value are set aside" in organiser.get(done.location).text


def test_a_value_can_be_decided_otherwise_than_its_word_says(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    page = upload(organiser, lists_page, people(["registered"] * 3))
    shown = organiser.get(page).text
    decided = fields_of(shown) | {name_of(shown, "registered"): "call"}
    organiser.post(page, data=fields_of(organiser.post(page, data=decided).text))
    upload_desk.work()
    assert (len(upload_desk.contacts()), suppressed(upload_desk)) == (3, 0)


def test_a_column_chosen_as_do_not_call_shows_its_values_first(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    page = upload(organiser, lists_page, people(["yes"] + ["no"] * 19, header="Remarks"))
    sent = fields_of(organiser.get(page).text) | {"column_2": "do_not_call"}
    looked = organiser.post(page, data=sent)
    assert looked.status_code == 422
    assert "Check what each value" in looked.text
    assert shown_values(looked.text) == {"no": (19, "call"), "yes": (1, "suppress")}
    assert organiser.post(page, data=fields_of(looked.text)).status_code == 302


def test_a_column_of_many_values_is_no_column_of_marks(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    page = upload(
        organiser, lists_page, people([f"note {n}" for n in range(200)], header="Do not call")
    )
    refused = organiser.post(page, data=fields_of(organiser.get(page).text))
    assert refused.status_code == 422
    assert "more than 60 different values" in refused.text
    upload_desk.work()
    assert upload_desk.contacts() == []


def test_agreeing_to_another_number_than_there_is_does_nothing(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    page = upload(organiser, lists_page, people(["yes"] * 5 + ["no"] * 5))
    sent = fields_of(organiser.get(page).text)
    refused = organiser.post(page, data=sent | {"suppress_rows": "4"})
    assert "5 of 10 people" in refused.text
    with upload_desk.app.app_context():
        contact_list = db.session.scalars(select(ContactList)).one()
        targets = ["first_name", "phone", "do_not_call"]
        with pytest.raises(ConflictError, match="5 people"):
            services.confirm(contact_list, "Ward", 0, targets)
        with pytest.raises(ConflictError, match="still need a decision"):
            services.confirm(contact_list, "Ward", 0, targets, {"2": {"yes": "ask"}}, 5)
    assert suppressed(upload_desk) == 0


def test_of_two_organisers_who_press_at_once_one_decides(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    page = upload(organiser, lists_page, people(["hmm"] + ["no"] * 19))
    shown = organiser.get(page).text
    other = upload_desk.app.test_client()
    sign_in(other, upload_desk.account_id)

    def looked(client: FlaskClient, action: str) -> dict[str, str]:
        decided = fields_of(shown) | {name_of(shown, "hmm"): action}
        return fields_of(client.post(page, data=decided).text)

    pages = {"call": looked(organiser, "call"), "suppress": looked(other, "suppress")}

    def press(client: FlaskClient, action: str) -> TestResponse:
        return client.post(page, data=pages[action])

    with ThreadPoolExecutor() as both:
        calls, suppresses = (
            both.submit(press, organiser, "call"),
            both.submit(press, other, "suppress"),
        )
        calls.result(), suppresses.result()
    with upload_desk.app.app_context():
        kept = db.session.scalars(select(ContactList)).one().mark_actions["2"]["hmm"]
    upload_desk.work()
    assert (len(upload_desk.contacts()), suppressed(upload_desk)) == {
        "call": (20, 0),
        "suppress": (19, 1),
    }[kept]


def test_wishes_written_in_cells_keep_people_from_being_called(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    cells = [
        ("A", "0117 496 0801 do not call"), ("B", "DO NOT CALL 0117 496 0802"),
        ("C", "0117 496 0803 WRONG NUMBER"), ("D", "0117 496 0804 deceased"),
        ("E", "0117 496 0805 (TPS)"), ("F", "0117 496 0806 DNC"),
        ("G", "0117 496 0807---------------------dead"), ("H", "0117 496 0808 opted out"),
        ("DO NOT CALL", "0117 496 0809"), ("Deceased", "0117 496 0810"),
        ("Rip", "0117 496 0811"),
    ]  # fmt: skip
    rows = [f"{name},Ex,{phone}" for name, phone in cells]
    page = upload(organiser, lists_page, "\n".join(["First name,Last name,Phone", *rows]))
    done = organiser.post(page, data=fields_of(organiser.get(page).text))
    upload_desk.work()
    assert [contact.first_name for contact in upload_desk.contacts()] == ["Rip"]
    assert suppressed(upload_desk) == 0
    refused = organiser.get(f"{done.location}/refused.csv").text
    assert refused.count("the person does not want calls") == 6
    assert refused.count("the person has died") == 3
    assert refused.count("the number is wrong") == 1
