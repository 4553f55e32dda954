"""The load: many callers in one process, on kept connections, as light as Python allows.

    python -m bench.clients < settings.json > measured.json

Settings: port, warm_up and seconds, action (one of ACTIONS), devices (a list of {"cookie",
"token"}). The output is the seconds that each timed request took, and how many requests did not get
the expected answer.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402  (sockets must be patched first)
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402


class Device:
    """One caller's connection."""

    def __init__(self, port: int, cookie: str = "", token: str = "") -> None:
        self._port = port
        self._headers = (
            "Host: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
            + (f"Cookie: {cookie}\r\nX-CSRFToken: {token}\r\n" if cookie else "")
        )
        self._socket: socket.socket | None = None

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of the answer. The device connects again if the server has closed the
        connection."""
        content = json.dumps(body)
        head = f"POST {path} HTTP/1.1\r\n{self._headers}Content-Length: {len(content)}\r\n\r\n"
        message = (head + content).encode()
        for attempt in (1, 2):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), 60)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket.sendall(message)
                return self._answer(self._socket)
            except OSError:
                self._socket = None
                if attempt == 2:
                    raise
        raise AssertionError

    @staticmethod
    def _answer(connection: socket.socket) -> tuple[int, Any]:
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65536)
            if not chunk:
                raise ConnectionError("closed")
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else None])
        while len(body) < length:
            body += connection.recv(65536)
        return int(head[9:12]), json.loads(body) if body[:1] == b"{" else None


def bare(device: Device) -> Iterator[float | None]:
    """Send the yardstick's request in a loop. Yields seconds, or None for a wrong answer."""
    while True:
        began = time.perf_counter()
        status, _ = device.post("/", {"outcome": "no_answer"})
        yield time.perf_counter() - began if status == 200 else None


def cycles(device: Device) -> Iterator[float | None]:
    """Record an outcome and claim the next person, in one request, in a loop. Yields seconds, or
    None if no person came."""
    person = None
    while True:
        if person is None:
            _, answer = device.post("/calling/next", {})
            person = (answer or {}).get("person")
            if person is None:
                yield None
                gevent.sleep(0.05)
                continue
        began = time.perf_counter()
        status, answer = device.post(_outcome_of(person), {"outcome": "no_answer"})
        took = time.perf_counter() - began
        person = answer.get("person") if status == 200 else None
        yield took if person else None


def claims(device: Device) -> Iterator[float | None]:
    """Claim a person, then record an outcome, untimed and without a claim. Yields the seconds of
    the claim, or None if no person came."""
    while True:
        began = time.perf_counter()
        _, answer = device.post("/calling/next", {})
        took = time.perf_counter() - began
        person = (answer or {}).get("person")
        yield took if person else None
        if person is None:
            gevent.sleep(0.05)
        else:
            device.post(_outcome_of(person), {"outcome": "no_answer", "next": False})


def _outcome_of(person: dict[str, Any]) -> str:
    return f"/calling/person/{person['call_id']}/outcome?turn={person['turn']}"


ACTIONS = {"bare": bare, "cycles": cycles, "claims": claims}


def main() -> None:
    settings = json.load(sys.stdin)
    took: list[float] = []
    missed = 0
    action = ACTIONS[settings["action"]]
    warm_at = time.monotonic() + settings["warm_up"]
    ends_at = warm_at + settings["seconds"]

    def work(device: Device) -> None:
        nonlocal missed
        for one in action(device):
            moment = time.monotonic()
            if moment > ends_at:
                return
            if moment < warm_at:
                continue
            if one is None:
                missed += 1
            else:
                took.append(one)

    devices = [Device(settings["port"], d["cookie"], d["token"]) for d in settings["devices"]]
    gevent.joinall([gevent.spawn(work, device) for device in devices], raise_error=True)
    json.dump({"took": took, "missed": missed}, sys.stdout)


if __name__ == "__main__":
    main()
