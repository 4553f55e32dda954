"""The organiser's pages of lists: upload, columns, progress, result, undo."""

import csv
import io
import re
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from werkzeug.test import TestResponse

from phonebank.core.db import db
from phonebank.csv_input.rows import InvalidFileError
from phonebank.lists import imports, upload_checks
from phonebank.lists.uploads import CHUNK, store_upload
from phonebank.models import Campaign, ContactList, RoleName, UploadCheck, UploadChunk, now
from tests.factories import create_account, create_campaign, drama_number
from tests.phonebank.lists.upload_desk import Desk, rows
from tests.signing_in import sign_in
from tests.workbook_files import ods, xlsx

NOTHING_STORED = "This file cannot be used. Nothing was stored"


def send(
    organiser: FlaskClient, lists_page: str, content: str | bytes, name: str = "ward.csv"
) -> TestResponse:
    data = content.encode() if isinstance(content, str) else content
    return organiser.post(f"{lists_page}/new", data={"file": (io.BytesIO(data), name)})


def confirmed(organiser: FlaskClient, page: str, **changes: str | list[str]) -> TestResponse:
    """Send the columns page as it is shown, with some changes."""
    html = organiser.get(page).text
    values = dict(
        re.findall(r'<select[^>]* name="(\w+)"[^>]*>.*?selected value="([^"]*)"', html, re.S)
    )
    values["name"] = re.search(r'name="name"[^>]*value="([^"]*)"', html)[1]
    values |= re.findall(r'name="(leave_out)" value="(\d+)"', html)
    values |= re.findall(r'name="(checked)" value="(\w+)"', html)
    return organiser.post(page, data=values | changes)


def test_a_list_goes_in_from_upload_to_summary(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    assert "Nobody to call yet" in organiser.get(lists_page).text
    sent = send(
        organiser, lists_page, "Forename,Surname,Tel\nAda,Example,020 7946 0018\nBob,Bad,none\n"
    )
    assert sent.status_code == 302

    columns = organiser.get(sent.location).text
    assert "ward.csv has 2 rows" in columns
    assert '<span class="sample">020 7946 0018</span>' in columns

    done = confirmed(organiser, sent.location, name="North ward", priority="-1")
    assert done.status_code == 302
    waiting = organiser.get(done.location).text
    assert "Waiting to start" in waiting
    assert "<progress" in waiting
    upload_desk.work()

    page = organiser.get(done.location).text
    assert "North ward" in page
    assert "hx-trigger" not in page
    assert "This is not a phone number" in page
    history = organiser.get(lists_page).text
    assert "North ward" in history
    assert "Imported" in history
    (ada,) = upload_desk.contacts()
    assert (ada.first_name, ada.phone) == ("Ada", "+442079460018")


def test_a_second_upload_updates_the_columns_that_are_ticked(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    first = f"ID,Name,Phone,Postcode,Town\n1,Ada,{drama_number(1)},CF10 1EP,Cardiff\n"
    upload_desk.bring(first)
    again = f"ID,Name,Phone,Postcode,Town\n1,Ada,{drama_number(1)},CF11 9LL,\n"
    page = send(organiser, lists_page, again).location
    assert "Update: Postcode" in organiser.get(page).text

    asked = confirmed(organiser, page, update=["postcode", "town"], checked="before")
    assert asked.status_code == 422
    assert "CF10 1EP → CF11 9LL" in asked.text
    assert "Cardiff → (empty)" in asked.text
    token = re.search(r'name="checked" value="(\w+)"', asked.text)[1]
    ticked = {"update": ["postcode", "town"], "checked": token}
    undecided = confirmed(organiser, page, **ticked)
    assert "for values that we have: 1. Choose" in undecided.text
    assert "In this file, 1 cell is empty where we already have a value." in undecided.text
    done = confirmed(organiser, page, **ticked, empties="keep")
    assert done.status_code == 302
    upload_desk.work()

    (ada,) = upload_desk.contacts()
    assert (ada.postcode, ada.fields) == ("CF11 9LL", {"town": "Cardiff"})
    page = organiser.get(done.location).text
    assert "this puts back the values that they had before this upload" in page
    organiser.post(f"{done.location}/undo")
    upload_desk.work()
    assert upload_desk.contacts()[0].postcode == "CF10 1EP"


def test_a_job_counts_every_row_of_a_long_file(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_checks, "ROWS_AT_ONCE", 10)
    page = send(organiser, lists_page, rows(20)).location
    html = organiser.get(page).text
    assert "Rows counted" in html
    assert "Rows counted" in organiser.get(page, headers={"HX-Request": "true"}).text
    waiting = confirmed(organiser, page)
    assert (waiting.status_code, waiting.location) == (302, page)  # nothing is imported unseen
    upload_desk.work()

    polled = organiser.get(page, headers={"HX-Request": "true"})
    assert polled.headers["HX-Redirect"] == page
    assert "We have read all 20 rows" in organiser.get(page).text

    # With other columns the rows are counted again, and the page keeps what was chosen.
    assert confirmed(organiser, page, column_1="ignore", name="Ours").status_code == 302
    html = organiser.get(page).text
    assert "Rows counted" in html
    assert 'value="Ours"' in html
    with upload_desk.app.app_context():
        long_ago = now() - imports.STALLED_AFTER - timedelta(seconds=1)
        db.session.execute(update(UploadCheck).values(progress_at=long_ago))
        db.session.commit()
        assert len(upload_checks.stalled_checks()) == 1
    upload_desk.work()
    html = organiser.get(page).text
    assert "We have read all 20 rows" in html
    token = re.search(r'name="checked" value="(\w+)"', html)[1]
    assert confirmed(organiser, page, checked=token).location != page
    upload_desk.work()
    assert len(upload_desk.contacts()) == 20
    assert {one.last_name for one in upload_desk.contacts()} == {""}
    with upload_desk.app.app_context():
        assert db.session.query(UploadCheck).count() == 0


@pytest.mark.parametrize("make", [xlsx, ods])
def test_a_workbook_goes_in_as_its_list_does(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str, make: Callable[..., bytes]
) -> None:
    members = [
        ["Forename", "Surname", "Tel", "Member ID"],
        ["Ada", "Example", 442079460018, 1042],
        [],
        ["Bob", "Bad", "none", 1043],
    ]
    book = make(About=[["Members of the branch"]], Members=members)
    sent = send(organiser, lists_page, book, "members.workbook")
    assert "members.workbook has 2 rows" in organiser.get(sent.location).text
    done = confirmed(organiser, sent.location)
    upload_desk.work()

    page = organiser.get(done.location).text
    assert "This is not a phone number" in page
    (ada,) = upload_desk.contacts()
    assert (ada.first_name, ada.phone, ada.external_id) == ("Ada", "+442079460018", "1042")
    downloaded = organiser.get(f"{done.location}/refused.csv").text
    assert downloaded.splitlines()[1].startswith("4,")
    assert downloaded.splitlines()[1].endswith(",Bob,Bad,none,1043")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This file is empty"),
        (b"\xef\xbb\xbf\r\n", "This file is empty"),
        (b"First name,Phone\r\n", "no rows below"),
        (b"Name,Postcode\nAda,SW1A 1AA\n", "no column of phone numbers in this file"),
        (
            b"Members,,\nOctober,,\nFirst name,Surname,Phone\nAda,Example,020 7946 0123\n",
            "Row 3 names the columns, and there is a title above it. Delete the rows above it",
        ),
        (b"Members\n\nName;Telefon\nA;030 23125503\nB;030 23125504\n", "Row 3 names the columns"),
        (b"TPS results\nNumber,Result\n020 7946 0123,Match\n", "Row 2 names the columns"),
        ("Name,Phone\nИванов,1\n".encode("cp1251"), "read the accented letters in this file"),
        (
            xlsx(Members=[["Phone"], ["020 7946 0123"]], Old=[["Phone"], ["020 7946 0124"]]),
            "2 sheets of this workbook have phone numbers: “Members”, “Old”",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "picture"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x00\x01\x02\x03" * 500, "null characters"),
        (",".join(f"c{n}" for n in range(200)).encode() + b"\n1\n", "200 columns"),
        (b"x" * 3_000_000, "more than a million characters"),
        (b"Name,Phone\n" + b'Ada,"' + b"x" * 3_000_000, "more than a million characters"),
        (rows(20_000).encode() + b"x" * 3_000_000, "more than a million characters"),
    ],
    ids=[
        "empty", "only a mark", "header only", "no phone", "title", "title alone",
        "title over one known name",
        "old format",
        "two sheets", "png as csv", "pdf",
        "binary", "200 columns", "one long line", "long cell", "long line at the end",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_by_name_and_nothing_is_stored(
    organiser: FlaskClient, app: Flask, lists_page: str, content: bytes, said: str
) -> None:
    answer = send(organiser, lists_page, content)

    assert answer.status_code == 422
    assert NOTHING_STORED in answer.text
    assert said in answer.text
    with app.app_context():
        assert db.session.query(ContactList).count() == 0
        assert db.session.query(UploadChunk).count() == 0


def test_a_file_of_more_than_512_mb_is_refused_before_it_is_read(
    organiser: FlaskClient, lists_page: str
) -> None:
    """The request only states this length, and sends no file."""
    for length, too_large in ((512 * 1024 * 1024 + 1, True), (512 * 1024 * 1024, False)):
        answer = organiser.post(
            f"{lists_page}/new",
            content_type="multipart/form-data; boundary=x",
            environ_overrides={"CONTENT_LENGTH": str(length)},
        )
        assert (answer.status_code == 413) is too_large
        assert ("larger than the 512 MB" in answer.text) is too_large


def test_no_file_at_all_is_said_beside_the_field(organiser: FlaskClient, lists_page: str) -> None:
    answer = organiser.post(f"{lists_page}/new", data={})
    assert answer.status_code == 422
    assert 'href="#file">Choose a file first.' in answer.text


def test_a_hundred_megabyte_line_takes_no_hundred_megabytes(
    organiser: FlaskClient, app: Flask, lists_page: str
) -> None:
    size = 100_000_000

    class Line(io.RawIOBase):
        """The line, made as it is read."""

        left = size

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    with app.app_context():
        campaign = db.session.scalars(select(Campaign)).one()
        tracemalloc.start()
        with pytest.raises(InvalidFileError, match="million characters"):
            store_upload(campaign, None, "line.csv", io.BufferedReader(Line()))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        db.session.rollback()
    assert peak < 40_000_000


def test_a_large_file_is_kept_in_pieces(
    organiser: FlaskClient, app: Flask, lists_page: str
) -> None:
    data = rows(100_000).encode()
    assert send(organiser, lists_page, data).status_code == 302
    with app.app_context():
        sizes = db.session.scalars(
            select(func.length(UploadChunk.data)).order_by(UploadChunk.number)
        ).all()
        assert sum(sizes) == len(data)
        assert set(sizes[:-1]) == {CHUNK}
        assert db.session.scalars(select(ContactList.rows_total)).one() == 100_000


def test_guesses_that_may_be_wrong_are_marked(organiser: FlaskClient, lists_page: str) -> None:
    sent = send(organiser, lists_page, "Vorname,Number,Notes\nAda,020 7946 0018,Knows Bob\n")
    page = organiser.get(sent.location).text
    assert page.count("Please check this column") == 1
    assert "Keep as “notes”" in page


def test_two_columns_for_one_thing_are_refused_beside_the_column(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    sent = send(organiser, lists_page, "Name,Alias,Phone\nAda,Addy,020 7946 0018\n")

    answer = confirmed(organiser, sent.location, column_0="first_name", column_1="first_name")

    assert answer.status_code == 422
    assert 'href="#column_1">The columns “Name” and “Alias” are both' in answer.text
    assert 'id="column_1-error"' in answer.text
    list_id = int(sent.location.split("/")[-2])
    assert upload_desk.standing(list_id)["state"] == "uploaded"


def test_leaving_out_the_phone_or_making_up_a_choice_is_refused(
    organiser: FlaskClient, lists_page: str
) -> None:
    sent = send(organiser, lists_page, "Name,Phone\nAda,020 7946 0018\n")
    assert (
        "No column has phone numbers" in confirmed(organiser, sent.location, column_1="ignore").text
    )
    answer = confirmed(organiser, sent.location, column_1="owner")
    assert answer.status_code == 422
    assert "Not a valid choice" in answer.text
    assert confirmed(organiser, sent.location, name=" ").status_code == 422


def test_a_column_of_the_list_s_own_is_kept_under_its_name(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    sent = send(organiser, lists_page, "Name,Phone,Ward\nAda,020 7946 0018,Splott\n")
    shown = confirmed(organiser, sent.location, column_2="field:ward").text
    token = re.search(r'name="checked" value="(\w+)"', shown)[1]
    confirmed(organiser, sent.location, column_2="field:ward", checked=token)
    upload_desk.work()
    assert upload_desk.contacts()[0].fields == {"ward": "Splott"}


def test_sending_the_columns_twice_imports_once(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    sent = send(organiser, lists_page, rows(3))
    page = organiser.get(sent.location)
    assert page.status_code == 200
    confirmed(organiser, sent.location)
    upload_desk.work()
    again = organiser.get(sent.location)
    assert again.status_code == 302
    assert len(upload_desk.contacts()) == 3


def test_the_progress_page_asks_for_its_meter_and_reloads_when_it_is_over(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    list_id = upload_desk.upload(rows(30))
    upload_desk.confirm(list_id)
    with upload_desk.app.app_context():
        db.session.execute(text("UPDATE contact_list SET state = 'importing', rows_read = 12"))
        db.session.commit()

    meter = organiser.get(f"{lists_page}/{list_id}", headers={"HX-Request": "true"}).text
    assert 'value="12" max="30"' in meter
    assert "<html" not in meter
    assert 'value="12" max="30"' in organiser.get(f"{lists_page}/{list_id}").text

    with upload_desk.app.app_context():
        db.session.execute(text("UPDATE contact_list SET state = 'ready'"))
        db.session.commit()
    over = organiser.get(f"{lists_page}/{list_id}", headers={"HX-Request": "true"})
    assert over.headers["HX-Refresh"] == "true"


def test_refused_rows_come_back_as_a_file_that_can_be_corrected_and_uploaded(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    refused_at_first = (
        "First name;Phone;Town\n"
        '=HYPERLINK("http://x");none;Cardiff\n'
        "Bela;+1-212-555;Bangor\n"
        "Cara;020 7946 0018;Conwy;surplus\n"
        "Dai;020 7946 0019;Denbigh\n"
    )
    list_id = upload_desk.bring(refused_at_first)["id"]

    answer = organiser.get(f"{lists_page}/{list_id}/refused.csv")

    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    table = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert table[0] == ["Row in the file you uploaded", "Why it was not stored",
                        "First name", "Phone", "Town"]  # fmt: skip
    assert [row[0] for row in table[1:]] == ["2", "3", "4"]
    assert table[1][2].startswith("'=HYPERLINK")
    assert table[2][3] == "'+1-212-555"
    assert table[3][2:] == ["Cara", "020 7946 0018", "Conwy", "surplus"]

    table[1][3], table[2][3] = "020 7946 0500", "020 7946 0501"
    del table[3][5:]
    corrected = io.StringIO()
    csv.writer(corrected, delimiter=";").writerows(table)
    standing = upload_desk.bring(("\ufeff" + corrected.getvalue()).encode())
    assert (standing["rows_stored"], standing["rows_refused"]) == (3, 0)
    assert "Cara" in {c.first_name for c in upload_desk.contacts(standing["id"])}


def test_only_the_first_refused_rows_are_shown(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    content = rows(1) + "".join(f"Voter{n},Bad,none\n" for n in range(60))
    list_id = upload_desk.bring(content)["id"]
    page = organiser.get(f"{lists_page}/{list_id}").text
    assert "These are the first 50 of 60" in page
    assert page.count("This is not a phone number") == 50


def test_a_list_can_leave_calling_and_come_back(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    list_id = upload_desk.bring(rows(3))["id"]
    organiser.post(f"{lists_page}/{list_id}/remove")
    assert upload_desk.standing(list_id)["removed"] is True
    assert "Paused" in organiser.get(lists_page).text
    organiser.post(f"{lists_page}/{list_id}/restore")
    assert upload_desk.standing(list_id)["removed"] is False


def test_a_list_s_priority_can_be_changed(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    list_id = upload_desk.bring(rows(3))["id"]
    organiser.post(f"{lists_page}/{list_id}/priority", data={"priority": "-1"})
    assert upload_desk.standing(list_id)["priority"] == -1
    organiser.post(f"{lists_page}/{list_id}/priority", data={"priority": "surely"})
    assert upload_desk.standing(list_id)["priority"] == -1


def test_an_upload_is_undone_from_its_page(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    list_id = upload_desk.bring(rows(3))["id"]
    assert "This removes 3 people for good" in organiser.get(f"{lists_page}/{list_id}").text
    answer = organiser.post(f"{lists_page}/{list_id}/undo", follow_redirects=True)
    assert "removing the people" in answer.text
    upload_desk.work()
    assert "This upload was undone" in organiser.get(f"{lists_page}/{list_id}").text
    assert "Undone" in organiser.get(lists_page).text  # and not "Paused"
    assert upload_desk.contacts() == []
    for verb in ("undo", "remove", "restore"):
        assert organiser.post(f"{lists_page}/{list_id}/{verb}").status_code == 409


def test_a_file_can_be_deleted_before_it_is_imported(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    sent = send(organiser, lists_page, rows(3))
    list_id = int(sent.location.split("/")[-2])
    organiser.post(f"{lists_page}/{list_id}/cancel")
    assert organiser.get(sent.location).status_code == 404
    done = upload_desk.bring(rows(3))["id"]
    assert organiser.post(f"{lists_page}/{done}/cancel").status_code == 409


def test_a_list_is_seen_only_through_its_own_campaign(
    organiser: FlaskClient, upload_desk: Desk, app: Flask, lists_page: str
) -> None:
    list_id = upload_desk.bring(rows(1))["id"]
    with app.app_context():
        other = create_campaign().id
        db.session.commit()
    for page in ("", "/columns", "/refused.csv"):
        assert organiser.get(f"/campaigns/{other}/lists/{list_id}{page}").status_code == 404
    assert organiser.post(f"/campaigns/{other}/lists/{list_id}/undo").status_code == 404
    assert organiser.get("/campaigns/999/lists").status_code == 404
    assert len(upload_desk.contacts()) == 1


def test_only_organisers_come_in(
    client: FlaskClient, upload_desk: Desk, app: Flask, lists_page: str
) -> None:
    list_id = upload_desk.upload(rows(1))
    with app.app_context():
        host = create_account(RoleName.HOST).id
        db.session.commit()
    for _ in range(2):
        for page in ("", "/new", f"/{list_id}", f"/{list_id}/columns", f"/{list_id}/refused.csv"):
            answer = client.get(lists_page + page, headers={"Accept": "text/html"})
            assert answer.status_code in (302, 401, 403)
            assert "Voter" not in answer.text
        assert send(client, lists_page, rows(1)).status_code in (302, 401, 403)
        sign_in(client, host)
    assert len(upload_desk.contacts()) == 0


def test_the_sample_file_is_one_that_works(client: FlaskClient, upload_desk: Desk) -> None:
    sample = client.get("/static/lists/sample.csv")
    standing = upload_desk.bring(sample.data)
    assert (standing["rows_stored"], standing["rows_suppressed"]) == (3, 1)
    assert standing["rows_refused"] == 0
    assert "ignore" not in standing["mapping"]


def test_the_columns_page_shows_what_will_happen_and_asks_if_much_is_refused(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    people = "First name,Town,Phone,Other\nAda,Bath,020 7946 0018,020 7946 0019\nBob,,none,x\n"
    page = send(organiser, lists_page, people).location
    shown = organiser.get(page).text
    assert "What will happen" in shown
    assert "Upload another file" in shown
    assert "The first new person, as callers would see them" in shown
    assert "<strong>Ada</strong><br>Bath<br>020 7946 0018" in shown
    assert '<span class="hint">Row 3:</span> Bob, none' in shown
    assert re.findall(r'class="stat-value"[^>]*>(\d+)<', shown) == ["1", "0", "0", "1"]
    token = re.search(r'name="checked" value="(\w+)"', shown)[1]

    asked = confirmed(organiser, page, leave_out="", checked=token)
    assert asked.status_code == 422
    assert "1 of 2 rows would be refused" in asked.text
    assert "press “Check and import” again" in asked.text
    changed = confirmed(organiser, page, column_3="mobile", checked=token)
    assert changed.status_code == 422
    assert "Nothing is imported yet" in changed.text
    upload_desk.work()
    assert upload_desk.contacts() == []

    token = re.search(r'name="checked" value="(\w+)"', changed.text)[1]
    assert confirmed(organiser, page, column_3="mobile", checked=token).status_code == 302
    upload_desk.work()
    (ada,) = upload_desk.contacts()
    assert ada.other_phones == ["+442079460019"]


@pytest.mark.parametrize("checked", ["", "nothing", None])
def test_a_request_that_does_not_say_what_the_page_showed_confirms_nothing(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str, checked: str | None
) -> None:
    """A form without the field `checked`, or with an empty one, as another program may send it."""
    upload_desk.bring(
        f"ID,Name,Phone,Town\n1,Ada,{drama_number(1)},Bath\n2,Bo,{drama_number(2)},\n"
    )
    unseen: dict[str, Any] = {"column_1": "full_name", "name": "A", "empties": "keep"}
    unseen |= {} if checked is None else {"checked": checked}
    again = f"ID,Name,Phone,Town\n1,Ada,{drama_number(1)},Leeds\n"
    page = send(organiser, lists_page, again).location
    columns = {"column_0": "external_id", "column_2": "phone", "column_3": "town"}
    asked = organiser.post(page, data=unseen | columns | {"update": "town", "priority": "0"})
    assert (asked.status_code, "Nothing is imported yet" in asked.text) == (422, True)
    assert "Bath → Leeds" in asked.text

    file = {"file": (io.BytesIO(b"ID,Name\n1,Ada\n"), "voted.csv"), "reason": "voted"}
    page = organiser.post(lists_page.replace("/lists", "/take-out"), data=file).location
    asked = organiser.post(page, data=unseen | {"column_0": "external_id"})
    assert (asked.status_code, "Nobody is taken out yet" in asked.text) == (422, True)
    upload_desk.work()
    assert {(one.state, one.fields.get("town")) for one in upload_desk.contacts()} == {
        ("callable", "Bath"), ("callable", None),
    }  # fmt: skip
    assert confirmed(organiser, page).status_code == 302


def test_people_are_taken_out_by_file_and_put_back(
    organiser: FlaskClient, upload_desk: Desk, lists_page: str
) -> None:
    people = [f"{n},Ada{n},{drama_number(n)}" for n in range(5)]
    upload_desk.bring("ID,Name,Phone\n" + "\n".join(people) + "\n")
    new = lists_page.replace("/lists", "/take-out")

    def sent(content: str) -> str:
        data = {"file": (io.BytesIO(content.encode()), "voted.csv"), "reason": "voted"}
        return organiser.post(new, data=data).location

    page = sent("Voter ID\n98\n99\n")
    nobody = confirmed(organiser, page)
    assert nobody.status_code == 422
    assert "This file takes nobody out" in nobody.text
    assert (
        "Choose the column with your own IDs" in confirmed(organiser, page, column_0="ignore").text
    )

    page = sent("Voter ID\n0\n1\n2\n3\n4\n99\n")
    html = organiser.get(page).text
    assert "of 5 who are left" in html
    assert "Row 7:</span> 99" in html
    asked = confirmed(organiser, page)
    assert "would take out 5 of the 5 people" in asked.text
    assert "press “Check and take out” again" in asked.text
    done = confirmed(organiser, page, take_out="5")
    upload_desk.work()
    html = organiser.get(done.location).text
    assert "unless an organiser puts them back. Reason: they have voted." in html
    assert {one.state for one in upload_desk.contacts()} == {"taken_out"}
    assert "Taken out" in organiser.get(lists_page).text
    assert organiser.get(f"{done.location}/columns").status_code == 302

    organiser.post(f"{done.location}/undo")
    upload_desk.work()
    assert "Everyone whom the file took out has been put back," in organiser.get(done.location).text
    assert {one.state for one in upload_desk.contacts()} == {"callable"}
