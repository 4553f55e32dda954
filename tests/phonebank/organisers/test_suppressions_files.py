"""Do-not-call files: which column has the numbers, what the file would enter, and how its numbers
are removed again."""

import html
import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.core.jobs import enqueue, run_worker
from phonebank.models import Suppression, SuppressionBatch, now
from phonebank.suppressions.batches import begin_lifting
from phonebank.suppressions.entries import suppress
from phonebank.suppressions.jobs import resume_lifting
from tests.factories import drama_number
from tests.phonebank.lists.upload_desk import signals_kept

MEMBERS = "Member ID,Name,Phone,Date asked\n1234567890,Ada Example,020 7946 0700,2026-03-01\n"
MITGLIEDER = "Nr;Name;Telefon;Datum\n30112345;Bo;+49 30 23125601;02.03.2026\n"
AMERICANS = "ID,Name,Phone\n2125550150,Ada,202-555-0103\n"


def upload(client: FlaskClient, content: str | bytes, country: str = "GB") -> str:
    """Send a file; the address of the page that shows what it holds."""
    data = content.encode() if isinstance(content, str) else content
    sent = client.post(
        "/do-not-call/add",
        data={"file": (io.BytesIO(data), "wishes.csv"), "country": country, "reason": "asked"},
    )
    assert sent.status_code == 302, sent.text
    return str(sent.location)


def entered(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Suppression.phone).order_by(Suppression.phone)))


@pytest.mark.parametrize(
    ("content", "country", "number"),
    [
        (MEMBERS, "GB", "+442079460700"),
        (MITGLIEDER, "DE", "+493023125601"),
        (AMERICANS, "US", "+12025550103"),
    ],
    ids=["gb", "de", "us"],
)
def test_only_the_column_of_numbers_is_read(
    app: Flask, organiser: FlaskClient, content: str, country: str, number: str
) -> None:
    page = upload(organiser, content, country)
    shown = organiser.get(page).text
    assert "1 number in the columns you chose" in shown
    assert entered(app) == []
    chosen = re.findall(r'name="columns" value="(\d+)" checked', shown)
    assert chosen == ["2"]

    done = organiser.post(page, data={"columns": chosen, "agreed": "1"}, follow_redirects=True)
    assert "1 number was put on the list" in done.text
    assert entered(app) == [number]


def test_a_column_of_ids_is_never_read_and_neither_is_a_date(
    app: Flask, organiser: FlaskClient
) -> None:
    page = upload(organiser, MEMBERS)
    refused = organiser.post(page, data={"columns": ["0", "2"], "agreed": "2"})
    assert refused.status_code == 422
    assert "“Member ID” is not named like a column of phone numbers" in html.unescape(refused.text)
    dates = organiser.post(page, data={"columns": ["3"], "agreed": "1"})
    assert dates.status_code == 422
    assert entered(app) == []


def test_a_number_that_was_not_agreed_to_enters_nothing(app: Flask, organiser: FlaskClient) -> None:
    page = upload(organiser, "A,B\n020 7946 0001,020 7946 0002\n")
    assert organiser.post(page, data={"agreed": "1"}).status_code == 422
    answer = organiser.post(page, data={"columns": ["0", "1"], "agreed": "1"})
    assert answer.status_code == 422
    assert "2 numbers in the columns you chose" in answer.text
    assert entered(app) == []


def test_a_file_is_taken_back_as_one_act_for_a_reason_that_is_kept(
    app: Flask, organiser: FlaskClient
) -> None:
    page = upload(organiser, "020 7946 0001\n020 7946 0002\n020 7946 0003\n\x1a")
    organiser.post(page, data={"columns": "0", "agreed": "3"})
    with app.app_context():
        suppress(drama_number(2), "call")
        db.session.commit()
    assert len(entered(app)) == 3

    organiser.post(f"{page}/take-back", data={"why": ""})
    assert len(entered(app)) == 3
    organiser.post(f"{page}/take-back", data={"why": "wrong_file"})
    with app.app_context(), signals_kept():
        run_worker(burst=True)
    assert entered(app) == [drama_number(2)]
    shown = organiser.get("/do-not-call").text
    assert "2 numbers were removed on" in shown
    assert "Reason: it was the wrong file." in shown
    assert organiser.post(f"{page}/take-back", data={"why": "misread"}).status_code == 409


def test_a_file_is_entered_once_and_can_be_deleted_before(
    app: Flask, organiser: FlaskClient
) -> None:
    page = upload(organiser, "020 7946 0001\n")
    organiser.post(f"{page}/delete")
    assert organiser.get(page).status_code == 404
    again = organiser.post(f"{page}/delete")
    assert (again.status_code, "This file was deleted before" in again.text) == (409, True)
    page = upload(organiser, "020 7946 0001\n")
    for _ in range(2):
        organiser.post(page, data={"columns": "0", "agreed": "1"})
    with app.app_context():
        assert [batch.numbers for batch in db.session.scalars(select(SuppressionBatch))] == [1]
    assert organiser.post(f"{page}/delete").status_code == 409


def test_pasted_columns_and_long_pastes_are_shown_first(app: Flask, organiser: FlaskClient) -> None:
    many = "\n".join(f"020 7946 {n:04d}" for n in range(21))
    for pasted in (MEMBERS, "1234567890, 020 7946 0700", many):
        sent = organiser.post(
            "/do-not-call/add", data={"numbers": pasted, "country": "GB", "reason": "asked"}
        )
        assert "/do-not-call/files/" in sent.location
    assert entered(app) == []
    twenty = many.rsplit("\n", 1)[0]
    organiser.post("/do-not-call/add", data={"numbers": twenty, "country": "GB", "reason": "asked"})
    assert len(entered(app)) == 20


def test_a_column_is_shown_by_its_name_and_three_of_its_values(organiser: FlaskClient) -> None:
    lines = "\n".join(f"Ada{n},020 7946 000{n}" for n in range(4))
    shown = organiser.get(upload(organiser, f"Name,Phone\n{lines}\n")).text
    assert re.search(r'<label class="column-name[^>]*>.*?> Phone</label>', shown)
    samples = re.findall(r'<span class="sample">(.*?)</span>', shown)
    assert [s for s in samples if s[0] == "0"] == [f"020 7946 000{n}" for n in range(3)]
    # What they are read as.
    assert "Numbers: 020 7946 0000, 020 7946 0001" in shown


def test_a_file_of_our_own_comes_in_again(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        suppress(drama_number(1), "organiser")
        db.session.commit()
    page = upload(organiser, organiser.get("/do-not-call.csv").data)
    shown = organiser.get(page).text
    assert "1 number in the columns you chose" in shown
    assert "It is already on the do-not-call list" in shown


def test_what_was_left_behind_is_taken_up_and_what_nobody_entered_forgotten(
    app: Flask, organiser: FlaskClient
) -> None:
    page = upload(organiser, "020 7946 0001\n")
    organiser.post(page, data={"columns": "0", "agreed": "1"})
    forgotten = upload(organiser, "020 7946 0002\n")
    with app.app_context():
        first, second = db.session.scalars(select(SuppressionBatch).order_by(SuppressionBatch.id))
        begin_lifting(first.id, "misread", None)
        first.lifted_at = now() - timedelta(hours=1)
        second.created_at = now() - timedelta(days=2)
        db.session.commit()
        enqueue(resume_lifting)
        with signals_kept():
            run_worker(burst=True)
    assert entered(app) == []
    assert organiser.get(forgotten).status_code == 404
