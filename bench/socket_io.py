"""A Socket.IO client that does as little work as Python allows. The client speaks Socket.IO 5 over
Engine.IO 4 over a websocket, and offers compression, as browsers do. `bench.boards` checks that
this client receives the same events as the client of the library python-socketio."""

import asyncio
import json
import zlib
from typing import Any

# The mask is all zeros, so the words stay as they are.
PONG = b"\x81\x81\x00\x00\x00\x003"

REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    "Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n{cookie}"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


def frame_of(words: str) -> bytes:
    """Return the websocket frame with which a client sends this text."""
    data = words.encode()
    if len(data) < 126:
        return bytes((0x81, 0x80 | len(data))) + bytes(4) + data
    return b"\x81\xfe" + len(data).to_bytes(2, "big") + bytes(4) + data


class SocketIo(asyncio.Protocol):
    """One connection to one namespace. The connection can be opened again any number of times.

    This class answers pings. A subclass decides what happens when the namespace is connected, when
    an event or an acknowledgement comes, when the server refuses the namespace, and when the
    connection is lost.
    """

    def __init__(self, port: int, namespace: str, auth: Any = None, cookie: str = "") -> None:
        self.namespace = namespace
        self.transport: asyncio.Transport | None = None
        self._auth = json.dumps(auth or {})
        cookies = f"Cookie: {cookie}\r\n" if cookie else ""
        self._request = REQUEST.format(port=port, cookie=cookies).encode()
        self._buffer = b""
        self._upgraded = False
        self._inflate: Any = None

    def connected(self, at: float) -> None:
        """This method is called when the namespace is connected. `at` is the time on the event
        loop's clock."""

    def heard(self, message: bytes, at: float) -> None:
        """This method is called when an event (42…) or an acknowledgement (43…) has come."""

    def refused(self) -> None:
        """This method is called when the server has refused the namespace."""

    def lost(self) -> None:
        """This method is called when the connection is lost, but not when `drop` has cut it."""

    def drop(self) -> None:
        """Cut the connection without closing it, as a power failure does."""
        transport, self.transport = self.transport, None
        if transport:
            transport.abort()

    def emit(self, event: str, data: Any = None, ack: int | None = None) -> None:
        """Send an event. If `ack` is not None, the server sends an acknowledgement with this
        number."""
        sent = json.dumps([event] if data is None else [event, data])
        self._write(frame_of(f"42{self.namespace},{'' if ack is None else ack}{sent}"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._buffer, self._upgraded, self._inflate = b"", False, None
        self._write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.transport = None
            self.lost()

    def data_received(self, data: bytes) -> None:
        at = asyncio.get_running_loop().time()
        buffer = self._buffer + data
        if not self._upgraded:
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.transport.abort()  # type: ignore[union-attr]
                return
            self._upgraded = True
        while len(buffer) >= 2:
            length, starts = buffer[1] & 0x7F, 2
            if length == 126:
                length, starts = int.from_bytes(buffer[2:4], "big"), 4
            elif length == 127:
                length, starts = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < starts + length:
                break
            message = buffer[starts : starts + length]
            if buffer[0] & 0x40:
                self._inflate = self._inflate or zlib.decompressobj(-15)
                message = self._inflate.decompress(message + b"\x00\x00\xff\xff")
            if buffer[0] & 0x0F == 1:
                self._handle(message, at)
            buffer = buffer[starts + length :]
        self._buffer = buffer

    def _write(self, data: bytes) -> None:
        if self.transport:
            self.transport.write(data)

    def _handle(self, message: bytes, at: float) -> None:
        if message == b"2":
            self._write(PONG)
        elif message[:1] == b"0":
            self._write(frame_of(f"40{self.namespace},{self._auth}"))
        elif message[:2] == b"40":
            self.connected(at)
        elif message[:2] in (b"42", b"43"):
            self.heard(message, at)
        elif message[:2] == b"44":
            self.refused()
