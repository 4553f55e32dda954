"""The data classes of the pacing rule: the state of a campaign at one moment, and the rule's
decision. A line is one telephone connection to a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from phonebank.pacing.learned import Learned

# Ofcom's ceiling is 3%. The rule aims at 2.2%, and its bound is at 2.75%. In a country with
# another ceiling, both are in proportion to that ceiling.
AIM_OF_CEILING = 2.2 / 3
BOUND_OF_CEILING = 2.75 / 3


class PacingMode(StrEnum):
    """Which rule decided how many lines to dial."""

    PROGRESSIVE = "progressive"  # one line for each caller who is ready
    PREDICTIVE = "predictive"


class Stop(StrEnum):
    """The reasons why the rule dials no further line."""

    FEW_CALLERS = "few_callers"  # progressive, because there are fewer than five callers
    FEW_ANSWERS = "few_answers"  # progressive, because the day is too young to know its answer rate
    LIMIT = "limit"  # one more line would find nobody free too often
    BOUND = "bound"  # the day would pass its ceiling if the answer rate tripled now
    ENOUGH = "enough"  # as many lines at once as there are callers


@dataclass(frozen=True, slots=True)
class DayAccount:
    """The numbers of a campaign's answered calls since midnight, by how each call ended. If a call
    was abandoned (answered while no caller was free), nobody knows whether a person or a machine
    answered."""

    people: int  # people who were joined with a caller, and not lost
    machines: int  # answering machines and wrong lines that were joined with a caller
    abandoned: int  # answers that found nobody free in time
    lost: int = 0  # people who were joined with a caller who vanished

    @property
    def answers(self) -> int:
        return self.people + self.machines + self.abandoned + self.lost

    @property
    def abandoned_of_answers(self) -> float:
        """How many answers count as abandoned, whether a person or a machine answered.

        `abandoned` counts answers by people and by machines, but `lost` counts only people. So each
        lost call counts as 1 + m. Here, m is the number of machines for each person among the calls
        that were joined with a caller. This assumes that the share of machines is the same among
        lost and abandoned calls as among joined calls.
        """
        if not self.lost:
            return self.abandoned
        return self.abandoned + self.lost * (1 + self.machines / max(1, self.people))

    def estimated_share(self) -> float:
        """Return the abandoned share of the people who answered. Following Ofcom's estimate, the
        share of answering machines among the abandoned calls is taken to be the same as among the
        other calls."""
        abandoned = self.abandoned_of_answers
        all_answers = abandoned + self.people + self.machines
        return abandoned / all_answers if all_answers else 0.0

    def strictest_share(self) -> float:
        """Return the largest possible abandoned share of the people who answered. For this share, a
        person is assumed to have answered every abandoned call."""
        abandoned = self.abandoned + self.lost
        return abandoned / (abandoned + self.people) if abandoned else 0.0


@dataclass(frozen=True, slots=True)
class Law:
    """What a country's law requires of calls dialled by a machine."""

    ceiling: float = 0.03  # the largest abandoned share of a day
    seconds_to_message: float = 2.0  # an answer that finds nobody free for this long is abandoned

    @property
    def aim(self) -> float:
        return self.ceiling * AIM_OF_CEILING

    @property
    def bound(self) -> float:
        return self.ceiling * BOUND_OF_CEILING


OFCOM = Law()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one campaign at one moment. Ages are in seconds."""

    ready: int  # callers who wait for a person
    talking: Sequence[float]  # the age of each talk
    wrapping_up: Sequence[float]  # how long each of these callers' last talk has been over
    ringing: Sequence[float]  # the age of each line that nobody has answered yet
    waiting: int  # people who have answered and are not joined with a caller yet
    account: DayAccount
    learned: Learned
    law: Law = OFCOM

    @property
    def callers(self) -> int:
        return self.ready + len(self.talking) + len(self.wrapping_up)


@dataclass(frozen=True, slots=True)
class Decision:
    """How many lines to dial now, and the figures on which the rule based this decision."""

    lines: int
    mode: PacingMode
    stop: Stop | None
    # The following fields are None for the progressive rule. `chance` and `exposure` belong to the
    # last line that passed both checks, and are None if no line did.
    answer_bound: float | None = None  # the answer rate that the rule assumed
    limit: float | None = None  # the largest chance that the rule allowed
    chance: float | None = None  # the chance that no caller is free
    allowed: int | None = None  # how many more calls might be abandoned within the bound
    exposure: int | None = None  # answers that would find nobody free if the rate tripled
