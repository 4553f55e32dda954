"""What a campaign has learned about its own calls: ring times, talk lengths, the answer rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, sqrt

LONGEST_RING = 30  # seconds; a line that rings longer counts as one that rings so long

# A rate that the true answer rate exceeds once in ten times (one-sided).
SURENESS = 1.28
# The last minute has jumped if it has so many standard deviations more answers than expected.
JUMP = 2.0


@dataclass(frozen=True, eq=False)
class RingTimes:
    """After how many seconds people answer, among those who answer.

    `answered_before[s]` is the share that had answered before second s, from 0 to LONGEST_RING.
    Two of them are the same only if they are the same object, so tables are kept for each.
    """

    answered_before: tuple[float, ...]

    @classmethod
    def from_counts(cls, counts: Sequence[float]) -> "RingTimes":
        """Make them from the number of answers in each second of ringing."""
        total = sum(counts)
        return cls((0.0, *(so_far / total for so_far in accumulate(counts))))

    def before(self, second: int) -> float:
        """Return the share that had answered before this second."""
        return self.answered_before[min(second, LONGEST_RING)]


@dataclass(frozen=True, eq=False)
class Lengths:
    """How long something lasts, as a rate of ending for each age: talks, or wrap-ups.

    `ended_before[b]` is the rate of ending, added up over all ages before `b * width` seconds.
    After the last of them the mean rate goes on.
    """

    width: float  # seconds
    mean: float  # seconds
    ended_before: tuple[float, ...]

    @classmethod
    def from_counts(
        cls, ended: Sequence[float], seconds: Sequence[float], width: float, guess: float
    ) -> "Lengths":
        """Make them from how many ended in each step of age, and how long all spent in it.

        `guess` is the mean length, in seconds, that counts until there is something to learn from.
        It weighs five endings, and twice in each step.
        """
        mean = (sum(seconds) + 5 * guess) / (sum(ended) + 5)
        rates = (
            (gone + 2 * width / mean) / (spent / width + 2)
            for gone, spent in zip(ended, seconds, strict=True)
        )
        return cls(width, mean, (0.0, *accumulate(rates)))

    def added_up(self, age: float) -> float:
        """Return the rate of ending, added up to an age in seconds."""
        last = len(self.ended_before) - 1
        step = age / self.width
        if step >= last:
            return self.ended_before[last] + (age - last * self.width) / self.mean
        whole = int(step)
        here, next_ = self.ended_before[whole], self.ended_before[whole + 1]
        return here + (step - whole) * (next_ - here)

    def chance_to_end(self, age: float, within: float) -> float:
        """Return the chance that what has lasted `age` seconds ends `within` seconds."""
        if within <= 0:
            return 0.0
        return 1 - exp(self.added_up(age) - self.added_up(age + within))


@dataclass(frozen=True, slots=True)
class Learned:
    """All that is learned, at one moment."""

    tried: float  # lately dialled lines whose ringing is over; old ones fade
    answered: float  # how many of them somebody or a machine answered
    last_minute: float  # answers in the last minute; older ones fade
    expected: float  # answers that the last minute should have had
    ring: RingTimes
    talk: Lengths
    wrap_up: Lengths

    @property
    def answer_rate(self) -> float:
        return self.answered / self.tried

    def answer_bound(self) -> float:
        """Return an upper bound on the answer rate. It jumps when the last minute does."""
        rate = self.answer_rate
        bound = rate + SURENESS * sqrt(rate * (1 - rate) / self.tried)
        if self.last_minute > self.expected + JUMP * sqrt(self.expected + 1):
            bound = max(bound, rate * (self.last_minute + 1) / (self.expected + 1))
        return min(0.95, bound)
