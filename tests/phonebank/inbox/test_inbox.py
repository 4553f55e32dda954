"""Tests the inbox: answers that need action come in, and organisers act on them."""

import csv
import io
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.correct import Correction, correct, version_of
from phonebank.calls.hold import Hold
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.exports.columns import COLUMNS
from phonebank.exports.jobs import make_export
from phonebank.inbox.jobs import read_marked_answers
from phonebank.models import (
    AuditEntry,
    Call,
    Export,
    InboxItem,
    InboxState,
    RoleName,
    TextSent,
    now,
)
from phonebank.scripts.diff import differences
from phonebank.scripts.edit_actions import apply_action
from phonebank.scripts.form_fields import script_from_form
from scripts_library.diagnostics import InvalidScriptError
from scripts_library.parser import parse
from scripts_library.serializer import serialize
from tests.factories import create_account, create_script
from tests.phone_bank import PhoneBank, come_in, contact_of
from tests.phonebank.exports.room import SCRIPT
from tests.phonebank.scripts.form_of import form_of
from tests.signing_in import sign_in

MARKED = (
    SCRIPT.replace(
        "yes:\n",
        """needs_action:
  vote: [other]
  topics: [bills]
tags:
  vote:
    ours: Ours
    other: needs visit
  topics:
    bills: worried
yes:
""",
    )
    + """
text_message: "Thanks {{ first_name or 'you' }}! {{ candidate or 'We' }} & co: 7pm?"
"""
)


@pytest.fixture
def bank(phone_bank: PhoneBank) -> PhoneBank:
    create_script(phone_bank.campaign, MARKED)
    db.session.commit()
    return phone_bank


def call(bank: PhoneBank, **answers: object) -> Hold:
    """Sam calls the next person, who gives these answers."""
    hold = claim(bank.sam)
    db.session.commit()
    for step_id, answer in answers.items():
        save_answer(bank.sam, hold.call.id, step_id, answer)
    record(bank.sam, hold.call.id, "talked", note="After six")
    db.session.commit()
    read_marked_answers()
    return hold


def items() -> list[tuple[uuid.UUID, str]]:
    rows = db.session.execute(select(InboxItem.call_id, InboxItem.step_id).order_by(InboxItem.id))
    return [(call_id, step_id) for call_id, step_id in rows]


@pytest.fixture
def ada(app: Flask, bank: PhoneBank) -> FlaskClient:
    return browser_of(app, "Ada")


def inbox_file(bank: PhoneBank, organiser: FlaskClient) -> list[dict[str, str]]:
    """The rows of the downloaded file."""
    downloads = f"/campaigns/{bank.campaign.id}/downloads"
    organiser.post(downloads, data={"kind": "inbox"})
    export = db.session.scalars(select(Export)).one()
    make_export(export.id)
    db.session.expire_all()
    content = organiser.get(f"{downloads}/{export.id}.csv").text
    return list(csv.DictReader(io.StringIO(content, newline="")))


def browser_of(app: Flask, name: str) -> FlaskClient:
    account = create_account(RoleName.ORGANISER, name=name)
    db.session.commit()
    client = app.test_client()
    sign_in(client, account.id)
    return client


def test_only_marked_answers_of_recorded_calls_come_in_once(bank: PhoneBank) -> None:
    call(bank, vote="ours", topics=["health"])
    first = call(bank, vote="other", topics=["health", "bills"])
    read_marked_answers()
    assert sorted(step_id for _, step_id in items()) == ["topics", "vote"]
    assert {call_id for call_id, _ in items()} == {first.call.id}
    open_call = claim(bank.priya)
    save_answer(bank.priya, open_call.call.id, "vote", "other")
    db.session.commit()
    read_marked_answers()
    assert len(items()) == 2


def test_an_organiser_takes_one_does_it_and_says_so(
    app: Flask, bank: PhoneBank, ada: FlaskClient
) -> None:
    hold = call(bank, vote="other")
    page = f"/campaigns/{bank.campaign.id}/inbox"
    shown = ada.get(page).text
    for words in ("To do (1)", contact_of(hold).first_name, "Somebody else"):
        assert words in shown
    [item] = db.session.query(InboxItem).all()
    detail = f"{page}/{item.id}"
    assert "After six" in ada.get(detail).text
    ada.post(f"{detail}/claim")
    otto = browser_of(app, "Otto")
    refused = otto.post(f"{detail}/claim")
    assert refused.status_code == 409
    assert "Ada is already doing this." in refused.text
    ada.post(f"{detail}/note", data={"note": "Drives a van", "seen": ""})
    late = otto.post(f"{detail}/note", data={"note": "Overwrites", "seen": ""})
    assert late.status_code == 409
    assert "Somebody has changed this note" in late.text, "not only who took it may write it"
    assert "Done (1)" in ada.post(f"{detail}/done", follow_redirects=True).text
    assert "Drives a van" in ada.get(f"{page}?state=done").text
    ada.post(f"{detail}/put-back")
    assert "To do (1)" in otto.get(page).text
    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == [
        "inbox answer claimed", "inbox note changed", "inbox answer done", "inbox answer put back",
    ]  # fmt: skip
    assert otto.get(f"/campaigns/{bank.campaign.id}/inbox/404").status_code == 404


def test_an_answer_that_no_longer_holds_leaves_the_inbox(bank: PhoneBank, ada: FlaskClient) -> None:
    hold = call(bank, vote="other")
    page = f"/campaigns/{bank.campaign.id}/inbox"
    [item] = db.session.query(InboxItem).all()
    undo(bank.sam, hold.call.id)
    db.session.commit()
    assert "To do (0)" in ada.get(page).text
    for action, form in (("claim", {}), ("done", {}), ("note", {"note": "Late", "seen": ""})):
        refused = ada.post(f"{page}/{item.id}/{action}", data=form)
        assert refused.status_code == 404, action
        assert "not in the inbox any more" in refused.text
    db.session.refresh(item)
    assert (item.state, item.note) == (InboxState.OPEN, "")
    record(bank.sam, hold.call.id, "talked")
    db.session.commit()
    read_marked_answers()
    assert "To do (1)" in ada.get(page).text
    db.session.get_one(Call, hold.call.id).set_aside_at = now()
    db.session.commit()
    assert "To do (0)" in ada.get(page).text


def test_a_corrected_answer_leaves_the_inbox_and_its_file(
    bank: PhoneBank, ada: FlaskClient
) -> None:
    """An answer that needs no action any more is on neither; one that still does is on both."""
    gone, stays = call(bank, vote="other"), call(bank, topics=["health", "bills"])
    organiser = create_account(RoleName.ORGANISER)
    for hold, answers in ((gone, {"vote": "ours"}), (stays, {"topics": ["bills"]})):
        made = db.session.get_one(Call, hold.call.id)
        correct(made, version_of(made), Correction("talked", "After six", answers), organiser)
    db.session.commit()
    read_marked_answers()
    assert "To do (1)" in ada.get(f"/campaigns/{bank.campaign.id}/inbox").text
    assert [row["answer"] for row in inbox_file(bank, ada)] == ["Bills"]


def test_the_inbox_goes_home_as_a_file(bank: PhoneBank, ada: FlaskClient) -> None:
    hold = call(bank, topics=["bills", "health"])
    [row] = inbox_file(bank, ada)
    assert row["first_name"] == contact_of(hold).first_name
    assert (row["question"], row["answer"]) == ("What matters?", "Bills | Health")
    assert (row["inbox_state"], row["call_note"], row["text_sent_at"]) == ("open", "After six", "")
    assert "inbox_state" in ada.get(f"/campaigns/{bank.campaign.id}/definitions.csv").text


def test_the_text_goes_out_from_the_callers_own_phone(
    bank: PhoneBank, ada: FlaskClient, client: FlaskClient
) -> None:
    bank.contacts[0].first_name = "Zoë"
    db.session.commit()
    come_in(client, bank)
    client.post("/calling/next")
    current = db.session.scalars(select(Call)).one()
    assert "Text them, or correct their details" in client.get("/calling/person").text
    part = client.get("/calling/told").text
    link = urlsplit(part.split('href="sms:')[1].split('"')[0].replace("&amp;", "&"))
    assert link.path == current.phone
    assert parse_qs(link.query)["body"] == ["Thanks Zoë! We & co: 7pm?"]
    url = f"/calling/person/{current.id}/text-sent"
    for _ in range(2):
        sent = client.post(url, headers={"Accept": "application/json"})
        assert sent.json == {"message": "Noted: you have sent the text."}
    assert db.session.query(TextSent).count() == 1
    come_in(client, bank, bank.priya)
    assert client.post(url).status_code == 404
    save_answer(bank.sam, current.id, "vote", "other")
    record(bank.sam, current.id, "talked")
    db.session.commit()
    read_marked_answers()
    [item] = db.session.query(InboxItem).all()
    shown = ada.get(f"/campaigns/{bank.campaign.id}/inbox/{item.id}").text
    assert "Recorded as sent by Sam" in shown
    assert item.state == InboxState.OPEN
    [sent_at] = [column for column in COLUMNS if column.name == "text_sent_at"]
    assert db.session.scalar(text(f"SELECT {sent_at.sql} FROM call"))


def test_the_marks_and_the_text_are_kept_by_the_editor(bank: PhoneBank, ada: FlaskClient) -> None:
    script = parse(MARKED, "supper")
    assert script.needs_action == {"vote": ("other",), "topics": ("bills",)}
    assert parse(serialize(script), "supper") == script
    edit = f"/campaigns/{bank.campaign.id}/scripts/{bank.campaign.script_id}/edit?menus=whole"
    form = form_of(ada.get(edit).text, "script-form")
    assert script_from_form(form, script, {}).needs_action == script.needs_action
    assert script_from_form(form, script, {}).text_message == script.text_message
    assert script_from_form(form, script, {}).tags == script.tags
    del form["s0-c1-action"]
    form["s0-c1-tag"] = "  Come  by "
    form["text_message"] = "Bye"
    changed = script_from_form(form, script, {})
    assert (changed.needs_action, changed.text_message) == ({"topics": ("bills",)}, "Bye")
    gone = [
        line.text
        for section in differences(script, changed)
        for line in section.lines
        if line.mark == "gone"
    ]
    assert any(line.startswith("Needs action: “Somebody else”") for line in gone)
    assert any(line.startswith("Gives the tag “needs visit”: “Somebody else”") for line in gone)
    assert changed.tags["vote"] == {"ours": "ours", "other": "come by"}
    without = apply_action(script, "delete-step:topics")
    assert without.needs_action == {"vote": ("other",)}
    assert without.tags == {"vote": {"ours": "ours", "other": "needs visit"}}
    with pytest.raises(InvalidScriptError, match="names nobody"):
        parse(MARKED.replace("vote: [other]", "vote: [nobody]"), "supper")
    form["s0-c1-tag"] = "Come by, bring leaflets"
    assert script_from_form(form, script, {}).tags["vote"]["other"] == "Come by, bring leaflets"
    for wrong, message in (("a, b", "is not a tag"), ("x" * 41, "is not a tag")):
        with pytest.raises(InvalidScriptError, match=message):
            parse(MARKED.replace("other: needs visit", f"other: {wrong}"), "supper")
