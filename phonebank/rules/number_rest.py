"""Decides how long a telephone number rests (is not called) in one campaign after a call in another
campaign.

After an unanswered call, the number rests for the `rest_minutes` of the retry rule for the call's
outcome. After an answered call, the number rests for `household_rest_minutes`, or for these
`rest_minutes` if they are longer. Each of the two campaigns has its own retry rules, and the longer
wait applies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from phonebank.rules.outcomes import OUTCOMES
from phonebank.rules.retry_rules import RetryRules


@dataclass(frozen=True)
class CallElsewhere:
    """A call to the number in another campaign. `at` (aware) is when the outcome was recorded.
    `rules` are the other campaign's retry rules."""

    outcome: str
    at: datetime
    rules: RetryRules


def rest_minutes(outcome: str, here: RetryRules, there: RetryRules) -> int:
    """Return how many minutes a campaign with the rules `here` must wait before it calls a number
    that another campaign has called. That campaign has the rules `there`, and its call had this
    outcome.

    Return 0 if no wait is needed. No wait is needed if the caller skipped the person, or if the
    outcome is no longer offered. A number that reaches nobody, or that is on the do-not-call list,
    needs no wait either, because nobody calls such a number.
    """
    return max(_minutes(outcome, here), _minutes(outcome, there))


def number_rests_until(calls: Iterable[CallElsewhere], here: RetryRules) -> datetime | None:
    """Return the moment from which a campaign with the rules `here` may call a number. `calls` are
    the calls to the number in other campaigns. Return None if none of these calls requires a wait.
    The returned moment may be in the past."""
    ends = [
        call.at + timedelta(minutes=minutes)
        for call in calls
        if (minutes := rest_minutes(call.outcome, here, call.rules))
    ]
    return max(ends, default=None)


def _minutes(key: str, rules: RetryRules) -> int:
    outcome = OUTCOMES.get(key)
    if outcome is None or key == "skipped" or outcome.number_dead or outcome.effect == "suppress":
        return 0
    retry = rules.retries.get(key)
    rest = retry.rest_minutes if retry else 0
    return max(rest, rules.household_rest_minutes) if outcome.reached else rest
