"""A campaign's retry rules say when people are called again. Organisers may change the rules.

The default rules follow the common practice of phone banks and dialling software, unless a comment
names another source. By common practice, there are three or four tries in all, and two a day. After
no answer, the next try usually comes two to four hours later, at a different time of day. After a
busy tone, the next try usually comes fifteen to thirty minutes later. After a call that went to
voicemail, the next try usually comes the next day. If the caller left a message, the next try
usually comes two or more days later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self


class RetryRulesError(ValueError):
    """The error for retry rules that cannot be used.

    `faults` has a sentence about each fault. The person who typed the rules can read these
    sentences. A key of `faults` is a field (such as "attempts_at_most" or
    "no_answer.rest_minutes"), an outcome, or "" for the rules as a whole.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


@dataclass(frozen=True)
class RetryRule:
    """The rule for calling a person again after one outcome.

    rest_minutes         the wait before the next try
    another_time_of_day  the next try is in another part of the day (morning, afternoon or evening),
                         if calls are allowed in another part within three days after the wait
    retries_at_most      how often this outcome may lead to another try (None for no separate limit)
    a_day_at_most        after this many attempts in a day, the next try is on another day. None
                         means that only the campaign's limit applies
    """

    rest_minutes: int
    another_time_of_day: bool = False
    retries_at_most: int | None = None
    a_day_at_most: int | None = None


_HOURS = 60
_DAYS = 24 * _HOURS
# Minutes in each unit that forms offer, the largest first.
UNITS = {"days": _DAYS, "hours": _HOURS, "minutes": 1}

_DEFAULT_RETRIES: dict[str, RetryRule] = {
    "no_answer": RetryRule(3 * _HOURS, another_time_of_day=True),
    "answerphone": RetryRule(
        12 * _HOURS, another_time_of_day=True, retries_at_most=2, a_day_at_most=1
    ),
    "left_message": RetryRule(
        2 * _DAYS, another_time_of_day=True, retries_at_most=1, a_day_at_most=1
    ),
    "busy": RetryRule(20, retries_at_most=3),
    "partial": RetryRule(12 * _HOURS, retries_at_most=1, a_day_at_most=1),
    "call_back": RetryRule(
        12 * _HOURS, another_time_of_day=True, retries_at_most=2, a_day_at_most=1
    ),
    "bad_time": RetryRule(
        12 * _HOURS, another_time_of_day=True, retries_at_most=1, a_day_at_most=1
    ),
    "hung_up": RetryRule(12 * _HOURS, another_time_of_day=True, retries_at_most=1, a_day_at_most=1),
    "language_barrier": RetryRule(1 * _HOURS, retries_at_most=2),
    # After three failures an organiser should check the number.
    "line_fault": RetryRule(1 * _HOURS, retries_at_most=2),
    # Skips have no limit. A person that every caller skips stays in the queue, and the organiser
    # sees them there.
    "skipped": RetryRule(15),
}

# The lowest and highest values that organisers may set. The German trade code and the laws of
# Florida and Oklahoma allow at most three attempts a day.
_LIMITS: dict[str, tuple[int, int]] = {
    "attempts_at_most": (1, 20),
    "attempts_a_day_at_most": (1, 3),
    "household_rest_minutes": (0, 30 * _DAYS),
    "rest_minutes": (1, 90 * _DAYS),
    "retries_at_most": (0, 20),
    "a_day_at_most": (1, 3),
}
_WORDS = {
    "attempts_at_most": "Maximum attempts",
    "attempts_a_day_at_most": "Maximum attempts a day",
    "household_rest_minutes": "Wait for others on the same number",
    "rest_minutes": "wait",
    "another_time_of_day": "another time of day",
    "retries_at_most": "maximum further tries",
    "a_day_at_most": "maximum tries a day",
}
_MAY_BE_EMPTY = {"retries_at_most", "a_day_at_most"}


@dataclass(frozen=True)
class RetryRules:
    """A campaign's retry rules.

    `attempts_at_most` and `attempts_a_day_at_most` limit the attempts to reach one person, whatever
    the outcomes of the attempts. A promised callback is made even if a limit is reached. After an
    answered call, the other people with the same number are not called until
    `household_rest_minutes` have passed. `retries` has a rule for every outcome in
    `outcomes.RETRIED`.
    """

    attempts_at_most: int
    attempts_a_day_at_most: int
    household_rest_minutes: int
    retries: Mapping[str, RetryRule]

    @classmethod
    def default(cls) -> Self:
        """Return the default rules, which a new campaign has."""
        return cls(
            attempts_at_most=4,
            attempts_a_day_at_most=2,
            household_rest_minutes=1 * _DAYS,
            retries=_DEFAULT_RETRIES,
        )

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the default rules with the changes in `data` applied. {} changes nothing.

        `data` is JSON: {"attempts_at_most": 3, "outcomes": {"no_answer": {"rest_minutes": 240}}}
        Raises RetryRulesError if there is a fault. The error names every invalid field, and not
        only the first.
        """
        if not isinstance(data, Mapping):
            raise RetryRulesError({"": "The retry rules must be a set of fields."})
        faults: dict[str, str] = {}
        rules = cls.default()
        overall = _check_fields(data, rules, "", faults, also={"outcomes"})
        retries = dict(rules.retries)
        changes = data.get("outcomes", {})
        if not isinstance(changes, Mapping):
            faults["outcomes"] = "The rules for outcomes must be a set of outcomes."
            changes = {}
        for key, change in changes.items():
            if key not in retries:
                faults[str(key)] = f"{_label(key)}: nobody is called again after this outcome."
            elif not isinstance(change, Mapping):
                faults[str(key)] = f"{_label(key)}: its rule must be a set of fields."
            else:
                retries[key] = replace(
                    retries[key], **_check_fields(change, retries[key], str(key), faults)
                )
        if faults:
            raise RetryRulesError(faults)
        return replace(rules, retries=retries, **overall)

    def to_json(self) -> dict[str, Any]:
        """Return all the rules, in the form that `parse` reads."""
        return {
            "attempts_at_most": self.attempts_at_most,
            "attempts_a_day_at_most": self.attempts_a_day_at_most,
            "household_rest_minutes": self.household_rest_minutes,
            "outcomes": {key: dict(vars(rule)) for key, rule in self.retries.items()},
        }

    def changes(self) -> dict[str, Any]:
        """Return only the differences from the default rules, in the form that `parse` reads.

        Only the differences are stored. So if a release improves the default of a field, every
        campaign that has not changed this field gets the new default.
        """
        own, usual = self.to_json(), RetryRules.default().to_json()
        outcomes, usual_outcomes = own.pop("outcomes"), usual.pop("outcomes")
        changes = _differences(own, usual)
        changed_outcomes = {
            key: changed
            for key, rule in outcomes.items()
            if (changed := _differences(rule, usual_outcomes[key]))
        }
        return changes | ({"outcomes": changed_outcomes} if changed_outcomes else {})


def in_largest_unit(minutes: int) -> tuple[int, str]:
    """Convert minutes to the largest unit that gives a whole number: 720 is (12, "hours")."""
    for unit, size in UNITS.items():
        if minutes and minutes % size == 0:
            return minutes // size, unit
    return minutes, "minutes"


def duration_in_words(minutes: int) -> str:
    """Return a duration in words, such as "12 hours", "1 day" or "90 minutes". 0 is "none"."""
    number, unit = in_largest_unit(minutes)
    return "none" if not number else f"{number} {unit if number > 1 else unit.removesuffix('s')}"


def rule_in_words(rule: RetryRule) -> str:
    """Return a rule in words, such as "after 3 hours, at another time of day, at most 2 times"."""
    if rule.retries_at_most == 0:
        return "not again"
    words = [f"after {duration_in_words(rule.rest_minutes)}"]
    if rule.another_time_of_day:
        words.append("at another time of day")
    if rule.a_day_at_most == 1:
        words.append("on another day")
    elif rule.a_day_at_most:
        words.append(f"at most {rule.a_day_at_most} tries a day")
    if rule.retries_at_most:
        times = rule.retries_at_most
        words.append("once" if times == 1 else f"at most {times} times")
    return ", ".join(words)


def _differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if value != other[key]}


def _check_fields(
    data: Mapping[Any, Any],
    current: RetryRules | RetryRule,
    outcome: str,
    faults: dict[str, str],
    also: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the valid fields of `data`, and add a sentence to `faults` for every invalid field.
    The fields in `also` are allowed, but are neither checked nor returned."""
    good: dict[str, Any] = {}
    for field, value in data.items():
        place = f"{outcome}.{field}" if outcome else str(field)
        words = f"{_label(outcome)}, {_WORDS.get(field)}" if outcome else _WORDS.get(field)
        if field in also:
            continue
        if field not in vars(current) or field not in _WORDS:
            faults[place] = f"“{place}” is not a field of the retry rules."
        elif field == "another_time_of_day":
            if isinstance(value, bool):
                good[field] = value
            else:
                faults[place] = f"{words}: choose yes or no, not “{value}”."
        elif value is None and field in _MAY_BE_EMPTY:
            good[field] = None
        else:
            least, most = _LIMITS[field]
            if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
                good[field] = value
            else:
                faults[place] = f"{words}: {_range(field, least, most)}{_instead_of(field, value)}."
    return good


def _range(field: str, least: int, most: int) -> str:
    if field.endswith("_minutes"):
        return f"write a time from {duration_in_words(least)} to {duration_in_words(most)}"
    return f"write a whole number from {least} to {most}"


def _instead_of(field: str, value: object) -> str:
    if field.endswith("_minutes") and isinstance(value, int):
        value = duration_in_words(value)
    return f", not “{value}”" if value not in ("", None) else ""


def _label(key: object) -> str:
    return str(key).replace("_", " ").capitalize()
