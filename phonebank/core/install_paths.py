"""Where the files beside the packages are: Procfile, wsgi.py, guides, migrations.

A clone has them at its top. An installation has them in a folder of its own, into which
pyproject.toml puts them, and keeps its data in the folder where it is run.
"""

from collections.abc import Mapping
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2]
_INSTALLED = _CLONE / "phonebank_files"

IS_INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if IS_INSTALLED else _CLONE


def data_folder(environment: Mapping[str, str]) -> Path:
    """The folder of `phonebank run`'s data: PHONEBANK_VAR; otherwise `var` in the clone, or `var`
    in the current folder if there is no clone."""
    return Path(environment.get("PHONEBANK_VAR") or (Path() if IS_INSTALLED else ROOT) / "var")
