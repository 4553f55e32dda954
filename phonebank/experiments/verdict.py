"""Describe in plain sentences what an experiment shows so far. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from phonebank.experiments.interim_looks import ERROR, Look, error_at
from phonebank.experiments.intervals import MIN_OF_EACH_KIND, MIN_PEOPLE, Interval
from phonebank.experiments.sample_ratio import FALSE_ALARMS, Imbalance

# Organisers do not plan a phone bank further ahead than half a year.
MAX_DAYS_AHEAD = 180


@dataclass(frozen=True)
class Measure:
    """A measure for comparing two arms (compared scripts), and the words that describe the measure.

    `of` is the text that follows a figure, such as "of the people reached". For a rate, `did` says
    what a person must have done to count, such as "said yes".
    """

    name: str
    of: str
    is_rate: bool
    did: str = ""

    def figure(self, value: float) -> str:
        """Format one arm's figure, such as 23.4% or +1.3."""
        return f"{100 * value:.1f}%" if self.is_rate else _format_signed(value)

    def amount(self, value: float) -> str:
        """Format the size of a difference, without its sign."""
        return f"{abs(100 * value if self.is_rate else value):.1f}"

    @property
    def unit(self) -> str:
        """The unit of a difference, in words."""
        return "percentage points" if self.is_rate else "points on the scale"


YES = Measure("yes rate", "of the people reached", is_rate=True, did="said yes")
SHIFT = Measure("shift between the ratings", "on average", is_rate=False)
CONVERSATIONS = Measure(
    "conversation rate", "of the people reached", is_rate=True, did="had a conversation"
)


@dataclass(frozen=True)
class Comparison:
    """The comparison of one of an experiment's later arms (`second`) with the first arm (`first`).

    `difference` (second minus first) and `figures` (one for each arm) are None if there are too few
    people for a comparison. `more` is how many more conversations are needed to show a difference.
    `more` is None if there are too few people, if the conversations would take too long, or if the
    experiment has stopped. `main` is the main measure of the two arms, if `measure` is another one.
    """

    measure: Measure
    first: str
    second: str
    figures: tuple[float, float] | None = None
    difference: Interval | None = None
    more: int | None = None
    stopped: bool = False
    main: Measure | None = None

    @property
    def shows_a_difference(self) -> bool:
        """Whether the interval of the difference excludes zero."""
        return self.difference is not None and bool(self.difference.excludes_zero)


def describe_comparison(comparison: Comparison) -> list[str]:
    """Return sentences that say what the comparison shows, with the main point first."""
    if comparison.difference is None or comparison.figures is None:
        return _describe_too_few(comparison)
    if comparison.shows_a_difference:
        return _describe_difference(comparison, comparison.difference, comparison.figures)
    return _describe_no_difference(comparison, comparison.difference)


def describe_imbalance(label: str, found: Imbalance) -> list[str]:
    """Return sentences that say which arm has too few or too many people, and what that means."""
    verb = "few" if found.number < found.share * found.people else "many"
    return [
        f"Too {verb} people had {label}: {found.number:,} of the {found.people:,} people called,"
        f" but its share of {100 * found.share:.0f}% should give about"
        f" {round(found.share * found.people):,}.",
        f"Chance alone does this in fewer than {round(100 * FALSE_ALARMS)} in 100 experiments."
        " Don't trust the comparison until you know why. Most likely some calls with one of the"
        " scripts are never recorded, because callers give up or the page fails.",
    ]


def conversations_needed(
    difference: Interval, error: float, look: Look, conversations: int, comparisons: int = 1
) -> int | None:
    """Return how many more conversations are needed to show that the difference is not zero.

    Return None if so many conversations would take more than half a year at the pace so far. The
    number is only a forecast, because it assumes that the observed difference is the true one.
    `error` is the probability that the interval misses the true difference. `conversations` is the
    number of conversations up to the look. `comparisons` is the number of comparisons that share
    the error of a look.
    """
    from scipy.stats import norm

    one_error = (difference.high - difference.low) / 2 / norm.isf(error / 2)
    for days in range(1, MAX_DAYS_AHEAD + 1):
        grown = (look.number + days) / look.number
        width = norm.isf(error_at(look.number + days) / comparisons / 2) * one_error
        if width / grown**0.5 < abs(difference.seen):
            return round(conversations * (grown - 1))
    return None


def round_forecast(number: int) -> str:
    """Format a forecast as a rounded number, because a forecast is not precise. A number from 10 to
    99 is rounded up to a multiple of 10. A larger number is rounded up to two significant figures.
    A smaller number is not rounded."""
    step = 10 ** max(len(str(number)) - 2, 0)
    step = max(step, 10) if number >= 10 else 1
    return f"{-(-number // step) * step:,}"


def _describe_too_few(comparison: Comparison) -> list[str]:
    measure = comparison.measure
    stopped = comparison.stopped
    sentence = (
        f"Too {'few people' if stopped else 'early'} to compare the {measure.name} of"
        f" {comparison.first} and {comparison.second}."
    )
    needs = f"{'That takes' if stopped else 'You need'} {MIN_PEOPLE} people"
    if measure.is_rate:
        needs += (
            f" reached with each script, and among all of them at least {MIN_OF_EACH_KIND} who"
            f" {measure.did} and {MIN_OF_EACH_KIND} who did not."
        )
    else:
        needs += " with each script who gave both ratings."
    return [sentence, needs]


def short_names(labels: Sequence[str]) -> list[str]:
    """Return short names of the arms, for use in sentences. If every label names a version of the
    same script, such as "Main script, version 2", each short name is only the version, such as
    "version 2". Otherwise return the labels."""
    parts = [label.rpartition(", version ") for label in labels]
    if len({name for name, _, _ in parts}) == 1 and all(name for name, _, _ in parts):
        return [f"version {number}" for _, _, number in parts]
    return list(labels)


def _describe_difference(
    comparison: Comparison, difference: Interval, figures: tuple[float, float]
) -> list[str]:
    measure = comparison.measure
    word = "higher" if difference.seen > 0 else "lower"
    least, most = sorted((abs(difference.low), abs(difference.high)))
    sentences = [
        f"The {measure.name} of {comparison.second} is {word} than that of {comparison.first}:"
        f" {measure.figure(figures[1])} against {measure.figure(figures[0])} {measure.of}.",
        f"With 95% certainty, the true difference is between {measure.amount(least)} and"
        f" {measure.amount(most)} {measure.unit}.",
    ]
    if comparison.main:
        sentences.append(
            f"But decide by the {comparison.main.name}. The {measure.name} is a second measure,"
            f" with a {100 * ERROR:.0f}% chance of its own to show a difference that is not there."
        )
    return sentences


def _describe_no_difference(comparison: Comparison, difference: Interval) -> list[str]:
    measure = comparison.measure
    shown = "was shown" if comparison.stopped else "shown yet"
    sentences = [
        f"No difference {shown} in the {measure.name} of {comparison.first} and"
        f" {comparison.second}.",
        f"If there is one, {comparison.second} is at most {measure.amount(difference.low)}"
        f" {measure.unit} lower, and at most {measure.amount(difference.high)} higher.",
    ]
    if comparison.stopped:
        return sentences
    if comparison.more is None:
        sentences.append(
            "At this rate it would take more than half a year to tell a difference this small from"
            " chance. Consider stopping."
        )
    else:
        seen = f"{measure.amount(difference.seen)} {measure.unit}"
        sentences.append(
            f"At this rate about {round_forecast(comparison.more)} more conversations will show it,"
            f" if the difference stays at the {seen} seen so far."
        )
    return sentences


def _format_signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
