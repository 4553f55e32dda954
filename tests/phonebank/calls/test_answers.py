"""Answers to the steps of a script, and which of them make a conversation."""

from typing import Any

import pytest

from phonebank.calls import answers
from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.scripts.versions import script_of
from scripts_library.engine import check_answer, path
from scripts_library.library import source_of
from scripts_library.script import Step
from tests.factories import create_script
from tests.phone_bank import PhoneBank
from tests.phonebank.calls.recorded_calls import counts, party, recorded, walk_to

TWO_YESES = """
slug: two-yeses
language: en
title: Two yeses
purpose: To try out.
provenance: Written for this test.
licence: CC0-1.0
identification: This is {{ caller_name }} for {{ on_behalf_of }}.
main_question: vote
yes: {vote: ["yes"], help: ["yes"]}
steps:
  - {id: vote, kind: question, title: Vote, words: Will you vote?, answer: choice,
     choices: [{key: "yes", label: Yes}, {key: "no", label: No}], next: help}
  - {id: help, kind: question, title: Help, words: Will you help?, answer: choice,
     choices: [{key: "yes", label: Yes}, {key: "no", label: No}], next: end}
  - {id: end, kind: close, title: End, words: Goodbye.}
"""


def test_a_late_copy_of_an_answer_from_before_the_undo_changes_nothing(
    phone_bank: PhoneBank,
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    call = claim(phone_bank.sam).call
    db.session.commit()
    assert save_answer(phone_bank.sam, call.id, "rating_before", "1", turn=0) == 1
    record(phone_bank.sam, call.id, "talked", turn=0)
    undo(phone_bank.sam, call.id, turn=0)
    assert save_answer(phone_bank.sam, call.id, "rating_before", "8", turn=1) == 8
    assert save_answer(phone_bank.sam, call.id, "rating_before", "1", turn=0) == 8
    assert answers_of(call)["rating_before"] == 8


def test_a_late_copy_of_an_answer_that_was_changed_since_changes_nothing(
    phone_bank: PhoneBank,
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    call = claim(phone_bank.sam).call
    db.session.commit()

    def answer(raw: str, seq: int | None) -> int:
        return save_answer(phone_bank.sam, call.id, "rating_before", raw, turn=0, seq=seq)

    assert answer("1", 100) == 1
    assert answer("8", 101) == 8
    assert answer("1", 100) == 8
    assert answer("8", 101) == 8
    assert answer("5", None) == 5  # the plain form
    assert answer("8", 101) == 5
    assert answer("6", 102) == 6
    assert answers_of(call)["rating_before"] == 6


def test_answers_are_kept_as_given_and_decide_what_is_a_conversation(
    phone_bank: PhoneBank,
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    db.session.commit()
    script = script_of(hold.call.script_version_id)
    rating = script.first_rating
    assert script.main_question == rating
    with pytest.raises(InvalidInputError):
        save_answer(phone_bank.sam, hold.call.id, rating, "eleven")
    with pytest.raises(InvalidInputError):
        save_answer(phone_bank.sam, hold.call.id, "no-such-step", "1")
    walk_to(rating, script, phone_bank.sam, hold.call)
    assert save_answer(phone_bank.sam, hold.call.id, rating, "4") == 4
    assert save_answer(phone_bank.sam, hold.call.id, rating, "5") == 5
    db.session.commit()
    call = recorded(phone_bank.sam, hold.call.id, "partial")
    db.session.commit()
    assert call.conversation
    assert answers_of(call)[rating] == 5
    with pytest.raises(ConflictError):
        save_answer(phone_bank.sam, hold.call.id, rating, "6")


def test_answers_without_anybody_who_answered_are_no_conversation(phone_bank: PhoneBank) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    script = script_of(hold.call.script_version_id)
    walk_to(script.first_rating, script, phone_bank.sam, hold.call)
    save_answer(phone_bank.sam, hold.call.id, script.first_rating, "5")
    call = recorded(phone_bank.sam, hold.call.id, "no_answer")
    db.session.commit()
    assert (call.reached, call.conversation) == (False, False)
    assert counts(party(phone_bank)) == (1, 0, 0, 0)


def test_two_yeses_in_one_call_are_one(phone_bank: PhoneBank) -> None:
    create_script(phone_bank.campaign, TWO_YESES)
    db.session.commit()
    hold = claim(phone_bank.sam)
    for step in ("vote", "help"):
        save_answer(phone_bank.sam, hold.call.id, step, "yes")
    record(phone_bank.sam, hold.call.id, "talked")
    db.session.commit()
    assert counts(party(phone_bank)) == (1, 1, 1, 1)


def test_an_answer_on_a_way_that_was_left_is_no_conversation(phone_bank: PhoneBank) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    db.session.commit()
    script = script_of(hold.call.script_version_id)
    opening, rating = script.steps[0], script.first_rating
    walk_to(rating, script, phone_bank.sam, hold.call)
    save_answer(phone_bank.sam, hold.call.id, rating, "5")
    leads_away = next(
        choice.key
        for choice in opening.choices
        if rating
        not in {s.id for s in path(script, answers_of(hold.call) | {opening.id: choice.key}, {})}
    )
    save_answer(phone_bank.sam, hold.call.id, opening.id, leads_away)
    db.session.commit()
    call = recorded(phone_bank.sam, hold.call.id, "bad_time")
    assert not call.conversation
    assert answers_of(call)[rating] == 5  # kept all the same


def test_an_answer_that_meets_an_outcome_half_way_is_refused(
    phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    call = claim(phone_bank.sam).call
    db.session.commit()

    def record_meanwhile(step: Step, raw: Any) -> Any:
        record(phone_bank.sam, call.id, "talked", turn=0)
        return check_answer(step, raw)

    monkeypatch.setattr(answers, "check_answer", record_meanwhile)
    with pytest.raises(ConflictError, match="already recorded"):
        save_answer(phone_bank.sam, call.id, "rating_before", "1", turn=0)
    assert answers_of(call) == {}
