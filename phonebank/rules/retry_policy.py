"""What becomes of a contact after a call, and when they may be rung again. Pure.

The outcome, the campaign's RetryRules and the contact's history go in; what comes out is written
down by `callers.standing`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from phonebank.rules.calling_hours import WeekHours, next_callable, next_contact_date
from phonebank.rules.countries import CountryRules
from phonebank.rules.outcomes import NOT_AN_ATTEMPT, NextState, Outcome, outcome_of
from phonebank.rules.retry_rules import RetryRules

# A contact whose hours never come (a campaign without open hours) is looked at again then.
FAR_AWAY = timedelta(days=60)

# Past this, waiting for another time of day costs more than it gains (hours that are all evenings,
# a weekend in between): then any callable moment will do.
_WAIT_FOR_ANOTHER_TIME_OF_DAY = timedelta(days=3)


@dataclass(frozen=True)
class Decision:
    """What becomes of a contact after a call. Moments are UTC and inside calling hours.

    state                 SUPPRESSED is for the number, everywhere, and `suppress_reason` says why
    callable_at           when they may be rung again, if `state` is CALLABLE; None then means not
                          within 60 days as the hours stand: look again when the hours change
    rested_at             when they would be callable at any hour and time of day: what
                          `callable_at` comes from, and comes from again when the hours change
    promised              that moment was promised to them
    counted               the call was an attempt
    number_bad            this person is not to be had on this number: try their next, if any
    number_dead           nor is anybody else
    household_rest_until  leave the others on the number in peace until then; None, no need. Not for
                          this contact: a promised callback may be sooner
    household_rested_at   the same of the others as `rested_at` of this contact
    tag_language          ask which language, and hand out only to callers who speak it
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
        """`callable_at`, where it was promised."""
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
    """What becomes of a contact whose call ended with outcome `key` at `at`.

    The counts are from before this call: attempts ever, attempts on the contact's date of today
    (`calling_hours.contact_date`), and calls that ended with this same outcome.

    `callback_at`, for an outcome in TAKES_CALLBACK, is the time they asked for; it is moved to the
    next callable moment and honoured however many attempts there were. For one in NOT_AN_ATTEMPT it
    is the promise that stood before the call, which then stands on after the rest. For any other
    outcome it says nothing.
    Raises UnknownOutcomeError.
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
    # Where nobody answered, the others on the number wait as long as the one who was rung; where
    # it was not rung at all, they need not wait.
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
    """The first moment from `rested` on that is inside calling hours and, where that is asked for
    and comes soon, at another time of day; None if none comes within 60 days."""
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
    """The first moment that is rested, on a day with attempts left."""
    rule = rules.retries[outcome.key]
    rested = at + timedelta(minutes=rule.rest_minutes)
    limits = [rule.a_day_at_most] if rule.a_day_at_most is not None else []
    if outcome.counts_as_attempt:
        limits.append(rules.attempts_a_day_at_most)
    if limits and attempts_today >= min(limits):
        rested = max(rested, next_contact_date(zones, at, country))
    return rested
