"""The environment that `make run` chooses for its processes: addresses, secrets, settings."""

import errno
import multiprocessing
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from phonebank.local.process_manager import GRACEFUL_SECONDS

SECRETS = ("SECRET_KEY", "PASSWORD_SALT", "TOTP_SECRET", "NUMBER_KEYS")


class StartupError(Exception):
    """The error that is raised if something keeps Phonebank from starting, such as a port that is
    taken. The message says what is wrong and, in most cases, what to do."""


def check_shared_memory() -> None:
    """Raise StartupError if /dev/shm is not writable, as in some containers.

    Phonebank's processes use /dev/shm to talk to each other. PostgreSQL uses it too.
    """
    try:
        multiprocessing.Lock()
    except OSError as fault:
        raise StartupError(
            f"the shared memory in /dev/shm cannot be used ({fault.strerror}). An administrator can"
            " make it with: mount -t tmpfs -o mode=1777 tmpfs /dev/shm"
        ) from fault


def choose_addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return HOST, PORT and BASE_URL, with defaults for variables that the environment lacks.

    Raises StartupError if PORT is not a port number, or if no server can listen on the address.
    """
    host = environment.get("HOST") or "127.0.0.1"
    wanted = environment.get("PORT") or "5000"
    if not wanted.isascii() or not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise StartupError(f"PORT must be a number from 1 to 65535, not {wanted!r}")
    port = int(wanted)
    fault = _listen_error(host, port)
    if fault == errno.EADDRINUSE:
        free = next(p for p in range(port + 1, port + 1000) if not _listen_error(host, p))
        raise StartupError(
            f"port {port} is taken by another program: stop it, or choose another by PORT={free}"
        )
    if fault == errno.EACCES:
        raise StartupError(f"port {port} is for root only: try PORT=5000")
    if fault:
        raise StartupError(f"nothing can listen on {host} port {port}: {os.strerror(fault)}")
    base_url = environment.get("BASE_URL") or f"http://127.0.0.1:{port}"
    return {"HOST": host, "PORT": str(port), "BASE_URL": base_url}


def _listen_error(host: str, port: int) -> int:
    """Try to listen on the address. Return 0 if this is possible, or otherwise the operating
    system's error number."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as fault:
            return fault.errno or errno.EINVAL
    return 0


def load_or_make_secrets(path: Path) -> dict[str, str]:
    """Return the secrets in the file, by name. Make missing secrets and write them to the file.

    The secrets are for this machine, never for a public server. Raises OSError if the file cannot
    be used.
    """
    known = {name: value for name, value in dotenv_values(path).items() if value}
    missing = {name: secrets.token_hex(32) for name in SECRETS if name not in known}
    if missing:
        lines = "".join(f"{name}={value}\n" for name, value in (known | missing).items())
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# Made by `make run` for this machine alone.\n{lines}")
        fresh.replace(path)
    return known | missing


def development_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the settings for development added. A variable that is already
    set keeps its value, with two exceptions. PYTHONUNBUFFERED is always 1. The folder of the Python
    interpreter that runs this code is always added at the start of PATH."""
    return {
        "PHONEBANK_MODE": "development",
        "REQUIRE_SECOND_FACTOR": "no",
        "WEB_GRACEFUL_SECONDS": str(GRACEFUL_SECONDS),
        **environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
