"""The paths of files that are outside the packages: Procfile, wsgi.py, guides, migrations.

In a clone of the repository, these files are in its top folder. In an installation, they are in the
folder `phonebank_files`, where pyproject.toml puts them.
"""

from collections.abc import Mapping
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[2]
_INSTALLED = _CLONE / "phonebank_files"

IS_INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if IS_INSTALLED else _CLONE


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder in which `phonebank run` keeps its data.

    This is PHONEBANK_VAR if that variable is set. Otherwise it is `var` in the clone of the
    repository, or `var` in the current folder if Phonebank was installed.
    """
    return Path(environment.get("PHONEBANK_VAR") or (Path() if IS_INSTALLED else ROOT) / "var")
