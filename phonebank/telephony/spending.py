"""What a campaign's lines (telephone connections) have cost today, and the campaign's daily
limit."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.config import Config, current_config
from phonebank.core.db import db
from phonebank.models import Campaign, LineSide, PhoneSettings
from phonebank.models.state_column import state_sql
from phonebank.rules.local_moments import last_midnight

# From this share of the limit on, pages warn.
WARNS_FROM = Decimal("0.8")
# Prices are learned from this many of the campaign's last lines.
LEARNS_FROM = 500

# A line whose price is not known yet is counted by the minutes since its answer, each begun minute
# as a whole one. A line that is still open may go on, so one minute more is counted. A browser
# opens its caller's line itself, so no number was shown for that line.
_SPENT = text(
    state_sql(
        """
WITH learned_from AS (
    SELECT * FROM line WHERE campaign_id = :campaign_id ORDER BY created_at DESC LIMIT :learns_from
), dearest AS (
    SELECT side, shows_number IS NULL AS by_browser,
           max(cost / greatest(1, ceil(extract(epoch FROM ended_at - answered_at) / 60))) AS price
    FROM learned_from WHERE cost IS NOT NULL AND answered_at IS NOT NULL AND ended_at IS NOT NULL
    GROUP BY 1, 2
), today AS (
    SELECT side, shows_number IS NULL AS by_browser, backend, cost, currency,
        CASE WHEN cost IS NULL THEN CAST(ended_at IS NULL AS integer) ELSE 0 END
        + CASE WHEN cost IS NULL AND answered_at IS NOT NULL THEN greatest(
            1, ceil(extract(epoch FROM coalesce(ended_at, :at) - answered_at) / 60)) ELSE 0 END
        AS unpriced_minutes
    FROM line WHERE campaign_id = :campaign_id AND created_at >= :since
)
SELECT coalesce(sum(cost), 0) AS cost, max(currency) AS currency, count(*) AS lines,
       coalesce(sum(unpriced_minutes * CASE
           WHEN backend = 'asterisk' AND side = :caller AND by_browser THEN 0
           ELSE coalesce(dearest.price, (SELECT max(price) FROM dearest),
                         CAST(:first_price AS numeric), 0)
       END), 0) AS still_to_come
FROM today LEFT JOIN dearest USING (side, by_browser)
""",
        caller=LineSide.CALLER,
    )
)


@dataclass(frozen=True)
class Spending:
    """What has been spent on a campaign's lines that were created since midnight, in the provider's
    `currency` ("" before the day's first price). If `limit` is None, there is no limit.
    `has_prices` says whether lines can have a price at all: a trunk's price may be missing from the
    server's settings, and the simulator costs nothing.

    The price of a line is known only some minutes after the line has ended. `still_to_come` is a
    high estimate of what the lines without a price will cost. There are three kinds of lines: to
    people, to callers' own phones, and from browsers. A line's minutes are assumed to cost as much
    as the dearest minute among the campaign's last lines of the same kind. If no price of that kind
    is known, the dearest minute of any kind counts. Before the first price is known, the price in
    the server's settings is assumed, or 0 if there is none. In this estimate, each begun minute
    counts as a whole minute, and an open line counts one minute more. A browser's line through
    Asterisk is free.
    """

    cost: Decimal
    currency: str
    lines: int
    limit: Decimal | None
    still_to_come: Decimal = Decimal(0)
    has_prices: bool = True

    @property
    def at_most(self) -> Decimal:
        """A high estimate of what all lines since midnight will cost, once all prices are known."""
        return self.cost + self.still_to_come

    @property
    def is_over(self) -> bool:
        """Whether there is a limit and `at_most` has reached it. If so, no more lines may be
        dialled."""
        return self.limit is not None and self.at_most >= self.limit

    @property
    def is_near(self) -> bool:
        """Whether pages should warn that the limit is near or has been reached."""
        return self.limit is not None and self.at_most >= self.limit * WARNS_FROM


def spending_of(campaign: Campaign, limit: Decimal | None, at: datetime) -> Spending:
    """Return what has been spent on the campaign's lines that were created since the last midnight
    before `at` (aware). Midnight means midnight in the first time zone of the campaign's country.
    `limit` is the daily limit, or None for no limit."""
    asked = {
        "campaign_id": campaign.id,
        "since": last_midnight(at, first_zone_of(campaign)),
        "at": at,
        "learns_from": LEARNS_FROM,
        "first_price": _first_price(current_config()),
    }
    row = db.session.execute(_SPENT, asked).one()
    has_prices = asked["first_price"] is not None or bool(row.cost)
    return Spending(row.cost, row.currency or "", row.lines, limit, row.still_to_come, has_prices)


def limit_of(campaign: Campaign) -> Decimal | None:
    """Return the most that the campaign's lines may cost in a day, or None for no limit."""
    settings = db.session.get(PhoneSettings, campaign.id)
    return settings.day_budget if settings else None


def is_money_spent(campaign: Campaign, at: datetime) -> bool:
    """Whether the campaign has a daily limit and has used it up at `at`. If so, no more lines may
    be dialled."""
    limit = limit_of(campaign)
    return limit is not None and spending_of(campaign, limit, at).is_over


def _first_price(config: Config) -> Decimal | None:
    """Return the price that each minute is assumed to cost until the campaign's first price is
    known. Return None if the settings have no price, or if the provider is neither Twilio nor
    Asterisk."""
    if config.telephony == "twilio":
        return config.twilio.price
    return config.asterisk_price if config.telephony == "asterisk" else None
