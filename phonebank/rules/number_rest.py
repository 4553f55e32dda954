"""How long a number rests in one campaign after a call in another campaign.

The person waits as long as the other people who share a called number. After an unanswered call,
that is as long as the person who was called waits. After an answered call, it is as long as the
household waits. Each of the two campaigns has its own rules, and the longer wait applies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from phonebank.rules.outcomes import OUTCOMES
from phonebank.rules.retry_rules import RetryRules


@dataclass(frozen=True)
class CallElsewhere:
    """A call to the number in another campaign: its outcome, when it was recorded (aware), and that
    campaign's rules."""

    outcome: str
    at: datetime
    rules: RetryRules


def rest_minutes(outcome: str, here: RetryRules, there: RetryRules) -> int:
    """Return how many minutes a number rests `here` after a call with this outcome `there`.

    0 means that the number need not rest. This is so if nobody's phone rang, or if other rules
    already keep the number from being called because it is dead or suppressed. It is also so for an
    outcome that is no longer offered.
    """
    return max(_minutes(outcome, here), _minutes(outcome, there))


def number_rests_until(calls: Iterable[CallElsewhere], here: RetryRules) -> datetime | None:
    """Return the moment at which the number has rested long enough `here` after all of these calls
    in other campaigns, or None if none of the calls makes it rest. The returned moment may be in
    the past."""
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
