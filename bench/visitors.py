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
import itertools
import json
import random
import sys
import time
from collections import Counter
from typing import Any

from bench.http_client import Answer, Connection

# Each connection comes from one of this many addresses, because the server limits the searches from
# one address.
ADDRESSES = 250
ANSWER_WITHIN = 15.0  # seconds
CONNECTIONS = 40
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
    idle: list[Connection] = []
    addresses = itertools.cycle(range(1, ADDRESSES + 1))
    took: list[float] = []
    statuses: Counter[int] = Counter()

    async def one(message: bytes) -> None:
        began = time.perf_counter()
        connection = idle.pop() if idle else None
        try:
            if connection is None or connection.transport is None:
                address = f"127.0.0.{next(addresses)}"
                _, connection = await loop.create_connection(
                    Connection, "127.0.0.1", port, local_addr=(address, 0)
                )
            answer: Answer = await asyncio.wait_for(connection.send(message), ANSWER_WITHIN)
        except (OSError, TimeoutError):
            statuses[0] += 1
            return
        took.append(time.perf_counter() - began)
        statuses[answer.status] += 1
        if connection.transport is not None and len(idle) < CONNECTIONS:
            # The least recently used comes first, so all addresses take part.
            idle.insert(0, connection)

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
    for connection in idle:
        connection.drop()
    return {"took": took, "statuses": statuses, "late": late}


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        assert command.pop("do") == "visit"
        print(json.dumps(asyncio.run(visit(**command))), flush=True)


if __name__ == "__main__":
    main()
