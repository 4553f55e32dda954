"""`create_app` builds the app. Only this module imports every part of the app."""

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_alembic import Alembic

from callers import routes as callers
from phonebank.api import routes as api
from phonebank.core import access, assets, db, error_pages, overload, redis, security
from phonebank.core.config import Config
from phonebank.core.db import Timeouts
from phonebank.core.install_paths import ROOT
from phonebank.hosts import routes as hosts
from phonebank.live import server as live
from phonebank.models import STATES, Base
from phonebank.movement import kept_pages, near_views
from phonebank.movement import routes as movement
from phonebank.organisers import routes as organisers
from phonebank.phone_webhooks import routes as phone_webhooks
from phonebank.rules.outcomes import label_of
from phonebank.site import guide_views, health, sign_in_setup

MIGRATIONS = ROOT / "migrations"

alembic = Alembic(run_mkdir=False, command_name="", metadatas=Base.metadata)


def _set_up_logging() -> None:
    """Write the log to standard error, where hosting providers collect logs. The log says, for
    example, who downloaded a file or removed a number from the do-not-call list. If the web server
    has already set up a handler for the log, that handler is kept."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("alembic", "sqlalchemy"):
        # Flask-Alembic gives each of these loggers its own handler beside the root logger's, so
        # every message would be logged twice.
        logging.getLogger(library).handlers.clear()
    for ours in ("phonebank", "callers"):
        logging.getLogger(ours).setLevel(logging.INFO)
    # At the level DEBUG SQLAlchemy logs the rows that it reads, with voters' names and numbers.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


class PhonebankFlask(Flask):
    """Flask for an app whose functions are all synchronous.

    About twenty functions handle each request. Flask's own class would check in every request
    whether each of them is synchronous.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged."""
        return func


def create_app(config: Config | None = None, timeouts: Timeouts = db.FOR_PAGES) -> Flask:
    """Build the app.

    If `config` is None, the settings come from the environment. `timeouts` limit how long
    PostgreSQL runs a statement and waits for a lock. The number of database connections also
    depends on `timeouts`. Raises ConfigError if the settings do not allow a safe start.
    """
    config = config or Config.from_environment()
    app = PhonebankFlask(__name__)
    app.extensions["phonebank"] = config
    _set_up_logging()

    serves_jobs = timeouts in (db.FOR_JOBS, db.FOR_COMMANDS)
    connections = config.worker_connections if serves_jobs else config.database_connections
    db.init_app(app, config.database_url, connections, timeouts)
    redis.init_app(app, config.redis_url)
    app.config["ALEMBIC"] = {"script_location": str(MIGRATIONS)}
    # Otherwise all migrations would share one transaction. It would keep the locks of the first
    # migration until the last is done.
    app.config["ALEMBIC_CONTEXT"] = {"transaction_per_migration": True}
    alembic.init_app(app)
    security.init_app(app, config)
    sign_in_setup.init_app(app, config)
    access.init_app(app)
    error_pages.init_app(app)
    assets.init_app(app)
    health.init_app(app)
    app.add_template_filter(label_of, "outcome_label")
    app.jinja_env.globals.update({states.__name__: states for states in STATES})
    organisers.init_app(app)
    guide_views.init_app(app)
    hosts.init_app(app)
    callers.init_app(app)
    movement.init_app(app)
    api.init_app(app)
    phone_webhooks.init_app(app)
    live.init_app(app)
    overload.init_app(app)
    kept_pages.send_before_flask(app, near_views.draw_known)
    return app
