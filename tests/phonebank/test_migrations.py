"""The migrations build what the models say, and each one goes up and down."""

import pytest
from alembic.autogenerate import compare_metadata
from flask import Flask
from sqlalchemy import create_engine, inspect, make_url, text

from phonebank.app import MIGRATIONS, alembic, create_app
from phonebank.config import Config
from phonebank.models import Base
from phonebank.stores import db


@pytest.fixture
def empty_app(config: Config) -> Flask:
    """An app on an empty database of its own."""
    from dataclasses import replace

    url = make_url(config.database_url)
    name = f"{url.database}_migrations"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    own_url = url.set(database=name).render_as_string(hide_password=False)
    return create_app(replace(config, database_url=own_url))


def test_the_head_is_what_the_models_say(app: Flask) -> None:
    with app.app_context():
        context = alembic.migration_contexts["default"]
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_head_and_files_are_numbered_in_order(app: Flask) -> None:
    with app.app_context():
        assert len(alembic.script_directory.get_heads()) == 1
        in_order = [script.revision for script in alembic.script_directory.walk_revisions()][::-1]
    names = sorted(path.name for path in MIGRATIONS.glob("[0-9]*.py"))
    assert [name.split("_")[0] for name in names] == in_order


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
