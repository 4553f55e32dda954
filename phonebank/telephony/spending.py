"""What a campaign's lines have cost today, and its limit for a day."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.rules.local_moments import last_midnight

# From this share of the limit on, pages warn.
WARNS_FROM = Decimal("0.8")

_SPENT = text("""
SELECT coalesce(sum(cost), 0) AS cost, max(currency) AS currency, count(*) AS lines,
       count(*) FILTER (WHERE cost IS NULL AND ended_at IS NOT NULL) AS unpriced,
       count(*) FILTER (WHERE cost IS NULL AND answered_at IS NOT NULL)
           * coalesce(avg(cost) FILTER (WHERE answered_at IS NOT NULL), 0) AS still_to_come
FROM line WHERE campaign_id = :campaign_id AND created_at >= :since
""")


@dataclass(frozen=True)
class Spending:
    """What was spent since midnight, in the provider's `currency` ("" before the first price).
    `unpriced` is how many lines have ended without a price so far. `limit` None means no limit.

    The provider tells prices minutes later. So `still_to_come` is what the answered lines without a
    price will cost, if each of them costs what the answered lines with a price cost on average.
    """

    cost: Decimal
    currency: str
    lines: int
    unpriced: int
    limit: Decimal | None
    still_to_come: Decimal = Decimal(0)

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be dialled today."""
        return self.limit is not None and self._expected >= self.limit

    @property
    def is_near(self) -> bool:
        """Whether pages warn that the limit is near or reached."""
        return self.limit is not None and self._expected >= self.limit * WARNS_FROM

    @property
    def _expected(self) -> Decimal:
        return self.cost + self.still_to_come


def spending_of(campaign_id: int, limit: Decimal | None, zone: ZoneInfo, at: datetime) -> Spending:
    """Return what the campaign's lines have cost since midnight in `zone`, seen at `at` (aware)."""
    midnight = last_midnight(at, zone)
    row = db.session.execute(_SPENT, {"campaign_id": campaign_id, "since": midnight}).one()
    return Spending(row.cost, row.currency or "", row.lines, row.unpriced, limit, row.still_to_come)
