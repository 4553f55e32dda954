"""The file that tells a command in another terminal which servers `make run` has started.

`make run` chooses addresses and secrets for its own processes. While `make run` runs, these
addresses and secrets are in a file that only the file's owner can read. If the environment of a
`phonebank` command has no DATABASE_URL, the command reads all missing variables from this file.
`phonebank run` does not read the file, because it starts servers of its own. A production server
has the variables in its environment, and has no such file.
"""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from dotenv import dotenv_values

from phonebank.core.install_paths import data_folder

FILE = "running.env"
# The variables that tell a command which installation it works on.
VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "PASSWORD_SALT",
    "TOTP_SECRET",
    "NUMBER_KEYS",
    "PHONEBANK_MODE",
    "BASE_URL",
    "REQUIRE_SECOND_FACTOR",
    "PHONEBANK_VAR",
    "MAIL_SERVER",
    "MAIL_PORT",
    "MAIL_USERNAME",
    "MAIL_PASSWORD",
    "MAIL_SENDER",
)


def write(home: Path, environment: Mapping[str, str]) -> None:
    """Write the variables that VARIABLES lists, if they are set, to a file in `home`. Commands that
    are started while the servers run read this file."""
    remove(home)
    with open(os.open(home / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        for name in VARIABLES:
            if value := environment.get(name):
                escaped = value.replace("\\", "\\\\").replace("'", "\\'")
                file.write(f"{name}='{escaped}'\n")


def remove(home: Path) -> None:
    """Remove the file from `home`, if it is there."""
    (home / FILE).unlink(missing_ok=True)


def load_into(environment: MutableMapping[str, str]) -> None:
    """Add variables to `environment` from the file that `make run` has written. If there is no such
    file, or if `environment` already has DATABASE_URL, nothing is added. A variable that is already
    set keeps its value."""
    if environment.get("DATABASE_URL"):
        return
    home = data_folder(environment)
    # Interpolation is off, because a password may have a dollar sign.
    for name, value in dotenv_values(home / FILE, interpolate=False).items():
        if value:
            environment[name] = environment.get(name) or value
