"""The paths of files that lie outside the packages: Procfile, wsgi.py, guides, migrations.

In a clone these files are at its top. In an installation they are in a separate folder, where
pyproject.toml puts them, and the data is kept in the folder from which Phonebank is run.
"""

from collections.abc import Mapping
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2]
_INSTALLED = _CLONE / "phonebank_files"

IS_INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if IS_INSTALLED else _CLONE


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder in which `phonebank run` keeps its data.

    This is PHONEBANK_VAR if it is set; otherwise `var` in the clone, or `var` in the current folder
    if there is no clone.
    """
    return Path(environment.get("PHONEBANK_VAR") or (Path() if IS_INSTALLED else ROOT) / "var")
