"""Finds the moment up to which all changes are committed (the settled moment). Some code reads rows
in the order of the times at which the rows changed, and later continues after the last row that it
has read. Such code must read only rows up to the settled moment. Otherwise it could miss a row that
has an earlier time than the last row read, but is committed later."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import now

# A page's change commits within this time or not at all. (A statement may take 12 seconds, after 5
# seconds of waiting for a connection.) The time is also longer than the difference between the
# servers' clocks.
SETTLED_AFTER = timedelta(seconds=30)

# No page's statement can still write a row that is older than `:latest`. A job may keep a
# transaction open for longer, because it may wait for locks after it has read the clock. So the
# start of the oldest transaction that has written or locked something is considered too.
#
# Such a transaction holds a lock on a table that is neither temporary nor PostgreSQL's own. A
# transaction that wrote only to temporary tables does not hold one. The check of a million rows
# before an import is like that, and takes minutes. Neither does PostgreSQL's collection of
# statistics, which may write long values to `pg_toast`. (A transaction that writes a long
# value of a table to `pg_toast` has a lock on that table too.)
_SETTLED = text("""
SELECT least(:latest, (
    SELECT min(xact_start) FROM pg_stat_activity AS other
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
    AND EXISTS (
        SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE pg_locks.pid = other.pid AND locktype = 'relation' AND mode LIKE 'Row%'
        AND relpersistence <> 't'
        AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
    )
) - CAST(:margin AS interval))
""")


def settled_moment() -> datetime:
    """Return the moment (an aware datetime) up to which all changes are committed, so that no row
    with an earlier time can still appear. A statement that comes later sees all these changes."""
    values = {"latest": now() - SETTLED_AFTER, "margin": SETTLED_AFTER}
    settled: datetime = db.session.scalars(_SETTLED, values).one()
    return settled
