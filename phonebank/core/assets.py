"""The scripts and style sheets that pages load: addresses tied to their content, and small.

Templates call `vendor("htmx")` for a library copied by tools/vendor.py and `asset("phonebank.css")`
for a file of ours. A library's version is in its path and its sum in the `integrity` attribute, so
a browser may keep it for ever and refuses a changed one. A file of ours has its sum in its query.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, current_app, request, url_for
from flask_compress import Compress

# Nothing that a page says: compressed beside a form token, its length would tell of the token
# (BREACH, CVE-2013-3587).
COMPRESSED = ["text/css", "text/javascript", "image/svg+xml"]

MANIFEST = Path(__file__).parents[1] / "static" / "vendor" / "manifest.json"


class Vendored(NamedTuple):
    """A library's file: its path below the vendor folder and its `integrity` attribute."""

    path: str
    integrity: str

    @property
    def url(self) -> str:
        """The address to load it from, in the current application."""
        return url_for("static", filename=f"vendor/{self.path}")


@cache
def vendored_files() -> dict[str, Vendored]:
    """Every vendored file that pages may load, by the name templates use."""
    manifest = json.loads(MANIFEST.read_text())
    return {name: Vendored(entry["path"], entry["integrity"]) for name, entry in manifest.items()}


def vendor(name: str) -> Vendored:
    """The vendored file of this name; KeyError for a name that tools/vendor.py does not list."""
    return vendored_files()[name]


def asset(filename: str, blueprint: str | None = None) -> str:
    """The address of a static file of ours, or of a blueprint's, ending in a sum of its content.

    A new release is thus fetched at once and an old one never served from a cache. Raises
    FileNotFoundError for a file that does not exist, so that a page with a typing error in it
    fails in its test and not in the browser.
    """
    endpoint = f"{blueprint}.static" if blueprint else "static"
    return url_for(endpoint, filename=filename, v=_sum_of_static(filename, blueprint))


def _sum_of_static(filename: str, blueprint: str | None) -> str:
    owner = current_app.blueprints[blueprint] if blueprint else current_app
    path = Path(owner.static_folder or "") / filename
    return _sum_of(path, path.stat().st_mtime_ns)


@cache
def _sum_of(path: Path, modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def let_browsers_keep_what_cannot_change(response: Response) -> Response:
    """Mark vendored files, and files asked for by their right sum, as good for a year.

    The sum is checked, because while a release rolls out an old process may be asked for the new
    file, and its answer must not be kept under the new address.
    """
    is_file = response.status_code == 200 and request.method in ("GET", "HEAD")
    if not is_file or not (request.endpoint or "").endswith("static"):
        return response
    filename = (request.view_args or {})["filename"]
    is_vendored = request.blueprint is None and filename.startswith("vendor/")
    if is_vendored or request.args.get("v") == _sum_of_static(filename, request.blueprint):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def init_app(app: Flask) -> None:
    """Give templates, and the macros they import, `vendor` and `asset`; set caching; compress."""
    app.jinja_env.globals.update(vendor=vendor, asset=asset)
    app.after_request(let_browsers_keep_what_cannot_change)
    app.config.update(COMPRESS_MIMETYPES=COMPRESSED, COMPRESS_ALGORITHM_STREAMING=["br", "gzip"])
    Compress(app)
