"""Tests what the next caller knows of an earlier call, and what its answers count."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import claim
from phonebank.calls.earlier_call import take_over
from phonebank.calls.record import record
from phonebank.campaigns.progress import answers_by_question
from phonebank.contact_queue.jobs import top_up_all_queues
from phonebank.core.db import db
from phonebank.models import Call, ContactState, now
from tests.factories import create_script
from tests.phone_bank import PhoneBank, call_of, come_in
from tests.phonebank.calls.recorded_calls import counts, party

SCRIPT = """\
slug: small
language: en
title: T
purpose: P
provenance: Ours
licence: CC0-1.0
identification: "{{ caller_name }} for {{ on_behalf_of }}."
main_question: vote
yes: {vote: [yes]}
steps:
  - id: hello
    kind: question
    title: Hello
    words: Is it a good moment?
    answer: choice
    choices: [{key: yes, label: "Certainly"}, {key: no, label: "Hardly"}]
    next: vote
  - id: vote
    kind: question
    title: Vote
    words: Will you vote?
    answer: choice
    choices: [{key: yes, label: "Yes"}, {key: no, label: "No"}]
    next: end
  - {id: end, kind: close, title: End, words: Bye}
"""


def make_callable(phone_bank: PhoneBank) -> None:
    """Change the contact's times as if the wait until its next call had passed."""
    phone_bank.contacts[0].callable_at = now() - timedelta(minutes=1)
    db.session.commit()
    top_up_all_queues()


@pytest.fixture
def begun(phone_bank: PhoneBank) -> Call:
    """Sam began to talk with the only contact, who can be called again now."""
    create_script(phone_bank.campaign, SCRIPT)
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    hold = claim(phone_bank.sam)
    save_answer(phone_bank.sam, hold.call.id, "hello", "yes")
    db.session.commit()
    record(phone_bank.sam, hold.call.id, "partial", note="Likes <b>trains</b>")
    make_callable(phone_bank)
    return call_of(hold)


def test_the_page_of_the_next_caller_goes_on_where_the_talk_stopped(
    client: FlaskClient, phone_bank: PhoneBank, begun: Call
) -> None:
    come_in(client, phone_bank, phone_bank.priya)
    client.post("/calling/next")
    page = client.get("/calling/person").text
    assert "Today: began to talk" in page
    assert "Likes &lt;b&gt;trains" in page
    assert "Certainly" in page.partition("data-done-steps")[2].partition("</form>")[0]
    # Nobody has picked up yet, so the bar has the buttons for that.
    assert 'data-bar="ringing"' in page
    assert "Start from the beginning" in page
    again = client.get("/calling/person?from_start").text
    assert "Today: began to talk" in again
    assert 'name="go_on_from"' not in again

    shown = client.get("/calling/person", headers={"Accept": "application/json"}).json["person"]
    assert shown["step_id"] == "vote"
    assert shown["go_on_from"] == str(begun.id)
    saved = {"step_id": "vote", "answer": "yes", "go_on_from": shown["go_on_from"]}
    client.post(f"/calling/person/{shown['call_id']}/answers?turn=0", data=saved)
    shown = client.get("/calling/person", headers={"Accept": "application/json"}).json["person"]
    assert shown["answers"] == {"hello": "yes", "vote": "yes"}
    assert not shown["go_on_from"]


def test_answers_that_were_taken_over_count_in_no_total_again(
    phone_bank: PhoneBank, begun: Call
) -> None:
    again = claim(phone_bank.priya)
    take_over(phone_bank.priya, again.call.id, str(begun.id))
    save_answer(phone_bank.priya, again.call.id, "vote", "yes")
    record(phone_bank.priya, again.call.id, "call_back")
    make_callable(phone_bank)
    assert counts(party(phone_bank)) == (2, 2, 1, 1)
    third = claim(phone_bank.sam)
    assert third.earlier is not None
    assert third.earlier.answers == {"hello": "yes", "vote": "yes"}
    take_over(phone_bank.sam, third.call.id, str(third.earlier.call_id))
    record(phone_bank.sam, third.call.id, "talked")
    db.session.commit()
    assert answers_of(call_of(third)) == {"hello": "yes", "vote": "yes"}
    assert counts(party(phone_bank)) == (3, 3, 1, 1)
    questions = answers_by_question(phone_bank.campaign).questions
    assert [[count.number for count in question.answers] for question in questions] == [
        [1, 0],
        [1, 0],
    ]


def test_nothing_is_taken_over_from_a_call_to_somebody_else(
    phone_bank: PhoneBank, begun: Call
) -> None:
    phone_bank.contacts[1].state = ContactState.CALLABLE
    phone_bank.contacts[0].state = ContactState.FINISHED
    db.session.commit()
    hold = claim(phone_bank.priya)
    assert hold.earlier is None
    for named in (str(begun.id), str(hold.call.id), "not an id"):
        take_over(phone_bank.priya, hold.call.id, named)
    assert answers_of(hold.call) == {}


@pytest.mark.parametrize("why", ["switched off", "set aside"])
def test_the_next_caller_sees_nothing_of_it(phone_bank: PhoneBank, begun: Call, why: str) -> None:
    if why == "set aside":
        begun.set_aside_at = now()
    else:
        phone_bank.campaign.shows_earlier_call = False
    db.session.commit()
    hold = claim(phone_bank.priya)
    assert hold.earlier is None
    take_over(phone_bank.priya, hold.call.id, str(begun.id))
    assert answers_of(hold.call) == {}


def test_a_later_try_that_reached_nobody_hides_nothing(phone_bank: PhoneBank, begun: Call) -> None:
    record(phone_bank.priya, claim(phone_bank.priya).call.id, "no_answer")
    make_callable(phone_bank)
    hold = claim(phone_bank.sam)
    assert hold.earlier is not None
    assert (hold.earlier.outcome, hold.earlier.note) == ("partial", "Likes <b>trains</b>")
