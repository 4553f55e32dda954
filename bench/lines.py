"""Thousands of Socket.IO lines in one process, as light as Python allows: boards and callers.

    python -m bench.lines

Commands are rows of JSON, and each gets one row as its answer:

    {"do": "connect", "port", "at_once", "lines": [{"namespace", "auth", "cookie", "party"}]}
        opens the lines, so many at a time; a board's line asks for its snapshot as the page does.
        → {"seconds", "errors"}
    {"do": "storm", "wanted": {party: calls}}
        drops all lines and opens them again at once. → {"seconds": [of each until it showed at
        least those calls], "errors"}
    {"do": "heard"} → {"events": [[party, calls, when]], "lost", "cpu"}, since the last "heard"

The module speaks the protocol itself: Socket.IO 5 over Engine.IO 4 over a websocket that offers to
compress, as browsers do. `bench.boards` compares what it hears with the library's client.
"""

import asyncio
import json
import resource
import sys
import time
import zlib
from typing import Any

# The mask is zeros, which change nothing.
PONG = b"\x81\x81\x00\x00\x00\x003"
# Seconds between two tries, about as long as the page's library waits.
RETRY_AFTER = 0.5
GIVE_UP_AFTER = 60.0

REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    "Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n{cookie}"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


def frame_of(words: str) -> bytes:
    """A websocket message from a client."""
    data = words.encode()
    if len(data) < 126:
        return bytes((0x81, 0x80 | len(data))) + bytes(4) + data
    return b"\x81\xfe" + len(data).to_bytes(2, "big") + bytes(4) + data


class Line(asyncio.Protocol):
    """One connection, which is opened again whenever it is lost, until the crowd closes."""

    def __init__(self, crowd: "Crowd", about: dict[str, Any]) -> None:
        self.crowd = crowd
        self.party: int | None = about.get("party")
        self.wanted = 0
        self.ready: asyncio.Future[float] = crowd.loop.create_future()
        self._namespace = about["namespace"]
        self._auth = json.dumps(about.get("auth") or {})
        self._cookie = f"Cookie: {about['cookie']}\r\n" if about.get("cookie") else ""
        self.transport: asyncio.Transport | None = None

    async def open(self) -> None:
        """Connect. A failure is counted, and the next try follows."""
        while True:
            try:
                await self.crowd.loop.create_connection(lambda: self, "127.0.0.1", self.crowd.port)
                return
            except OSError:
                self.crowd.errors += 1
                await asyncio.sleep(RETRY_AFTER)

    def drop(self) -> None:
        """Cut the line without closing it, as a power failure does."""
        self.ready = self.crowd.loop.create_future()
        transport, self.transport = self.transport, None
        if transport:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._buffer = b""
        self._upgraded = False
        self._inflate: Any = None
        request = REQUEST.format(port=self.crowd.port, cookie=self._cookie)
        self.transport.write(request.encode())  # type: ignore[union-attr]

    def connection_lost(self, error: Exception | None) -> None:
        # After our own drop() there is no transport.
        if self.transport is None or self.crowd.closing:
            return
        self.transport = None
        self.crowd.lost += 1
        self.crowd.loop.call_later(RETRY_AFTER, self.crowd.start, self.open())

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
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

    def _handle(self, message: bytes, at: float) -> None:
        write = self.transport.write if self.transport else lambda _: None
        if message == b"2":
            self.crowd.pings += 1
            write(PONG)
        elif message[:1] == b"0":
            write(frame_of(f"40{self._namespace},{self._auth}"))
        elif message[:2] == b"40":
            if self.party is None:
                self._mark_ready(at)
            else:
                write(frame_of(f'42{self._namespace},0["snapshot"]'))
        elif message[:2] in (b"42", b"43"):
            told = json.loads(message[message.index(b"[") :])
            board = told[0].get("board") if message[1:2] == b"3" else told[1]
            self._note_board(board, at)
        elif message[:2] == b"44":
            self.crowd.errors += 1

    def _note_board(self, board: dict[str, Any] | None, at: float) -> None:
        if not board or "calls" not in board:
            self.crowd.errors += 1
            return
        self.crowd.events.append((self.party, board["calls"], at))
        if self.crowd.keep_whole:
            self.crowd.boards.append(board)
        if board["calls"] >= self.wanted:
            self._mark_ready(at)

    def _mark_ready(self, at: float) -> None:
        if not self.ready.done():
            self.ready.set_result(at)


class Crowd:
    """All lines of this process."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.port = 0
        self.lines: list[Line] = []
        self.events: list[tuple[int | None, int, float]] = []
        self.boards: list[dict[str, Any]] = []
        self.keep_whole = False
        self.errors = self.lost = self.pings = 0
        self.closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Any) -> None:
        """Run a coroutine beside the others."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def connect(self, order: dict[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        self.port, self.keep_whole = order["port"], order.get("keep_whole", False)
        new = [Line(self, about) for about in order["lines"]]
        self.lines += new
        gate = asyncio.Semaphore(order["at_once"])

        async def open_one(line: Line) -> None:
            async with gate:
                await line.open()
                await asyncio.wait_for(line.ready, GIVE_UP_AFTER)

        await asyncio.gather(*map(open_one, new))
        return {"seconds": time.monotonic() - began, "errors": self._errors()}

    async def storm(self, order: dict[str, Any]) -> dict[str, Any]:
        for line in self.lines:
            line.drop()
            line.wanted = order["wanted"].get(str(line.party), 0)
        await asyncio.sleep(0.1)
        began = time.monotonic()
        for line in self.lines:
            self.start(line.open())
        waiting = (asyncio.wait_for(line.ready, GIVE_UP_AFTER) for line in self.lines)
        right = await asyncio.gather(*waiting, return_exceptions=True)
        never = [each for each in right if isinstance(each, BaseException)]
        self.errors += len(never)
        return {
            "seconds": [each - began for each in right if isinstance(each, float)],
            "errors": self._errors(),
        }

    async def heard(self, _: dict[str, Any]) -> dict[str, Any]:
        events, self.events = self.events, []
        boards, self.boards = self.boards, []
        lost, self.lost = self.lost, 0
        pings, self.pings = self.pings, 0
        return {
            "events": events,
            "boards": boards,
            "lost": lost,
            "pings": pings,
            "cpu": time.process_time(),
        }

    def _errors(self) -> int:
        errors, self.errors = self.errors, 0
        return errors


async def run_commands() -> None:
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    while order := await loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(order)
        answer = await getattr(crowd, told["do"])(told)
        print(json.dumps(answer), flush=True)
    crowd.closing = True


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(run_commands())
