"""The commands that create the first organiser and print sign-in links."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from phonebank.cli import main
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.local import env_file
from phonebank.models import Account, RoleName
from tests.factories import create_account, create_campaign


@pytest.fixture
def environment(config: Config, app: Flask, clean_stores: None) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": config.secret_key,
        "PASSWORD_SALT": config.password_salt,
        "TOTP_SECRET": config.totp_secret,
        "PHONEBANK_MODE": "development",
        "BASE_URL": "http://localhost",
    }


def run(environment: dict[str, str], *words: str) -> Result:
    return CliRunner(env=environment).invoke(main, words)


def open_link(app: Flask, link: str) -> str:
    """The account page of the person whom the link signs in."""
    client = app.test_client()
    assert link.startswith("http://localhost/sign-in/link/")
    client.post(link.removeprefix("http://localhost"))
    return client.get("/account").text


def test_the_first_organiser_by_command_twice(environment: dict[str, str], app: Flask) -> None:
    first = run(environment, "create-organiser", "Ada@Example.org", "--name", "Ada")
    assert (first.exit_code, first.stderr) == (0, "")
    said, link = first.stdout.splitlines()
    assert said == "ada@example.org is an organiser. To sign in:"
    assert "ada@example.org" in open_link(app, link)
    again = run(environment, "create-organiser", "ada@example.org")
    assert again.exit_code == 0
    with app.app_context():
        [account] = db.session.scalars(select(Account))
        assert account.is_organiser
        assert account.name == "Ada"


def test_an_address_that_is_none_gets_one_line(environment: dict[str, str]) -> None:
    refused = run(environment, "create-organiser", "ada")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "Error: That isn't an e-mail address. Type it like this: name@example.org\n"
    )


def test_a_host_becomes_an_organiser_too(environment: dict[str, str], app: Flask, cy: int) -> None:
    assert run(environment, "create-organiser", "cy@example.org").exit_code == 0
    with app.app_context():
        account = db.session.get_one(Account, cy)
        assert account.is_organiser
        assert account.is_host


def test_roles_and_chapters_by_command(environment: dict[str, str], app: Flask) -> None:
    with app.app_context():
        create_account(RoleName.ORGANISER, email="ada@example.org", name="Ada")
        create_campaign(name="Kitchen Table")
        db.session.commit()

    def says(*words: str) -> str:
        done = run(environment, *words)
        return done.stdout if done.exit_code == 0 else done.stderr

    assert says("create-chapter", "North") == "The chapter North is made.\n"
    assert "There is already a chapter called" in says("create-chapter", "north")
    assert says("move-campaign", "1", "--chapter", "north") == (
        "“Kitchen Table” is in the chapter North now.\n"
    )
    for _ in range(2):
        given = says("give-role", "cy@example.org", "organiser", "--chapter", "North")
        assert given.startswith("cy@example.org: Organiser of the chapter North\n")
    says("give-role", "cy@example.org", "viewer", "--campaign", "1")
    assert says("roles") == (
        "cy@example.org: Organiser of the chapter North, Viewer of the campaign Kitchen Table\n"
        "ada@example.org: Organiser of all campaigns\n"
    )
    assert says("take-role", "cy@example.org", "organiser", "--chapter", "North") == (
        "cy@example.org: Viewer of the campaign Kitchen Table\n"
    )
    assert "the only organiser of all campaigns" in says(
        "take-role", "ada@example.org", "organiser"
    )
    assert says("move-campaign", "1") == "“Kitchen Table” is in no chapter now.\n"
    for wrong, said in (
        (("give-role", "cy@example.org", "viewer", "--chapter", "South"), "There is no chapter"),
        (("give-role", "cy@example.org", "viewer", "--campaign", "9"), "does not exist"),
        (("take-role", "bo@example.org", "host"), "Nobody has an account"),
        (("move-campaign", "9"), "There is no campaign with the number 9."),
    ):
        assert said in says(*wrong)


def test_links_for_one_of_each_and_for_a_name(environment: dict[str, str], app: Flask) -> None:
    with app.app_context():
        create_account(RoleName.ORGANISER, email="gone@example.org").active = False
        create_account(RoleName.ORGANISER, email="ada@example.org", name="Ada")
        create_account(RoleName.HOST, email="cy@example.org", name="Cy")
        create_account(RoleName.HOST, email="di@example.org", name="Di")
        db.session.commit()
    lines = run(environment, "links").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["Organiser", "Ada"], ["Host", "Cy"]]
    link = lines[1].split()[-1]
    for _ in range(2):
        assert "cy@example.org" in open_link(app, link), "the demonstration's links work again"
    [line] = run(environment, "links", "di@example.org").stdout.splitlines()
    assert "di@example.org" in open_link(app, line.split()[-1])
    for nobody in ("gone@example.org", "who@example.org"):
        refused = run(environment, "links", nobody)
        assert (refused.exit_code, refused.stderr) == (
            1,
            f"Error: Nobody can sign in as {nobody}.\n",
        )


def test_a_missing_setting_gets_one_line(environment: dict[str, str]) -> None:
    del environment["SECRET_KEY"]
    refused = subprocess.run(
        [sys.executable, "-m", "phonebank.cli", "links"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: SECRET_KEY is not set.")
    assert refused.stderr.count("\n") == 1


def test_a_database_that_is_away_gets_one_line(environment: dict[str, str]) -> None:
    away = "postgresql+psycopg://bank:hush@127.0.0.1:9/bank"
    refused = run(environment | {"DATABASE_URL": away}, "create-organiser", "ada@example.org")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "Error: The database doesn't answer. Is the server, or `make run`, running?\n"
    )


def test_a_command_finds_what_make_run_started(
    environment: dict[str, str], app: Flask, ada: int, tmp_path: Path
) -> None:
    env_file.write(tmp_path, environment)
    found = run(
        dict.fromkeys(environment, "") | {"PHONEBANK_VAR": str(tmp_path)},
        "links",
        "ada@example.org",
    )
    assert (found.exit_code, found.stderr) == (0, "")
    assert "ada@example.org" in open_link(app, found.stdout.split()[-1])


def test_resetting_a_second_factor_by_command(
    environment: dict[str, str], app: Flask, ada: int
) -> None:
    with app.app_context():
        account = db.session.get_one(Account, ada)
        account.tf_primary_method, account.tf_totp_secret = "authenticator", "x"
        signed_in_with = account.fs_uniquifier
        db.session.commit()
    told = run(environment, "reset-second-factor", "--help").stdout
    assert "This signs the account out everywhere." in " ".join(told.split())
    done = run(environment, "reset-second-factor", "ada@example.org")
    assert done.stdout == "ada@example.org will set up an authenticator app at the next sign-in.\n"
    with app.app_context():
        account = db.session.get_one(Account, ada)
        assert account.tf_primary_method is None
        assert account.fs_uniquifier != signed_in_with
