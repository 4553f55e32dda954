"""Acts as strangers who look for events near them, in one process.

    python -m bench.visitors

Each command is one line of JSON, and so is its answer:

    {"do": "visit", "port", "rate", "seconds", "codes"} → {"took", "statuses", "late"}
        sends `rate` requests a second for `seconds` seconds, and does not wait for the answers to
        earlier requests. "took" has how many seconds each answer took. "statuses" says how often
        each status came (0: no answer). "late" says how many requests were sent more than LATE
        seconds too late.

A visitor opens the page /near, searches there for a postcode district from `codes`, and opens the
district's page.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

from bench.http_client import Answer, Connection

# There are this many connections, each from an address of its own, because the server limits the
# searches from one address. The visitors take turns, so each address searches 16 times a minute at
# 200 requests a second.
ADDRESSES = 250
ANSWER_WITHIN = 15.0  # seconds
LATE = 0.05  # seconds


def requests_of(code: str) -> tuple[bytes, ...]:
    """Return the requests of one visitor, in the order in which they are sent."""
    head = b"Host: 127.0.0.1\r\nAccept-Encoding: gzip\r\n"
    typed = f"place={code.replace(' ', '+')}".encode()
    return (
        b"GET /near HTTP/1.1\r\n%b\r\n" % head,
        b"POST /near HTTP/1.1\r\n%bContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (head, len(typed), typed),
        b"GET /near/gb/%b HTTP/1.1\r\n%b\r\n" % (code.encode(), head),
    )


async def visit(port: int, rate: float, seconds: float, codes: list[str]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    dice = random.Random()
    addresses = [f"127.0.0.{number}" for number in range(1, ADDRESSES + 1)]
    others = itertools.cycle(addresses)
    idle: deque[tuple[str, Connection | None]] = deque((each, None) for each in addresses)
    took: list[float] = []
    statuses: Counter[int] = Counter()

    async def one(message: bytes) -> None:
        began = time.perf_counter()
        address, connection = idle.popleft() if idle else (next(others), None)
        try:
            if connection is None or connection.transport is None:
                _, connection = await loop.create_connection(
                    Connection, "127.0.0.1", port, local_addr=(address, 0)
                )
            answer: Answer = await asyncio.wait_for(connection.send(message), ANSWER_WITHIN)
        except (OSError, TimeoutError):
            statuses[0] += 1
            if connection is not None:
                connection.drop()
            idle.append((address, None))
            return
        took.append(time.perf_counter() - began)
        statuses[answer.status] += 1
        # The least recently used comes first, so all addresses take part.
        idle.append((address, connection))

    began, late = loop.time(), 0
    tasks = set()
    waiting: list[bytes] = []
    for number in range(int(rate * seconds)):
        at = began + number / rate
        if (ahead := at - loop.time()) > 0:
            await asyncio.sleep(ahead)
        late += loop.time() - at > LATE
        if not waiting:
            waiting = list(requests_of(dice.choice(codes)))
        task = asyncio.create_task(one(waiting.pop(0)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for _, connection in idle:
        if connection is not None:
            connection.drop()
    return {"took": took, "statuses": statuses, "late": late}


def give_way() -> None:
    """Let this process run only while no other process needs the processor, because the devices of
    real visitors need none of the server's."""
    # Linux shares the processors between sessions first. The suppressed errors: this process leads
    # its group already, and a Linux without this sharing.
    with contextlib.suppress(OSError):
        os.setsid()
        Path("/proc/self/autogroup").write_text("19")
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main() -> None:
    give_way()
    for line in sys.stdin:
        command = json.loads(line)
        assert command.pop("do") == "visit"
        print(json.dumps(asyncio.run(visit(**command))), flush=True)


if __name__ == "__main__":
    main()
