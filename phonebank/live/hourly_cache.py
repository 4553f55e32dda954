"""The calls of a party's last hour, in bars of five minutes, up to ten seconds old.

An hour of a large party is thousands of rows, and its bars hardly move, so they are not read with
the figures twice a second. A process reads each party every ten seconds at most, and only a hundred
parties in one statement, so that a thousand boards that open together do not all wait for it.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from phonebank.core.db import db
from phonebank.live.board_payload import BARS, NO_CALLS

log = logging.getLogger(__name__)

BAR_SECONDS = 300
KEPT_FOR = 10.0  # seconds
FORGOTTEN_AFTER = 60.0  # seconds
# The most parties in one statement, and the most that are refreshed at once. The other boards show
# their older bars meanwhile.
AT_ONCE = 100

_HOUR = text("""
SELECT party_id, count(*) AS calls,
       least(floor(extract(epoch FROM statement_timestamp() - recorded_at) / :seconds)::int,
             :oldest) AS back
FROM call
WHERE party_id = ANY(:party_ids) AND counted
  AND recorded_at > statement_timestamp() - make_interval(secs => :seconds * (:oldest + 1))
GROUP BY party_id, back
""")


def read_hours(party_ids: Iterable[int]) -> dict[int, list[int]]:
    """Return, by party, the number of calls in each five minutes of the last hour, the oldest
    first."""
    hours = {party_id: [0] * BARS for party_id in party_ids}
    values = {"party_ids": list(hours), "seconds": BAR_SECONDS, "oldest": BARS - 1}
    for row in db.session.execute(_HOUR, values):
        # A negative value means that the recording machine's clock is ahead of the database's.
        hours[row.party_id][BARS - 1 - max(row.back, 0)] += row.calls
    return hours


@dataclass
class HourlyCache:
    """The bars that this process last read, by party, and when it read them. `kept_for` is in
    seconds."""

    kept_for: float = KEPT_FOR
    _read: dict[int, tuple[float, Sequence[int]]] = field(default_factory=dict)
    _not_before: float = 0.0

    def refresh(self, party_ids: Iterable[int]) -> None:
        """Read the parties that were never read, and up to a hundred others after ten seconds.

        If PostgreSQL fails, this raises nothing, because no board should wait for its bars. It
        rolls back, and a call ten seconds later tries again.
        """
        at = time.monotonic()
        if at < self._not_before:
            return
        wanted, read = set(party_ids), dict(self._read)
        missing = [party for party in wanted if party not in read]
        due = [party for party in wanted & read.keys() if at - read[party][0] >= self.kept_for]
        due.sort(key=lambda party: read[party][0])
        now_read = missing + due[:AT_ONCE]
        try:
            for first in range(0, len(now_read), AT_ONCE):
                self._keep(at, read_hours(now_read[first : first + AT_ONCE]))
        except SQLAlchemyError as error:
            log.exception("the last hour of boards is not read: %s", type(error).__name__)
            db.session.rollback()
            self._not_before = at + self.kept_for
        # Forget the parties that no board shows any more.
        for party, (read_at, _) in list(self._read.items()):
            if party not in wanted and at - read_at > FORGOTTEN_AFTER:
                self._read.pop(party, None)

    def of(self, party_id: int) -> Sequence[int]:
        """Return the bars last read for this party; an hour without calls if there are none."""
        return self._read.get(party_id, (0.0, NO_CALLS))[1]

    def _keep(self, at: float, hours: Mapping[int, Sequence[int]]) -> None:
        """Keep bars read at `at`, unless a later reading has already finished."""
        for party, hour in hours.items():
            if party not in self._read or self._read[party][0] < at:
                self._read[party] = (at, hour)
