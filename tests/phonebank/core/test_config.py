"""Which settings are needed and which are refused, and that a forgotten one is safe."""

from pathlib import Path
from typing import Any

import pytest

from phonebank.core.config import PRODUCTION, Config, ConfigError

SECRET = "0123456789abcdef" * 4
NEEDED = {
    "DATABASE_URL": "postgresql://bank:hush@db.example.org/bank",
    "REDIS_URL": "redis://:hush@redis.example.org/0",
    "SECRET_KEY": SECRET,
    "PASSWORD_SALT": SECRET[::-1],
    "TOTP_SECRET": SECRET[1:] + SECRET[0],
    "NUMBER_KEYS": SECRET[2:] + SECRET[:2],
}
PUBLIC = NEEDED | {"BASE_URL": "https://phonebank.example.org/"}


def read(**changed: str) -> Config:
    return Config.from_environment(PUBLIC | changed)


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        Config.from_environment(environ)
    return str(refused.value)


@pytest.mark.parametrize("name", sorted(NEEDED))
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environ = {key: kept for key, kept in PUBLIC.items() if key != name}
    if value is not None:
        environ[name] = value
    assert refusal(environ).startswith(f"{name} is not set.")


def test_the_mode_is_production_unless_it_says_otherwise() -> None:
    assert read().mode == PRODUCTION
    assert read(PHONEBANK_MODE="").is_production
    assert not read(PHONEBANK_MODE="development").is_production
    assert "PHONEBANK_MODE must be" in refusal(PUBLIC | {"PHONEBANK_MODE": "prod"})


@pytest.mark.parametrize("name", ["SECRET_KEY", "PASSWORD_SALT", "TOTP_SECRET", "NUMBER_KEYS"])
def test_a_weak_secret_does_not_start_a_public_server(name: str) -> None:
    for weak in ("secret!", "x" * 31):
        said = refusal(PUBLIC | {name: weak})
        assert said.startswith(f"{name} is too short for a public server.")
        assert weak not in said
        assert "secrets.token_hex(32)" in said, "how to make a good one"
        assert read(PHONEBANK_MODE="development", **{name: weak})
    assert read(**{name: "x" * 32})


def test_a_public_server_is_https() -> None:
    assert "BASE_URL must start with https://" in refusal(NEEDED)
    plain = PUBLIC | {"BASE_URL": "http://phonebank.example.org"}
    assert "BASE_URL must start with https://" in refusal(plain)
    development = Config.from_environment(plain | {"PHONEBANK_MODE": "development"})
    assert not development.is_https


def test_the_base_of_links_ends_without_a_slash() -> None:
    assert read().base_url == "https://phonebank.example.org"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_spelling_of_a_postgresql_address(scheme: str) -> None:
    config = read(DATABASE_URL=f"{scheme}://bank@db/bank")
    assert config.database_url == "postgresql+psycopg://bank@db/bank"


@pytest.mark.parametrize("url", ["sqlite:///bank.db", "mysql://u:hush@db/bank", "nonsense"])
def test_another_database_is_refused_without_repeating_its_password(url: str) -> None:
    said = refusal(PUBLIC | {"DATABASE_URL": url})
    assert "DATABASE_URL must be a PostgreSQL address" in said
    assert "hush" not in said


@pytest.mark.parametrize("name", ["PROXIES", "MAIL_PORT"])
def test_a_number_that_is_none_is_named(name: str) -> None:
    assert refusal(PUBLIC | {name: "two"}) == f"{name} must be a whole number, not 'two'."
    assert read(**{name: ""}) == read()


def test_the_second_factor_is_required_unless_it_says_no() -> None:
    assert read().require_second_factor
    assert read(REQUIRE_SECOND_FACTOR="false").require_second_factor
    assert not read(REQUIRE_SECOND_FACTOR="no").require_second_factor


class _Asked(dict[str, str]):
    """An environment that remembers which variables were read."""

    names: set[str]

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_every_variable_is_told_to_the_person_who_runs_a_server() -> None:
    asked = _Asked(PUBLIC)
    asked.names = set()
    Config.from_environment(asked)
    assert asked.names >= set(NEEDED)
    told = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert sorted(name for name in asked.names if f"`{name}`" not in told) == []


def test_printing_the_settings_shows_no_secret() -> None:
    printed = repr(read(MAIL_PASSWORD="hush"))
    assert "hush" not in printed
    for secret in (NEEDED["SECRET_KEY"], NEEDED["PASSWORD_SALT"], NEEDED["NUMBER_KEYS"]):
        assert secret not in printed
