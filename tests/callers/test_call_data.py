"""Tests what a page that is open already gets instead of the next page."""

import gzip
import json
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from callers.views.call_data import SHAPE
from callers.views.script_words import words_of
from phonebank.core.db import db
from phonebank.models import Call, ContactState, Script
from phonebank.scripts.versions import add_version, publish
from scripts_library.library import source_of
from tests.callers.test_views import address_of, ask_for_person, open_call
from tests.factories import create_contact, create_script
from tests.phone_bank import PhoneBank, come_in

PERSON_AT_MOST = 2_000  # bytes, where the browser has the script
WITH_SCRIPT_AT_MOST = 12_000  # bytes on the network

SCRIPT = """\
slug: small
language: {language}
title: T
purpose: P
provenance: Ours
licence: CC0-1.0
identification: "{{{{ caller_name }}}} for {{{{ on_behalf_of }}}}."
main_question: vote
yes: {{vote: [yes]}}
fields:
  street: The street
steps:
  - id: vote
    kind: question
    title: "{{{{ first_name or 'friend' }}}} in {{{{ town or '' }}}}"
    words: "Hello {{{{ first_name or 'friend' }}}}, {{{{ street or 'your \\"street\\"' }}}}?"
    answer: choice
    choices:
      - {{key: yes, label: "Yes, {{{{ first_name or 'friend' }}}}"}}
      - {{key: no, label: "No"}}
    branches:
      - {{answer: [yes], field: town, is: Leeds, goto: leeds}}
    next: end
  - {{id: leeds, kind: close, title: Leeds, words: Bye}}
  - {{id: end, kind: close, title: End, words: Bye}}
"""


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    """Sam's browser. Only the first two contacts can be called, one after the other."""
    for contact in phone_bank.contacts[2:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    come_in(client, phone_bank)
    return client


def use_script(phone_bank: PhoneBank, source: str) -> None:
    create_script(phone_bank.campaign, source)
    db.session.commit()


def data_of(page: TestResponse) -> dict:
    found = re.search(r'id="call-data">(.*?)</script>', page.text, re.DOTALL)
    assert found
    return json.loads(found[1])


def post(browser: FlaskClient, path: str, has: str, **sent: str) -> TestResponse:
    """Send a form as call.js does. `has` is what the page says of the scripts that it has."""
    headers = {"X-Phonebank-Screen": has, "Accept": "text/html"}
    return browser.post(path, data=sent, headers=headers)


def next_after(browser: FlaskClient, has: str) -> TestResponse:
    return post(browser, address_of(open_call(), "outcome"), has, outcome="no_answer")


def test_a_page_that_has_the_script_gets_only_the_person(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    use_script(phone_bank, source_of("persuasive-conversation", "en"))
    for contact in phone_bank.contacts:
        contact.fields = {"town": "Leeds", "secret": "not in the script"}
    db.session.commit()
    first = data_of(ask_for_person(sam))
    before = open_call()
    answer = next_after(sam, f"{SHAPE} other {first['script']['key']}")
    assert len(answer.data) <= PERSON_AT_MOST
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Phonebank-Call"] == f"{before.id} saved"
    call = open_call()
    contact = phone_bank.contacts[1]
    assert (answer.json["call"], answer.json["turn"]) == (str(call.id), 0)
    assert answer.json["person"] == {
        "name": f"{contact.first_name} {contact.last_name}",
        "town": "Leeds",
        "phone": call.phone,
        "phone_shown": "0121 " + call.phone[6:9] + " " + call.phone[9:],
        "household": [],
        "earlier": "",
        "earlier_note": "",
        "go_on_from": "",
    }
    assert answer.json["values"] == {
        "first_name": contact.first_name,
        "town": "Leeds",
        "caller_name": "Sam",
        "on_behalf_of": phone_bank.campaign.on_behalf_of,
    }
    assert answer.json["words"] is None
    assert answer.json["script"]["steps"] == {}
    assert 290 <= answer.json["seconds_left"] <= 300
    assert answer.json["toast"] == {
        "said": "Recorded: No answer.",
        "undo": f"/calling/person/{before.id}/undo?turn=0",
        "how_far": "You: 1 call, 0 conversations. Team: 0 of 50.",
        "joy": "",
    }


def test_a_page_gets_a_script_that_it_does_not_have_compressed(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    use_script(phone_bank, source_of("voter-identification", "en"))
    first = data_of(ask_for_person(sam))
    script = db.session.scalars(select(Script)).one()
    publish(script, add_version(script, source_of("persuasive-conversation", "en"), None))
    db.session.commit()
    sam.environ_base["HTTP_ACCEPT_ENCODING"] = "gzip"
    answer = next_after(sam, f"{SHAPE} {first['script']['key']}")
    del sam.environ_base["HTTP_ACCEPT_ENCODING"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) <= WITH_SCRIPT_AT_MOST
    sent = json.loads(gzip.decompress(answer.data))
    assert sent["script"]["key"] != first["script"]["key"]
    page = sam.get("/calling/person")
    assert sent["script"] == data_of(page)["script"]
    # The words are the page's own, with empty slots.
    slots = re.compile(r"(<(?:bdi|mark) data-merge=[^>]*>)[^<]*(</(?:bdi|mark)>)")
    emptied = slots.sub(r"\1\2", page.text).replace("<mark data-merge", "<bdi data-merge")
    emptied = emptied.replace("</mark>", "</bdi>")
    for name in ("identification", "cards"):
        assert sent["words"][name] in emptied
    assert sent["words"]["steps"].replace(" hidden disabled", "") in emptied.replace(
        " hidden disabled", ""
    )
    for contact in phone_bank.contacts:
        assert contact.first_name not in json.dumps(sent["words"])


def test_a_page_of_another_release_and_one_without_scripts_get_a_whole_page(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    use_script(phone_bank, source_of("voter-identification", "en"))
    key = data_of(ask_for_person(sam))["script"]["key"]
    for has in ("1", f"1 {key}", f"{int(SHAPE) + 1} {key}", ""):
        page = sam.post(
            address_of(open_call(), "answers"),
            data={},
            headers={"X-Phonebank-Screen": has, "Accept": "text/html"},
        )
        page = sam.get("/calling/person", headers={"X-Phonebank-Screen": has})
        assert page.mimetype == "text/html"
        assert data_of(page)["script"]["key"] == key


def test_each_persons_values_fill_the_same_words(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    use_script(phone_bank, SCRIPT.format(language="ar"))
    first, second = phone_bank.contacts[:2]
    first.first_name, first.fields = "<img src=x>{{ town }}", {"street": "<b>High</b> St"}
    second.first_name, second.fields = "", {"town": "Leeds"}
    db.session.commit()
    page = ask_for_person(sam)
    assert (
        '<section class="call-script" aria-label="Script" data-script-part="steps" lang="ar"'
        in (page.text)
    )
    assert 'dir="rtl"' in page.text
    shown = "&lt;img src=x&gt;{{ town }}"
    hello = f'Hello <bdi data-merge="first_name" data-or="friend">{shown}</bdi>'
    assert hello in page.text
    assert (
        f'data-or="friend">{shown}</bdi> in <bdi data-merge="town" data-or=""></bdi>' in page.text
    )
    street = 'data-merge="street" data-or="your &quot;street&quot;"'
    assert f"<bdi {street}>&lt;b&gt;High&lt;/b&gt; St</bdi>" in page.text
    assert "<img src=x>" not in page.text
    data = data_of(page)
    assert data["script"]["steps"]["vote"] == [[None, "end"]]
    answer = next_after(sam, f"{SHAPE} {data['script']['key']}").json
    # The page knows each field's fallback, so only values come. What depends on them comes too.
    assert "first_name" not in answer["values"]
    assert answer["values"]["town"] == "Leeds"
    assert answer["script"]["steps"] == {"vote": [[["yes"], "leeds"], [None, "end"]]}
    filled = sam.get("/calling/person").text
    assert '<bdi data-merge="first_name" data-or="friend">friend</bdi>' in filled
    assert f"<bdi {street}>your &quot;street&quot;</bdi>" in filled
    # A markup-like name is inert in JSON too, which the page shows as text.
    back = post(sam, answer["toast"]["undo"], f"{SHAPE} {data['script']['key']}")
    assert back.mimetype == "application/json"
    assert back.json["values"]["first_name"] == "<img src=x>{{ town }}"


def test_a_campaign_without_a_script_sends_small_answers_too(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    first = data_of(ask_for_person(sam))
    answer = next_after(sam, f"{SHAPE} {first['script']['key']}").json
    assert answer["script"] == {"key": first["script"]["key"], "first": None, "steps": {}}
    assert answer["values"] == {
        "caller_name": "Sam",
        "on_behalf_of": phone_bank.campaign.on_behalf_of,
    }


def test_undo_brings_the_answers_back_and_a_household_its_other_people(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    use_script(phone_bank, source_of("persuasive-conversation", "en"))
    first = phone_bank.contacts[0]
    jo = create_contact(phone_bank.contact_list, phone=first.phone, first_name="Jo")
    db.session.commit()
    has = f"{SHAPE} {data_of(ask_for_person(sam))['script']['key']}"
    call = open_call()
    answers = address_of(call, "answers")
    sam.post(answers, data={"step_id": "opening", "answer": "speaking", "seq": "17"})
    told = post(sam, address_of(call, "outcome"), has, outcome="no_answer").json
    back = post(sam, told["toast"]["undo"], has).json
    assert (back["call"], back["turn"], back["seq"]) == (str(call.id), 1, 17)
    assert back["answers"] == {"opening": "speaking"}
    assert back["toast"]["undo"] == ""
    assert back["person"]["household"] == [[jo.id, "Jo"]]
    reached = post(sam, address_of(call, "reached"), has, contact_id=str(jo.id)).json
    assert reached["call"] == str(call.id)
    assert reached["person"]["name"].startswith("Jo")
    assert reached["person"]["household"] == [[first.id, first.first_name]]


def test_what_is_no_person_is_told_as_to_any_page(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    use_script(phone_bank, source_of("voter-identification", "en"))
    has = f"{SHAPE} {data_of(ask_for_person(sam))['script']['key']}"
    refused = post(sam, address_of(open_call(), "outcome"), has, ring_back="someday")
    assert (refused.status_code, refused.mimetype) == (422, "text/html")
    assert 'class="call"' in refused.text
    gone = post(sam, address_of(open_call(), "give-back"), has)
    assert gone.headers["X-Phonebank-Go-To"] == "/calling"
    for _ in range(2):
        sam.post("/calling/next")
        waiting = next_after(sam, has)
    assert "data-waiting" in waiting.text


def test_a_page_without_the_number_is_replaced_as_a_whole(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    """After hours an undone call shows no number, so the page lacks the place for the next one."""
    use_script(phone_bank, source_of("voter-identification", "en"))
    has = f"{SHAPE} {data_of(ask_for_person(sam))['script']['key']}"
    told = next_after(sam, has).json
    phone_bank.contact_list.removed = True
    db.session.commit()
    page = post(sam, told["toast"]["undo"], has)
    assert "Their list is paused." in page.text
    assert data_of(page)["script"]["key"] == ""


def test_the_same_words_have_the_same_key(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    use_script(phone_bank, source_of("voter-identification", "en"))
    ask_for_person(sam)
    version_id = db.session.scalar(select(Call.script_version_id))
    key = words_of(version_id).key
    words_of.cache_clear()
    assert words_of(version_id).key == key
