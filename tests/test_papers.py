"""Tests that the project's documents agree with each other and with what they name."""

import re
import shutil
import tomllib
from importlib.metadata import version

import pytest
import yaml

from phonebank.core.install_paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAPERS = sorted(path.name for path in ROOT.glob("*.md"))


def test_the_newest_release_is_the_version_that_the_command_says() -> None:
    releases = re.findall(r"(?m)^## \[(\d[\d.]*)\] - \d{4}-\d\d-\d\d$", _text("CHANGELOG.md"))
    assert releases[0] == PROJECT["version"] == version("phonebank")


def test_the_licence_is_the_one_that_pyproject_names() -> None:
    assert _text("LICENSE").startswith(f"{PROJECT['license']} License\n")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_link_leads_to_a_file(paper: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", _text(paper))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_commits_are_checked_by_tools_that_make_installs() -> None:
    config = yaml.safe_load(_text(".pre-commit-config.yaml"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}, "nothing is fetched"
    for hook in hooks:
        tool = hook["entry"].split()[0]
        assert (ROOT / tool).exists() or shutil.which(tool) or tool == "npx", hook["id"]


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_each_decision_has_a_number_of_its_own() -> None:
    """Two people may take the same next number at the same time."""
    pages = (ROOT / "docs" / "decisions").glob("0*.md")
    numbers = sorted(int(page.name[:4]) for page in pages)
    assert numbers == list(range(1, len(numbers) + 1))
