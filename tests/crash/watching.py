"""A television in each party, connected through everything, as a process.

    python -m tests.crash.watching '{"url": …, "boards": {"1": "token"}, "journal": …}'

It writes down each board that it receives: {"at": …, "party": 1, "version": …, "calls": …, …}.
"""

import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import socketio
from socketio.exceptions import ConnectionError as Refused

NAMESPACE = "/board"


def main() -> None:
    settings = json.loads(sys.argv[1])
    journal = Path(settings["journal"]).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115
    lock = threading.Lock()
    for party, token in settings["boards"].items():

        def show(board: dict[str, Any] | None, party: str = party) -> None:
            if board:
                names = ("version", "calls", "conversations", "yeses")
                line = {"at": time.time(), "party": int(party)} | {n: board[n] for n in names}
                with lock:
                    journal.write(json.dumps(line) + "\n")

        threading.Thread(target=watch, args=(settings["url"], token, show), daemon=True).start()
    signal.sigwait([signal.SIGTERM])


def watch(url: str, token: str, show: Any) -> None:
    """Stay connected for good, and ask for the whole board at each connection, as the page does."""
    client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=1)
    client.on("board", show, namespace=NAMESPACE)

    def ask() -> None:
        client.emit(
            "snapshot", namespace=NAMESPACE, callback=lambda answer: show(answer.get("board"))
        )

    client.on("connect", ask, namespace=NAMESPACE)
    while True:
        try:
            client.connect(
                url, auth={"token": token}, transports=["websocket"], namespaces=[NAMESPACE]
            )
            client.wait()
        except Refused:
            pass
        time.sleep(0.5)


if __name__ == "__main__":
    main()
