"""The calls of a party's last hour, in bars of five minutes: a picture some seconds old.

An hour of a large party is thousands of rows, and its picture hardly moves, so it is not read with
the figures twice a second. A process reads each party every ten seconds at most, and never many in
one statement, so that a thousand boards that were opened together do not all wait for it.
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
# Parties in one statement, and parties read again in one go; those who wait show what they had.
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
    """The calls of each five minutes of the last hour, the oldest first, by party; in one
    statement."""
    hours = {party_id: [0] * BARS for party_id in party_ids}
    values = {"party_ids": list(hours), "seconds": BAR_SECONDS, "oldest": BARS - 1}
    for row in db.session.execute(_HOUR, values):
        # Below nought: recorded by a machine whose clock is ahead of the database's.
        hours[row.party_id][BARS - 1 - max(row.back, 0)] += row.calls
    return hours


@dataclass
class HourReadings:
    """What this process last read, by party, and when. `kept_for` is in seconds."""

    kept_for: float = KEPT_FOR
    _read: dict[int, tuple[float, Sequence[int]]] = field(default_factory=dict)
    _not_before: float = 0.0

    def refresh(self, party_ids: Iterable[int]) -> None:
        """Read these parties where they never were, and a hundred of those who were not for ten
        seconds.

        Raises nothing when PostgreSQL does, for no board should wait for a picture: it then ends
        the transaction, and tries no sooner than in ten seconds.
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
        # Boards that have gone.
        for party, (read_at, _) in list(self._read.items()):
            if party not in wanted and at - read_at > FORGOTTEN_AFTER:
                self._read.pop(party, None)

    def of(self, party_id: int) -> Sequence[int]:
        """What was last read of this party; an hour without calls where nothing was."""
        return self._read.get(party_id, (0.0, NO_CALLS))[1]

    def _keep(self, at: float, hours: Mapping[int, Sequence[int]]) -> None:
        """Keep what was asked for at `at`, save where another who asked later has its answer."""
        for party, hour in hours.items():
            if party not in self._read or self._read[party][0] < at:
                self._read[party] = (at, hour)
