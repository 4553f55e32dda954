"""The commands about roles and chapters, for the person who runs a server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from flask import Flask

from phonebank.accounts import accounts, roles
from phonebank.campaigns import chapters
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.models import Account, Campaign, RoleName

# Each command gets the function that makes the app, so that `--help` needs no database.
MakeApp = Callable[[], Flask]

_chapter = click.option("--chapter", metavar="NAME", help="The role is in this chapter.")
_campaign = click.option("--campaign", metavar="NUMBER", type=int, help="… in this campaign.")


@contextmanager
def _in_app(make_app: MakeApp) -> Iterator[None]:
    """Run a command's code in the app's context. If the code raises a PhonebankError, the command
    prints the error's message and fails."""
    with make_app().app_context():
        try:
            yield
        except PhonebankError as fault:
            raise click.ClickException(f"{fault.message} {fault.what_to_do}") from None


@click.command("roles")
@click.pass_obj
def list_roles(make_app: MakeApp) -> None:
    """Print everyone with an account, and their roles."""
    with _in_app(make_app):
        people = accounts.all_accounts()
        held = roles.held_roles(people)
        for account in people:
            words = ", ".join(map(str, held[account.id])) or "None"
            click.echo(f"{account.email}: {words}{'' if account.active else ' (deactivated)'}")


@click.command()
@click.argument("email")
@click.argument("role", type=click.Choice([str(role) for role in roles.SCOPED_ROLES]))
@_chapter
@_campaign
@click.option("--name", default="", help="The name that pages show. The person can change it.")
@click.pass_obj
def give_role(
    make_app: MakeApp, email: str, role: str, chapter: str | None, campaign: int | None, name: str
) -> None:
    """Make EMAIL an organiser or a viewer of all campaigns, of one chapter or of one campaign. Safe
    to repeat."""
    with _in_app(make_app):
        scope = _scope(chapter, campaign)
        account = accounts.create_account(email, name, [])
        roles.give_role(account, role, scope, None)
        db.session.commit()
        click.echo(_describe(account))
        click.echo(f"Print a sign-in link with: phonebank links {account.email}")


@click.command()
@click.argument("email")
@click.argument("role", type=click.Choice([str(role) for role in RoleName]))
@_chapter
@_campaign
@click.pass_obj
def take_role(
    make_app: MakeApp, email: str, role: str, chapter: str | None, campaign: int | None
) -> None:
    """Take a role away from EMAIL."""
    with _in_app(make_app):
        scope = _scope(chapter, campaign)
        account = accounts.account_of(email)
        if account is None:
            raise click.ClickException(f"Nobody has an account with the address {email}.")
        roles.take_role(account, role, scope, None)
        db.session.commit()
        click.echo(_describe(account))


@click.command()
@click.argument("name")
@click.pass_obj
def create_chapter(make_app: MakeApp, name: str) -> None:
    """Make a chapter, which is a local group with its own campaigns."""
    with _in_app(make_app):
        chapter = chapters.create_chapter(name, None)
        db.session.commit()
        click.echo(f"The chapter {chapter.name} is made.")


@click.command()
@click.argument("campaign", metavar="NUMBER", type=int)
@click.option("--chapter", metavar="NAME", help="Without it, the campaign leaves its chapter.")
@click.pass_obj
def move_campaign(make_app: MakeApp, campaign: int, chapter: str | None) -> None:
    """Put the campaign with this NUMBER into a chapter. The number is in the address of the
    campaign's page."""
    with _in_app(make_app):
        found = db.session.get(Campaign, campaign)
        if found is None:
            raise click.ClickException(f"There is no campaign with the number {campaign}.")
        wanted = chapters.chapter_named(chapter) if chapter else None
        chapters.move_campaign(found, found.chapter_id, wanted.id if wanted else None, None)
        db.session.commit()
        where = f"in the chapter {wanted.name}" if wanted else "in no chapter"
        click.echo(f"“{found.name}” is {where} now.")


COMMANDS = (list_roles, give_role, take_role, create_chapter, move_campaign)


def _scope(chapter: str | None, campaign: int | None) -> roles.Scope:
    if chapter and campaign:
        raise click.ClickException("Give --chapter or --campaign, and not both.")
    if chapter:
        return roles.Scope(chapter_id=chapters.chapter_named(chapter).id)
    return roles.Scope(campaign_id=campaign)


def _describe(account: Account) -> str:
    words = ", ".join(map(str, roles.held_roles([account])[account.id]))
    return f"{account.email}: {words or 'no role'}"
