"""Where the files are that lie beside the packages: Procfile, wsgi.py, guides, migrations.

In a clone that is the clone itself. In an installation it is a folder of their own, into which
pyproject.toml puts them, and Phonebank keeps its data where it is run.
"""

from collections.abc import Mapping
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2]
_INSTALLED = _CLONE / "phonebank_files"

IS_INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if IS_INSTALLED else _CLONE


def data_folder(environment: Mapping[str, str]) -> Path:
    """The folder of `phonebank run`'s own data: PHONEBANK_VAR, or `var` in the clone, or `var` in
    the current folder where there is no clone."""
    return Path(environment.get("PHONEBANK_VAR") or (Path() if IS_INSTALLED else ROOT) / "var")
