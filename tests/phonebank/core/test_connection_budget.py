"""All processes together must fit below PostgreSQL's limit, or the message says the sum."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import make_url, text

from phonebank.app import create_app
from phonebank.core import connection_budget
from phonebank.core.config import Config, ConfigError
from phonebank.core.db import db


def test_the_defaults_fit_postgresql_as_it_comes(config: Config, clean_stores: None) -> None:
    # The embedded server has PostgreSQL's defaults: 100 connections, of which 3 are reserved.
    connection_budget.check(create_app(config))
    assert connection_budget.connections_needed(config) <= 97


def test_a_sum_that_is_too_large_is_refused_in_words(config: Config, clean_stores: None) -> None:
    large = replace(config, web_processes=4, worker_processes=3, worker_connections=6)
    with pytest.raises(ConfigError) as refused:
        connection_budget.check(create_app(large))
    said = str(refused.value)
    assert "4 web processes open up to 24 each: 96. 3 workers open up to 6 each: 18." in said
    assert "Together: 119. PostgreSQL takes 97 (max_connections is 100" in said
    assert "Lower DATABASE_CONNECTIONS to 18 " in said
    connection_budget.check(create_app(replace(large, database_connections=18)))


def test_the_limit_of_the_account_counts_too(
    config: Config, app: Flask, clean_stores: None
) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE ROLE hosted LOGIN CONNECTION LIMIT 20"))
    try:
        url = make_url(config.database_url).set(username="hosted")
        hosted = replace(config, database_url=url.render_as_string(hide_password=False))
        with pytest.raises(ConfigError, match="takes 20 from this account"):
            connection_budget.check(create_app(hosted))
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("DROP ROLE hosted"))


def test_a_database_that_is_away_keeps_nobody_from_starting(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(config, database_url="postgresql+psycopg://bank:hush@127.0.0.1:9/bank")
    connection_budget.check(create_app(away))
    assert "connections were not counted" in caplog.text
    assert "hush" not in caplog.text
