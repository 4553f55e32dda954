"""Decides which dialler serves a campaign: the one that holds the campaign's advisory lock.

A dialler holds its locks through a database connection that has no other use. If the connection is
lost, PostgreSQL releases the locks. The dialler notices the loss at the next `hold`. From then on,
it serves only the campaigns whose locks it gets again.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from phonebank.core.db import db

# Each lock has two numbers: this one, and the campaign's id.
_DIALLER = 0x6469616C

_TRY = text("SELECT pg_try_advisory_lock(:dialler, :campaign_id)")
_FREE = text("SELECT pg_advisory_unlock(:dialler, :campaign_id)")
_STILL_THERE = text("SELECT 1")


class CampaignLocks:
    """The locks of the campaigns that this process serves."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._held: set[int] = set()

    def hold(self, campaign_ids: Iterable[int]) -> set[int]:
        """Try to hold the locks of these campaigns, and release all other locks. Return the ids of
        the campaigns whose locks this process now holds. If PostgreSQL does not answer, this
        process holds no locks afterwards, and the result is empty."""
        wanted = set(campaign_ids)
        try:
            connection = self._connected()
            for campaign_id in self._held - wanted:
                connection.execute(_FREE, self._named(campaign_id))
            self._held &= wanted
            for campaign_id in wanted - self._held:
                if connection.scalar(_TRY, self._named(campaign_id)):
                    self._held.add(campaign_id)
        except DBAPIError:
            self.close()
        return set(self._held)

    def close(self) -> None:
        """Release all locks."""
        connection, self._connection, self._held = self._connection, None, set()
        if connection is not None:
            # Without this, the connection would go back to the pool with its locks.
            connection.invalidate()
            connection.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection, self._held = connection, set()
        self._connection.execute(_STILL_THERE)
        return self._connection

    @staticmethod
    def _named(campaign_id: int) -> dict[str, int]:
        return {"dialler": _DIALLER, "campaign_id": campaign_id}
