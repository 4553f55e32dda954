"""The rows of a file are stored, skipped or refused, and counted once."""

import csv
import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.lists.batching import _zone_key
from phonebank.lists.jobs import import_list
from phonebank.lists.normalise import ContactRow
from phonebank.lists.services import confirm
from phonebank.models import Campaign, ContactList, RefusedRow, Suppression, UploadChunk
from phonebank.phones.number_places import time_zones_of
from phonebank.rules.time_zones import zones_key
from phonebank.suppressions.entries import suppress
from tests.factories import create_campaign
from tests.phonebank.lists.upload_desk import Desk, rows

HEADER = "First name,Last name,Phone"
NAMES_AND_NUMBERS = [("Zoë", "Ångström", "+442079460018"), ("Siân", "Ó Néill", "+442079460123")]


def counts(standing: dict) -> dict[str, int]:
    assert standing["state"] == "ready"
    found = {
        name.removeprefix("rows_"): standing[name]
        for name in ("rows_stored", "rows_duplicate", "rows_suppressed", "rows_refused")
    }
    assert standing["rows_read"] == standing["rows_total"] == sum(found.values())
    return {name: count for name, count in found.items() if count}


def table(delimiter: str) -> str:
    lines = [("First name", "Last name", "Phone"), *NAMES_AND_NUMBERS]
    return "\r\n".join(delimiter.join(line) for line in lines) + "\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_a_file_is_read_however_a_spreadsheet_wrote_it(
    desk: Desk, encoding: str, delimiter: str
) -> None:
    data = table(delimiter).encode(encoding)
    if encoding == "utf-16-le":
        data = b"\xff\xfe" + data

    assert counts(desk.bring(data)) == {"stored": 2}

    stored = [(c.first_name, c.last_name, c.phone) for c in desk.contacts()]
    assert stored == NAMES_AND_NUMBERS


def test_everything_mapped_is_kept_and_nothing_else(desk: Desk) -> None:
    desk.bring(
        "Voter File VANID,FirstName,LastName,Pref Phone ,Cell Phone,vZip5,vCity,Language,"
        "Email,Party\r\n"
        "991,ADA,O'NEIL,020 7946 0018,(020) 7946-0019,sw1a1aa,London,Cymraeg,a@example.org,Red\r\n"
    )

    (ada,) = desk.contacts()
    assert (ada.first_name, ada.last_name, ada.name_key) == ("Ada", "O'Neil", "ada o'neil")
    assert (ada.phone, ada.other_phones) == ("+442079460018", ["+442079460019"])
    assert ada.phone_original == "020 7946 0018"
    assert (ada.external_id, ada.postcode, ada.email) == ("991", "SW1A 1AA", "a@example.org")
    assert (ada.language, ada.zone_key) == ("cy", "Europe/London")
    assert ada.fields == {"town": "London"}
    assert (ada.state, ada.tried, ada.attempts) == ("callable", False, 0)


def test_a_refused_row_keeps_no_cell_of_a_column_that_is_left_out(desk: Desk) -> None:
    desk.bring(
        "FirstName,Phone,Party,Notes\r\nAda,none,Red,secret\r\nBob,020 7946 0018,Red,,surplus\r\n"
    )
    with desk.app.app_context():
        rows = db.session.query(RefusedRow).order_by(RefusedRow.row_number).all()
        assert [row.cells for row in rows] == [
            ["Ada", "none", "", ""],
            ["Bob", "020 7946 0018", "Red", "", "surplus"],  # which cell is whose is not known
        ]


@pytest.mark.parametrize(
    "word",
    [
        'Ann "Annie"',
        "Ann, Mary",
        "O'Neil\\",
        "\\N",
        "\\.",
        "{x}",
        "Null",
        "Zoë 🙂",
        "=1+1",
        "O\tN",
    ],
)
def test_a_word_is_stored_as_it_is_written(desk: Desk, word: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([("First name", "Phone", "Ward"), (word, "020 7946 0018", word)])
    list_id = desk.upload(file.getvalue())
    with desk.app.app_context():
        contact_list = db.session.get_one(ContactList, list_id)
        confirm(contact_list, "Words", 0, ["first_name", "phone", "field:ward"])
        db.session.commit()
        import_list(list_id)

    (contact,) = desk.contacts()
    assert contact.fields["ward"] == word.replace("\t", " ")
    is_a_name = word != "\\N" and any(map(str.isalpha, word))
    assert contact.first_name == (contact.fields["ward"] if is_a_name else "")
    assert (contact.last_name, contact.external_id, contact.other_phones) == ("", None, [])


def test_a_list_knows_the_zones_and_languages_of_its_people(desk: Desk) -> None:
    standing = desk.bring(
        "Name,Phone,Language,Time zone\n"
        "Ada,020 7946 0018,English,\n"
        "Bela,020 7946 0019,,America/Chicago\n"
        "Cara,+1 212 555 0123,,\n"
    )

    assert standing["zone_keys"] == [
        "America/Chicago|Europe/London",
        "America/New_York",
        "Europe/London",
    ]
    assert standing["languages"] == ["", "en"]
    assert {c.zone_key for c in desk.contacts()} == set(standing["zone_keys"])


@pytest.mark.parametrize(
    "phone", ["+442079460018", "+447700900123", "+12125550123", "+18005550123", "+61491570156"]
)
def test_zones_are_stored_as_callers_read_them(phone: str) -> None:
    assert _zone_key(ContactRow(1, phone, phone), "GB") == zones_key(time_zones_of(phone))


def test_a_person_with_numbers_in_two_zones_is_called_within_the_hours_of_both() -> None:
    new_york, los_angeles, unplaced = "+12125550142", "+13105550142", "+80012345678"
    row = ContactRow(1, new_york, new_york, other_phones=[los_angeles])
    assert _zone_key(row, "US") == "America/Los_Angeles|America/New_York"
    row.other_phones.append(unplaced)
    assert _zone_key(row, "US") == ""


@pytest.mark.parametrize(
    ("told", "zone_key"),
    [
        ({"time_zone": "America/Denver", "postcode": "90210"}, "America/Denver"),
        ({"postcode": "90210"}, "America/Los_Angeles"),
        ({"postcode": "86045"}, "America/Denver|America/Phoenix"),
        ({"postcode": "K1A 0B6"}, "America/Toronto"),
        ({"postcode": "09001"}, "America/New_York"),
        ({"postcode": "nonsense"}, "America/New_York"),
        ({}, "America/New_York"),
    ],
)
def test_a_person_is_where_the_list_says_else_their_postcode_else_their_number(
    told: dict[str, Any], zone_key: str
) -> None:
    new_york = "+12125550123"
    assert _zone_key(ContactRow(1, new_york, new_york, **told), "US") == zone_key


def test_a_mobile_that_moved_west_is_called_by_the_time_of_its_postcode(desk: Desk) -> None:
    with desk.app.app_context():
        db.session.get_one(Campaign, desk.campaign_id).country = "US"
        db.session.commit()
    standing = desk.bring("Name,Phone,Zip\nAda,(212) 555-0123,90210\nBo,212 555 0124,2139\n")
    assert standing["zone_keys"] == ["America/Los_Angeles", "America/New_York"]
    ada, bo = desk.contacts()
    assert (ada.zone_key, ada.postcode) == ("America/Los_Angeles", "90210")
    assert (bo.zone_key, bo.postcode) == ("America/New_York", "02139")


def test_bad_rows_are_refused_with_their_own_number_and_reason(desk: Desk) -> None:
    standing = desk.bring(
        f"{HEADER}\n"
        "Ada,One,020 7946 0018\n"
        '"Bela\nBroken over two lines",Two,none yet\n'
        "\n"
        "Cara,Three,\n"
        "Dai,Four,4.42E+11\n"
        "Eve,Five,020 7946 0019,surplus\n"
    )

    assert counts(standing) == {"stored": 1, "refused": 4}
    with desk.app.app_context():
        refused = db.session.scalars(select(RefusedRow).order_by(RefusedRow.row_number)).all()
        # As the spreadsheet numbers them: a cell of two lines is one row, an empty row is a row.
        assert [(row.row_number, row.column, row.reason) for row in refused] == [
            (3, "Phone", "not_a_number"),
            (5, "Phone", "no_phone"),
            (6, "Phone", "scientific_notation"),
            (7, "", "extra_cells"),
        ]
        assert refused[0].cells == ["Bela\nBroken over two lines", "Two", "none yet"]


def test_drama_numbers_are_for_demonstrations_only(desk: Desk) -> None:
    file = f"{HEADER}\nAda,One,07700 900123\n"
    assert counts(desk.bring(file)) == {"stored": 1}

    with desk.app.app_context():
        db.session.get_one(Campaign, desk.campaign_id).allow_drama_numbers = False
        db.session.commit()
    assert counts(desk.bring(file)) == {"refused": 1}


def test_the_same_person_twice_is_a_duplicate_and_a_household_is_not(desk: Desk) -> None:
    file = (
        f"{HEADER}\n"
        "Ada,Example,020 7946 0018\n"
        "ADA,example,+44 20 7946 0018\n"
        "Bob,Example,020 7946 0018\n"
    )
    assert counts(desk.bring(file)) == {"stored": 2, "duplicate": 1}
    assert counts(desk.bring(file)) == {"duplicate": 3}
    assert len(desk.contacts()) == 2


def test_another_campaign_has_its_own_people(desk: Desk, app: Flask) -> None:
    with app.app_context():
        other = create_campaign()
        db.session.commit()
        elsewhere = Desk(app, other.id, desk.account_id)
    assert counts(desk.bring(rows(3))) == {"stored": 3}
    assert counts(elsewhere.bring(rows(3))) == {"stored": 3}


def test_a_suppressed_number_is_left_out_of_every_later_upload(desk: Desk) -> None:
    with desk.app.app_context():
        suppress("+442079460001", "call")
        db.session.commit()

    assert counts(desk.bring(rows(3))) == {"stored": 2, "suppressed": 1}
    assert counts(desk.bring(rows(3))) == {"duplicate": 2, "suppressed": 1}
    assert "+442079460001" not in {c.phone for c in desk.contacts()}


def test_a_person_is_left_out_whichever_of_their_numbers_is_suppressed(desk: Desk) -> None:
    with desk.app.app_context():
        suppress("+442079460099", "call")
        db.session.commit()

    standing = desk.bring("First name,Mobile,Landline\nAda,020 7946 0018,020 7946 0099\n")

    assert counts(standing) == {"suppressed": 1}
    assert desk.contacts() == []


def test_a_do_not_call_column_suppresses_every_number_of_its_row_everywhere(desk: Desk) -> None:
    desk.bring(rows(3))

    standing = desk.bring(
        "First name,Mobile,Landline,Do not call\n"
        "Ada,020 7946 0500,020 7946 0501,yes\n"
        "Voter1,020 7946 0001,,x\n"
        "Cara,020 7946 0502,,no\n"
    )

    assert counts(standing) == {"stored": 1, "suppressed": 2}
    with desk.app.app_context():
        entries = db.session.scalars(select(Suppression).order_by(Suppression.phone)).all()
        assert [entry.phone[-4:] for entry in entries] == ["0001", "0500", "0501"]
        assert {(entry.source, entry.account_id) for entry in entries} == {
            ("list", desk.account_id)
        }
    barred = {c.phone[-4:] for c in desk.contacts() if c.suppressed_at}
    assert barred == {"0001"}


def test_the_file_is_forgotten_once_it_is_read(desk: Desk) -> None:
    list_id = desk.upload(rows(3))
    with desk.app.app_context():
        assert db.session.query(UploadChunk).count() == 1
    desk.confirm(list_id)
    desk.work()
    with desk.app.app_context():
        assert db.session.query(UploadChunk).count() == 0
