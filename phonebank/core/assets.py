"""The JavaScript and style sheets that pages load: their addresses, caching and compression.

Templates call `vendor("htmx")` for a library copied by tools/vendor.py, `asset("phonebank.css")`
for a file of ours, and `bundled("js/call_page.js")` for a module of ours together with all that it
imports (see `bundles`). A library has its version in its path and its checksum in the `integrity`
attribute, so a browser may keep the library for ever, and refuses a changed copy. The address of a
file of ours has its checksum in its query.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_compress import Compress

from phonebank.core.access import ANYONE, open_to
from phonebank.core.bundles import bundle

# Pages are not among them: a page may show an organiser's search beside a person's name, and the
# length of the compressed page could then reveal the name (BREACH, CVE-2013-3587). `compression` is
# for pages without such a neighbour.
COMPRESSED = ["text/css", "text/javascript", "image/svg+xml"]

MANIFEST = Path(__file__).parents[1] / "static" / "vendor" / "manifest.json"


class Vendored(NamedTuple):
    """One file of a library: its path below the vendor folder, and the value of its `integrity`
    attribute."""

    path: str
    integrity: str

    @property
    def url(self) -> str:
        """The address from which pages of the current application load the file."""
        return url_for("static", filename=f"vendor/{self.path}")


@cache
def vendored_files() -> dict[str, Vendored]:
    """Return every vendored file that pages may load, by the name templates use."""
    manifest = json.loads(MANIFEST.read_text())
    return {name: Vendored(entry["path"], entry["integrity"]) for name, entry in manifest.items()}


def vendor(name: str) -> Vendored:
    """Return the vendored file of this name. Raises KeyError for a name that tools/vendor.py does
    not list."""
    return vendored_files()[name]


def asset(filename: str, blueprint: str | None = None) -> str:
    """Return the address of one of our static files, or of a blueprint's, with a checksum of its
    content.

    Because of the checksum, browsers fetch a changed file at once after a release and never take
    the old file from their cache. Raises FileNotFoundError for a missing file, so that a typing
    error in a template fails in a test and not in a browser.
    """
    endpoint = f"{blueprint}.static" if blueprint else "static"
    return url_for(endpoint, filename=filename, v=_checksum_of_static(filename, blueprint))


def bundled(filename: str) -> str:
    """Return the address of one of our modules in one file with all that it imports, with a
    checksum of the whole."""
    return url_for("static", filename=filename, bundle="", v=_checksum_of_bundle(filename))


def _checksum_of_bundle(filename: str) -> str:
    return _checksum_of_text(bundle(_static_folder() / filename))


@cache
def _checksum_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _static_folder() -> Path:
    return Path(current_app.static_folder or "")


def _send_static(filename: str) -> ResponseReturnValue:
    """Send a static file. For an address of `bundled`, send the module's bundle."""
    path = _static_folder() / filename
    if "bundle" not in request.args or path.suffix != ".js" or not path.is_file():
        return current_app.send_static_file(filename)
    response = Response(bundle(path), mimetype="text/javascript")
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


def _checksum_of_static(filename: str, blueprint: str | None) -> str:
    owner = current_app.blueprints[blueprint] if blueprint else current_app
    path = Path(owner.static_folder or "") / filename
    return _checksum(path, path.stat().st_mtime_ns)


@cache
def _checksum(path: Path, modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _set_cache_headers(response: Response) -> Response:
    """Let browsers keep vendored files, and files requested with their right checksum, for a year.

    While a release rolls out, a browser may request the new file from an old process. The checksum
    keeps the old file out of the cache under the new address.
    """
    is_file = response.status_code == 200 and request.method in ("GET", "HEAD")
    if not is_file or not (request.endpoint or "").endswith("static"):
        return response
    filename = (request.view_args or {})["filename"]
    is_vendored = request.blueprint is None and filename.startswith("vendor/")
    is_bundle = request.blueprint is None and "bundle" in request.args
    checksum = (
        _checksum_of_bundle(filename)
        if is_bundle and filename.endswith(".js")
        else _checksum_of_static(filename, request.blueprint)
    )
    if is_vendored or request.args.get("v") == checksum:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def init_app(app: Flask) -> None:
    """Give `vendor` and `asset` to templates and their macros, set cache headers, and compress
    files."""
    app.jinja_env.globals.update(vendor=vendor, asset=asset, bundled=bundled)
    app.view_functions["static"] = open_to(ANYONE)(_send_static)
    app.after_request(_set_cache_headers)
    app.config.update(COMPRESS_MIMETYPES=COMPRESSED, COMPRESS_ALGORITHM_STREAMING=["br", "gzip"])
    Compress(app)
