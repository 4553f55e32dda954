"""The totals of all parties in a campaign, read once for all the campaign's boards.

The totals are sums over thousands of rows of the table `tally`, and a thousand boards may show
them. So a process uses each campaign's totals for two seconds before it reads them again. During
these two seconds, the process uses the same totals for all boards of the campaign. The campaign's
totals on a board may therefore be up to two seconds older than the board's own figures.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.live.board_payload import CampaignTotals

KEPT_FOR = 2.0  # seconds

_TOTALS = text("""
SELECT campaign_id, count(DISTINCT party_id) FILTER (WHERE conversations > 0) AS parties,
       coalesce(sum(conversations), 0)::bigint AS conversations
FROM tally WHERE campaign_id = ANY(:campaign_ids) AND party_id IS NOT NULL
GROUP BY campaign_id
""")


def read_campaign_totals(campaign_ids: Iterable[int]) -> dict[int, CampaignTotals]:
    """Return the totals of these campaigns, by campaign id, read in one statement. The totals are 0
    if the campaign's parties have made no calls."""
    wanted = list(campaign_ids)
    rows = db.session.execute(_TOTALS, {"campaign_ids": wanted})
    found = {row.campaign_id: CampaignTotals(row.parties, row.conversations) for row in rows}
    return {campaign_id: found.get(campaign_id, CampaignTotals()) for campaign_id in wanted}


@dataclass
class CampaignTotalsCache:
    """The totals that this process has read recently, by campaign id, and when it read them."""

    _read: dict[int, tuple[float, CampaignTotals]] = field(default_factory=dict)

    def of(self, campaign_ids: Collection[int]) -> dict[int, CampaignTotals]:
        """Return the totals of these campaigns, by campaign id. Totals that this process read less
        than two seconds ago are not read again."""
        fresh_from = time.monotonic() - KEPT_FOR
        fresh = {key: read for key, read in self._read.items() if read[0] >= fresh_from}
        self._read = fresh
        # The totals are looked up before the read, because other requests may drop totals that grow
        # too old during it.
        found = {key: fresh[key][1] for key in set(campaign_ids) if key in fresh}
        missing = set(campaign_ids) - found.keys()
        if missing:
            at = time.monotonic()
            for campaign_id, totals in read_campaign_totals(missing).items():
                found[campaign_id] = totals
                kept = self._read.get(campaign_id)
                if kept is None or kept[0] < at:
                    self._read[campaign_id] = (at, totals)
        return found
