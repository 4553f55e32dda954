"""Decisions about a British contact, and any retry rules, for the tests of the rules."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from phonebank.rules.countries import rules_for
from phonebank.rules.outcomes import (
    RETRIED,
)
from phonebank.rules.retry_policy import Decision, decide
from phonebank.rules.retry_rules import RetryRules

GB = rules_for("GB")


LONDON = ("Europe/London",)


DEFAULT = RetryRules.default()


def london(text: str) -> datetime:
    """A winter moment in London, which keeps UTC then."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


TUESDAY_TEN = london("2026-11-24T10:00")


def after(key: str, at: datetime = TUESDAY_TEN, **changes: Any) -> Decision:
    """The decision for a British contact without any calls before."""
    arguments: dict[str, Any] = {
        "attempts_before": 0,
        "attempts_today_before": 0,
        "same_outcome_before": 0,
        "at": at,
        "rules": DEFAULT,
        "zones": LONDON,
        "hours": GB.usual_hours.value,
        "country": GB,
    }
    return decide(key, **(arguments | changes))


RETRY_RULES = st.fixed_dictionaries(
    {},
    optional={
        "attempts_at_most": st.integers(1, 20),
        "attempts_a_day_at_most": st.integers(1, 3),
        "household_rest_minutes": st.integers(0, 43_200),
        "outcomes": st.dictionaries(
            st.sampled_from(sorted(RETRIED)),
            st.fixed_dictionaries(
                {},
                optional={
                    "rest_minutes": st.integers(1, 10_000),
                    "another_time_of_day": st.booleans(),
                    "retries_at_most": st.none() | st.integers(0, 20),
                    "a_day_at_most": st.none() | st.integers(1, 3),
                },
            ),
            max_size=4,
        ),
    },
).map(RetryRules.parse)
