"""Watches a campaign's lines, to learn how fast people answer and how long callers talk with
them."""

from datetime import datetime

from phonebank.dialler.rows import CallerRow, LineRow
from phonebank.models import LineSide
from phonebank.pacing.learned import Learned
from phonebank.pacing.learner import Learner
from phonebank.telephony.phases import Phase


class Watch:
    """What one dialler has seen of one campaign's calls. A new dialler starts without this
    knowledge. The day's counts of calls are not lost with the old dialler, because `day_account`
    reads them from the database."""

    def __init__(self, ring_seconds: int) -> None:
        self._learner = Learner(ring_seconds)
        self._dialled: set[int] = set()
        self._answered: set[int] = set()
        self._joined: dict[int, datetime] = {}
        self._wrapping_up: dict[int, datetime] = {}

    def see(self, callers: list[CallerRow], lines: list[LineRow], at: datetime) -> None:
        """Learn from what has changed in the open lines and the callers since `see` was last
        called."""
        people = [line for line in lines if line.side == LineSide.PERSON]
        for line in people:
            self._see_line(line)
        open_ids = {line.id for line in people}
        for line_id in self._joined.keys() - open_ids:
            self._learner.talk_ended((at - self._joined.pop(line_id)).total_seconds())
        self._dialled &= open_ids
        self._answered &= open_ids
        now_wrapping_up = {
            caller.caller_id: caller.left_at
            for caller in callers
            if caller.situation.phase == Phase.WRAPPING_UP and caller.left_at
        }
        for caller_id in self._wrapping_up.keys() - now_wrapping_up.keys():
            self._learner.wrap_up_ended((at - self._wrapping_up[caller_id]).total_seconds())
        self._wrapping_up = now_wrapping_up

    def learned(self, at: datetime, ringing: list[float], talking: list[float]) -> Learned:
        """Return what is known at the time `at` about how people answer and how long callers talk
        with them. `ringing` says for how many seconds each line has been ringing, if it is ringing
        now. `talking` says for how many seconds each caller who is talking has talked."""
        return self._learner.learned(at.timestamp(), ringing, talking)

    def _see_line(self, line: LineRow) -> None:
        if line.dialled_at is None:
            return
        if line.id not in self._dialled:
            self._dialled.add(line.id)
            self._learner.dialled(line.id, line.dialled_at.timestamp())
        if line.answered_at is not None and line.id not in self._answered:
            self._answered.add(line.id)
            after = (line.answered_at - line.dialled_at).total_seconds()
            self._learner.answered(line.id, max(0.0, after))
        if line.joined_at is not None:
            self._joined[line.id] = line.joined_at
