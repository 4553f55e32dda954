"""Runs a simulated Twilio in a process of its own.

The process takes commands (`command_process.CommandProcess`): "start", "state" and "stop". The
command "start" says to which server the simulated Twilio sends webhooks, and the answer has the
address of the simulated Twilio. The answer to "state" has the number of calls in each state. The
answer to "stop" has, for each webhook, the status of the server's answer and how many seconds the
webhook took. The same answer also has the state of each call at the end, and the first five faults
that the simulated Twilio noted.
"""

import json
import sys
from typing import Any

from tests.twilio_api.simulator import Fate, TwilioSimulator

# What a hundred people do. The number after each Fate says how many of them do it.
PEOPLE = (
    (Fate(rings=4, talks=8), 15),
    (Fate(rings=3), 5),  # no caller takes the call, or voicemail answers
    (Fate("busy", rings=1), 10),
    (Fate("unknown"), 5),
    (Fate("away"), 65),
)
# All callers have this number, and answer.
CALLERS = "+447700900998"
# One request in this many is checked against Twilio's description, which takes 20 ms.
CHECKED_ONE_IN = 200


class Network(TwilioSimulator):
    """A simulated Twilio. A person's number decides what the person does."""

    def fate_of(self, number: str) -> Fate:
        """Return what the person or caller with this number does."""
        if number == CALLERS:
            return Fate()
        place = int(number[-4:]) * 37 % 100
        for fate, share in PEOPLE:
            if place < share:
                return fate
            place -= share
        return Fate()


def main() -> None:
    network: Network | None = None
    for line in sys.stdin:
        command = json.loads(line)
        answer: dict[str, Any] = {}
        if command["do"] == "start":
            network = Network(command["public"], ("127.0.0.1", command["port"]), connections=64)
            network.checks_one_in = CHECKED_ONE_IN
            network.start()
            answer = {"url": network.url}
        elif network is not None and command["do"] == "state":
            statuses = [call.status for call in network.calls.values()]
            answer = {status: statuses.count(status) for status in set(statuses)}
        elif network is not None:
            network.stop()
            answer = {
                "delivered": network.delivered,
                "server_seconds": network.server_seconds,
                "ended": {call.sid: call.status for call in network.calls.values()},
                "faults": network.faults[:5],
            }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
