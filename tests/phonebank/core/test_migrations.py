"""The migrations build what the models say, and each one goes up and down."""

import logging
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from flask import Flask
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import ProgrammingError

from phonebank.app import MIGRATIONS, alembic, create_app
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.migrations import LOCK_TIMEOUT, TableInUseError, upgrade_database
from phonebank.models import Base

FIRST_RELEASE = "0026"
# Two migrations of a later release, for tests in which they meet other transactions.
LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None


def upgrade():
    op.add_column("call", sa.Column("{column}", sa.Boolean()))
"""


@pytest.fixture
def empty_app(config: Config) -> Flask:
    """An app on an empty database of its own."""
    url = make_url(config.database_url)
    name = f"{url.database}_migrations"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    own_url = url.set(database=name).render_as_string(hide_password=False)
    return create_app(replace(config, database_url=own_url))


@pytest.fixture
def later_app(empty_app: Flask, tmp_path: Path) -> Flask:
    """A later release's app on the first one's tables: 9001 adds `call.later`, 9002 `newest`."""
    with empty_app.app_context():
        alembic.upgrade(FIRST_RELEASE)
        db.engine.dispose()
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    before = max(path.name.split("_")[0] for path in MIGRATIONS.glob("[0-9]*.py"))
    for revision, column in (("9001", "later"), ("9002", "newest")):
        text = LATER.format(revision=revision, before=before, column=column)
        (tmp_path / "migrations" / f"{revision}_{column}.py").write_text(text)
        before = revision
    app = create_app(empty_app.extensions["phonebank"])
    app.config["ALEMBIC"]["script_location"] = str(tmp_path / "migrations")
    return app


def test_the_head_is_what_the_models_say(app: Flask) -> None:
    with app.app_context():
        context = alembic.migration_contexts["default"]
        assert compare_metadata(context, Base.metadata) == []


def test_the_log_tells_of_each_step_once(app: Flask) -> None:
    assert logging.getLogger("alembic").isEnabledFor(logging.INFO)
    assert logging.getLogger("alembic").handlers == [], "the root's handler writes it, too"


def test_a_new_user_reads_one_line_and_an_operator_one_for_each_step(
    empty_app: Flask, later_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alembic")
    upgrade_database(later_app, alembic, attempts=1)
    steps = [line for line in caplog.messages if "Running upgrade" in line]
    assert len(steps) > 100
    with empty_app.app_context():
        db.session.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        db.session.commit()
    caplog.clear()
    upgrade_database(empty_app, alembic, attempts=1)
    assert [line for line in caplog.messages if "Running" in line or "tables" in line] == [
        "making the tables"
    ]


@pytest.mark.timing
def test_a_migration_gives_way_to_who_reads_its_table_and_is_done_afterwards(
    later_app: Flask,
) -> None:
    with later_app.app_context():
        reader = create_engine(db.engine.url).connect()
    reader.execute(text("SELECT FROM call"))  # and does not end its transaction
    began = time.monotonic()
    with pytest.raises(TableInUseError, match="in use"):
        upgrade_database(later_app, alembic, attempts=1)
    assert time.monotonic() - began < 3 * LOCK_TIMEOUT
    reader.rollback()
    upgrade_database(later_app, alembic, attempts=1)
    reader.execute(text("SELECT newest FROM call"))
    reader.close()
    reader.engine.dispose()


def test_each_newer_migration_changes_one_table() -> None:
    """A request reads several tables, and a migration that locks two could meet it half-way."""
    for path in sorted(MIGRATIONS.glob("[0-9]*.py"))[1:]:
        upgrade = path.read_text().split("def upgrade")[1].split("def downgrade")[0]
        changed = re.findall(
            r'(?:_column|create_table)\(\s*"(\w+)"'
            r'|(?:create_index|_constraint)\(\s*(?:op\.f\()?"\w+"\)?,\s*"(\w+)"'
            r"|ALTER TABLE (\w+)",
            upgrade,
        )
        assert len({"".join(table) for table in changed}) == 1, path.name


def test_there_is_one_head_and_files_are_numbered_in_order(app: Flask) -> None:
    with app.app_context():
        assert len(alembic.script_directory.get_heads()) == 1
        in_order = [script.revision for script in alembic.script_directory.walk_revisions()][::-1]
    names = sorted(path.name for path in MIGRATIONS.glob("[0-9]*.py"))
    assert [name.split("_")[0] for name in names] == in_order


def test_the_first_release_goes_on_adding_rows_while_a_newer_one_is_brought_in(
    empty_app: Flask,
) -> None:
    """The first release leaves out every column that came later."""
    columns = (
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    needed = f"{columns} AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
    with empty_app.app_context():
        alembic.upgrade(FIRST_RELEASE)
        first = set(map(tuple, db.session.execute(text(columns))))
        db.session.rollback()
        alembic.upgrade()
    with empty_app.app_context():
        came_later = set(map(tuple, db.session.execute(text(columns)))) - first
        old_tables = {table for table, _ in first}
        missed = came_later & set(map(tuple, db.session.execute(text(needed))))
        assert [column for column in missed if column[0] in old_tables] == []
        db.session.rollback()
        db.engine.dispose()


def test_one_that_fails_leaves_those_before_it_done(later_app: Flask) -> None:
    with later_app.app_context():
        db.session.execute(text("ALTER TABLE call ADD newest boolean"))
        db.session.commit()
    with later_app.app_context(), pytest.raises(ProgrammingError):
        alembic.upgrade()
    with later_app.app_context():
        assert db.session.scalar(text("SELECT version_num FROM alembic_version")) == "9001"
        db.session.execute(text("ALTER TABLE call DROP newest"))
        db.session.commit()
        alembic.upgrade()
        db.engine.dispose()


def test_each_migration_goes_up_down_and_up_again(empty_app: Flask) -> None:
    with empty_app.app_context():
        scripts = [s.revision for s in alembic.script_directory.walk_revisions()][::-1]
    for step, revision in enumerate(scripts):
        before = scripts[step - 1] if step else "base"
        for target, go in ((revision, "upgrade"), (before, "downgrade"), (revision, "upgrade")):
            with empty_app.app_context():
                getattr(alembic, go)(target)
    with empty_app.app_context():
        alembic.downgrade("base")
    with empty_app.app_context():
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        db.engine.dispose()


def test_numbering_changes_of_people_does_not_write_their_table_again(empty_app: Flask) -> None:
    with empty_app.app_context():
        alembic.upgrade("0132")
        file = text("SELECT pg_relation_filenode('contact_change')")
        before = db.session.scalar(file)
        db.session.commit()
        alembic.upgrade("0133")
        assert db.session.scalar(file) == before
        db.session.rollback()
        db.engine.dispose()
