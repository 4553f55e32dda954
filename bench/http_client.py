"""HTTP on kept connections, as light as asyncio allows: the load must leave the machine to the
servers."""

import asyncio
import zlib
from typing import NamedTuple


class Answer(NamedTuple):
    """An answer. `status` is 0 if none came; `headers` are in lower case; `length` is the body's
    bytes on the wire, and `body` is the body without its compression."""

    status: int = 0
    headers: str = ""
    body: bytes = b""
    length: int = 0

    def header(self, name: str) -> str:
        return _value(self.headers, name)


NO_ANSWER = Answer()


class Connection(asyncio.Protocol):
    """One client's connection. It carries one request at a time, and lasts as long as the server
    keeps it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        # Of the answer that is coming in: its head so far, then its headers and its body's parts.
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
        """Send a request; its answer, which is NO_ANSWER if the connection ends first."""
        assert self.transport
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        return self._waiting

    def drop(self) -> None:
        """Hang up. A request that still waits gets no answer."""
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
    """The answer with this status, these headers in lower case and this body, as received."""
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
