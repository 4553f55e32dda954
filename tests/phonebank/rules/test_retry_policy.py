"""The decision about a contact after a call: the defaults, and what holds for any rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.rules.calling_hours import contact_date, is_callable, time_of_day
from phonebank.rules.countries import rules_for
from phonebank.rules.outcomes import (
    NOT_AN_ATTEMPT,
    OUTCOMES,
    RETRIED,
    SUPPRESSES,
    TAKES_CALLBACK,
)
from phonebank.rules.retry_policy import decide
from phonebank.rules.retry_rules import RetryRules
from phonebank.rules.week_hours import DAYS, WeekHours
from tests.phonebank.rules.examples import (
    DEFAULT,
    GB,
    LONDON,
    RETRY_RULES,
    TUESDAY_TEN,
    after,
    london,
)

BAD_NUMBER = {key for key, outcome in OUTCOMES.items() if outcome.number_bad}
FINAL = set(OUTCOMES) - RETRIED


# --- the defaults, case by case -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "at", "again"),
    [
        # Three hours' rest ends at 13:00, and the afternoon is another time than the morning.
        ("no_answer", "2026-11-24T10:00", "2026-11-24T13:00"),
        # 16:00 is still afternoon: wait for the evening.
        ("no_answer", "2026-11-24T13:00", "2026-11-24T17:00"),
        # 23:00 is after hours: the next morning.
        ("no_answer", "2026-11-24T20:00", "2026-11-25T09:00"),
        ("busy", "2026-11-24T10:00", "2026-11-24T10:20"),
        ("busy", "2026-11-24T20:50", "2026-11-25T09:00"),
        ("answerphone", "2026-11-24T10:00", "2026-11-25T12:00"),
        ("answerphone", "2026-11-24T20:30", "2026-11-25T09:00"),
        ("left_message", "2026-11-24T10:00", "2026-11-26T12:00"),
        ("line_fault", "2026-11-24T10:00", "2026-11-24T11:00"),
        ("skipped", "2026-11-24T10:00", "2026-11-24T10:15"),
        ("bad_time", "2026-11-24T10:00", "2026-11-25T12:00"),
        ("call_back", "2026-11-24T18:30", "2026-11-25T09:00"),
        ("hung_up", "2026-11-24T18:30", "2026-11-25T09:00"),
        ("partial", "2026-11-24T18:30", "2026-11-25T09:00"),
        ("language_barrier", "2026-11-24T10:00", "2026-11-24T11:00"),
        # A Friday evening's next morning is Saturday's, which begins at ten.
        ("no_answer", "2026-11-27T20:00", "2026-11-28T10:00"),
        # Over the change of the clocks: nine in London is eight in UTC from then on.
        ("no_answer", "2026-03-28T19:00", "2026-03-29T09:00"),
    ],
)
def test_when_a_person_is_called_again(key: str, at: str, again: str) -> None:
    decision = after(key, london(at))
    assert decision.state == "callable"
    assert decision.callable_at == london(again)


@pytest.mark.parametrize("key", sorted(FINAL - SUPPRESSES - BAD_NUMBER))
def test_a_person_who_has_answered_for_themselves_is_not_called_again(key: str) -> None:
    decision = after(key)
    assert (decision.state, decision.callable_at) == ("finished", None)
    assert decision.suppress_reason is None


@pytest.mark.parametrize(("key", "reason"), [("do_not_call", "asked"), ("deceased", "deceased")])
def test_never_again(key: str, reason: str) -> None:
    decision = after(key)
    assert (decision.state, decision.suppress_reason) == ("suppressed", reason)
    assert decision.callable_at is None


@pytest.mark.parametrize(("key", "dead"), [("wrong_number", False), ("disconnected", True)])
def test_a_number_that_is_no_use(key: str, dead: bool) -> None:
    decision = after(key)
    assert (decision.state, decision.number_bad, decision.number_dead) == ("unusable", True, dead)


def test_the_fourth_attempt_is_the_last() -> None:
    assert after("no_answer", attempts_before=2).state == "callable"
    assert after("no_answer", attempts_before=3).state == "finished"
    assert after("no_answer", attempts_before=9).state == "finished"


def test_the_second_attempt_of_a_day_is_the_days_last() -> None:
    decision = after("no_answer", london("2026-11-24T13:00"), attempts_today_before=1)
    assert decision.callable_at == london("2026-11-25T09:00")


def test_the_second_attempt_of_a_day_is_the_last_after_busy_too() -> None:
    decision = after("busy", attempts_today_before=1)
    assert decision.callable_at == london("2026-11-25T09:00")


def test_an_outcome_may_have_a_stricter_day_than_the_campaign() -> None:
    rules = RetryRules.parse({"outcomes": {"busy": {"rest_minutes": 20, "a_day_at_most": 1}}})
    assert after("busy", rules=rules).callable_at == london("2026-11-25T09:00")


@pytest.mark.parametrize("key", sorted(NOT_AN_ATTEMPT))
def test_a_call_that_failed_does_not_end_the_persons_day(key: str) -> None:
    """A promised third call that failed can be made again the same day."""
    decision = after(key, attempts_today_before=2)
    assert decision.callable_at is not None
    assert decision.callable_at.date() == TUESDAY_TEN.date()


@pytest.mark.parametrize(
    ("key", "tries"),
    [
        ("busy", 3),
        ("answerphone", 2),
        ("left_message", 1),
        ("hung_up", 1),
        ("bad_time", 1),
        ("partial", 1),
        ("language_barrier", 2),
        ("call_back", 2),
    ],
)
def test_an_outcome_leads_to_so_many_tries(key: str, tries: int) -> None:
    assert after(key, same_outcome_before=tries - 1).state == "callable"
    assert after(key, same_outcome_before=tries).state == "finished"


def test_three_failed_calls_make_the_number_unusable() -> None:
    assert after("line_fault", same_outcome_before=1).state == "callable"
    decision = after("line_fault", same_outcome_before=2)
    assert (decision.state, decision.number_bad) == ("unusable", False)


@pytest.mark.parametrize("key", sorted(NOT_AN_ATTEMPT))
def test_a_call_that_failed_is_no_attempt(key: str) -> None:
    decision = after(key, attempts_before=3)
    assert (decision.state, decision.counted) == ("callable", False)


def test_skipping_never_uses_a_person_up() -> None:
    decision = after("skipped", attempts_before=50, same_outcome_before=50)
    assert decision.state == "callable"


def test_another_language_waits_for_a_caller_who_speaks_it() -> None:
    assert after("language_barrier").tag_language
    assert not after("bad_time").tag_language


# --- callbacks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(TAKES_CALLBACK))
def test_a_promise_is_kept_to_the_minute(key: str) -> None:
    promised = london("2026-11-24T18:45")
    decision = after(key, callback_at=promised)
    assert decision.state == "callable"
    assert decision.callable_at == decision.callback_at == promised


def test_a_promise_is_kept_however_many_attempts_there_were() -> None:
    promised = london("2026-11-24T18:45")
    decision = after(
        "call_back",
        callback_at=promised,
        attempts_before=9,
        attempts_today_before=2,
        same_outcome_before=9,
    )
    assert (decision.state, decision.callback_at) == ("callable", promised)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("2026-11-24T22:00", "2026-11-25T09:00"),  # after hours
        ("2026-11-29T09:30", "2026-11-29T10:00"),  # Sunday begins at ten
        ("2026-11-20T12:00", "2026-11-24T10:00"),  # past already: now
    ],
)
def test_a_promise_outside_hours_moves_to_the_next_callable_moment(asked: str, given: str) -> None:
    assert after("call_back", callback_at=london(asked)).callback_at == london(given)


@pytest.mark.parametrize("key", sorted(NOT_AN_ATTEMPT))
def test_a_promise_outlives_a_call_that_failed(key: str) -> None:
    decision = after(key, callback_at=TUESDAY_TEN - timedelta(minutes=1))
    assert decision.callback_at == decision.callable_at
    assert decision.callable_at > TUESDAY_TEN


def test_a_promise_is_over_once_it_was_kept() -> None:
    for key in set(OUTCOMES) - TAKES_CALLBACK - NOT_AN_ATTEMPT:
        assert after(key, callback_at=london("2026-11-24T18:45")).callback_at is None


# --- the others on the number ---------------------------------------------------------------------


def test_the_others_on_an_unanswered_number_wait_as_long() -> None:
    decision = after("no_answer")
    assert decision.household_rest_until == decision.callable_at


def test_the_others_on_a_number_wait_also_after_the_last_attempt() -> None:
    decision = after("no_answer", attempts_before=3)
    assert decision.household_rest_until == london("2026-11-24T13:00")


@pytest.mark.parametrize("key", ["talked", "refused", "wrong_number", "moved", "bad_time"])
def test_the_others_on_a_number_that_was_answered_wait_a_day(key: str) -> None:
    assert after(key).household_rest_until == london("2026-11-25T10:00")


@pytest.mark.parametrize("key", ["skipped", "disconnected", "do_not_call", "deceased"])
def test_the_others_need_not_wait_after_a_skip_or_a_dead_number(
    key: str,
) -> None:
    assert after(key).household_rest_until is None


# --- hours that leave no choice -------------------------------------------------------------------


def test_where_all_hours_are_evenings_the_evening_will_do() -> None:
    hours = GB.parse_hours({key: ["18:00", "20:00"] for key in DAYS})
    decision = after("no_answer", london("2026-11-24T18:30"), hours=hours)
    assert decision.callable_at == london("2026-11-25T18:00")


def test_another_time_of_day_is_not_waited_for_longer_than_three_days() -> None:
    hours = GB.parse_hours(
        {key: ["18:00", "20:00"] for key in DAYS[:5]} | {"sat": ["10:00", "12:00"]}
    )
    thursday, monday = london("2026-11-26T18:30"), london("2026-11-23T18:30")
    assert after("no_answer", thursday, hours=hours).callable_at == london("2026-11-28T10:00")
    assert after("no_answer", monday, hours=hours).callable_at == london("2026-11-24T18:00")


def test_a_person_whose_zones_are_never_open_together_stays_with_no_time() -> None:
    hours = GB.parse_hours({key: ["09:00", "11:00"] for key in DAYS})
    decision = after("no_answer", zones=("Europe/London", "Pacific/Auckland"), hours=hours)
    assert (decision.state, decision.callable_at) == ("callable", None)
    assert decision.household_rest_until == TUESDAY_TEN + timedelta(days=1)


# --- whatever the hours, the zones and the rules --------------------------------------------------

MOMENTS = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ZONES = st.lists(
    st.sampled_from(
        ["Europe/London", "America/New_York", "America/Adak", "Australia/Lord_Howe", "Africa/Cairo"]
    ),
    max_size=2,
    unique=True,
).map(tuple)
OPENINGS = st.none() | st.lists(st.integers(0, 24 * 60), min_size=2, max_size=2, unique=True).map(
    lambda ends: (min(ends), max(ends))
)
WEEKS = st.lists(OPENINGS, min_size=7, max_size=7).filter(any).map(lambda d: WeekHours(tuple(d)))
CASES = st.fixed_dictionaries(
    {
        "attempts_before": st.integers(0, 6),
        "attempts_today_before": st.integers(0, 3),
        "same_outcome_before": st.integers(0, 4),
        "at": MOMENTS,
        "rules": st.just(DEFAULT) | RETRY_RULES,
        "zones": ZONES,
        "hours": st.just(GB.usual_hours.value) | WEEKS,
        "country": st.sampled_from([GB, rules_for("US"), rules_for("DE")]),
        "callback_at": st.none() | MOMENTS,
    }
)


WANT_ANOTHER_TIME = {key for key, rule in DEFAULT.retries.items() if rule.another_time_of_day}


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(OUTCOMES)), CASES)
def test_whatever_happens(key: str, case: dict[str, Any]) -> None:
    decision = decide(key, **case)
    outcome, at, country, zones = OUTCOMES[key], case["at"], case["country"], case["zones"]
    rules, hours = case["rules"], case["hours"]

    # Never in the past, never outside hours.
    if decision.callable_at is not None:
        assert decision.state == "callable"
        assert decision.callable_at >= at
        assert is_callable(zones, decision.callable_at, hours, country)
    assert decision.callback_at in {None, decision.callable_at}
    assert decision.household_rest_until is None or decision.household_rest_until >= at

    # Do not call always means it, and nothing else does.
    assert (decision.state == "suppressed") == (key in SUPPRESSES)
    assert (decision.suppress_reason is not None) == (key in SUPPRESSES)
    assert (key in FINAL) <= (decision.state != "callable")

    promised = key in TAKES_CALLBACK and case["callback_at"] is not None
    if promised:
        assert decision.state == "callable"
    elif key in RETRIED:
        rule = rules.retries[key]
        used_up = (
            outcome.counts_as_attempt and case["attempts_before"] + 1 >= rules.attempts_at_most
        )
        too_often = (
            rule.retries_at_most is not None and case["same_outcome_before"] >= rule.retries_at_most
        )
        assert (decision.state == "callable") == (not used_up and not too_often)
    if decision.callable_at is not None and not promised:
        rule = rules.retries[key]
        assert decision.callable_at >= at + timedelta(minutes=rule.rest_minutes)
        today = case["attempts_today_before"] + outcome.counts_as_attempt
        if outcome.counts_as_attempt and today >= rules.attempts_a_day_at_most:
            assert contact_date(zones, decision.callable_at, country) > contact_date(
                zones, at, country
            )


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(sorted(k for k, r in DEFAULT.retries.items() if r.another_time_of_day)), CASES
)
def test_the_next_try_is_at_another_time_of_day_wherever_the_usual_hours_allow_it(
    key: str, case: dict[str, Any]
) -> None:
    case |= {"rules": DEFAULT, "zones": LONDON, "hours": GB.usual_hours.value, "country": GB}
    decision = decide(key, **(case | {"callback_at": None}))
    if decision.callable_at is not None:
        assert time_of_day("Europe/London", decision.callable_at) != time_of_day(
            "Europe/London", case["at"]
        )
