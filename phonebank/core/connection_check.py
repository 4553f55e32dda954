"""Whether all processes together stay below the number of connections that PostgreSQL takes.

Reckoned at start: an evening with a full pool in each process is no time to find out.
"""

import logging
from typing import Any

from flask import Flask
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from phonebank.core.config import LEAST_CONNECTIONS, Config, ConfigError
from phonebank.core.db import db

log = logging.getLogger(__name__)

# For `phonebank migrate`, a backup and whoever looks at the database meanwhile.
FOR_COMMANDS = 5

_LIMITS = text("""
SELECT current_setting('max_connections')::int AS takes,
       current_setting('superuser_reserved_connections')::int
       + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END AS for_account,
       CASE WHEN rolsuper THEN -1 ELSE datconnlimit END AS for_database
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
""")


def check(app: Flask) -> None:
    """Raise ConfigError, with the sum in words, when PostgreSQL takes fewer connections than the
    processes may open. A PostgreSQL that is away is asked by the next process that starts."""
    try:
        with app.app_context():
            limits = db.session.execute(_LIMITS).one()
    except DBAPIError as error:
        log.warning("connections were not reckoned: PostgreSQL is away (%s)", type(error).__name__)
        return
    config: Config = app.extensions["phonebank"]
    if wanted(config) > _taken(limits):
        raise ConfigError(
            f"PostgreSQL does not take enough connections. {in_words(config)} PostgreSQL takes"
            f" {_taken(limits)} {_why(limits)}. Lower DATABASE_CONNECTIONS"
            f" {_lowered(config, _taken(limits))}or start fewer processes, or raise PostgreSQL's"
            " max_connections."
        )


def wanted(config: Config) -> int:
    """The most that all processes together may open."""
    web = config.web_processes * config.database_connections
    return web + config.worker_processes * config.worker_connections + FOR_COMMANDS


def in_words(config: Config) -> str:
    """The same as a sum that a person can check."""
    web, workers = config.web_processes, config.worker_processes
    return (
        f"{web} web processes open up to {config.database_connections} each:"
        f" {web * config.database_connections}. {workers} workers open up to"
        f" {config.worker_connections} each: {workers * config.worker_connections}. Commands and"
        f" backups need {FOR_COMMANDS}. Together: {wanted(config)}."
    )


def _taken(limits: Row[*tuple[Any, ...]]) -> int:
    found = (limits.takes - limits.reserved, limits.for_account, limits.for_database)
    return int(min(limit for limit in found if limit >= 0))


def _why(limits: Row[*tuple[Any, ...]]) -> str:
    taken = _taken(limits)
    if taken == limits.for_account:
        return "from this account"
    if taken == limits.for_database:
        return "to this database"
    return f"(max_connections is {limits.takes}, of which {limits.reserved} are reserved)"


def _lowered(config: Config, taken: int) -> str:
    left = taken - (wanted(config) - config.web_processes * config.database_connections)
    fits = left // config.web_processes
    return f"to {fits} " if fits >= LEAST_CONNECTIONS else ""
