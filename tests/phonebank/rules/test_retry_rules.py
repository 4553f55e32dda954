"""The retry rules as an organiser changes them."""

from typing import Any

import pytest
from hypothesis import given

from phonebank.rules.outcomes import (
    RETRIED,
)
from phonebank.rules.retry_rules import RetryRules, RetryRulesError, duration_in_words
from tests.phonebank.rules.examples import DEFAULT, RETRY_RULES, after, london


def test_there_is_a_retry_rule_for_each_outcome_that_is_retried() -> None:
    assert set(DEFAULT.retries) == RETRIED


@given(RETRY_RULES)
def test_rules_survive_the_way_to_json_and_back(rules: RetryRules) -> None:
    assert RetryRules.parse(rules.to_json()) == rules


@given(RETRY_RULES)
def test_rules_are_told_by_what_they_change(rules: RetryRules) -> None:
    changes = rules.changes()
    assert RetryRules.parse(changes) == rules
    usual = DEFAULT.to_json()
    for key, change in changes.pop("outcomes", {}).items():
        assert change
        assert not change.items() & usual["outcomes"][key].items()
    assert not changes.items() & usual.items()


def test_no_changes_are_the_defaults() -> None:
    assert RetryRules.parse({}) == DEFAULT
    assert DEFAULT.changes() == {}


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "none"), (1, "1 minute"), (90, "90 minutes"), (60, "1 hour"), (2880, "2 days")],
)
def test_a_rest_is_told_in_its_largest_unit(minutes: int, words: str) -> None:
    assert duration_in_words(minutes) == words


def test_a_change_is_heeded_and_leaves_the_rest_alone() -> None:
    rules = RetryRules.parse(
        {"attempts_at_most": 2, "outcomes": {"no_answer": {"another_time_of_day": False}}}
    )
    assert after("no_answer", rules=rules, at=london("2026-11-24T13:00")).callable_at == london(
        "2026-11-24T16:00"
    )
    assert after("no_answer", rules=rules, attempts_before=1).state == "finished"
    assert rules.retries["busy"] == DEFAULT.retries["busy"]


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        (
            {"attempts_at_most": 0},
            "attempts_at_most",
            "Maximum attempts: write a whole number from 1 to 20, not “0”.",
        ),
        (
            {"attempts_a_day_at_most": 4},
            "attempts_a_day_at_most",
            "Maximum attempts a day: write a whole number from 1 to 3, not “4”.",
        ),
        (
            {"household_rest_minutes": "a day"},
            "household_rest_minutes",
            "Wait for others on the same number: write a time from none to 30 days, not “a day”.",
        ),
        (
            {"outcomes": {"no_answer": {"rest_minutes": 1.5}}},
            "no_answer.rest_minutes",
            "No answer, wait: write a time from 1 minute to 90 days, not “1.5”.",
        ),
        (
            {"outcomes": {"busy": {"another_time_of_day": 1}}},
            "busy.another_time_of_day",
            "Busy, another time of day: choose yes or no, not “1”.",
        ),
        (
            {"outcomes": {"busy": {"retries_at_most": True}}},
            "busy.retries_at_most",
            "Busy, maximum further tries: write a whole number from 0 to 20, not “True”.",
        ),
        (
            {"outcomes": {"busy": {"rest": 5}}},
            "busy.rest",
            "“busy.rest” is not a field of the retry rules.",
        ),
        (
            {"outcomes": {"refused": {"rest_minutes": 5}}},
            "refused",
            "Refused: nobody is called again after this outcome.",
        ),
        (
            {"outcomes": {"do_not_call": {}}},
            "do_not_call",
            "Do not call: nobody is called again after this outcome.",
        ),
        ({"outcomes": {"busy": 20}}, "busy", "Busy: its rule must be a set of fields."),
        ({"outcomes": []}, "outcomes", "The rules for outcomes must be a set of outcomes."),
        ({"retries": {}}, "retries", "“retries” is not a field of the retry rules."),
        ([], "", "The retry rules must be a set of fields."),
    ],
)
def test_a_faulty_change_is_told_for_its_field(change: Any, place: str, sentence: str) -> None:
    with pytest.raises(RetryRulesError) as caught:
        RetryRules.parse(change)
    assert caught.value.faults == {place: sentence}


def test_every_faulty_field_is_told_at_once() -> None:
    with pytest.raises(RetryRulesError) as caught:
        RetryRules.parse(
            {"attempts_at_most": 0, "outcomes": {"busy": {"rest_minutes": 0, "a_day_at_most": 9}}}
        )
    assert set(caught.value.faults) == {
        "attempts_at_most",
        "busy.rest_minutes",
        "busy.a_day_at_most",
    }
