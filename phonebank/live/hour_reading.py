"""The calls of a party's last hour, in bars of five minutes: a picture some seconds old.

An hour of a large party is thousands of rows, and its picture hardly moves, so it is not read with
the figures twice a second. A process reads each party every ten seconds at most, and never many at
once, so that a thousand boards that were opened together do not all wait for it.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from phonebank.live.board import BARS, NO_CALLS
from phonebank.stores import db

BAR_SECONDS = 300
KEPT_FOR = 10.0  # seconds
FORGOTTEN_AFTER = 60.0  # seconds
# Parties read again in one go; those who wait show what they had.
AGAIN_AT_MOST = 100

_HOUR = text("""
SELECT party_id, least(floor(extract(epoch FROM now() - recorded_at) / :seconds)::int, :oldest)
           AS back, count(*) AS calls
FROM call
WHERE party_id = ANY(:party_ids) AND counted
  AND recorded_at > now() - make_interval(secs => :seconds * (:oldest + 1))
GROUP BY 1, 2
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

    def refresh(self, party_ids: Iterable[int]) -> None:
        """Read these parties where they never were, or not for ten seconds, in one statement."""
        wanted, at = set(party_ids), time.monotonic()
        missing = wanted - self._read.keys()
        due = [party for party in wanted - missing if at - self._read[party][0] >= self.kept_for]
        due.sort(key=lambda party: self._read[party][0])
        again = missing.union(due[:AGAIN_AT_MOST])
        if again:
            self._read |= {party: (at, hour) for party, hour in read_hours(again).items()}
        # Boards that have gone.
        for party in [
            party for party, read in self._read.items() if at - read[0] > FORGOTTEN_AFTER
        ]:
            del self._read[party]

    def of(self, party_id: int) -> Sequence[int]:
        """What was last read of this party; an hour without calls where nothing was."""
        return self._read[party_id][1] if party_id in self._read else NO_CALLS
