"""The body of a request, read from the line before anybody begins to work on the request.

A body that was sent in chunks has its length from here on, and so meets every later rule (its size,
the form's token, what JSON may be) as one that said its length. Only what is larger than any form
is left on the line: a list of a million people is read by the page that takes it.
"""

import io
from typing import TYPE_CHECKING

from phonebank.core.security import BODY_AT_MOST, UPLOAD_AT_MOST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def take_in(environ: "WSGIEnvironment") -> bool:
    """Read a form's body from the line before anybody waits for it; one in chunks gets a length.

    False when its sender stopped half-way, or sent what is no chunk.
    """
    sent = environ.get("CONTENT_LENGTH") or ""
    if sent.isdigit() and int(sent):
        if int(sent) > BODY_AT_MOST:
            return True
        body = _read(environ, int(sent))
        if body is None or len(body) < int(sent):
            return False
    elif environ.get("wsgi.input_terminated") and environ.get("HTTP_TRANSFER_ENCODING"):
        body = _read(environ, BODY_AT_MOST + 1)
        if body is None:
            return False
        if len(body) > BODY_AT_MOST:
            if environ.get("CONTENT_TYPE", "").startswith("multipart/form-data"):
                # A file, perhaps: its rules stop it where it is too large.
                environ["wsgi.input"] = _Joined(body, environ["wsgi.input"])
            else:
                environ["CONTENT_LENGTH"] = str(UPLOAD_AT_MOST + 1)
                _forget_chunks(environ)
            return True
        _forget_chunks(environ)
    else:
        return True
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    return True


def _forget_chunks(environ: "WSGIEnvironment") -> None:
    del environ["HTTP_TRANSFER_ENCODING"]


def _read(environ: "WSGIEnvironment", at_most: int) -> bytes | None:
    parts, wanted = [], at_most
    try:
        while wanted and (part := environ["wsgi.input"].read(wanted)):
            parts.append(part)
            wanted -= len(part)
    except OSError:
        return None
    return b"".join(parts)


class _Joined(io.RawIOBase):
    """What was read already, and then the rest of it."""

    def __init__(self, begun: bytes, rest: io.IOBase) -> None:
        self._begun = io.BytesIO(begun)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self._begun.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)
