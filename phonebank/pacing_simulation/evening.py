"""Simulates one evening of calling, event by event."""

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from phonebank.pacing.learner import Learner
from phonebank.pacing.snapshot import OFCOM, DayAccount, Decision, Law, Snapshot
from phonebank.pacing_simulation.chances import Answer, Chances
from phonebank.pacing_simulation.setting import Setting

DECIDE_SECONDS = 1.0  # how often the rule is asked
FIRST, LAST = 0, 1  # at the same moment, events come first, then the rule

Rule = Callable[[Snapshot], Decision]


@dataclass(slots=True)
class Line:
    """A line (telephone connection) to a person. Times are seconds since the evening began."""

    number: int
    dialled: float
    answer: Answer
    decision: Decision
    answered: float | None = None
    joined: float | None = None
    abandoned: float | None = None
    lost: bool = False  # the caller vanished before the call ended
    ended: float | None = None


@dataclass(slots=True)
class Result:
    """The figures of one evening. `abandoned_people` and `abandoned_machines` are known only in a
    simulation: in real calling, nobody knows who or what answered an abandoned call."""

    people: int = 0  # joined with a caller, and not lost
    machines: int = 0
    lost: int = 0  # people who were joined with a caller who vanished
    abandoned_people: int = 0
    abandoned_machines: int = 0
    dialled: int = 0
    caller_seconds: float = 0.0
    busy_seconds: float = 0.0
    waits: int = 0
    waited_seconds: float = 0.0

    @property
    def hours(self) -> float:
        return self.caller_seconds / 3600

    @property
    def true_share(self) -> float:
        """The share of abandoned and lost calls among the calls that people answered. Calls that a
        machine answered are not counted."""
        abandoned = self.abandoned_people + self.lost
        return abandoned / (abandoned + self.people) if abandoned else 0.0

    @property
    def account(self) -> DayAccount:
        """The counts of the evening's calls, in the form that the pacing rule gets. The counts do
        not say which abandoned calls people had answered."""
        abandoned = self.abandoned_people + self.abandoned_machines
        return DayAccount(self.people, self.machines, abandoned, self.lost)


class _Caller:
    __slots__ = ("gone", "leaves_at", "since", "vanishes")

    def __init__(self) -> None:
        self.since = 0.0
        self.leaves_at = math.inf
        self.vanishes = False
        self.gone = False  # the caller has vanished, and the dialler has not noticed


class Evening:
    """One simulated evening. An instance has the state of the simulation while it runs."""

    def __init__(
        self, setting: Setting, seed: int, rule: Rule, law: Law = OFCOM, keep_lines: bool = False
    ) -> None:
        """If `keep_lines` is true, each line is added to the attribute `lines`, as a record of the
        evening."""
        self.setting, self.rule, self.law = setting, rule, law
        self.chances = Chances(setting, seed)
        self.result = Result()
        self.lines: list[Line] = []
        self._keep_lines = keep_lines
        self._learner = Learner(setting.ring_limit)
        self._events: list[tuple[float, int, int, Callable[..., None], tuple[object, ...]]] = []
        self._number = 0
        self._now = 0.0
        self._ready: deque[_Caller] = deque()
        self._talking: dict[_Caller, Line] = {}
        # This is a dictionary and not a set, because a dictionary keeps its order. So the same seed
        # always gives the same evening.
        self._wrapping_up: dict[_Caller, None] = {}
        self._ringing: dict[int, float] = {}
        self._waiting: deque[Line] = deque()

    def run(self) -> Result:
        """Simulate the evening to its end."""
        seconds = self.setting.hours * 3600
        for _ in range(self.setting.callers):
            self._come()
        if self.setting.half_vanish:
            self._at(self.chances.half_vanish_at, self._half_vanish)
        self._at(0.0, self._decide, order=LAST)
        while self._events[0][0] < seconds:
            now, _, _, act, what = heapq.heappop(self._events)
            self._now = now
            act(*what)
        return self.result

    def _at(self, when: float, act: Callable[..., None], *what: object, order: int = FIRST) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, order, self._number, act, what))

    # The rule

    def _decide(self) -> None:
        now = self._now
        present = len(self._ready) + len(self._talking) + len(self._wrapping_up)
        self.result.caller_seconds += present * DECIDE_SECONDS
        self.result.busy_seconds += (present - len(self._ready)) * DECIDE_SECONDS
        ringing = [now - dialled for dialled in self._ringing.values()]
        talking = [now - caller.since for caller in self._talking]
        moment = Snapshot(
            ready=len(self._ready),
            talking=talking,
            wrapping_up=[now - caller.since for caller in self._wrapping_up],
            ringing=ringing,
            waiting=len(self._waiting),
            account=self.result.account,
            learned=self._learner.learned(now, ringing, talking),
            law=self.law,
        )
        decision = self.rule(moment)
        for _ in range(decision.lines):
            self._dial(decision)
        self._at(now + DECIDE_SECONDS, self._decide, order=LAST)

    # Lines

    def _dial(self, decision: Decision) -> None:
        answer, after = self.chances.line(self._now)
        self.result.dialled += 1
        line = Line(self.result.dialled, self._now, answer, decision)
        if self._keep_lines:
            self.lines.append(line)
        self._ringing[line.number] = self._now
        self._learner.dialled(line.number, self._now)
        ends = self._end_unanswered if answer is Answer.NOBODY else self._answer
        self._at(self._now + after, ends, line)

    def _end_unanswered(self, line: Line) -> None:
        del self._ringing[line.number]
        line.ended = self._now

    def _answer(self, line: Line) -> None:
        del self._ringing[line.number]
        line.answered = self._now
        self._learner.answered(line.number, self._now - line.dialled)
        if self._ready:
            self._join(line)
        else:
            self._waiting.append(line)
            self._at(self._now + self.setting.grace, self._give_up, line)

    def _give_up(self, line: Line) -> None:
        if line in self._waiting:
            self._waiting.remove(line)
            self._abandon(line)

    def _abandon(self, line: Line) -> None:
        line.abandoned = line.ended = self._now
        if line.answer is Answer.PERSON:
            self.result.abandoned_people += 1
        else:
            self.result.abandoned_machines += 1

    def _join(self, line: Line) -> None:
        """Join an answered line to the ready caller who has waited longest. If that caller has
        vanished, the call is lost."""
        caller = self._ready.popleft()
        if caller.gone:  # the person hears nobody
            self.result.lost += line.answer is Answer.PERSON
            line.joined = line.ended = self._now
            line.lost = True
            self._leave(caller)
            return
        line.joined = self._now
        self.result.waits += 1
        self.result.waited_seconds += self._now - caller.since
        if line.answer is Answer.PERSON:
            self.result.people += 1
        else:
            self.result.machines += 1
        talk, wrap_up = self.chances.talk(line.answer)
        caller.since = self._now
        self._talking[caller] = line
        self._at(self._now + talk, self._end_talk, caller, line, wrap_up)

    def _end_talk(self, caller: _Caller, line: Line, wrap_up: float) -> None:
        if self._talking.get(caller) is not line:  # the caller has vanished
            return
        del self._talking[caller]
        line.ended = self._now
        self._learner.talk_ended(self._now - caller.since)
        caller.since = self._now
        if wrap_up:
            self._wrapping_up[caller] = None
            self._at(self._now + wrap_up, self._end_wrap_up, caller)
        else:
            self._be_ready(caller)

    # Callers

    def _end_wrap_up(self, caller: _Caller) -> None:
        if caller in self._wrapping_up:
            del self._wrapping_up[caller]
            self._learner.wrap_up_ended(self._now - caller.since)
            self._be_ready(caller)

    def _be_ready(self, caller: _Caller) -> None:
        if self._now >= caller.leaves_at:
            self._leave(caller)
            return
        caller.since = self._now
        self._ready.append(caller)
        if self._waiting:
            self._join(self._waiting.popleft())

    def _come(self) -> None:
        caller = _Caller()
        stay, caller.vanishes = self.chances.stay()
        if not math.isinf(stay):
            caller.leaves_at = self._now + stay
            self._at(caller.leaves_at, self._stop, caller)
        self._be_ready(caller)

    def _stop(self, caller: _Caller) -> None:
        """Let a caller leave, because the caller's time is over. A caller who is ready leaves now,
        and a busy caller leaves after the talk and its wrap-up. A caller whose `vanishes` is true
        vanishes now."""
        if caller.vanishes:
            self._vanish(caller)
        elif caller in self._ready:
            self._ready.remove(caller)
            self._leave(caller)

    def _leave(self, caller: _Caller) -> None:
        """Let a new caller arrive after a while, in place of this caller, who has left. A caller
        whose `leaves_at` is infinite is not replaced."""
        if not math.isinf(caller.leaves_at):
            self._at(self._now + self.chances.away(), self._come)

    def _vanish(self, caller: _Caller) -> None:
        """Make a caller disappear, even during a talk. If the caller was talking with a person,
        that call is lost, and so counts as abandoned. If the caller was ready, the caller still
        looks ready for `setting.notice` seconds. If the caller had left already, nothing
        happens."""
        if caller in self._ready:
            caller.gone = True
            self._at(self._now + self.setting.notice, self._notice, caller)
            return
        if line := self._talking.pop(caller, None):
            self._lose(line)
        elif caller in self._wrapping_up:
            del self._wrapping_up[caller]
        else:
            return  # the caller had left already
        self._leave(caller)

    def _lose(self, line: Line) -> None:
        line.ended = self._now
        line.lost = True
        if line.answer is Answer.PERSON:
            self.result.people -= 1
            self.result.lost += 1

    def _notice(self, caller: _Caller) -> None:
        if caller in self._ready:
            self._ready.remove(caller)
            self._leave(caller)

    def _half_vanish(self) -> None:
        present = [*self._ready, *self._talking, *self._wrapping_up]
        for caller in present[1::2]:
            caller.leaves_at = math.inf  # nobody comes in this caller's place
            self._vanish(caller)
