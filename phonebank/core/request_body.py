"""Reads the body of a form from the network before the process starts to work on the request.

Even a form that was sent in chunks then has a known length, so all later checks treat it like any
other form. A body that is larger than any form is not read to its end here, because the view may
accept large files.
"""

import io
from typing import TYPE_CHECKING

from phonebank.core.security import MAX_FORM_BYTES, MAX_UPLOAD_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def read_form_body(environ: "WSGIEnvironment") -> bool:
    """Put a form's body into `environ`. If the body was sent in chunks, set its length as well. If
    the body is larger than any form, the view has to read it later. If such a large body was sent
    in chunks and is not multipart, make Flask refuse the request as too large.

    Return False if the sender stopped part-way or sent a malformed chunk.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isdigit() and int(declared):
        if int(declared) > MAX_FORM_BYTES:
            return True
        body = _read(environ, int(declared))
        if body is None or len(body) < int(declared):
            return False
    elif environ.get("wsgi.input_terminated") and environ.get("HTTP_TRANSFER_ENCODING"):
        body = _read(environ, MAX_FORM_BYTES + 1)
        if body is None:
            return False
        if len(body) > MAX_FORM_BYTES:
            _leave_large_body(environ, body)
            return True
        _drop_transfer_encoding(environ)
    else:
        return True
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    return True


def _leave_large_body(environ: "WSGIEnvironment", begun: bytes) -> None:
    if environ.get("CONTENT_TYPE", "").startswith("multipart/form-data"):
        # The body may be a file. If it is too large, the rules for uploads refuse it.
        environ["wsgi.input"] = _Joined(begun, environ["wsgi.input"])
    else:
        # This length makes Flask refuse the request as too large.
        environ["CONTENT_LENGTH"] = str(MAX_UPLOAD_BYTES + 1)
        _drop_transfer_encoding(environ)


def _drop_transfer_encoding(environ: "WSGIEnvironment") -> None:
    del environ["HTTP_TRANSFER_ENCODING"]


def _read(environ: "WSGIEnvironment", at_most: int) -> bytes | None:
    """Return at most `at_most` bytes of the body, or None if the connection was lost or a chunk is
    malformed."""
    parts, wanted = [], at_most
    try:
        while wanted and (part := environ["wsgi.input"].read(wanted)):
            parts.append(part)
            wanted -= len(part)
    except OSError:
        return None
    return b"".join(parts)


class _Joined(io.RawIOBase):
    """A stream of the bytes that have already been read, followed by the rest of the body."""

    def __init__(self, begun: bytes, rest: io.IOBase) -> None:
        self._begun = io.BytesIO(begun)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self._begun.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)
