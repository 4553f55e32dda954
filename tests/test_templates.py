"""A template belongs to one audience: it uses its own package's templates and the shared ones."""

import re
from pathlib import Path

import pytest

from phonebank.core.install_paths import ROOT

SHARED = ROOT / "phonebank" / "templates"
FOLDERS = sorted(
    folder
    for package in ("callers", "phonebank")
    for folder in (ROOT / package).rglob("templates")
    if folder != SHARED
)
USED = re.compile(r"""{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")
RENDERED = re.compile(r"""(?:render_template|get_template_attribute)\(\s*["']([^"']+)["']""")


def test_every_audience_has_its_own_folder() -> None:
    assert {folder.parent.name for folder in FOLDERS} == {
        "callers",
        "hosts",
        "movement",
        "organisers",
        "site",
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_templates_use_their_own_and_the_shared_ones(folder: Path) -> None:
    foreign = {
        (str(template.relative_to(ROOT)), name)
        for template in folder.rglob("*.*")
        for name in USED.findall(template.read_text(encoding="utf-8"))
        if not (folder / name).exists() and not (SHARED / name).exists()
    }
    assert foreign == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_views_render_their_own_templates(folder: Path) -> None:
    rendered = {
        (str(module.relative_to(ROOT)), name)
        for module in folder.parent.rglob("*.py")
        for name in RENDERED.findall(module.read_text(encoding="utf-8"))
    }
    assert rendered
    assert {
        (module, name)
        for module, name in rendered
        if not (folder / name).exists() and not (SHARED / name).exists()
    } == set()


def test_shared_templates_use_no_audiences() -> None:
    foreign = {
        (template.name, name)
        for template in SHARED.rglob("*.*")
        for name in USED.findall(template.read_text(encoding="utf-8"))
        if not (SHARED / name).exists()
    }
    assert foreign == set()
