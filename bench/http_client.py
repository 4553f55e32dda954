"""An HTTP client that keeps its connections open between requests. The client does as little work
as asyncio allows, because the servers run on the same machine and need its processors."""

import asyncio
import zlib
from typing import NamedTuple


class Answer(NamedTuple):
    """An HTTP response. `status` is 0 if no response came. `headers` is the status line and the
    headers, in lower case. `body` is decompressed, and `length` is the number of bytes of the body
    as it was received."""

    status: int = 0
    headers: str = ""
    body: bytes = b""
    length: int = 0

    def header(self, name: str) -> str:
        return _value(self.headers, name)


NO_ANSWER = Answer()


class Connection(asyncio.Protocol):
    """One connection of a client. The connection carries one request at a time, and stays open
    after an answer, unless the server has asked to close it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        # The parts of an incomplete answer: the beginning of its head, and later its headers and
        # the pieces of its body.
        self._head, self._headers = b"", ""
        self._parts: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        self._settle(NO_ANSWER)

    def data_received(self, data: bytes) -> None:
        if not self._headers:
            head, found, body = (self._head + data).partition(b"\r\n\r\n")
            if not found:
                self._head = head
                return
            self._headers = head.decode("latin-1").lower() + "\r\n"
            length = int(_value(self._headers, "content-length") or 0)
            self._parts, self._missing = [body], length - len(body)
        else:
            self._parts.append(data)
            self._missing -= len(data)
        if self._missing > 0:
            return
        headers, body = self._headers, b"".join(self._parts)
        self._settle(answer_of(int(headers[9:12]), headers, body))
        if _value(headers, "connection") == "close":
            self.drop()

    def send(self, message: bytes) -> "asyncio.Future[Answer]":
        """Send a request, and return a future that gets the answer. The future gets NO_ANSWER if
        the connection ends first."""
        self._waiting = waiting = asyncio.get_running_loop().create_future()
        if self.transport is None:  # the server has closed the connection as soon as it was open
            self._settle(NO_ANSWER)
        else:
            self.transport.write(message)
        return waiting

    def drop(self) -> None:
        """Close the connection at once. If a request still has no answer, its future gets
        NO_ANSWER."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None
        self._settle(NO_ANSWER)

    def _settle(self, answer: Answer) -> None:
        self._head, self._headers, self._parts = b"", "", []
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)


def answer_of(status: int, headers: str, body: bytes) -> Answer:
    """Make an Answer from a status, the headers in lower case, and the body as it was received."""
    length = len(body)
    if _value(headers, "content-encoding") == "gzip":
        body = zlib.decompress(body, 31)
    return Answer(status, headers, body, length)


def _value(headers: str, name: str) -> str:
    at = headers.find(f"\r\n{name}: ")
    if at < 0:
        return ""
    begins = at + len(name) + 4
    return headers[begins : headers.find("\r\n", begins)]
