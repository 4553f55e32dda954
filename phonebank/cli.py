"""The `phonebank` command. It starts every process of the Procfile except `web`, which gunicorn
runs. Other subcommands are for the person who runs Phonebank."""

import os
import sys
from datetime import timedelta
from typing import Any

import click
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from phonebank import asterisk_commands, demo, demo_events, role_commands
from phonebank.accounts import accounts, roles, second_factor, sign_in_mail
from phonebank.app import alembic, create_app
from phonebank.core import connection_budget, gc_tuning, jobs, mail, redis_settings
from phonebank.core.config import ConfigError, current_config
from phonebank.core.db import FOR_COMMANDS, FOR_JOBS, Timeouts, db
from phonebank.core.errors import PhonebankError
from phonebank.core.migrations import TableInUseError, upgrade_database
from phonebank.dialler.process import run_dialler
from phonebank.local import env_file, launcher
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Party,
    PartyState,
    Role,
    RoleName,
    now,
)
from phonebank.periodic_jobs import PERIODIC_JOBS
from phonebank.places.load import load_places

# The person who runs the server may read a printed link some hours later.
PRINTED_LINK_LIFETIME = timedelta(hours=12)
# Job workers and the clock have this niceness. Linux compares it only among the processes of one
# session or container.
NICENESS = 5


def _app(timeouts: Timeouts = FOR_COMMANDS) -> Flask:
    try:
        return create_app(timeouts=timeouts)
    except ConfigError as refused:
        raise click.ClickException(str(refused)) from None


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OperationalError:
            raise click.ClickException(
                "The database doesn't answer. Is the server, or `make run`, running?"
            ) from None


@click.group(cls=_Commands)
@click.version_option(package_name="phonebank")
@click.pass_context
def main(context: click.Context) -> None:
    """Run and look after a Phonebank server."""
    context.obj = _app
    if context.invoked_subcommand != run.name:  # `run` starts servers of its own
        env_file.load_into(os.environ)


@main.command()
def run() -> None:
    """Run all of Phonebank on this machine, with its own servers and a demonstration."""
    sys.exit(launcher.main())


@main.command()
def migrate() -> None:
    """Update the database's tables to this release, and fill the table of places."""
    app = _app()
    try:
        upgrade_database(app, alembic)
    except TableInUseError as in_use:
        raise click.ClickException(f"{in_use.message} {in_use.what_to_do}") from None
    with app.app_context():
        load_places()
        db.session.commit()


@main.command()
@click.option("--urgent", is_flag=True, help="Do only the jobs that callers can't wait for.")
def worker(urgent: bool) -> None:
    """Do the jobs and imports that wait in the queues."""
    app = _app(FOR_JOBS)
    try:
        connection_budget.check(app)
    except ConfigError as refused:
        raise click.ClickException(str(refused)) from None
    redis_settings.check(app)
    os.nice(NICENESS)
    gc_tuning.freeze_gc()
    with app.app_context():
        jobs.run_worker(queues=(jobs.URGENT,) if urgent else jobs.QUEUES)


@main.command()
def clock() -> None:
    """Put the periodic jobs on their queues. Run exactly one clock."""
    os.nice(NICENESS)
    with _app().app_context():
        jobs.run_clock(PERIODIC_JOBS)


@main.command("run-dialler")
def dialler() -> None:
    """Make the telephone calls of campaigns that call through a telephone service."""
    app = _app(FOR_JOBS)
    try:
        connection_budget.check(app)
        run_dialler(app)
    except ConfigError as refused:
        raise click.ClickException(str(refused)) from None


@main.command("demo")
def load_demo() -> None:
    """Load the demonstration if the database is empty. Otherwise do nothing."""
    with _app().app_context():
        if demo.is_empty():
            demo.load()
            demo_events.load()
            db.session.commit()
            click.echo("The demonstration is loaded.")


@main.command("create-organiser")
@click.argument("email")
@click.option("--name", default="", help="The name that pages show. The person can change it.")
def create_organiser(email: str, name: str) -> None:
    """Make EMAIL an organiser, and e-mail or print a sign-in link. Safe to repeat."""
    with _app().app_context():
        try:
            account = accounts.create_account(email, name, [RoleName.ORGANISER])
            db.session.commit()
            if mail.is_configured():
                sign_in_mail.send_sign_in_link(account.email)
                click.echo(f"{account.email} is an organiser. We've e-mailed them a sign-in link.")
                return
        except PhonebankError as fault:
            raise click.ClickException(f"{fault.message} {fault.what_to_do}") from None
        click.echo(f"{account.email} is an organiser. To sign in:\n{_printed_link(account)}")


@main.command()
@click.argument("emails", nargs=-1)
def links(emails: tuple[str, ...]) -> None:
    """Print sign-in links for EMAILS, or for one account of each role if you name none."""
    with _app().app_context():
        for role, account in _accounts_of(emails) if emails else _one_account_of_each_role():
            click.echo(
                f"{role.capitalize():<10} {account.name or account.email:<20} "
                f"{_printed_link(account)}"
            )
        if not emails:
            _print_caller_links()


@main.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Remove the authenticator app and recovery codes of EMAIL, who has lost both.

    This signs the account out everywhere.
    """
    with _app().app_context():
        for _, account in _accounts_of((email,)):
            second_factor.reset_second_factor(account)
        db.session.commit()
        click.echo(f"{email} will set up an authenticator app at the next sign-in.")


def _accounts_of(emails: tuple[str, ...]) -> list[tuple[str, Account]]:
    found = []
    for email in emails:
        account = accounts.account_of(email)
        if account is None or not account.active:
            raise click.ClickException(f"Nobody can sign in as {email}.")
        held = roles.held_roles([account])[account.id]
        found.append((held[0].role if held else "", account))
    return found


def _one_account_of_each_role() -> list[tuple[str, Account]]:
    first = select(Account).where(Account.active).order_by(Account.id).limit(1)
    found: list[tuple[str, Account]] = []
    for role in RoleName:
        account = db.session.scalar(first.join(Account.roles).where(Role.name == role))
        if account is not None:
            found.append((role, account))
    return found


def _print_caller_links() -> None:
    """Print two links to an open party: the link for callers and the board's link. The party is the
    newest open party that has started or, if none has started, the newest open party. If there is
    no open party, print the newest running campaign's link for callers. If no campaign is running
    either, print nothing."""
    base_url = current_config().base_url
    party = db.session.scalar(
        select(Party)
        .where(Party.state == PartyState.OPEN)
        .order_by((Party.starts_at <= now()).desc(), Party.id.desc())
        .limit(1)
    )
    if party is not None:
        click.echo(f"{'Caller':<10} {party.title[:20]:<20} {base_url}/join/{party.code}")
        click.echo(f"{'Board':<10} {party.title[:20]:<20} {base_url}/board/{party.board_token}")
        return
    campaign = db.session.scalar(
        select(Campaign)
        .where(Campaign.state == CampaignState.RUNNING)
        .order_by(Campaign.id.desc())
        .limit(1)
    )
    if campaign is not None:
        click.echo(f"{'Caller':<10} {campaign.name[:20]:<20} {base_url}/c/{campaign.join_token}")


def _printed_link(account: Account) -> str:
    config = current_config()
    return sign_in_mail.sign_in_link(
        account, lives_for=PRINTED_LINK_LIFETIME, reusable=not config.is_production
    )


for _command in (*role_commands.COMMANDS, *asterisk_commands.COMMANDS):
    main.add_command(_command)


if __name__ == "__main__":
    sys.exit(main())
