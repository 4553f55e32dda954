"""The number of calls in each five-minute period of a party's last hour. A board shows these
numbers as bars.

A large party makes thousands of calls in an hour, and the bars change slowly. So the bars are read
less often than the other figures: a process uses each party's bars for at least ten seconds before
it reads them again.

One statement reads the bars of at most a hundred parties. Otherwise, if a thousand boards opened at
once, all of them would wait for one long statement.
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
# One statement reads at most this many parties, and at most this many are read again at once. The
# other boards show their older bars for some seconds more.
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
    """Return the number of calls in each five-minute period of the last hour, oldest first, by
    party id."""
    hours = {party_id: [0] * BARS for party_id in party_ids}
    values = {"party_ids": list(hours), "seconds": BAR_SECONDS, "oldest": BARS - 1}
    for row in db.session.execute(_HOUR, values):
        # A negative value means that the recording machine's clock is ahead of the database's.
        hours[row.party_id][BARS - 1 - max(row.back, 0)] += row.calls
    return hours


@dataclass
class HourlyCache:
    """The bars (calls in each five-minute period) that this process last read for each party, and
    when it read them. Bars are used for at least `kept_for` seconds before they are read again."""

    kept_for: float = KEPT_FOR
    _read: dict[int, tuple[float, Sequence[int]]] = field(default_factory=dict)
    _not_before: float = 0.0

    def refresh(self, party_ids: Iterable[int]) -> None:
        """For these parties, read the bars (calls in each five-minute period) that are missing or
        old. Missing bars are read for all these parties. Bars that were read at least `kept_for`
        seconds ago are read again for up to a hundred parties, the oldest bars first. Bars of other
        parties are deleted after FORGOTTEN_AFTER seconds.

        If PostgreSQL fails, the transaction is rolled back and no error is raised, because no board
        should wait for its bars. After that, no bars are read for `kept_for` seconds.
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
        """Return the bars (calls in each five-minute period) that were last read for this party, or
        zeros if no bars of the party are stored."""
        return self._read.get(party_id, (0.0, NO_CALLS))[1]

    def _keep(self, at: float, hours: Mapping[int, Sequence[int]]) -> None:
        """Store the bars that were read at `at`. If a party's bars have been read again since then,
        keep the newer bars."""
        for party, hour in hours.items():
            if party not in self._read or self._read[party][0] < at:
                self._read[party] = (at, hour)
