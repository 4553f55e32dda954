"""Sends requests to the servers without a pause, over several connections in one process. Each
connection stays open, and carries one request at a time. If there are more devices than
connections, a connection carries the requests of several devices in turn.

    python -m bench.clients < settings.json > measured.json

The settings are: port, connections (their number), workers (the web processes' ids, or an empty
list; see `connect_evenly`), warm_up and seconds (two durations in seconds), action (one of
ACTIONS), devices (a list of {"cookie", "token"}). The output is two rows of JSON. The first row is
an empty object, and is written when the warm-up is over. The second row is about the requests after
the warm-up:

- took: the seconds of each request that got the expected answer
- missed: how often the expected answer did not come, or a device had no person to record an outcome
  for
- bytes: the bytes of all expected answers together
- lasted, cpu: how many seconds passed, and how many processor seconds this process used
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import psutil

from bench.call_page import CallPage
from bench.http_client import Answer, Connection
from bench.people import Device

# A client without a person waits this many seconds before it asks again.
ASK_AGAIN = 0.05
# Each device has acted this many times before the timing begins.
FIRST_ROUNDS = 2


class Timed(NamedTuple):
    """One timed request: its duration in seconds, whether its answer was the expected one, and the
    answer's size in bytes. If a device has no person and so cannot record an outcome, the duration
    and the size are 0."""

    seconds: float
    expected: bool
    length: int


class Client:
    """One device, and the connection that carries its requests. Several devices may share a
    connection."""

    def __init__(self, port: int, device: Device, connection: Connection) -> None:
        self.page = CallPage(port, device)
        self._connection = connection
        self._head = (
            "Host: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
            + (f"Cookie: {device.cookie}\r\n" if device.cookie else "")
            + (f"X-CSRFToken: {device.token}\r\n" if device.token else "")
        )

    async def send(self, message: bytes) -> Answer:
        return await self._connection.send(message)

    async def post(self, path: str, body: Any) -> Answer:
        """Send JSON, as an API client does."""
        content = json.dumps(body)
        head = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(content)}\r\n\r\n"
        return await self.send((head + content).encode())


async def bare(client: Client) -> AsyncIterator[Timed]:
    """Send a request to the yardstick (`bench.bare`) again and again, and time each request."""
    while True:
        began = time.perf_counter()
        answer = await client.post("/", {"outcome": "no_answer"})
        yield Timed(time.perf_counter() - began, answer.status == 200, answer.length)


async def phone_cycles(client: Client) -> AsyncIterator[Timed]:
    """Again and again, record an outcome and claim the next person in one request, as the call page
    does. Time these requests."""
    screen = None
    while True:
        if screen is None:
            screen = client.page.read(await client.send(client.page.next()))
        if screen is None:
            yield Timed(0, False, 0)
            await asyncio.sleep(ASK_AGAIN)
            continue
        began = time.perf_counter()
        answer = await client.send(client.page.outcome(screen.call, "no_answer"))
        screen = client.page.read(answer)
        yield Timed(time.perf_counter() - began, screen is not None, answer.length)


async def json_cycles(client: Client) -> AsyncIterator[Timed]:
    """Again and again, record an outcome and claim the next person in one request, as an API client
    does. Time these requests."""
    person = None
    while True:
        if person is None:
            person = _person_in(await client.post("/calling/next", {}))
        if person is None:
            yield Timed(0, False, 0)
            await asyncio.sleep(ASK_AGAIN)
            continue
        began = time.perf_counter()
        answer = await client.post(_outcome_of(person), {"outcome": "no_answer"})
        person = _person_in(answer)
        yield Timed(time.perf_counter() - began, person is not None, answer.length)


async def claims(client: Client) -> AsyncIterator[Timed]:
    """Again and again, claim a person, and time that request. Then record an outcome with a second
    request, which claims nobody and is not timed."""
    while True:
        began = time.perf_counter()
        answer = await client.post("/calling/next", {})
        person = _person_in(answer)
        yield Timed(time.perf_counter() - began, person is not None, answer.length)
        if person is None:
            await asyncio.sleep(ASK_AGAIN)
        else:
            await client.post(_outcome_of(person), {"outcome": "no_answer", "next": False})


def _person_in(answer: Answer) -> dict[str, Any] | None:
    body = json.loads(answer.body) if answer.body[:1] == b"{" else {}
    return body.get("person")


def _outcome_of(person: dict[str, Any]) -> str:
    return f"/calling/person/{person['call_id']}/outcome?turn={person['turn']}"


ACTIONS = {"bare": bare, "phones": phone_cycles, "json": json_cycles, "claims": claims}


async def connect_evenly(port: int, workers: list[int], wanted: int) -> list[Connection]:
    """Open `wanted` connections, divided as evenly as possible between the web processes.

    The operating system gives a connection to the process that asks first. So if there are only a
    few connections, one process may get all of them, while the other processes do nothing. This
    function therefore drops a connection if its process already has more connections than another
    process. It also drops a connection if it cannot find the process that accepted the connection.
    If `workers` is empty, it keeps every connection. That is meant for many connections, because
    they spread evenly by themselves.
    """
    loop = asyncio.get_running_loop()
    kept: dict[int, list[Connection]] = {worker: [] for worker in workers}
    while sum(map(len, kept.values())) < wanted:
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        if not workers:
            kept.setdefault(0, []).append(connection)
            continue
        worker = await _owner_of(connection, workers)
        mine = min(kept.values(), key=len)
        if worker is None or len(kept[worker]) > len(mine):
            connection.drop()
        else:
            kept[worker].append(connection)
    return [connection for each in kept.values() for connection in each]


async def _owner_of(connection: Connection, workers: list[int]) -> int | None:
    """Return the id of the process that has accepted the connection, or None if no process of
    `workers` accepts it within about a tenth of a second."""
    assert connection.transport
    address = tuple(connection.transport.get_extra_info("sockname"))
    for _ in range(20):
        await asyncio.sleep(0.005)
        for worker in random.sample(workers, len(workers)):
            if any(one.raddr == address for one in psutil.Process(worker).net_connections("tcp")):
                return worker
    return None


async def measure(settings: dict[str, Any]) -> dict[str, Any]:
    devices = [Device(**device) for device in settings["devices"]]
    port, action = settings["port"], ACTIONS[settings["action"]]
    at_once = settings["connections"]
    connections = await connect_evenly(port, settings["workers"], at_once)
    timed: list[Timed] = []
    is_timing = False

    rounds: list[int] = []

    async def work(clients: list[Client]) -> None:
        actions = [action(client) for client in clients]
        number = len(rounds)
        rounds.append(0)
        while True:
            for acting in actions:
                one = await anext(acting)
                if is_timing:
                    timed.append(one)
            rounds[number] += 1

    works = [
        asyncio.create_task(
            work([Client(port, device, connection) for device in devices[number::at_once]])
        )
        for number, connection in enumerate(connections)
    ]

    async def let_pass(seconds: float) -> None:
        done, _ = await asyncio.wait(works, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    await let_pass(settings["warm_up"])
    # The first answer to a phone has the whole script, so every device gets one answer before the
    # timing begins.
    while min(rounds) < FIRST_ROUNDS:
        await let_pass(0.05)
    print("{}", flush=True)
    is_timing = True
    began, cpu = time.monotonic(), time.process_time()
    await let_pass(settings["seconds"])
    is_timing = False
    found = {
        "took": [one.seconds for one in timed if one.expected],
        "missed": Counter(one.expected for one in timed)[False],
        "bytes": sum(one.length for one in timed if one.expected),
        "lasted": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
    }
    for task in works:
        task.cancel()
    return found


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(json.dumps(asyncio.run(measure(json.load(sys.stdin)))))
