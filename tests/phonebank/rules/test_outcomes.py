"""The outcomes that callers can record."""

import pytest

from phonebank.rules.outcomes import (
    GROUPS,
    NOT_AN_ATTEMPT,
    OUTCOMES,
    RETRIED,
    SUPPRESSES,
    TAKES_CALLBACK,
    UnknownOutcomeError,
    outcome_of,
)

REACHED = {key for key, outcome in OUTCOMES.items() if outcome.reached}


BAD_NUMBER = {key for key, outcome in OUTCOMES.items() if outcome.number_bad}
FINAL = set(OUTCOMES) - RETRIED


def test_the_outcomes_are_these() -> None:
    assert set(OUTCOMES) == {
        *("no_answer", "busy", "answerphone", "left_message", "line_fault"),
        *("call_back", "bad_time", "refused", "do_not_call", "wrong_number", "disconnected"),
        *("moved", "deceased", "language_barrier", "not_suitable", "talked", "partial"),
        *("hung_up", "skipped"),
    }


def test_the_groups_are_these() -> None:
    nobody = {"no_answer", "busy", "answerphone", "left_message", "line_fault", "skipped"}
    assert set(OUTCOMES) - nobody - {"disconnected"} == REACHED
    assert {"do_not_call", "deceased"} == SUPPRESSES
    assert {"wrong_number", "disconnected"} == BAD_NUMBER
    assert {"line_fault", "skipped"} == NOT_AN_ATTEMPT
    assert {"call_back", "bad_time", "partial"} == TAKES_CALLBACK
    assert SUPPRESSES | BAD_NUMBER | {"talked", "refused", "not_suitable", "moved"} == FINAL


def test_every_outcome_can_be_shown_and_stored() -> None:
    labels = [outcome.label for outcome in OUTCOMES.values()]
    assert len(set(labels)) == len(labels)
    assert all(outcome.help for outcome in OUTCOMES.values())
    assert {outcome.group for outcome in OUTCOMES.values()} == set(GROUPS)
    assert max(map(len, OUTCOMES)) <= 20  # the column of call.outcome


def test_an_unknown_outcome_is_refused_in_words() -> None:
    with pytest.raises(UnknownOutcomeError, match="“answered” is not an outcome of a call"):
        outcome_of("answered")
