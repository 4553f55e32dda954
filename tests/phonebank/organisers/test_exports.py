"""What an organiser downloads, read back as a spreadsheet would."""

import csv
import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from phonebank.calls import set_aside
from phonebank.calls.claim import claim
from phonebank.calls.jobs import continue_set_aside
from phonebank.core.db import db
from phonebank.exports.columns import COLUMNS
from phonebank.exports.files import KEPT_FOR, erase_files_of
from phonebank.exports.inbox import inbox_table
from phonebank.exports.jobs import look_after_exports, make_export
from phonebank.models import (
    Call,
    CallEnding,
    Campaign,
    Export,
    ExportPiece,
    ExportState,
    RoleName,
    Script,
    ScriptVersion,
    Suppression,
    SuppressionOrigin,
    now,
)
from phonebank.models.experiment import Experiment, ExperimentArm
from phonebank.organisers.exports.views import SignedOutError
from phonebank.rules.outcomes import OUTCOMES
from phonebank.suppressions.entries import suppress
from tests.factories import create_account, create_contact, create_script, drama_number
from tests.phone_bank import call_of, contact_of
from tests.phonebank.exports.room import SCRIPT, create_room, make_call


def make_file(app: Flask, client: FlaskClient, campaign_id: int, kind: str, since: str = "") -> str:
    """Ask for a file, let the worker make it, and return its address."""
    page = f"/campaigns/{campaign_id}/downloads"
    assert client.post(page, data={"kind": kind, "since": since}).status_code == 302
    with app.app_context():
        export_id = db.session.scalars(select(Export.id).order_by(Export.id.desc())).first()
        make_export(export_id)
    return f"{page}/{export_id}.csv"


def calls_of(app: Flask, client: FlaskClient, campaign: str) -> list[dict[str, str]]:
    """The calls file of the campaign at this address."""
    return download(client, make_file(app, client, int(campaign.split("/")[2]), "calls"))


def download(client: FlaskClient, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200, response.text
    assert response.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


def test_a_call_is_a_row_with_its_answers(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        create_contact(
            room.contact_list,
            first_name="Ann",
            last_name="Lee",
            phone=drama_number(7),
            postcode="AB1 2CD",
            external_id="77",
        )
        make_call(
            room,
            "talked",
            {"vote": "ours", "topics": ["health", "bills"], "why": "=HYPERLINK(1)"},
            note="Rang back\nlater",
        )
        address = f"/campaigns/{room.campaign.id}"

    [row] = calls_of(app, organiser, address)
    assert row["outcome"] == "talked"
    assert (row["reached"], row["conversation"], row["yes"]) == ("yes", "yes", "yes")
    assert (row["counted"], row["late"]) == ("yes", "no")
    assert (row["caller"], row["party"], row["list"]) == ("Sam", "Tuesday night", "Ward list")
    assert (row["contact_first_name"], row["contact_last_name"]) == ("Ann", "Lee")
    assert (row["contact_external_id"], row["contact_postcode"]) == ("77", "AB1 2CD")
    assert row["contact_phone"] == f"'{drama_number(7)}"
    assert (row["script"], row["script_version"]) == ("Main script", "1")
    assert row["note"] == "Rang back / later"
    assert (row["answer_vote"], row["words_vote"]) == ("ours", "Jo Bloggs")
    assert (row["answer_topics"], row["words_topics"]) == ("bills | health", "Bills | Health")
    assert row["answer_why"] == "'=HYPERLINK(1)"
    assert row["recorded_at"].endswith("Z")
    assert row["started_at"] <= row["recorded_at"]


def test_a_call_keeps_the_words_of_the_version_it_ran_on(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        room = create_room()
        for _ in range(2):
            create_contact(room.contact_list)
        make_call(room, "talked", {"vote": "other"})
        edited = SCRIPT.replace("Somebody else", "Another party").replace("id: why", "id: reason")
        publish(room.campaign, edited.replace("next: why", "next: reason"))
        make_call(room, "talked", {"vote": "other", "reason": "Buses"})
        address = f"/campaigns/{room.campaign.id}"

    before, after = calls_of(app, organiser, address)
    assert (before["words_vote"], after["words_vote"]) == ("Somebody else", "Another party")
    assert (before["script_version"], after["script_version"]) == ("1", "2")
    assert (before["answer_reason"], after["answer_reason"]) == ("", "Buses")
    assert "answer_why" in after

    meanings = {
        (row["column"], row["value"], row["meaning"]): row["script_versions"]
        for row in download(organiser, f"{address}/definitions.csv")
    }
    assert meanings["answer_vote", "other", "Somebody else"] == "Main script 1"
    assert meanings["answer_vote", "other", "Another party"] == "Main script 2"
    assert meanings["answer_vote", "ours", "Jo Bloggs"] == "Main script 2, 1"


def publish(campaign: Campaign, source: str) -> None:
    script = db.session.get_one(Script, campaign.script_id)
    version = ScriptVersion(script_id=script.id, number=2, source=source)
    db.session.add(version)
    db.session.flush()
    script.published_version_id = version.id
    db.session.commit()


def test_every_sight_of_a_person_is_a_row_that_says_how_it_ended(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        room = create_room()
        for _ in range(4):
            create_contact(room.contact_list)
        for ending in (CallEnding.GIVEN_BACK, CallEnding.EXPIRED, CallEnding.TAKEN_AWAY):
            hold = claim(room.caller)
            call = call_of(hold)
            call.ended_at, call.ending = now(), ending
            contact_of(hold).callable_at = now() + timedelta(days=1)
            db.session.commit()
        make_call(room, "no_answer")
        create_contact(room.contact_list)
        db.session.commit()
        claim(room.caller)
        db.session.commit()
        address = f"/campaigns/{room.campaign.id}"

    rows = calls_of(app, organiser, address)
    assert [row["ending"] for row in rows] == [
        "recorded", "given_back", "expired", "taken_away", "on_screen",
    ]  # fmt: skip
    assert all(row["contact_first_name"] and row["caller"] == "Sam" for row in rows)
    assert [bool(row["outcome"]) for row in rows] == [True, False, False, False, False]
    assert [bool(row["ended_at"]) for row in rows] == [True, True, True, True, False]


def test_a_call_that_was_set_aside_is_kept_and_marked(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        for _ in range(2):
            create_contact(room.contact_list)
        make_call(room, "talked")
        act = set_aside.begin(room.caller, create_account(RoleName.ORGANISER), "made up", now())
        db.session.commit()
        assert continue_set_aside(act.id, 60)
        make_call(room, "no_answer")
        address = f"/campaigns/{room.campaign.id}"

    rows = calls_of(app, organiser, address)
    assert [(row["outcome"], row["set_aside"], row["counted"]) for row in rows] == [
        ("talked", "yes", "no"),
        ("no_answer", "no", "yes"),
    ]


def test_every_column_and_outcome_is_explained(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        create_contact(room.contact_list)
        make_call(room, "talked", {"vote": "ours"})
        address = f"/campaigns/{room.campaign.id}"

    [call] = calls_of(app, organiser, address)
    [person] = download(organiser, make_file(app, organiser, room.campaign.id, "people"))
    explained = download(organiser, f"{address}/definitions.csv")
    with app.app_context():
        inbox = inbox_table(db.session.scalars(select(Campaign)).one()).header
    named = {row["column"] for row in explained if not row["value"]}
    assert named == {*call, *person, *inbox}
    assert {row["value"] for row in explained if row["column"] == "outcome"} == {"", *OUTCOMES}
    assert all(row["meaning"] for row in explained)


def test_the_do_not_call_file_holds_every_number(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        suppress(drama_number(1), SuppressionOrigin.ORGANISER)
        suppress(drama_number(2), SuppressionOrigin.ORGANISER, "deceased")
        db.session.commit()

    rows = download(organiser, "/do-not-call.csv")
    assert [(row["phone"], row["reason"]) for row in rows] == [
        (f"'{drama_number(1)}", "asked"),
        (f"'{drama_number(2)}", "deceased"),
    ]


def test_only_organisers_download(app: Flask, host: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        db.session.commit()
        addresses = [f"/campaigns/{room.campaign.id}/downloads", "/do-not-call.csv"]

    for address in addresses:
        assert host.get(address).status_code == 403
        assert app.test_client().get(address).status_code in (302, 401)


def test_an_unknown_campaign_is_not_found(organiser: FlaskClient) -> None:
    assert organiser.get("/campaigns/404/downloads").status_code == 404


def test_the_file_is_named_after_the_campaign_and_marked_for_excel_on_request(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        room = create_room()
        db.session.commit()
        campaign_id = room.campaign.id

    address = make_file(app, organiser, campaign_id, "calls")
    plain, marked = organiser.get(address), organiser.get(f"{address}?for=excel")
    assert 'filename="riverside-vote-calls-20' in plain.headers["Content-Disposition"]
    assert plain.data.startswith(COLUMNS[0].name.encode())
    assert marked.data.startswith(b"\xef\xbb\xbf" + COLUMNS[0].name.encode())


def test_a_call_names_its_arm_of_an_experiment(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        create_contact(room.contact_list)
        make_call(room, "talked", {"vote": "ours"})
        experiment = Experiment(campaign_id=room.campaign.id, name="Which opening?")
        experiment.arms = [ExperimentArm(script_id=room.campaign.script_id, label="Short opening")]
        db.session.add(experiment)
        db.session.flush()
        db.session.query(Call).one().experiment_arm_id = experiment.arms[0].id
        db.session.commit()
        address = f"/campaigns/{room.campaign.id}"

    [row] = calls_of(app, organiser, address)
    assert row["experiment_arm"] == "Short opening"


def test_two_scripts_on_one_campaign_share_the_columns_of_like_steps(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        room = create_room()
        for _ in range(2):
            create_contact(room.contact_list)
        make_call(room, "talked", {"vote": "ours"})
        create_script(room.campaign, SCRIPT, name="Short script")
        db.session.commit()
        make_call(room, "talked", {"vote": "other"})
        address = f"/campaigns/{room.campaign.id}"

    rows = calls_of(app, organiser, address)
    assert [(row["script"], row["answer_vote"]) for row in rows] == [
        ("Main script", "ours"),
        ("Short script", "other"),
    ]


def test_a_download_under_way_is_cut_off_when_its_browser_is_signed_out(
    app: Flask, organiser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phonebank.organisers.exports.views.CHECK_EVERY", 0.0)
    with app.app_context():
        for number in range(3000):
            phone = f"+4420794{number:05d}"
            db.session.add(Suppression(phone=phone, source=SuppressionOrigin.ORGANISER))
        db.session.commit()
    whole = organiser.get("/do-not-call.csv")
    assert len(whole.text.splitlines()) == 3001
    response = organiser.get("/do-not-call.csv", buffered=False)
    pieces = response.iter_encoded()
    next(pieces)
    with app.app_context():
        db.session.execute(text("DELETE FROM account_session"))
        db.session.commit()
    with pytest.raises(SignedOutError):
        list(pieces)
    response.close()


def test_kept_columns_and_where_people_stand_go_home(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        kept = {"ward": "=North, 1", "it's 100%": "x"}
        create_contact(room.contact_list, external_id="77", phone=drama_number(7), fields=kept)
        create_contact(room.contact_list, phone=drama_number(8))
        make_call(room, "talked", {"vote": "ours"})
        suppress(drama_number(8), SuppressionOrigin.ORGANISER)
        db.session.commit()
        campaign_id = room.campaign.id

    called, suppressed = download(organiser, make_file(app, organiser, campaign_id, "people"))
    assert (called["external_id"], called["phone"]) == ("77", f"'{drama_number(7)}")
    assert (called["status"], called["last_outcome"]) == ("finished", "talked")
    assert suppressed["status"] == "do_not_call"
    [call] = calls_of(app, organiser, f"/campaigns/{campaign_id}")
    for row in (called, call):
        assert (row["kept_ward"], row["kept_it's 100%"]) == ("'=North, 1", "x")


def test_a_file_of_what_changed_has_only_that(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        for _ in range(2):
            create_contact(room.contact_list)
        make_call(room, "talked")
        long_ago = now() - timedelta(days=9)
        db.session.execute(text("UPDATE call SET started_at = :t, ended_at = :t"), {"t": long_ago})
        people = text("UPDATE contact SET created_at = :t, last_called_at = :t")
        db.session.execute(people, {"t": long_ago})
        db.session.commit()
        make_call(room, "no_answer")
        campaign_id = room.campaign.id

    since = (now() - timedelta(days=2)).date().isoformat()
    for kind in ("calls", "people", "canvass"):
        address = make_file(app, organiser, campaign_id, kind, since)
        [row] = download(organiser, address)
        assert "no_answer" in row.values() or "Not Home" in row.values(), kind
    page = f"/campaigns/{campaign_id}/downloads"
    tomorrow = (now() + timedelta(days=2)).date().isoformat()
    assert organiser.post(page, data={"kind": "calls", "since": tomorrow}).status_code == 422


def test_canvass_results_have_the_headings_and_results_of_van(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        room = create_room()
        create_contact(room.contact_list, first_name="Ann", last_name="Lee", external_id="V1")
        create_contact(room.contact_list, external_id="V2")
        make_call(room, "talked", {"vote": "ours", "why": "=1+1"})
        make_call(room, "no_answer")
        campaign_id = room.campaign.id

    rows = download(organiser, make_file(app, organiser, campaign_id, "canvass"))
    assert [
        (
            row["Voter File VANID"],
            row["Result"],
            row["Survey Question Name"],
            row["Survey Response"],
        )
        for row in rows
    ] == [
        ("V1", "Canvassed", "How will they vote?", "Jo Bloggs"),
        ("V1", "Canvassed", "Why?", "'=1+1"),
        ("V2", "Not Home", "", ""),
    ]
    assert (rows[0]["Contact Name"], rows[0]["Canvassed By"]) == ("Ann Lee", "Sam")


def test_who_presses_again_gets_the_file_that_is_being_made(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        room = create_room()
        db.session.commit()
        page = f"/campaigns/{room.campaign.id}/downloads"
    for _ in range(25):
        assert organiser.post(page, data={"kind": "calls"}).status_code == 302
    assert "This file is in the table already." in organiser.get(page).text
    with app.app_context():
        [export] = db.session.scalars(select(Export))
    assert organiser.get(f"{page}/{export.id}.csv").status_code == 409
    assert "Waiting to start" in organiser.get(page, headers={"HX-Request": "true"}).text
    with app.app_context():
        db.session.get_one(Export, export.id).state = ExportState.FAILED
        db.session.commit()
    failed = organiser.get(f"{page}/{export.id}.csv")
    assert (failed.status_code, "could not be made" in failed.text) == (410, True)


def test_a_file_is_erased_in_time_and_its_link_says_so(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        room = create_room()
        db.session.commit()
        campaign_id = room.campaign.id
    late, kept, of_a_person = (make_file(app, organiser, campaign_id, "calls") for _ in range(3))
    assert organiser.get(f"/campaigns/{campaign_id + 1}{kept[12:]}").status_code == 404
    with app.app_context():
        db.session.get_one(Export, 1).finished_at = now() - KEPT_FOR
        db.session.commit()
    answer = organiser.get(late)
    assert answer.status_code == 410, "before the job has come"
    assert "make a new one" in answer.text
    with app.app_context():
        look_after_exports()
    assert organiser.get(late).status_code == 410
    assert organiser.get(kept).status_code == 200
    with app.app_context():
        assert erase_files_of(campaign_id) == 2
        db.session.commit()
        assert db.session.scalar(select(ExportPiece.number)) is None
    assert organiser.get(of_a_person).status_code == 410
