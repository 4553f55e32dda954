"""Forecasts the next 24 seconds: how many lines (telephone connections to people) will be answered,
and how many callers will become free. From this it computes the chance that no caller is free if
one more line is dialled and answered.

The 24 seconds are divided into six slices of four seconds. For each slice, the module adds up the
chances that ringing lines are answered before the slice's end. It also adds up the chances that
callers become free before the slice's middle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, erfc, sqrt

from phonebank.pacing.learned import LONGEST_RING, Lengths, RingTimes
from phonebank.pacing.snapshot import Snapshot

SLICE = 4  # seconds
SLICES = 6
# The tables of talks and wrap-ups have a chance for each age. The first number is the seconds from
# one age to the next, and the second is how many ages there are.
TALK_STEP, TALK_STEPS = 4, 75
WRAP_UP_STEP, WRAP_UP_STEPS = 2, 30
# An answer rate is rounded up to a step, so that one table serves for many moments.
RATE_STEPS = 100

Table = tuple[tuple[float, ...], ...]  # for each slice, a chance for each age


@dataclass(frozen=True, eq=False)
class AnswerTables:
    """The chances that ringing lines are answered, computed for one answer rate."""

    by_slice: Table  # by the end of each slice, for a line of each age in seconds
    at_last: tuple[float, ...]  # at any time from now on, for a line of each age
    when: tuple[float, ...]  # in which slice a new line is answered, if it is answered in 24 s


@lru_cache(maxsize=128)
def answer_tables(ring: RingTimes, rate: float) -> AnswerTables:
    """Return the chances that ringing lines are answered, if `rate` is the answer rate of all
    lines. A line's chance depends on how long the line has been ringing. The longer nobody answers,
    the less likely it is that somebody still will."""
    ages = range(LONGEST_RING + 1)
    still = [max(1e-9, 1 - rate * ring.before(age)) for age in ages]
    whole = ring.before(SLICE * SLICES)
    return AnswerTables(
        by_slice=tuple(
            tuple(
                rate * (ring.before(age + SLICE * (ahead + 1)) - ring.before(age)) / still[age]
                for age in ages
            )
            for ahead in range(SLICES)
        ),
        at_last=tuple(rate * (1 - ring.before(age)) / still[age] for age in ages),
        when=tuple(
            (ring.before(SLICE * (ahead + 1)) - ring.before(SLICE * ahead)) / whole
            for ahead in range(SLICES)
        ),
    )


@dataclass(frozen=True, eq=False)
class FreeTables:
    """The chances that a busy caller becomes free before the middle of each four-second slice of
    the next 24 seconds. Each slice has a chance for each age of the caller's talk or wrap-up (the
    work after a talk)."""

    talking: Table
    wrapping_up: Table
    again: tuple[float, ...]  # by the number of slices since a person was joined with the caller


@lru_cache(maxsize=128)
def free_tables(talk: Lengths, wrap_up: Lengths, grace: float) -> FreeTables:
    """Return the chances that busy callers become free. A caller who becomes free within `grace`
    seconds after a moment counts as free at that moment. A person who has answered may wait that
    long. Each talk is assumed to be followed by a wrap-up of mean length."""
    middles = [SLICE * (ahead + 0.5) + grace for ahead in range(SLICES)]
    return FreeTables(
        talking=tuple(
            tuple(
                talk.chance_to_end(TALK_STEP * step, middle - wrap_up.mean)
                for step in range(TALK_STEPS)
            )
            for middle in middles
        ),
        wrapping_up=tuple(
            tuple(
                wrap_up.chance_to_end(WRAP_UP_STEP * step, middle) for step in range(WRAP_UP_STEPS)
            )
            for middle in middles
        ),
        again=tuple(talk.chance_to_end(0, SLICE * later - wrap_up.mean) for later in range(SLICES)),
    )


def rate_step(rate: float) -> float:
    """Return an answer rate rounded up to a multiple of 1 / RATE_STEPS."""
    return ceil(rate * RATE_STEPS) / RATE_STEPS


def ring_ages(ages: Iterable[float]) -> list[int]:
    """Return the ages of lines as `AnswerTables` needs them: in whole seconds, and at most
    LONGEST_RING."""
    return [int(age) if age < LONGEST_RING else LONGEST_RING for age in ages]


class LookAhead:
    """A forecast of answers and free callers for the next 24 seconds. The forecast includes the
    lines that `add_line` has counted."""

    def __init__(self, moment: Snapshot, rate: float, ages: Sequence[int]) -> None:
        """`rate` is the answer rate to assume, and `ages` has the age of each ringing line (see
        `ring_ages`)."""
        learned = moment.learned
        answers = answer_tables(learned.ring, rate)
        free = free_tables(learned.talk, learned.wrap_up, moment.law.seconds_to_message)
        talks = [min(int(age / TALK_STEP), TALK_STEPS - 1) for age in moment.talking]
        wraps = [min(int(age / WRAP_UP_STEP), WRAP_UP_STEPS - 1) for age in moment.wrapping_up]
        self._when = answers.when
        self._lines, self._busy = len(ages), len(talks) + len(wraps)
        self._free_now = moment.ready - moment.waiting
        # For each slice, how many lines are answered by its end, and how many callers become free
        # by its middle.
        self._answered = [sum(map(row.__getitem__, ages)) for row in answers.by_slice]
        self._come_free = [
            sum(map(talking.__getitem__, talks)) + sum(map(wrapping.__getitem__, wraps))
            for talking, wrapping in zip(free.talking, free.wrapping_up, strict=True)
        ]
        self._returned = _returning(self._answered, free.again)
        self._new = [row[0] for row in answers.by_slice]
        self._new_returned = _returning(self._new, free.again)

    def chance(self) -> float:
        """Return the chance that no caller is free if one more line is dialled now and is
        answered."""
        lines, busy, chance = self._lines or 1, self._busy or 1, 0.0
        for ahead, when in enumerate(self._when):
            answered, come_free = self._answered[ahead], self._come_free[ahead]
            spare = self._free_now - 0.5 + come_free + self._returned[ahead] - answered
            # The variance is computed as if all lines had the same chance, and all callers too. For
            # a given sum of chances, it is largest then.
            spread = answered * (1 - answered / lines) + come_free * (1 - come_free / busy) + 0.05
            chance += when * 0.5 * erfc(spare / sqrt(2 * spread))
        return chance

    def add_line(self) -> None:
        """Count one more line as dialled at this moment."""
        self._lines += 1
        for ahead in range(SLICES):
            self._answered[ahead] += self._new[ahead]
            self._returned[ahead] += self._new_returned[ahead]


def _returning(answered: Sequence[float], again: Sequence[float]) -> list[float]:
    """Return, for each four-second slice, how many callers are expected to be free again after a
    call that was answered in an earlier slice. Some callers are free again so soon, because calls
    to machines and wrong numbers end within seconds."""
    back = []
    for ahead in range(SLICES):
        free, before = 0.0, 0.0
        for earlier in range(ahead):
            free += (answered[earlier] - before) * again[ahead - earlier]
            before = answered[earlier]
        back.append(free)
    return back
