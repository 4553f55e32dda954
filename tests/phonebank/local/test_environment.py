"""The addresses, secrets and settings that `make run` chooses."""

import socket
import sys
from pathlib import Path

import pytest

from phonebank.local.environment import (
    SECRETS,
    StartupError,
    choose_addresses,
    development_environment,
    load_or_make_secrets,
)


def test_a_port_released_a_moment_ago_is_free(port: int) -> None:
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)),
    ):
        server.accept()[0].close()
    assert choose_addresses({"PORT": str(port)})["PORT"] == str(port)


@pytest.mark.parametrize("wish", ["five thousand", "0", "65536", "-1", "5000 ", "５０００"])
def test_a_port_that_is_none_is_refused(wish: str) -> None:
    with pytest.raises(StartupError, match="PORT must be a number from 1 to 65535"):
        choose_addresses({"PORT": wish})


def test_a_host_that_is_not_this_machine_is_refused(port: int) -> None:
    with pytest.raises(StartupError, match=r"nothing can listen on 203\.0\.113\.1"):
        choose_addresses({"HOST": "203.0.113.1", "PORT": str(port)})


def test_the_address_in_links_follows_the_port_unless_told(port: int) -> None:
    assert choose_addresses({"PORT": str(port)})["BASE_URL"] == f"http://127.0.0.1:{port}"
    told = {"PORT": str(port), "BASE_URL": "https://ring.example.org"}
    assert choose_addresses(told)["BASE_URL"] == "https://ring.example.org"


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    first = load_or_make_secrets(path)
    assert set(first) == set(SECRETS)
    assert len(set(first.values())) == len(first)
    assert all(len(secret) >= 32 for secret in first.values())
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_secrets(path) == first


def test_a_secret_that_a_newer_release_needs_is_added(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("SECRET_KEY=kept\n")
    found = load_or_make_secrets(path)
    assert found["SECRET_KEY"] == "kept"
    assert set(found) == set(SECRETS)
    assert load_or_make_secrets(path) == found


def test_the_environment_has_the_last_word(port: int) -> None:
    given = {"PHONEBANK_MODE": "production", "WEB_GRACEFUL_SECONDS": "9"}
    found = development_environment(given)
    assert found["PHONEBANK_MODE"] == "production"
    assert found["WEB_GRACEFUL_SECONDS"] == "9"
    assert found["PATH"].startswith(str(Path(sys.executable).parent))
