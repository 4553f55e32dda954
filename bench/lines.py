"""Holds thousands of Socket.IO connections ("lines") in one process. Each line belongs to a
caller's screen, or to a board (the page of a party's figures, on a television). The process does as
little work as Python allows.

    python -m bench.lines

Each command is one line of JSON, and so is its answer:

    {"do": "connect", "port", "at_once", "lines": [{"namespace", "auth", "cookie", "party"}]}
        opens the lines, `at_once` at a time. The line of a board then asks for the board's
        snapshot, as the page does. "seconds" is how long all of this took.
        → {"seconds", "errors"}
    {"do": "storm", "wanted": {party: calls}}
        drops all lines, and then opens all of them again at the same moment. "seconds" has the time
        until each line got figures with at least as many calls as its party has in "wanted". A line
        that does not get them within a minute counts as an error, and has no time in "seconds".
        → {"seconds", "errors"}
    {"do": "heard"} → {"events": [[party, calls, when]], "boards", "lost", "cpu"}
        returns what the lines have received since the last "heard". "boards" has the figures of the
        boards in full, if "connect" had "keep_whole": true. "lost" says how often a line was lost.
        "cpu" is the processor seconds of this process since it started.
"""

import asyncio
import json
import resource
import sys
import time
from typing import Any

from bench.socket_io import SocketIo

# Seconds between two tries to connect, about as long as the page's library waits.
RETRY_AFTER = 0.5
GIVE_UP_AFTER = 60.0


class Line(SocketIo):
    """One connection. When it is lost, it is opened again, until `Crowd.closing` is set."""

    def __init__(self, crowd: "Crowd", about: dict[str, Any]) -> None:
        super().__init__(crowd.port, about["namespace"], about.get("auth"), about.get("cookie", ""))
        self.crowd = crowd
        self.party: int | None = about.get("party")
        self.wanted = 0
        self.ready: asyncio.Future[float] = crowd.loop.create_future()

    async def open(self) -> None:
        """Connect. After each failure, count an error and try again."""
        while True:
            try:
                await self.crowd.loop.create_connection(lambda: self, "127.0.0.1", self.crowd.port)
                return
            except OSError:
                self.crowd.errors += 1
                await asyncio.sleep(RETRY_AFTER)

    def drop(self) -> None:
        self.ready = self.crowd.loop.create_future()
        super().drop()

    def lost(self) -> None:
        if self.crowd.closing:
            return
        self.crowd.lost += 1
        self.crowd.loop.call_later(RETRY_AFTER, self.crowd.start, self.open())

    def connected(self, at: float) -> None:
        if self.party is None:
            self._mark_ready(at)
        else:
            self.emit("snapshot", ack=0)

    def refused(self) -> None:
        self.crowd.errors += 1

    def heard(self, message: bytes, at: float) -> None:
        told = json.loads(message[message.index(b"[") :])
        board = told[0].get("board") if message[1:2] == b"3" else told[1]
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
        self.errors = self.lost = 0
        self.closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Any) -> None:
        """Start a coroutine that runs beside the others."""
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
        return {
            "events": events,
            "boards": boards,
            "lost": lost,
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
