"""The `phonebank` command: what the Procfile's processes and the person at the server run."""

import sys

import click
from flask import Flask

from phonebank import jobs
from phonebank.app import alembic, create_app
from phonebank.config import ConfigRefused


def _app() -> Flask:
    try:
        return create_app()
    except ConfigRefused as refused:
        raise click.ClickException(str(refused)) from None


@click.group()
def main() -> None:
    """Run and look after a Phonebank server."""


@main.command()
def migrate() -> None:
    """Bring the database to this release's tables."""
    with _app().app_context():
        alembic.upgrade()


@main.command()
def worker() -> None:
    """Do the chores and imports that the web processes put on the queues."""
    with _app().app_context():
        jobs.run_worker()


@main.command()
def clock() -> None:
    """Put the periodic jobs on their queues. Run exactly one."""
    with _app().app_context():
        jobs.run_clock()


if __name__ == "__main__":
    sys.exit(main())
