"""create_app: the one place that knows every part."""

import logging

from flask import Flask
from flask_alembic import Alembic

from callers import (
    history_pages,
    pace_pages,
    queue_pages,
    retry_pages,
    roster_pages,
    set_aside_pages,
)
from callers import screens as callers
from callers.calling import release_caller
from callers.outcomes import OUTCOMES, label_of
from callers.sessions import recognised
from phonebank import (
    access,
    errors,
    health,
    outcome_words,
    overload,
    stores,
    vendored,
    web_security,
)
from phonebank.accounts import setup as accounts
from phonebank.campaigns import pages as campaigns
from phonebank.config import Config
from phonebank.experiments import pages as experiments
from phonebank.exports import pages as exports
from phonebank.help import pages as guides
from phonebank.lists import pages as lists
from phonebank.live import server as live
from phonebank.models import Base
from phonebank.parties import host_pages as parties
from phonebank.roster import removal
from phonebank.scripts import pages as scripts
from phonebank.shipped_files import ROOT
from phonebank.stores import Patience
from phonebank.suppressions import pages as suppressions

MIGRATIONS = ROOT / "migrations"

alembic = Alembic(run_mkdir=False, command_name="", metadatas=Base.metadata)


def _speak_up() -> None:
    """Log what is worth keeping (who downloaded what, who lifted a suppression) to the standard
    error, which is where a Procfile's host looks. A server that set up its own logging keeps it."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("alembic", "sqlalchemy"):
        # Flask-Alembic brings them a handler each, beside the root's: every line would come twice.
        logging.getLogger(library).handlers.clear()
    for ours in ("phonebank", "callers"):
        logging.getLogger(ours).setLevel(logging.INFO)
    # Statement values would put voters' names and numbers into logs.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)


def create_app(config: Config | None = None, patience: Patience = stores.FOR_PAGES) -> Flask:
    """Build the app.

    `config` None reads the environment; `patience` is PostgreSQL's with our statements. Raises
    ConfigRefused when the environment does not allow a safe start.
    """
    config = config or Config.from_environment()
    app = Flask(__name__)
    app.extensions["phonebank"] = config
    _speak_up()

    serves_jobs = patience in (stores.FOR_JOBS, stores.FOR_COMMANDS)
    connections = config.worker_connections if serves_jobs else config.database_connections
    stores.init_app(app, config.database_url, config.redis_url, connections, patience)
    app.config["ALEMBIC"] = {"script_location": str(MIGRATIONS)}
    # Each by itself: nobody waits for the locks of one until the last is done.
    app.config["ALEMBIC_CONTEXT"] = {"transaction_per_migration": True}
    alembic.init_app(app)
    web_security.init_app(app, config)
    accounts.init_app(app, config)
    access.register(app)
    errors.register(app)
    vendored.init_app(app)
    health.init_app(app)
    # Pages of this package show outcomes, which are the callers' side's to define.
    app.add_template_filter(label_of, "outcome_label")
    outcome_words.init_app(app, OUTCOMES.values())
    campaigns.init_app(app)
    lists.init_app(app)
    exports.init_app(app)
    suppressions.init_app(app)
    scripts.init_app(app)
    experiments.init_app(app)
    guides.init_app(app)
    parties.init_app(app)
    removal.init_app(app, release_caller)
    queue_pages.init_app(app)
    retry_pages.init_app(app)
    roster_pages.init_app(app)
    pace_pages.init_app(app)
    history_pages.init_app(app)
    set_aside_pages.init_app(app)
    callers.init_app(app)
    live.init_app(app, recognised)
    overload.init_app(app)
    return app
