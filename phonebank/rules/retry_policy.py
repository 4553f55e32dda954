"""Decides which state a contact has after a call, and when the contact may be called again.

The decision follows from the outcome, the campaign's RetryRules and calling hours, and the
contact's history. The package `calls` writes the decision to the contact.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from phonebank.rules.calling_hours import next_callable, next_contact_date
from phonebank.rules.countries import CountryRules
from phonebank.rules.outcomes import NOT_AN_ATTEMPT, NextState, Outcome, outcome_of
from phonebank.rules.retry_rules import RetryRules
from phonebank.rules.week_hours import WeekHours

# A contact waits this long if no calling hours lie ahead, as in a campaign without open hours.
FAR_AWAY = timedelta(days=60)

# The next try waits at most this long for another time of day. It would have to wait longer if, for
# example, a campaign calls only in the evening. The next try may then be at any time of day.
_WAIT_FOR_ANOTHER_TIME_OF_DAY = timedelta(days=3)


@dataclass(frozen=True)
class Decision:
    """The decision about a contact after a call. Moments are in UTC. `callable_at` and
    `household_rest_until` are inside calling hours, if there are any within 60 days.

    state                 "suppressed" means that nobody may call the number, in any campaign;
                          `suppress_reason` is the reason
    callable_at           when the contact may be called again, if `state` is "callable". None means
                          not within 60 days
    rested_at             the end of the wait, which may be at any hour of the day. `callable_at` is
                          computed from it, and recomputed when the calling hours change
    promised              the call at `callable_at` will be a callback that was promised
    counted               the call was an attempt
    number_bad            the number does not reach this person: try their next number, if any
    number_dead           the number reaches nobody
    household_rest_until  the other people on the number wait until then. None means that they need
                          not wait. This contact waits until `callable_at` instead, because a
                          promised callback may be sooner
    household_rested_at   the `rested_at` of the other people on the number
    tag_language          the caller is asked which language the person speaks. Then only callers
                          who speak this language get the contact
    """

    state: NextState
    counted: bool
    callable_at: datetime | None = None
    rested_at: datetime | None = None
    promised: bool = False
    suppress_reason: str | None = None
    number_bad: bool = False
    number_dead: bool = False
    household_rest_until: datetime | None = None
    household_rested_at: datetime | None = None
    tag_language: bool = False

    @property
    def callback_at(self) -> datetime | None:
        """Return `callable_at` if the call at that time is a promised callback, and None
        otherwise."""
        return self.callable_at if self.promised else None


def decide(
    key: str,
    *,
    attempts_before: int,
    attempts_today_before: int,
    same_outcome_before: int,
    at: datetime,
    rules: RetryRules,
    zones: tuple[str, ...],
    hours: WeekHours,
    country: CountryRules,
    callback_at: datetime | None = None,
) -> Decision:
    """Return the decision about a contact after a call. `key` is the call's outcome, and `at`
    (aware) is when the outcome was recorded.

    The three counts do not include this call. `attempts_before` counts all attempts on the contact.
    `attempts_today_before` counts only the attempts on the contact's current date
    (`calling_hours.contact_date`). `same_outcome_before` counts the calls with this same outcome.
    If the outcome `is_about_number`, `same_outcome_before` counts only calls to the same number.

    For an outcome in TAKES_CALLBACK, `callback_at` is the time at which the person asked to be
    called, or None. The callback is then at the first callable moment that is at or after that
    time, and not before `at`, even if a limit on attempts has been reached. For an outcome in
    NOT_AN_ATTEMPT, `callback_at` is the time of a callback that was promised earlier, or None. If
    there is a next try, the time of this try replaces the promised time, and the decision is again
    `promised`. For any other outcome, `callback_at` has no effect.

    Raises UnknownOutcomeError if there is no outcome with this key.
    """
    outcome = outcome_of(key)

    def callable_from(moment: datetime) -> datetime | None:
        return next_callable(zones, moment, hours, country)

    rested = at + timedelta(minutes=rules.household_rest_minutes)
    after_household_rest = callable_from(rested) or rested
    decision = Decision(
        state=NextState.FINISHED,
        counted=outcome.counts_as_attempt,
        suppress_reason=outcome.suppress_reason,
        number_bad=outcome.number_bad,
        number_dead=outcome.number_dead,
        household_rest_until=after_household_rest,
        household_rested_at=rested,
        tag_language=outcome.tag_language,
    )
    if outcome.effect == "suppress":
        return replace(decision, state=NextState.SUPPRESSED, household_rest_until=None)
    if outcome.effect == "unusable":
        return replace(
            decision,
            state=NextState.UNUSABLE,
            household_rest_until=None if outcome.number_dead else after_household_rest,
        )
    if outcome.effect == "finish":
        return decision
    if outcome.takes_callback and callback_at is not None:
        asked = max(at, callback_at)
        return replace(
            decision,
            state=NextState.CALLABLE,
            callable_at=callable_from(asked),
            rested_at=asked,
            promised=True,
        )

    rested = _rest_end(
        outcome,
        rules,
        attempts_today=attempts_today_before + outcome.counts_as_attempt,
        at=at,
        zones=zones,
        country=country,
    )
    elsewhen = at if rules.retries[key].another_time_of_day else None
    again = next_try_at(rested, elsewhen, zones, hours, country)
    # After an unanswered call, the other people on the number wait as long as this contact. After a
    # skip they need not wait, because their telephone did not ring.
    if key == "skipped":
        decision = replace(decision, household_rest_until=None)
    elif not outcome.reached and again is not None:
        decision = replace(decision, household_rest_until=again, household_rested_at=rested)
    if _is_exhausted(outcome, rules, attempts_before, same_outcome_before):
        return replace(decision, state=outcome.exhausted)
    return replace(
        decision,
        state=NextState.CALLABLE,
        callable_at=again,
        rested_at=rested,
        promised=callback_at is not None and key in NOT_AN_ATTEMPT,
    )


def next_try_at(
    rested: datetime,
    other_time_of_day_than: datetime | None,
    zones: tuple[str, ...],
    hours: WeekHours,
    country: CountryRules,
) -> datetime | None:
    """Return the first moment inside calling hours that is at or after `rested`, the end of the
    wait. Return None if there is no such moment within 60 days.

    If `other_time_of_day_than` (a moment) is given, return a moment in another part of the day than
    that moment. If there is no such moment within three days after `rested`, any part of the day
    will do.
    """
    if other_time_of_day_than is not None:
        elsewhere = next_callable(
            zones,
            rested,
            hours,
            country,
            other_time_of_day_than=other_time_of_day_than,
            within=_WAIT_FOR_ANOTHER_TIME_OF_DAY,
        )
        if elsewhere is not None:
            return elsewhere
    return next_callable(zones, rested, hours, country)


def _is_exhausted(
    outcome: Outcome, rules: RetryRules, attempts_before: int, same_outcome_before: int
) -> bool:
    retries_at_most = rules.retries[outcome.key].retries_at_most
    if retries_at_most is not None and same_outcome_before >= retries_at_most:
        return True
    return outcome.counts_as_attempt and attempts_before + 1 >= rules.attempts_at_most


def _rest_end(
    outcome: Outcome,
    rules: RetryRules,
    *,
    attempts_today: int,
    at: datetime,
    zones: tuple[str, ...],
    country: CountryRules,
) -> datetime:
    """Return the end of the wait after a call.

    If no more attempts are allowed on the day of the call, the wait ends on a later day.
    """
    rule = rules.retries[outcome.key]
    rested = at + timedelta(minutes=rule.rest_minutes)
    limits = [rule.a_day_at_most] if rule.a_day_at_most is not None else []
    if outcome.counts_as_attempt:
        limits.append(rules.attempts_a_day_at_most)
    if limits and attempts_today >= min(limits):
        rested = max(rested, next_contact_date(zones, at, country))
    return rested
