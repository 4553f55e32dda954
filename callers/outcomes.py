"""The outcomes of a call, what each does to the person, and when they may be rung again. Pure.

OUTCOMES is the list, as data. `decide` puts it together with the campaign's RetryRules and the
contact's history: it says what becomes of the contact, and does nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from callers.calling_hours import WeekHours, next_callable, next_contact_date
from callers.retry_rules import RetryRules as RetryRules  # sought here, beside `decide`
from phonebank.country_rules import CountryRules

Effect = Literal["retry", "finish", "suppress", "unusable"]
State = Literal["callable", "finished", "suppressed", "unusable"]
Group = Literal["quick", "reached", "number", "never", "skip"]

# The rows of buttons on the caller's screen, in order, with their headings.
GROUPS: dict[Group, str] = {
    "quick": "Nobody came to the phone",
    "reached": "Somebody answered",
    "number": "The number is wrong",
    "never": "Never ring again",
    "skip": "Not now",
}


class UnknownOutcome(ValueError):
    """There is no outcome of that key; the text is fit to show."""


@dataclass(frozen=True)
class Outcome:
    """One way a call can end.

    `reached`: a person answered, whoever it was. `counts_as_attempt`: the phone rang at their end
    because of us. `effect`: what becomes of the contact. `takes_callback`: the caller may give a
    time to ring back. `number_bad`: no use for this person; `number_dead`: no use for anybody.
    """

    key: str
    label: str
    help: str
    group: Group
    reached: bool
    effect: Effect
    counts_as_attempt: bool = True
    takes_callback: bool = False
    suppress_reason: str | None = None
    number_bad: bool = False
    number_dead: bool = False
    tag_language: bool = False
    exhausted: State = "finished"


OUTCOMES: dict[str, Outcome] = {
    outcome.key: outcome
    for outcome in (
        Outcome(
            "no_answer",
            "No answer",
            "It rang for a quarter of a minute or more and nobody picked up.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "answerphone",
            "Answerphone",
            "A machine answered and you left no message.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "left_message",
            "Left a message",
            "You spoke a message on their answerphone yourself.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "busy",
            "Busy",
            "The engaged tone.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "talked",
            "We talked",
            "You talked with the right person and came to the end.",
            "reached",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "partial",
            "We began to talk",
            "They had to go before the end and would not mind another call.",
            "reached",
            reached=True,
            effect="retry",
            takes_callback=True,
        ),
        Outcome(
            "call_back",
            "Call back",
            "They asked to be rung at another time. Say when, if they did.",
            "reached",
            reached=True,
            effect="retry",
            takes_callback=True,
        ),
        Outcome(
            "bad_time",
            "Not a good time",
            "Somebody answered, but not the person, or they could not talk now.",
            "reached",
            reached=True,
            effect="retry",
            takes_callback=True,
        ),
        Outcome(
            "hung_up",
            "Hung up",
            "They put the phone down before they knew why you rang.",
            "reached",
            reached=True,
            effect="retry",
        ),
        Outcome(
            "refused",
            "Would not talk",
            "They knew why you rang and did not want to talk. We leave them be in this campaign.",
            "reached",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "language_barrier",
            "Another language",
            "You had no language in common. A caller who speaks theirs can try.",
            "reached",
            reached=True,
            effect="retry",
            tag_language=True,
        ),
        Outcome(
            "not_suitable",
            "Should not be rung",
            "A child, or somebody unwell or confused. We leave them be in this campaign.",
            "reached",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "wrong_number",
            "Wrong number",
            "Somebody else answered who does not know them.",
            "number",
            reached=True,
            effect="unusable",
            number_bad=True,
        ),
        Outcome(
            "disconnected",
            "Not in service",
            "A recording or tone says the number does not exist, or it is a fax.",
            "number",
            reached=False,
            effect="unusable",
            number_bad=True,
            number_dead=True,
        ),
        Outcome(
            "moved",
            "Moved away",
            "They no longer live there.",
            "number",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "line_fault",
            "The call failed",
            "Your phone or the network failed: it never rang.",
            "number",
            reached=False,
            effect="retry",
            counts_as_attempt=False,
            exhausted="unusable",
        ),
        Outcome(
            "do_not_call",
            "Do not call",
            "They asked never to be called again. Nobody rings this number any more.",
            "never",
            reached=True,
            effect="suppress",
            suppress_reason="asked",
        ),
        Outcome(
            "deceased",
            "Has died",
            "Say how sorry you are, and goodbye. Nobody rings this number any more.",
            "never",
            reached=True,
            effect="suppress",
            suppress_reason="deceased",
        ),
        Outcome(
            "skipped",
            "Skip",
            "You did not ring, perhaps because you know them. Somebody else will.",
            "skip",
            reached=False,
            effect="retry",
            counts_as_attempt=False,
        ),
    )
}


def _keys(of: Iterable[Outcome]) -> frozenset[str]:
    return frozenset(outcome.key for outcome in of)


# A person answered, the right one or not: "contacts" in the words of other phone banks.
REACHED = _keys(o for o in OUTCOMES.values() if o.reached)
# The person talked to the end. Whether a partial talk is a conversation, its answers tell.
COMPLETED = frozenset({"talked"})
RETRIED = _keys(o for o in OUTCOMES.values() if o.effect == "retry")
FINAL = frozenset(OUTCOMES) - RETRIED
SUPPRESSES = _keys(o for o in OUTCOMES.values() if o.effect == "suppress")
BAD_NUMBER = _keys(o for o in OUTCOMES.values() if o.number_bad)
TAKES_CALLBACK = _keys(o for o in OUTCOMES.values() if o.takes_callback)
NOT_AN_ATTEMPT = _keys(o for o in OUTCOMES.values() if not o.counts_as_attempt)


def outcome_of(key: str) -> Outcome:
    """The outcome of that key. Raises UnknownOutcome."""
    if key not in OUTCOMES:
        raise UnknownOutcome(f"“{key}” is not an outcome of a call.")
    return OUTCOMES[key]


def label_of(key: str) -> str:
    """What people read for an outcome; the key itself for one that is no longer offered."""
    return OUTCOMES[key].label if key in OUTCOMES else key


# Past this, waiting for another time of day costs more than it gains (hours that are all evenings,
# a weekend in between): then any callable moment will do.
_WAIT_FOR_ANOTHER_TIME_OF_DAY = timedelta(days=3)


@dataclass(frozen=True)
class Decision:
    """What becomes of a contact after a call. Moments are UTC and inside calling hours.

    state                 "suppressed" is for the number, everywhere, and `suppress_reason` says why
    callable_at           when they may be rung again, if `state` is "callable"; None then means not
                          within 60 days as the hours stand: look again when the hours change
    rested_at             when they would be callable at any hour and time of day: what
                          `callable_at` comes from, and comes from again when the hours change
    callback_at           the same moment as `callable_at`, where it was promised to them
    counted               the call was an attempt
    number_bad            this person is not to be had on this number: try their next, if any
    number_dead           nor is anybody else
    household_rest_until  leave the others on the number in peace until then; None, no need. Not for
                          this contact: a promised callback may be sooner
    household_rested_at   the same of the others as `rested_at` of this contact
    tag_language          ask which language, and hand out only to callers who speak it
    """

    state: State
    counted: bool
    callable_at: datetime | None = None
    rested_at: datetime | None = None
    callback_at: datetime | None = None
    suppress_reason: str | None = None
    number_bad: bool = False
    number_dead: bool = False
    household_rest_until: datetime | None = None
    household_rested_at: datetime | None = None
    tag_language: bool = False


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
    Raises UnknownOutcome.
    """
    outcome = outcome_of(key)

    def callable_from(moment: datetime) -> datetime | None:
        return next_callable(zones, moment, hours, country)

    rested = at + timedelta(minutes=rules.household_rest_minutes)
    after_household_rest = callable_from(rested) or rested
    decision = Decision(
        state="finished",
        counted=outcome.counts_as_attempt,
        suppress_reason=outcome.suppress_reason,
        number_bad=outcome.number_bad,
        number_dead=outcome.number_dead,
        household_rest_until=after_household_rest,
        household_rested_at=rested,
        tag_language=outcome.tag_language,
    )
    if outcome.effect == "suppress":
        return replace(decision, state="suppressed", household_rest_until=None)
    if outcome.effect == "unusable":
        return replace(
            decision,
            state="unusable",
            household_rest_until=None if outcome.number_dead else after_household_rest,
        )
    if outcome.effect == "finish":
        return decision
    if outcome.takes_callback and callback_at is not None:
        asked = max(at, callback_at)
        promised = callable_from(asked)
        return replace(
            decision,
            state="callable",
            callable_at=promised,
            rested_at=asked,
            callback_at=promised,
        )

    rested = _rested(
        outcome,
        rules,
        attempts_today=attempts_today_before + outcome.counts_as_attempt,
        at=at,
        zones=zones,
        country=country,
    )
    elsewhen = at if rules.retries[key].another_time_of_day else None
    again = callable_again(rested, elsewhen, zones, hours, country)
    # Where nobody answered, the others on the number wait as long as the one who was rung; where
    # it was not rung at all, they need not wait.
    if key == "skipped":
        decision = replace(decision, household_rest_until=None)
    elif not outcome.reached and again is not None:
        decision = replace(decision, household_rest_until=again, household_rested_at=rested)
    if _is_exhausted(outcome, rules, attempts_before, same_outcome_before):
        return replace(decision, state=outcome.exhausted)
    still_promised = again if callback_at is not None and key in NOT_AN_ATTEMPT else None
    return replace(
        decision,
        state="callable",
        callable_at=again,
        rested_at=rested,
        callback_at=still_promised,
    )


def callable_again(
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


def _rested(
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
