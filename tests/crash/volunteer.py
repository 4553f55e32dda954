"""One volunteer as a process: joins, gets contacts and records outcomes, until told to stop.

    python -m tests.crash.volunteer '{"ports": […], "paths": ["/join/ABC234"], "journal": …, …}'

If a path is locked or has ended, the volunteer takes another. The volunteer also talks for longer
than a hold, leaves in the middle of a call, takes breaks, undoes, comes back after the hold
expired, promises callbacks and hears "never again". The process stops at SIGTERM, when everything
that it wished for is acknowledged. `phone.mjs` is its twin, with the pages' own JavaScript.
"""

import json
import random
import re
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.crash.bad_line import Answer, BadLine, GaveUpError, Journal

NAMES = ("Ada", "Bela", "Cara", "Dafydd", "Eve", "Farid", "Gwen", "Hugh", "Ines", "Joan", "Kofi")

# How calls end, out of a hundred. Only "talked" follows a conversation.
OUTCOMES = {
    "no_answer": 28, "answerphone": 8, "left_message": 4, "busy": 8, "talked": 14, "call_back": 8,
    "partial": 3, "bad_time": 4, "hung_up": 4, "refused": 3, "language_barrier": 1,
    "not_suitable": 1, "wrong_number": 2, "disconnected": 2, "moved": 1, "line_fault": 2,
    "do_not_call": 3, "deceased": 1, "skipped": 3,
}  # fmt: skip
# What the volunteer does with a contact on the screen, besides recording the outcome.
ACTIONS = {
    "record": 62, "undo": 14, "give_back": 4, "renew": 3, "reload": 3, "vanish": 3,
    "reach_another": 10, "oversleep": 1, "talk_long": 4,
}  # fmt: skip

# An answer with any other status is a fault. 409: paused, or an undo or an expired hold came first.
# 404: the contact was no longer on the screen. 410: the party or the campaign has ended. 422: the
# chosen time to call back has passed meanwhile.
EXPECTED = {
    "next": (200, 409, 410),
    "outcome": (200, 410, 422),
    "answer": (200, 409),
    "undo": (200, 409),
    "give_back": (200,),
    "renew": (200, 404),
    "reload": (200, 404),
    "reached": (200, 404, 409, 410),
}
# The device has no caller any more, or had none a moment ago; or its caller waits in the lobby.
PUT_OUT = (401, 403)
# A party is locked or has ended, a campaign has ended, or the volunteer found that too often in a
# minute.
TURNED_AWAY = (409, 410, 429)
WAITS_IN_THE_LOBBY = 8.0  # seconds
LONDON = ZoneInfo("Europe/London")
# Seconds for which to repeat a request while the server is away.
PATIENCE = 300.0
PATIENCE_AT_THE_END = 90.0


class Volunteer:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.join_paths: list[str] = settings["paths"]
        self.hold_seconds: int = settings["hold_seconds"]
        self.think_seconds: float = settings["think_seconds"]
        self.dice = random.Random(settings["seed"])
        self.journal = Journal(Path(settings["journal"]))
        self.stopping = threading.Event()
        self.line = BadLine(
            settings["ports"], self.journal, self.dice, self._patience, settings["from_address"]
        )
        self.person: dict[str, Any] | None = None
        self.last_call: dict[str, Any] | None = None

    def stop(self) -> None:
        """Stop once the present action is done. A signal handler may call this.

        A thread sets the event. The handler runs in the main thread, which may hold the event's
        lock at that moment, because it waits for the event. It would then wait for itself for ever.
        """
        threading.Thread(target=self.stopping.set).start()

    def work(self) -> None:
        """Work until told to stop."""
        try:
            self.join()
            while not self.stopping.is_set():
                self.stopping.wait(self.dice.expovariate(1 / self.think_seconds))
                if self.person is None:
                    self.next()
                else:
                    action = self.dice.choices(list(ACTIONS), list(ACTIONS.values()))[0]
                    getattr(self, action)(self.person)
            self.line.wait_for_copies()
        except GaveUpError as silence:
            self.journal.note("fault", text=str(silence))
        self.journal.note("left")

    def join(self) -> None:
        """Join by a link, as a device that the server does not know."""
        self.person = self.last_call = None
        while not self.stopping.is_set():
            self.line.forget()
            path = self.dice.choice(self.join_paths)
            page = self.line.ask("GET", path)
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', str(page.body))
            status = page.status
            if page.status == 200 and token:
                self.line.token = token[1]
                name = {"first_name": self.dice.choice(NAMES)}
                status = self.line.ask("POST", path, name).status
                if status == 201:
                    return
            if status in TURNED_AWAY:
                self.journal.note("turned_away")
            else:
                self.journal.note("fault", text=f"joining was answered {status}")
            self.stopping.wait(1)

    def next(self) -> None:
        """Ask for a contact."""
        answer = self._ask("next", "/calling/next")
        if answer.status == 410:
            return self.join()
        self._show(answer)
        if self.person is None:
            self.stopping.wait(1)
        return None

    def record(self, person: dict[str, Any], outcome: str = "") -> None:
        """Record the outcome. The next contact comes with the answer."""
        outcome = outcome or self.dice.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        if outcome == "talked":
            self._talk(person)
            if self.person is None:
                return  # removed in the middle of it
        sent = {"outcome": outcome, **self._extras(outcome)}
        path = self._at(person, f"outcome?turn={person['turn']}")
        answer = self._ask("outcome", path, sent, person, value=outcome)
        if answer.status in PUT_OUT or (answer.status == 422 and "time" in sent):
            return
        self.last_call = person
        self._show(answer)
        if self.person is not None and self.person["call_id"] == person["call_id"]:
            self.journal.note("fault", text=f"call {person['call_id']} is recorded and still shown")

    def undo(self, person: dict[str, Any]) -> None:
        """Undo the last outcome. The contact on the screen goes back to the queue."""
        if not self.last_call:
            return self.record(person)
        path = self._at(self.last_call, f"undo?turn={self.last_call['turn']}")
        answer = self._ask("undo", path, {}, self.last_call, value=None)
        if answer.status == 200:
            self.last_call = None
            self._show(answer)
        return None

    def give_back(self, person: dict[str, Any]) -> None:
        """Take a break."""
        self._ask("give_back", self._at(person, "give-back"), {}, person)
        self.person = None

    def renew(self, person: dict[str, Any]) -> None:
        """Renew the hold, as an open page does."""
        answer = self._ask("renew", self._at(person, "renew"), {}, person)
        call = person["call_id"]
        if answer.status == 404:
            self.journal.note("refused", call=call)
            self.person = None
        elif answer.status == 200:
            left = answer.body["seconds_left"]
            until, at_most = answer.sent_at + left, time.time() + left
            self.journal.note("promised", call=call, until=until, at_most=at_most)

    def talk_long(self, person: dict[str, Any]) -> None:
        """Have a good conversation: it is longer than two holds, and is renewed all the while."""
        until = time.monotonic() + 2.3 * self.hold_seconds
        while self.person is person and time.monotonic() < until and not self.stopping.is_set():
            self.stopping.wait(self.hold_seconds / 4)
            self.renew(person)
        if self.person is person:
            self.record(person)

    def reload(self, person: dict[str, Any]) -> None:
        """Load the page again."""
        answer = self._ask("reload", "/calling/person", about=person, method="GET")
        self._show(answer)

    def reach_another(self, person: dict[str, Any]) -> None:
        """Record that another person of the household came to the phone, if there is one."""
        if person["household"]:
            other = self.dice.choice(person["household"])
            sent = {"contact_id": other["contact_id"]}
            answer = self._ask("reached", self._at(person, "reached"), sent, person)
            if answer.status == 200:
                self._show(answer)

    def vanish(self, person: dict[str, Any]) -> None:
        """Close the laptop and never come back to it. Another volunteer sits down at another
        one."""
        self.journal.note("vanished", call=person["call_id"])
        self.join()

    def oversleep(self, person: dict[str, Any]) -> None:
        """Record the outcome long after the hold expired."""
        self.stopping.wait(self.hold_seconds + 7)
        self.record(person)

    def _talk(self, person: dict[str, Any]) -> None:
        for step_id, value in (
            ("support", self.dice.randint(0, 10)),
            ("help", self.dice.choice(("yes", "no"))),
        ):
            sent = {"step_id": step_id, "answer": str(value)}
            path = self._at(person, f"answers?turn={person['turn']}")
            if self.person is not None:
                self._ask("answer", path, sent, person, step=step_id, value=value)

    def _extras(self, outcome: str) -> dict[str, str]:
        if outcome == "language_barrier":
            return {"language": "cy"}
        if outcome != "call_back" or self.dice.random() < 0.3:
            return {}
        if self.dice.random() < 0.3:
            return {"ring_back": "later_today"}
        # The time is in a minute or two in London; elsewhere it is hours away, or past.
        soon = datetime.now(LONDON) + timedelta(seconds=self.dice.choice((90, 150)))
        return {"ring_back": "chosen", "date": str(soon.date()), "time": soon.strftime("%H:%M")}

    def _ask(
        self,
        kind: str,
        path: str,
        body: Any = None,
        about: dict[str, Any] | None = None,
        method: str = "POST",
        **values: Any,
    ) -> Answer:
        call = about["call_id"] if about else ""
        answer = self.line.ask(method, path, body, kind=kind, call=call, **values)
        if answer.status in PUT_OUT:
            if not self._is_admitted_again():
                self.join()
        elif answer.status not in EXPECTED[kind]:
            said = json.dumps(answer.body)[:300]
            self.journal.note("fault", text=f"{kind} of {call} answered {answer.status}: {said}")
            self.person = None
        return answer

    def _is_admitted_again(self) -> bool:
        """Whether the volunteer was only in the lobby and is admitted. Each removal is noted, so
        that it can be compared with what organisers and hosts did."""
        give_up = time.monotonic() + WAITS_IN_THE_LOBBY
        while not self.stopping.is_set() and time.monotonic() < give_up:
            stands = self.line.ask("GET", "/calling")
            if stands.status != 200:
                self.journal.note("put_out")
                return False
            if stands.body["state"] == "admitted":
                self.person = None
                return True
            self.stopping.wait(1)
        return False

    def _show(self, answer: Answer) -> None:
        self.person = answer.body.get("person") if answer.status == 200 else None
        if self.person is not None:
            until = datetime.fromisoformat(self.person["expires_at"]).timestamp()
            call, phone = self.person["call_id"], self.person["phone"]
            self.journal.note("shown", call=call, phone=phone, until=until)

    @staticmethod
    def _at(person: dict[str, Any], what: str) -> str:
        return f"/calling/person/{person['call_id']}/{what}"

    def _patience(self) -> float:
        return PATIENCE_AT_THE_END if self.stopping.is_set() else PATIENCE


def main() -> None:
    volunteer = Volunteer(json.loads(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda *_: volunteer.stop())
    volunteer.work()


if __name__ == "__main__":
    main()
