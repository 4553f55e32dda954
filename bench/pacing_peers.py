"""The pacing rule of another dialler: Kooragang, by GetUp (dialer/index.js). A pacing rule decides
how many people the dialler calls at each moment. `bench.pacing` compares Phonebank's rule with this
one."""

from collections import deque

from phonebank.pacing.snapshot import Decision, PacingMode, Snapshot

# Kooragang's settings. If Kooragang's own tests set a value, this module uses that value.
WINDOW_SECONDS = 600
CHANGE_SECONDS = 180
RISE, FALL = 0.2, 0.4
HIGHEST_RATIO = 10.0
ACCEPTED_SHARE = 0.03
FEWEST_CALLERS = 5


class Kooragang:
    """The rule of Kooragang: it allows from 1 to HIGHEST_RATIO lines (calls to people) for each
    ready caller. The rule changes this number no more than once in three minutes. The number falls
    if too many answered calls were dropped in the last ten minutes, and rises otherwise. The number
    stays as it is if nobody answered. If there are fewer than FEWEST_CALLERS callers, the number is
    1.

    The simulation must ask this rule once a second, because the rule counts the questions to know
    the time.
    """

    def __init__(self) -> None:
        self._ratio = 1.0
        self._second = 0
        self._changed_at = -CHANGE_SECONDS
        self._before = (0, 0)  # abandoned, answers
        self._window: deque[tuple[int, int, int]] = deque()  # second, abandoned, answers

    def __call__(self, moment: Snapshot) -> Decision:
        self._second += 1
        self._look(moment)
        if moment.callers < FEWEST_CALLERS:
            self._ratio = 1.0
        elif self._second - self._changed_at >= CHANGE_SECONDS:
            self._change()
        wanted = int(moment.ready * self._ratio) - len(moment.ringing) - moment.waiting
        return Decision(max(0, wanted), PacingMode.PREDICTIVE, None)

    def _look(self, moment: Snapshot) -> None:
        account = moment.account
        now = (account.abandoned + account.lost, account.answers)
        if now != self._before:
            self._window.append((self._second, now[0] - self._before[0], now[1] - self._before[1]))
            self._before = now

    def _change(self) -> None:
        while self._window and self._window[0][0] < self._second - WINDOW_SECONDS:
            self._window.popleft()
        answers = sum(answers for _, _, answers in self._window)
        if not answers:
            return
        dropped = sum(abandoned for _, abandoned, _ in self._window) / answers
        change = -FALL if dropped > ACCEPTED_SHARE else RISE
        self._ratio = min(HIGHEST_RATIO, max(1.0, self._ratio + change))
        self._changed_at = self._second
