"""Stores what each line (one telephone connection) cost. These functions do not commit."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import EndCause, now

# Twilio knows the price of a call some minutes after the end of the call, sometimes later.
ASKS_FROM = timedelta(seconds=60)
ASKS_UNTIL = timedelta(days=2)
# A call that nobody answered costs nothing.
FREE = (EndCause.BUSY, EndCause.NO_ANSWER, EndCause.NO_SUCH_NUMBER, EndCause.CANCELLED)

_WRITE_FREE = text("""
UPDATE line SET cost = 0
WHERE backend = :backend AND cost IS NULL AND ended_at BETWEEN :first AND :last
  AND answered_at IS NULL AND cause = ANY(:free)
""")
_UNPRICED = text("""
SELECT provider_id, created_at FROM line
WHERE backend = :backend AND cost IS NULL AND ended_at BETWEEN :first AND :last
  AND provider_id IS NOT NULL
""")
_WRITE = text("""
UPDATE line SET cost = priced.cost, currency = priced.currency
FROM unnest(CAST(:ids AS text[]), CAST(:costs AS numeric[]), CAST(:currencies AS text[]))
    AS priced (id, cost, currency)
WHERE line.backend = :backend AND line.provider_id = priced.id AND line.cost IS NULL
""")


# A trunk charges for the time after the answer. A browser's line goes to our own Asterisk, so it is
# free.
_WRITE_BY_THE_MINUTE = text("""
UPDATE line SET currency = :currency, cost = CASE
    WHEN answered_at IS NULL OR provider_id IS NULL OR provider_id NOT LIKE :of_the_trunk THEN 0
    ELSE round(CAST(ceil(extract(epoch FROM ended_at - answered_at)) * :price / 60 AS numeric), 5)
    END
WHERE backend = :backend AND cost IS NULL AND ended_at >= :first
""")


class TellsPrices(Protocol):
    """A backend whose provider reports what each line cost."""

    name: str

    def prices_since(self, since: datetime) -> dict[str, tuple[Decimal, str]]:
        """Return the cost and currency (ISO 4217) of each call that was answered, began at or after
        `since`, and has ended. The keys are the provider's ids of the calls. A call whose price is
        not known yet is left out. Raises BackendUnavailableError if the provider does not answer,
        or answers with an error."""


def write_prices_by_the_minute(
    backend: str, price: Decimal, currency: str, of_the_trunk: str
) -> None:
    """Store the cost of each of the backend's lines that ended in the last two days and has no cost
    yet. A line costs `price` a minute from its answer to its end, charged by the second. A line
    that was never answered costs nothing.

    `of_the_trunk` is an SQL LIKE pattern. A line costs nothing if its id at the provider does not
    match this pattern or is not known.
    """
    values = {"price": price, "currency": currency, "of_the_trunk": of_the_trunk}
    asked = {"backend": backend, "first": now() - ASKS_UNTIL}
    db.session.execute(_WRITE_BY_THE_MINUTE, values | asked)


def write_free_lines(backend: str) -> None:
    """Store a cost of 0 for lines that have no cost yet, that nobody answered, and that ended with
    a cause in FREE. Only lines that ended at least a minute ago, and at most two days ago, are
    changed."""
    db.session.execute(_WRITE_FREE, _asked(backend) | {"free": [cause.value for cause in FREE]})


def unpriced_lines(backend: str) -> dict[str, datetime]:
    """Return the lines that have no price, and that ended at least a minute ago and at most two
    days ago. Lines whose id at the provider is not known are left out. The keys are the provider's
    ids of the lines, and the values are the times at which the lines were created."""
    rows = db.session.execute(_UNPRICED, _asked(backend))
    return {row.provider_id: row.created_at for row in rows}


def write_prices(
    backend: str, unpriced: Collection[str], told: Mapping[str, tuple[Decimal, str]]
) -> None:
    """Store the prices that the provider has reported (`told`), but only for the lines in
    `unpriced`. A line that already has a price keeps it."""
    found = [(sid, *price) for sid, price in told.items() if sid in unpriced]
    ids, costs, currencies = ([row[place] for row in found] for place in range(3))
    values = {"backend": backend, "ids": ids, "costs": costs, "currencies": currencies}
    db.session.execute(_WRITE, values)


def _asked(backend: str) -> dict[str, Any]:
    at = now()
    return {"backend": backend, "first": at - ASKS_UNTIL, "last": at - ASKS_FROM}
