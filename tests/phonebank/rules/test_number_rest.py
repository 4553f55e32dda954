"""How long a number rests in one campaign after calls in others, against a model of a few lines."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from phonebank.rules.number_rest import CallElsewhere, number_rests_until, rest_minutes
from phonebank.rules.outcomes import OUTCOMES, RETRIED
from phonebank.rules.retry_rules import RetryRules

NOON = datetime(2026, 6, 9, 12, tzinfo=UTC)


@st.composite
def some_rules(draw: st.DrawFn) -> RetryRules:
    minutes = st.integers(1, 90 * 24 * 60)
    outcomes = draw(st.dictionaries(st.sampled_from(sorted(RETRIED)), minutes, max_size=4))
    return RetryRules.parse(
        {
            "household_rest_minutes": draw(st.integers(0, 30 * 24 * 60)),
            "outcomes": {key: {"rest_minutes": value} for key, value in outcomes.items()},
        }
    )


@st.composite
def some_calls(draw: st.DrawFn) -> CallElsewhere:
    ago = timedelta(minutes=draw(st.integers(0, 100 * 24 * 60)))
    return CallElsewhere(draw(st.sampled_from(sorted(OUTCOMES))), NOON - ago, draw(some_rules()))


@given(st.lists(some_calls(), max_size=4), some_rules())
def test_the_longest_wait_that_any_campaign_asks_for_applies(
    calls: list[CallElsewhere], here: RetryRules
) -> None:
    until = number_rests_until(calls, here)
    asked = [
        call.at + timedelta(minutes=rules.retries[call.outcome].rest_minutes)
        for call in calls
        if call.outcome in RETRIED - {"skipped"}
        for rules in (here, call.rules)
    ] + [
        call.at + timedelta(minutes=rules.household_rest_minutes)
        for call in calls
        if OUTCOMES[call.outcome].reached and OUTCOMES[call.outcome].effect != "suppress"
        for rules in (here, call.rules)
        if rules.household_rest_minutes
    ]
    assert until == max(asked, default=None)
    # One more call never shortens the rest, and the order of the calls does not matter.
    assert until == number_rests_until(reversed(calls), here)
    if until and calls[1:]:
        assert until >= (number_rests_until(calls[1:], here) or until)


def test_the_usual_rules() -> None:
    usual = RetryRules.default()
    assert rest_minutes("no_answer", usual, usual) == 3 * 60
    assert rest_minutes("talked", usual, usual) == 24 * 60
    assert rest_minutes("wrong_number", usual, usual) == 24 * 60
    assert rest_minutes("left_message", usual, usual) == 2 * 24 * 60
    for nobody_was_disturbed in ("skipped", "disconnected", "do_not_call", "no longer offered"):
        assert rest_minutes(nobody_was_disturbed, usual, usual) == 0
