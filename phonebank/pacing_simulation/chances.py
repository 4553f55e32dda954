"""Everything that is decided by chance in a simulated evening of calling."""

import math
from enum import IntEnum
from random import Random

from phonebank.pacing_simulation.setting import SHORT_SHARE, SHORT_TALK, WRAP_UP, Setting

RISE, RISE_SECONDS = 3, 15 * 60.0
SWING_SECONDS = 2 * 3600.0
# The rate triples, or callers vanish, between these shares of the evening.
EARLIEST_EVENT, LATEST_EVENT = 0.2, 0.8
WRONG_NUMBER_SECONDS = 2.0


class Answer(IntEnum):
    """Who or what answers a line (a telephone connection): a person, a machine or nobody."""

    NOBODY = 0
    PERSON = 1
    MACHINE = 2


class Chances:
    """Draws random values for everything that is decided by chance in one evening. If two evenings
    have the same setting and seed, the same things happen in both until their pacing rules dial
    different numbers of lines."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self._setting = setting
        seconds = setting.hours * 3600
        evening = Random(f"evening {seed}")  # noqa: S311 - a simulation
        self._phase = evening.uniform(0, 2 * math.pi)
        self._rises_at = evening.uniform(EARLIEST_EVENT, LATEST_EVENT) * seconds
        self.half_vanish_at = evening.uniform(EARLIEST_EVENT, LATEST_EVENT) * seconds
        self._lines = Random(f"lines {seed}")  # noqa: S311
        self._talks = Random(f"talks {seed}")  # noqa: S311
        self._callers = Random(f"callers {seed}")  # noqa: S311

    def answer_share(self, now: float) -> float:
        """Return the chance, from 0 to 1, that a person answers a line that is dialled at `now`."""
        setting = self._setting
        swing = math.sin(2 * math.pi * now / SWING_SECONDS + self._phase)
        share = setting.answer_share * (1 + setting.drift * swing)
        if setting.tripling and self._rises_at <= now < self._rises_at + RISE_SECONDS:
            share *= RISE
        return min(0.9, share)

    def line(self, now: float) -> tuple[Answer, float]:
        """Return who or what answers a line that is dialled at `now`, and after how many seconds.
        If nobody answers, return NOBODY, and after how many seconds the ringing ends."""
        setting, draw = self._setting, self._lines.random
        person = self.answer_share(now)
        machine = min(setting.machine_share, 0.95 - person)
        fate, when = draw(), draw()
        if fate < person:
            first, last = setting.ring
            return Answer.PERSON, first + when * (last - first)
        if fate < person + machine:
            first, last = setting.machine_ring
            return Answer.MACHINE, first + when * (last - first)
        if not setting.plain and fate < person + machine + setting.wrong_share:
            return Answer.NOBODY, WRONG_NUMBER_SECONDS
        return Answer.NOBODY, setting.ring_limit

    def talk(self, answer: Answer) -> tuple[float, float]:
        """Return two numbers of seconds. The first is how long a caller talks with a person or
        listens to a machine. The second is how long the caller's wrap-up (the work after a talk)
        takes."""
        draw = self._talks
        if answer is Answer.MACHINE:
            return draw.uniform(5, 10), draw.uniform(1, 3)
        if self._setting.plain:
            return draw.expovariate(1 / self._setting.talk), 0.0
        wrap_up = draw.uniform(*WRAP_UP)
        if draw.random() < SHORT_SHARE:
            return draw.expovariate(1 / SHORT_TALK), wrap_up
        return draw.gammavariate(2, self._setting.long_talk / 2), wrap_up

    def stay(self) -> tuple[float, bool]:
        """Return how many seconds a caller stays, or infinity if the caller stays to the end of the
        evening. Also return whether the caller vanishes after this time, even from a call."""
        setting = self._setting
        if setting.stay is None:
            return math.inf, False
        stay = self._callers.expovariate(1 / setting.stay)
        return stay, self._callers.random() < setting.vanish_share

    def away(self) -> float:
        """Return how many seconds pass between a caller's leaving and the arrival of another
        caller."""
        return self._callers.expovariate(1 / self._setting.away)
