"""Summarises many simulated evenings of calling as a few figures for an organiser."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from phonebank.pacing_simulation.evening import Result

# This many standard errors to each side of a mean make a 95% interval.
INTERVAL = 1.96


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a figure over one or more evenings, and half the width of this mean's 95%
    confidence interval. For one evening, the half width is 0."""

    value: float
    half_width: float

    @classmethod
    def over(cls, numbers: Sequence[float]) -> "Mean":
        half = INTERVAL * stdev(numbers) / sqrt(len(numbers)) if len(numbers) > 1 else 0.0
        return cls(fmean(numbers), half)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures for one kind of evening."""

    evenings: int
    conversations: Mean  # people joined with a caller, for each caller and hour
    waiting: Mean  # seconds from when a caller is ready until the next call
    share: Mean  # of the people who answered, the share who were abandoned, by the estimate
    worst_share: float  # of any evening
    worst_true_share: float  # of any evening, as only a simulation can know it
    days_over: int  # evenings above the ceiling, by the estimate
    days_truly_over: int  # evenings above the ceiling, as only a simulation can know
    dialled: float  # lines, for each caller and hour


def figures(results: Sequence[Result], ceiling: float) -> Figures:
    """Summarise evenings of one kind. The law limits how many of a day's answered calls may be
    abandoned. `ceiling` is the largest share that is allowed (0.03 is 3%)."""
    shares = [result.account.estimated_share() for result in results]
    true_shares = [result.true_share for result in results]
    return Figures(
        evenings=len(results),
        conversations=Mean.over([result.people / result.hours for result in results]),
        waiting=Mean.over([result.waited_seconds / max(1, result.waits) for result in results]),
        share=Mean.over(shares),
        worst_share=max(shares),
        worst_true_share=max(true_shares),
        days_over=sum(share > ceiling for share in shares),
        days_truly_over=sum(share > ceiling for share in true_shares),
        dialled=sum(result.dialled for result in results) / sum(r.hours for r in results),
    )
