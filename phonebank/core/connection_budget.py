"""Checks at start that all processes together cannot open more connections than PostgreSQL allows.

Without this check, a wrong setting would cause no error until a busy evening, when every process
opens as many connections as it may.
"""

import logging
from typing import Any

from flask import Flask
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from phonebank.core.config import LEAST_CONNECTIONS, MANUAL, Config, ConfigError, config_of
from phonebank.core.db import db

log = logging.getLogger(__name__)

# Connections that stay free for `phonebank migrate`, a backup, and a person who examines the
# database.
FOR_COMMANDS = 5

_LIMITS = text("""
SELECT current_setting('max_connections')::int AS maximum,
       current_setting('superuser_reserved_connections')::int
       + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END AS for_account,
       CASE WHEN rolsuper THEN -1 ELSE datconnlimit END AS for_database
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
""")


def check(app: Flask) -> None:
    """Raise ConfigError if the processes may open more connections than PostgreSQL allows. The
    error's message shows how many connections each kind of process may open.

    If PostgreSQL is unavailable, nothing is checked. The next process that starts checks again.
    """
    try:
        with app.app_context():
            limits = db.session.execute(_LIMITS).one()
    except DBAPIError as error:
        log.warning("connections were not counted: PostgreSQL is away (%s)", type(error).__name__)
        return
    config = config_of(app)
    available = _available(limits)
    if connections_needed(config) > available:
        raise ConfigError(
            f"PostgreSQL does not take enough connections. {_sum_in_words(config)} PostgreSQL takes"
            f" {available} {_reason(limits)}. Lower DATABASE_CONNECTIONS"
            f" {_suggestion(config, available)}or start fewer processes, or raise PostgreSQL's"
            " max_connections."
        )


def connections_needed(config: Config) -> int:
    """Return the highest number of connections that all processes together may open. The number
    includes FOR_COMMANDS."""
    web = config.web_processes * config.database_connections
    workers = config.worker_processes * config.worker_connections
    return web + workers + _for_dialler(config) + FOR_COMMANDS


def _for_dialler(config: Config) -> int:
    # The dialler opens as many connections as a worker. One of them keeps the locks of the
    # dialler's campaigns.
    return 0 if config.telephony == MANUAL else config.worker_connections


def _sum_in_words(config: Config) -> str:
    """Return in words how `connections_needed` is calculated, so that a person can check the
    calculation."""
    web, workers = config.web_processes, config.worker_processes
    dialler = _for_dialler(config)
    others = f"The dialler opens up to {dialler}. " if dialler else ""
    return (
        f"{web} web processes open up to {config.database_connections} each:"
        f" {web * config.database_connections}. {workers} workers open up to"
        f" {config.worker_connections} each: {workers * config.worker_connections}. {others}"
        f"Commands and backups need {FOR_COMMANDS}. Together: {connections_needed(config)}."
    )


def _available(limits: Row[*tuple[Any, ...]]) -> int:
    found = (limits.maximum - limits.reserved, limits.for_account, limits.for_database)
    return int(min(limit for limit in found if limit >= 0))  # PostgreSQL says -1 for no limit


def _reason(limits: Row[*tuple[Any, ...]]) -> str:
    available = _available(limits)
    if available == limits.for_account:
        return "from this account"
    if available == limits.for_database:
        return "to this database"
    return f"(max_connections is {limits.maximum}, of which {limits.reserved} are reserved)"


def _suggestion(config: Config, available: int) -> str:
    """Return "to N ", where N is the highest value of DATABASE_CONNECTIONS with which PostgreSQL
    has enough connections. Return "" if N would be too small for a web process."""
    for_web = config.web_processes * config.database_connections
    left = available - (connections_needed(config) - for_web)
    fits = left // config.web_processes
    return f"to {fits} " if fits >= LEAST_CONNECTIONS else ""
