"""The settings of a process. They are read from environment variables once, when the process
starts.

`docs/operations.md` describes each variable for the person who runs a server.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from flask import Flask, current_app

from phonebank.core.prices import read_price
from phonebank.core.twilio_settings import TwilioSettings

PRODUCTION = "production"
DEVELOPMENT = "development"
MODES = (PRODUCTION, DEVELOPMENT)

# Callers dial on their own phones, without a provider of telephone lines.
MANUAL = "manual"
TELEPHONY = (MANUAL, "twilio", "asterisk", "simulator")

# The fewest connections to PostgreSQL that a web process can work with. Boards, downloads and each
# urgency of request need separate connections.
LEAST_CONNECTIONS = 8
# The fewest that a worker can work with. An import reads the file over one connection, and stores
# two batches of rows over two others.
LEAST_WORKER_CONNECTIONS = 3


class ConfigError(Exception):
    """The error for settings that do not let a process start safely. Its message names the variable
    and says what is wrong."""


@dataclass(frozen=True)
class Config:
    """The settings of one process.

    `mode` is `production` unless PHONEBANK_MODE says otherwise, so a server on which this variable
    is not set runs in production mode.
    """

    # repr=False keeps secrets out of logs and tracebacks.
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    # This salts the hashes that Flask-Security stores. It is separate from `secret_key`, so that
    # each can be changed alone.
    password_salt: str = field(repr=False)
    # This encrypts the stored secrets of the second factor.
    totp_secret: str = field(repr=False)
    # These make the keyed hashes of numbers that stay on the do-not-call list after their people
    # were erased. They also encrypt text (see `secret_text`). The first key is for new hashes and
    # texts. The other keys are for hashes and texts that were made with them earlier.
    number_keys: tuple[str, ...] = field(default=(), repr=False)
    mode: str = PRODUCTION
    # The address at which people reach the site, and the base of every link in e-mails, pages and
    # QR codes.
    base_url: str = "http://127.0.0.1:5000"
    # The number of reverse proxies in front of the app. It trusts their X-Forwarded-* headers.
    proxies: int = 0
    # How many people may join from one address within a minute. Within an hour, five times as many
    # may join.
    joins_a_minute: int = 60
    # The most connections to PostgreSQL that a web process opens, and that a worker opens.
    database_connections: int = 24
    worker_connections: int = 5
    # How many of each process there are, on all machines together.
    web_processes: int = 2
    worker_processes: int = 2
    # Whether each response says in a header how long it took. A public server must not say this,
    # because the time that a sign-in takes may reveal whether there is an account.
    timings: bool = False
    mail_server: str = ""
    mail_port: int = 587
    mail_username: str = ""
    mail_password: str = field(default="", repr=False)
    mail_sender: str = "phonebank@localhost"
    # Whether organisers must add an authenticator app before they see people's data.
    require_second_factor: bool = True
    # The provider of telephone lines: one of TELEPHONY.
    telephony: str = MANUAL
    # Where Asterisk's REST interface answers, and how Phonebank signs in to it.
    asterisk_url: str = ""
    asterisk_user: str = "phonebank"
    asterisk_password: str = field(default="", repr=False)
    # The address at which callers' browsers reach Asterisk; empty if they can't.
    asterisk_softphone_url: str = ""
    # What the trunk charges for a minute of a line, and in which currency (ISO 4217). Without this
    # price no line has a price.
    asterisk_price: Decimal | None = None
    asterisk_currency: str = "GBP"
    # How the simulated telephone network behaves: see `telephony.simulator_backend`.
    simulator: str = ""
    twilio: TwilioSettings = field(default_factory=TwilioSettings)

    @property
    def is_production(self) -> bool:
        return self.mode == PRODUCTION

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read the settings from `environ`.

        Raises ConfigError if a required variable is missing, or if a variable has a value that is
        not allowed, such as text instead of a number. Also raises ConfigError if a production
        server would start with a weak secret or without HTTPS.
        """

        def needed(name: str) -> str:
            if not environ.get(name):
                raise ConfigError(
                    f"{name} is not set. `make run` sets it for one machine; for a server see "
                    "docs/operations.md."
                )
            return environ[name]

        def number(name: str, default: int) -> int:
            try:
                return int(environ.get(name) or default)
            except ValueError:
                raise ConfigError(
                    f"{name} must be a whole number, not {environ[name]!r}."
                ) from None

        try:
            twilio = TwilioSettings.from_environment(environ)
            asterisk_price = read_price(environ, "ASTERISK_PRICE_A_MINUTE")
        except ValueError as wrong:
            raise ConfigError(str(wrong)) from None
        config = cls(
            database_url=_for_psycopg(needed("DATABASE_URL")),
            redis_url=needed("REDIS_URL"),
            secret_key=needed("SECRET_KEY"),
            password_salt=needed("PASSWORD_SALT"),
            totp_secret=needed("TOTP_SECRET"),
            number_keys=tuple(filter(None, environ.get("NUMBER_KEYS", "").split(","))),
            mode=environ.get("PHONEBANK_MODE") or PRODUCTION,
            base_url=(environ.get("BASE_URL") or cls.base_url).rstrip("/"),
            proxies=number("PROXIES", 0),
            joins_a_minute=number("JOINS_A_MINUTE", cls.joins_a_minute),
            database_connections=number("DATABASE_CONNECTIONS", cls.database_connections),
            worker_connections=number("WORKER_DATABASE_CONNECTIONS", cls.worker_connections),
            web_processes=number("WEB_PROCESSES", number("WEB_CONCURRENCY", cls.web_processes)),
            worker_processes=number("WORKER_PROCESSES", cls.worker_processes),
            timings=environ.get("PHONEBANK_TIMINGS") == "yes",
            mail_server=environ.get("MAIL_SERVER", ""),
            mail_port=number("MAIL_PORT", cls.mail_port),
            mail_username=environ.get("MAIL_USERNAME", ""),
            mail_password=environ.get("MAIL_PASSWORD", ""),
            mail_sender=environ.get("MAIL_SENDER") or cls.mail_sender,
            require_second_factor=environ.get("REQUIRE_SECOND_FACTOR", "yes") != "no",
            telephony=environ.get("TELEPHONY") or MANUAL,
            asterisk_url=environ.get("ASTERISK_URL", "").rstrip("/"),
            asterisk_user=environ.get("ASTERISK_USER") or cls.asterisk_user,
            asterisk_password=environ.get("ASTERISK_PASSWORD", ""),
            asterisk_softphone_url=environ.get("ASTERISK_SOFTPHONE_URL", ""),
            asterisk_price=asterisk_price,
            asterisk_currency=environ.get("ASTERISK_CURRENCY") or cls.asterisk_currency,
            simulator=environ.get("SIMULATOR", ""),
            twilio=twilio,
        )
        config._check()
        return config

    def _check(self) -> None:
        self._check_choices()
        if self.joins_a_minute < 1:
            raise ConfigError("JOINS_A_MINUTE must be 1 or more, or nobody could join.")
        self._check_numbers()
        if self.is_production:
            self._check_secrets()

    def _check_choices(self) -> None:
        for name, allowed, chosen in (
            ("PHONEBANK_MODE", MODES, self.mode),
            ("TELEPHONY", TELEPHONY, self.telephony),
        ):
            if chosen not in allowed:
                raise ConfigError(f"{name} must be {' or '.join(allowed)}, not {chosen!r}.")

    def _check_numbers(self) -> None:
        for name, least, is_now in (
            ("DATABASE_CONNECTIONS", LEAST_CONNECTIONS, self.database_connections),
            ("WORKER_DATABASE_CONNECTIONS", LEAST_WORKER_CONNECTIONS, self.worker_connections),
            ("WEB_PROCESSES", 1, self.web_processes),
            ("WORKER_PROCESSES", 1, self.worker_processes),
        ):
            if is_now < least:
                raise ConfigError(f"{name} must be {least} or more, not {is_now}.")

    def _check_secrets(self) -> None:
        if not self.number_keys:
            raise ConfigError("NUMBER_KEYS is not set. See docs/operations.md.")
        for name, secret in (
            ("SECRET_KEY", self.secret_key),
            ("PASSWORD_SALT", self.password_salt),
            ("TOTP_SECRET", self.totp_secret),
            ("NUMBER_KEYS", min(self.number_keys, key=len, default="")),
        ):
            # 32 hexadecimal characters are 128 bits, the least that is safe.
            if len(secret) < 32:
                raise ConfigError(
                    f"{name} is too short for a public server. Make one with: "
                    "python3 -c 'import secrets; print(secrets.token_hex(32))'"
                )
        if not self.is_https:
            raise ConfigError(
                "BASE_URL must start with https:// on a public server: callers' and organisers' "
                "sign-in would otherwise cross the network in the open."
            )


def _for_psycopg(url: str) -> str:
    """Return the address of a PostgreSQL database with the driver's name in it. If the driver's
    name is missing, add it, because hosting providers write addresses without this name. Raises
    ConfigError for any other kind of address."""
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        return f"postgresql+psycopg{separator}{rest}"
    if scheme != "postgresql+psycopg":
        raise ConfigError(f"DATABASE_URL must be a PostgreSQL address, not {scheme}://…")
    return url


def config_of(app: Flask) -> Config:
    """Return the configuration that `create_app` used for this app."""
    config: Config = app.extensions["phonebank"]
    return config


def current_config() -> Config:
    """Return the configuration of the current app."""
    return config_of(current_app)
