"""Learns how often and how fast people answer in a campaign, and how long talks and wrap-ups (a
caller's work after a talk) last. It learns this from each line (telephone connection to a person)
and each talk.

All times are in seconds, on one clock that never goes back.
"""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from math import exp

from phonebank.pacing.learned import LONGEST_RING, Learned, Lengths, RingTimes

# Until something is known, three in ten lines are assumed to be answered, in any second from the
# third to the twenty-second.
FIRST_TRIED, FIRST_ANSWERED = 4.0, 1.2
FIRST_RINGS = range(3, 23)
REMEMBERED_LINES = 300.0

TALK_WIDTH, TALK_STEPS, TALK_GUESS = 5.0, 60, 60.0
WRAP_UP_WIDTH, WRAP_UP_STEPS, WRAP_UP_GUESS = 2.0, 30, 10.0

RELEARN_SECONDS = 120.0


class Learner:
    """Collects what the module `rule` must know about one campaign to decide how many lines to
    dial."""

    def __init__(self, ring_seconds: float) -> None:
        """`ring_seconds` is the longest time that a line rings. For the answer rate, every line is
        counted this long after it was dialled. If answered lines were counted sooner than
        unanswered lines, the rate would be too high."""
        self._ring_seconds = ring_seconds
        self._tried, self._answered = FIRST_TRIED, FIRST_ANSWERED
        # When the ringing time of each line ends, and the line's id.
        self._ringing: deque[tuple[float, int]] = deque()
        self._answered_lines: set[int] = set()
        self._rings = [float(second in FIRST_RINGS) for second in range(LONGEST_RING)]
        self._talk = _Ages(TALK_WIDTH, TALK_STEPS, TALK_GUESS)
        self._wrap_up = _Ages(WRAP_UP_WIDTH, WRAP_UP_STEPS, WRAP_UP_GUESS)
        self._last_minute = self._expected = 0.0
        self._seen_at: float | None = None
        self._relearn_at = float("-inf")

    def dialled(self, line: int, at: float) -> None:
        """Learn that a line to a person was dialled at `at`. `line` is the line's id."""
        self._ringing.append((at + self._ring_seconds, line))

    def answered(self, line: int, after: float) -> None:
        """Learn that a person or a machine answered a line `after` seconds after it was dialled."""
        self._answered_lines.add(line)
        self._last_minute += 1
        self._rings[min(int(after), LONGEST_RING - 1)] += 1

    def talk_ended(self, seconds: float) -> None:
        """Learn that a caller's talk with a person or a machine ended after `seconds` seconds."""
        self._talk.ended(seconds)

    def wrap_up_ended(self, seconds: float) -> None:
        """Learn that a caller was ready again `seconds` seconds after the end of a talk."""
        self._wrap_up.ended(seconds)

    def learned(self, now: float, ringing: Sequence[float], talking: Sequence[float]) -> Learned:
        """Return what is known now. `ringing` has the age of each ringing line, and `talking` has
        the age of each talk in progress.

        The ring times, and the lengths of talks and wrap-ups, are computed again only if the last
        computation was at least two minutes ago.
        """
        while self._ringing and self._ringing[0][0] <= now:
            self._count(self._ringing.popleft()[1])
        if now >= self._relearn_at:
            self._relearn_at = now + RELEARN_SECONDS
            self._ring_times = RingTimes.from_counts(self._rings)
            self._talk_lengths = self._talk.lengths(talking)
            self._wrap_up_lengths = self._wrap_up.lengths(())
        self._fade(now, ringing)
        return Learned(
            tried=self._tried,
            answered=self._answered,
            last_minute=self._last_minute,
            expected=self._expected,
            ring=self._ring_times,
            talk=self._talk_lengths,
            wrap_up=self._wrap_up_lengths,
        )

    def _count(self, line: int) -> None:
        """Count a line whose longest possible ringing time is over. If more than REMEMBERED_LINES
        lines have been counted, older lines count for less."""
        self._tried += 1
        if line in self._answered_lines:
            self._answered_lines.discard(line)
            self._answered += 1
        if self._tried > REMEMBERED_LINES:
            self._answered *= REMEMBERED_LINES / self._tried
            self._tried = REMEMBERED_LINES

    def _fade(self, now: float, ringing: Sequence[float]) -> None:
        passed = 0.0 if self._seen_at is None else now - self._seen_at
        self._seen_at = now
        rate = round(self._answered / self._tried, 2)
        answers = _answers_a_second(self._ring_times, rate)
        self._expected += passed * sum(
            [answers[int(age) if age < LONGEST_RING else LONGEST_RING] for age in ringing]
        )
        kept = exp(-passed / 60)
        self._last_minute *= kept
        self._expected *= kept


class _Ages:
    """Counts talks or wrap-ups (a caller's work after a talk) by age, which is the time since the
    talk or wrap-up began. For each age, the class counts how many talks or wrap-ups ended at that
    age. It also adds up the seconds that all of them spent at that age."""

    def __init__(self, width: float, steps: int, guess: float) -> None:
        self.width, self.guess = width, guess
        self._ended, self._seconds = [0.0] * steps, [0.0] * steps

    def ended(self, seconds: float) -> None:
        self._spend(self._seconds, seconds)
        self._ended[min(int(seconds / self.width), len(self._ended) - 1)] += 1

    def lengths(self, lasting: Sequence[float]) -> Lengths:
        """Return the lengths of the talks or wrap-ups. `lasting` has the age, in seconds, of each
        talk or wrap-up that has not ended yet."""
        seconds = list(self._seconds)
        for age in lasting:
            self._spend(seconds, age)
        return Lengths.from_counts(self._ended, seconds, self.width, self.guess)

    def _spend(self, seconds: list[float], age: float) -> None:
        whole = min(int(age / self.width), len(seconds) - 1)
        for step in range(whole):
            seconds[step] += self.width
        seconds[whole] += age - whole * self.width


@lru_cache(maxsize=64)
def _answers_a_second(ring: RingTimes, rate: float) -> tuple[float, ...]:
    """Return, for each age of a ringing line in whole seconds, the chance that the line is answered
    in the next second. At the age LONGEST_RING, the chance is 0."""
    before = ring.answered_before
    return tuple(
        rate * (before[age + 1] - before[age]) / max(1e-9, 1 - rate * before[age])
        for age in range(LONGEST_RING)
    ) + (0.0,)
