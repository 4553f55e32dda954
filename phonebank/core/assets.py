"""The JavaScript and style sheets that pages load: their addresses, caching and compression.

Templates call `vendor("htmx")` for a library that tools/vendor.py has copied. They call
`asset("phonebank.css")` for one of our own files. They call `bundled("js/call_page.js")` for one of
our modules together with everything that the module imports (see `bundles`).

A library's path contains the library's version, so a new version has a new path. So a browser may
cache the library for a year. The tag that loads the library has an `integrity` attribute with the
file's checksum. Because of this checksum, the browser refuses a copy that was modified. The address
of one of our own files has the file's checksum in its query string.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import re
import time
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from phonebank.core.access import ANYONE, open_to
from phonebank.core.bundles import UnsupportedModuleError, bundle
from phonebank.core.compression import gzip_if_asked

# The kinds of file that compression makes smaller. Other files are sent as they are.
TEXT = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Seconds after which a file is read again, so a change in an editor appears on the next load.
READ_EVERY = 1.0

MANIFEST = Path(__file__).parents[1] / "static" / "vendor" / "manifest.json"


class Vendored(NamedTuple):
    """One file of a library: its path below the vendor folder, and the value of its `integrity`
    attribute."""

    path: str
    integrity: str

    @property
    def url(self) -> str:
        """The address at which pages of the current app load the file."""
        return _address(f"vendor/{self.path}")


@cache
def vendored_files() -> dict[str, Vendored]:
    """Return all vendored files that pages may load. The keys are the names that templates use."""
    manifest = json.loads(MANIFEST.read_text())
    return {name: Vendored(entry["path"], entry["integrity"]) for name, entry in manifest.items()}


def vendor(name: str) -> Vendored:
    """Return the vendored file of this name. Raises KeyError for a name that tools/vendor.py does
    not list."""
    return vendored_files()[name]


class StaticFile:
    """A file as it is sent to browsers: its content, and a checksum of the content."""

    def __init__(self, content: bytes, kind: str, is_text: bool) -> None:
        self.content = content
        self.kind = kind
        self.checksum = hashlib.sha256(content).hexdigest()[:12]
        self._is_text = is_text

    @cached_property
    def gzipped(self) -> bytes | None:
        """The content compressed with gzip, or None if the file is not text. The content is
        compressed only once."""
        return gzip.compress(self.content, 9, mtime=0) if self._is_text else None


_read_files: dict[tuple[str, bool], tuple[float, StaticFile]] = {}


def _static_file(filename: str, bundled: bool = False) -> StaticFile:
    """Return a static file. With `bundled`, return one file that contains a module and everything
    that it imports.

    Raises FileNotFoundError for a missing file, and UnsupportedModuleError if `bundles` cannot
    bundle the module.
    """
    path = safe_join(current_app.static_folder or "", filename)
    if path is None:
        raise FileNotFoundError(filename)
    at, known = _read_files.get((path, bundled), (0.0, None))
    now = time.monotonic()
    if known is None or now - at >= READ_EVERY:
        content = bundle(Path(path)).encode() if bundled else _read(Path(path))
        if known is None or known.content != content:
            kind = TEXT.get(Path(path).suffix)
            other = mimetypes.guess_type(path)[0] or "application/octet-stream"
            known = StaticFile(content, kind or other, is_text=kind is not None)
        _read_files[path, bundled] = now, known
    return known


def _read(path: Path) -> bytes:
    """Return the content of a file.

    Our own style sheets are returned in a shorter form (see `_shortened`), because comments alone
    are a sixth of a style sheet's size. Vendored files are returned unchanged, because pages
    contain the checksums of these files.
    """
    content = path.read_bytes()
    return content if path.suffix != ".css" or "vendor" in path.parts else _shortened(content)


def _shortened(style_sheet: bytes) -> bytes:
    """Return one of our style sheets without its comments, and without most of its indentation and
    line breaks."""
    without_comments = re.sub(rb"/\*.*?\*/\s*", b"", style_sheet, flags=re.S)
    return re.sub(rb"(?<=[,;{}])\n\s*", b"", without_comments)


def asset(filename: str) -> str:
    """Return the address of one of our static files, with a checksum of its content.

    A changed file has a new checksum, and so a new address. So a page that is loaded after a
    release makes the browser fetch the new file, even if the old file is in the browser's cache.
    Raises FileNotFoundError for a missing file. So if a file name in a template is wrong, every
    test that renders the template fails.
    """
    return _address(filename, v=_static_file(filename).checksum)


def bundled(filename: str) -> str:
    """Return the address of a module's bundle: one file with the module and everything that it
    imports. The address contains the bundle's checksum. Raises FileNotFoundError for a missing
    file, and UnsupportedModuleError if `bundles` cannot bundle the module."""
    checksum = _static_file(filename, bundled=True).checksum
    return _address(filename, bundle="", v=checksum)


def _address(filename: str, **query: str) -> str:
    """Return the address that `url_for` returns for a static file. A page has a dozen of them, and
    this takes a tenth of the time."""
    path = f"{current_app.static_url_path}/{quote(filename)}"
    return f"{path}?{urlencode(query)}" if query else path


def _send_static(filename: str) -> ResponseReturnValue:
    """Send a static file. For an address made by `bundled`, send the module's bundle.

    Browsers may cache a file for a year if the file is vendored or was requested with the right
    checksum. While a release is rolled out, a browser may request the new file from a process of
    the old release. That process sends the old file, whose checksum differs from the one in the
    address. So its response tells the browser to ask the server again before the browser reuses the
    file.

    Raises NotFound if the file is missing or cannot be bundled.
    """
    try:
        file = _static_file(filename, "bundle" in request.args and filename.endswith(".js"))
    except (OSError, UnsupportedModuleError):
        raise NotFound() from None
    response = Response(file.content, mimetype=file.kind)
    response.vary.add("Accept-Encoding")
    response.set_etag(file.checksum)
    if file.gzipped is not None and request.accept_encodings.quality("gzip"):
        response.set_data(file.gzipped)
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(f"{file.checksum}-gzip")
    if filename.startswith("vendor/") or request.args.get("v") == file.checksum:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.cache_control.no_cache = True
    return response.make_conditional(request)


def _compress_drawing(response: Response) -> Response:
    return gzip_if_asked(response) if response.mimetype == TEXT[".svg"] else response


def init_app(app: Flask) -> None:
    """Make `vendor`, `asset` and `bundled` available in templates and their macros, serve the
    static files, and compress the SVG drawings that views return."""
    app.jinja_env.globals.update(vendor=vendor, asset=asset, bundled=bundled)
    app.view_functions["static"] = open_to(ANYONE)(_send_static)
    app.after_request(_compress_drawing)
