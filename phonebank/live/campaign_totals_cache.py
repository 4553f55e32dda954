"""What all parties of a campaign have together: read once for all its boards, and not for each.

A campaign has thousands of tally rows, and a thousand boards may show their sum; so a process reads
each campaign at most every two seconds, and its boards share what it read. A board may therefore
show the campaign's sum two seconds older than its own figures, which are read for it alone.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.live.board_payload import Together

KEPT_FOR = 2.0  # seconds

_TOGETHER = text("""
SELECT campaign_id, count(DISTINCT party_id) FILTER (WHERE conversations > 0) AS parties,
       coalesce(sum(conversations), 0)::bigint AS conversations
FROM tally WHERE campaign_id = ANY(:campaign_ids) AND party_id IS NOT NULL
GROUP BY campaign_id
""")


def read_together(campaign_ids: Iterable[int]) -> dict[int, Together]:
    """The sums of these campaigns, in one statement; zeros for one without calls."""
    wanted = list(campaign_ids)
    rows = db.session.execute(_TOGETHER, {"campaign_ids": wanted})
    found = {row.campaign_id: Together(row.parties, row.conversations) for row in rows}
    return {campaign_id: found.get(campaign_id, Together()) for campaign_id in wanted}


@dataclass
class CampaignReadings:
    """What this process last read, by campaign, and when."""

    _read: dict[int, tuple[float, Together]] = field(default_factory=dict)

    def of(self, campaign_ids: Collection[int]) -> dict[int, Together]:
        """The sums of these campaigns, none older than two seconds."""
        fresh_from = time.monotonic() - KEPT_FOR
        fresh = {key: read for key, read in self._read.items() if read[0] >= fresh_from}
        self._read = fresh
        # Looked up here and not at the end: others who ask during the reading let go what has
        # become too old by then.
        found = {key: fresh[key][1] for key in set(campaign_ids) if key in fresh}
        missing = set(campaign_ids) - found.keys()
        if missing:
            at = time.monotonic()
            for campaign_id, together in read_together(missing).items():
                found[campaign_id] = together
                kept = self._read.get(campaign_id)
                if kept is None or kept[0] < at:
                    self._read[campaign_id] = (at, together)
        return found
