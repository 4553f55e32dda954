"""The map names files that exist, and every package."""

import re
from pathlib import Path

from phonebank.core.shipped_files import ROOT

MAP = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([a-z_.]+(?:/[a-z0-9_.*-]+)*/?)`", MAP)


def test_every_path_on_the_map_exists() -> None:
    paths = [name for name in NAMED if "/" in name]
    assert len(paths) > 50
    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []


def test_every_package_is_on_the_map() -> None:
    packages = {
        f"{folder.relative_to(ROOT)}/"
        for folder in [
            ROOT / "callers",
            ROOT / "scripts_library",
            *Path(ROOT, "phonebank").iterdir(),
        ]
        if (folder / "__init__.py").exists()
    }
    assert packages - set(NAMED) == set()
