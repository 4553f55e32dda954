"""Tests that the container files run what the Procfile runs, as docs/operations.md says, and not as
root.

The tests need no container engine: they compare what is written.
"""

import json
import re
import shlex
import tomllib
from typing import Any

import pytest
import yaml
from honcho.environ import parse_procfile
from packaging.specifiers import SpecifierSet

from phonebank.core.install_paths import ROOT

PROCFILE = parse_procfile((ROOT / "Procfile").read_text("utf-8")).processes
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STORES = {"postgres", "redis"}
# The tables of settings have a name in code marks as their first cell.
GUIDE = (ROOT / "docs" / "operations.md").read_text("utf-8")
NEEDED, OPTIONAL = (
    set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"(?m)^\| (`[^|]+) \|", part))))
    for part in GUIDE.split("### Needed")[1].split("\n## ")[0].split("### Optional")
)
# A container brings these itself: its place on the network, and no data of its own.
SET_BY_THE_IMAGE = {"HOST", "PORT", "PHONEBANK_VAR"}
# These are not for a public server.
FOR_TESTS = {"PHONEBANK_MODE", "PHONEBANK_TIMINGS", "SIMULATOR"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order: name and arguments."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines if line.strip()]


DOCKERFILE = instructions()


def last(instruction: str) -> str:
    return [arguments for name, arguments in DOCKERFILE if name == instruction][-1]


def test_compose_has_the_processes_of_the_procfile_and_both_stores() -> None:
    assert set(SERVICES) - STORES == set(PROCFILE)
    for name, command in PROCFILE.items():
        assert SERVICES[name]["command"] == shlex.split(command), name


def test_the_image_runs_web_by_itself() -> None:
    assert json.loads(last("CMD")) == shlex.split(PROCFILE["web"])


def test_the_image_has_a_python_that_pyproject_allows() -> None:
    (version,) = re.fullmatch(r"python:(\d+\.\d+)-slim", last("FROM")).groups()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert version in SpecifierSet(project["requires-python"])


def test_the_image_has_the_pinned_versions_and_only_what_is_named() -> None:
    assert ("RUN", "pip install -r requirements.txt") in DOCKERFILE
    copied = {
        path for name, arguments in DOCKERFILE if name == "COPY" for path in arguments.split()[:-1]
    }
    let_in = set(re.findall(r"(?m)^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8")))
    assert copied == let_in, "what the engine is sent is what is copied"
    assert [path for path in copied if not (ROOT / path).exists()] == []
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    target = wheel["targets"]["wheel"]
    assert {*target["packages"], *target["force-include"]} <= copied


def test_nothing_of_ours_runs_as_root_or_can_become_it() -> None:
    names = [name for name, _ in DOCKERFILE]
    user = last("USER")
    assert user not in ("root", "0")
    assert any(
        name == "RUN" and arguments.startswith("useradd") and user in arguments
        for name, arguments in DOCKERFILE
    )
    assert "RUN" not in names[names.index("USER") :]
    for name in PROCFILE:
        assert "user" not in SERVICES[name]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"] is True


def test_web_and_both_stores_are_asked_for_their_health() -> None:
    assert "/healthz" in last("HEALTHCHECK")
    assert "healthcheck" not in SERVICES["web"], "it keeps the image's"
    for name in STORES:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    for name in set(PROCFILE) - {"web"}:
        assert SERVICES[name]["healthcheck"] == {"disable": True}, f"{name} answers no requests"


def test_each_process_waits_for_the_tables_and_the_stores() -> None:
    healthy, done = (
        {"condition": "service_healthy"},
        {"condition": "service_completed_successfully"},
    )
    assert SERVICES["release"]["depends_on"] == {"postgres": healthy}
    for name in set(PROCFILE) - {"release"}:
        waits = {"release": done, "postgres": healthy, "redis": healthy}
        assert SERVICES[name]["depends_on"] == waits, name


@pytest.mark.parametrize("name", PROCFILE)
def test_each_process_has_the_settings_of_the_guide(name: str) -> None:
    settings = set(SERVICES[name]["environment"])
    assert settings == NEEDED | (OPTIONAL - SET_BY_THE_IMAGE - FOR_TESTS)


def test_no_secret_is_written_into_the_file() -> None:
    for service in SERVICES.values():
        for setting, value in service.get("environment", {}).items():
            if re.search("SECRET|SALT|PASSWORD", setting):
                assert re.fullmatch(r"\$\{\w+(:\?.+|:-)\}", value), setting
    assert "${POSTGRES_PASSWORD:?" in SERVICES["web"]["environment"]["DATABASE_URL"]


def test_nothing_is_empty_that_gunicorn_reads_as_a_number_by_itself() -> None:
    assert SERVICES["web"]["environment"]["WEB_CONCURRENCY"] == "${WEB_CONCURRENCY:-2}"


def test_redis_is_set_as_the_guide_asks() -> None:
    said = " ".join(SERVICES["redis"]["command"])
    for option in ("--save  --appendonly no", "--maxmemory-policy noeviction"):
        assert option in said


def test_only_the_machine_itself_reaches_web_and_nobody_a_store() -> None:
    for name, service in SERVICES.items():
        ports = service.get("ports", [])
        assert bool(ports) == (name == "web")
        assert all(port.startswith("127.0.0.1:") for port in ports)
