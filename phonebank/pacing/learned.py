"""What is known about a campaign's calls: ring times, the lengths of talks and wrap-ups (a caller's
work after a talk), and the answer rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, sqrt

LONGEST_RING = 30  # seconds; a line that rings longer counts as one that rings this long

# The bound is this many standard errors above the rate. The true rate exceeds it once in ten times.
SURENESS = 1.28
# The rate has jumped if the last minute has this many standard deviations more answers than
# expected.
JUMP = 2.0


@dataclass(frozen=True, eq=False)
class RingTimes:
    """How many seconds pass from dialling until a person or a machine answers. Only answered lines
    (telephone connections) are counted.

    `answered_before[s]` is the share of these lines that were answered before second s, for s from
    0 to LONGEST_RING. Two RingTimes are equal only if they are the same object, so a cache of
    tables can use a RingTimes as its key.
    """

    answered_before: tuple[float, ...]

    @classmethod
    def from_counts(cls, counts: Sequence[float]) -> "RingTimes":
        """Make ring times from `counts`, which has the number of answers in each second after
        dialling."""
        total = sum(counts)
        return cls((0.0, *(so_far / total for so_far in accumulate(counts))))

    def before(self, second: int) -> float:
        """Return the share of the answered lines that were answered before this second of ringing.
        All seconds after LONGEST_RING give the same share."""
        return self.answered_before[min(second, LONGEST_RING)]


@dataclass(frozen=True, eq=False)
class Lengths:
    """The lengths of talks, or of wrap-ups (a caller's work after a talk). They are stored as
    rates: at each age, the rate says how quickly the talks or wrap-ups of that age end. The age is
    the time since the talk or wrap-up began.

    `ended_before[b]` is the sum of this rate over all ages before `b * width` seconds. After the
    last of these ages, the rate is 1 / `mean`.
    """

    width: float  # seconds
    mean: float  # seconds
    ended_before: tuple[float, ...]

    @classmethod
    def from_counts(
        cls, ended: Sequence[float], seconds: Sequence[float], width: float, guess: float
    ) -> "Lengths":
        """Make lengths from counts. Age is divided into steps of `width` seconds. For each step,
        `ended` has the number of talks or wrap-ups that ended in the step. `seconds` has the time,
        in seconds, that all talks or wrap-ups together spent in the step.

        `guess` is the mean length, in seconds, that is assumed at first. In the mean length, the
        guess counts as much as five measured talks or wrap-ups. In the rate of each step, the
        overall rate (1 / the mean length) counts as much as two of them.
        """
        mean = (sum(seconds) + 5 * guess) / (sum(ended) + 5)
        rates = (
            (gone + 2 * width / mean) / (spent / width + 2)
            for gone, spent in zip(ended, seconds, strict=True)
        )
        return cls(width, mean, (0.0, *accumulate(rates)))

    def added_up(self, age: float) -> float:
        """Return the rate at which talks or wrap-ups end, summed over all ages up to `age`
        seconds."""
        last = len(self.ended_before) - 1
        step = age / self.width
        if step >= last:
            return self.ended_before[last] + (age - last * self.width) / self.mean
        whole = int(step)
        here, next_ = self.ended_before[whole], self.ended_before[whole + 1]
        return here + (step - whole) * (next_ - here)

    def chance_to_end(self, age: float, within: float) -> float:
        """Return the chance that a talk or wrap-up that has lasted `age` seconds ends in the next
        `within` seconds."""
        if within <= 0:
            return 0.0
        return 1 - exp(self.added_up(age) - self.added_up(age + within))


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known at one moment about a campaign's answers, talks and wrap-ups."""

    tried: float  # dialled lines whose ringing is over; older lines count for less
    answered: float  # how many of these lines a person or a machine answered
    last_minute: float  # answers in about the last minute; older answers count for less
    expected: float  # the value of `last_minute` that the answer rate predicts
    ring: RingTimes
    talk: Lengths
    wrap_up: Lengths

    @property
    def answer_rate(self) -> float:
        return self.answered / self.tried

    def answer_bound(self) -> float:
        """Return a high estimate of the answer rate. The true rate is higher only about once in ten
        times. If the last minute had clearly more answers than expected, the estimate is higher. It
        is at most 0.95."""
        rate = self.answer_rate
        bound = rate + SURENESS * sqrt(rate * (1 - rate) / self.tried)
        if self.last_minute > self.expected + JUMP * sqrt(self.expected + 1):
            bound = max(bound, rate * (self.last_minute + 1) / (self.expected + 1))
        return min(0.95, bound)
