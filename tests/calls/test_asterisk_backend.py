"""Asterisk's backend against a real Asterisk: each way in which a call ends, and what is heard."""

import array
import time
import uuid
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from phonebank.core.config import Config
from phonebank.telephony.asterisk_backend import AsteriskBackend
from phonebank.telephony.asterisk_softphones import (
    end_old_sign_ins,
    end_sign_in,
    lines_with_sign_ins,
)
from phonebank.telephony.backend import BackendUnavailableError, LineRef, NumberRefusedError, Sound
from phonebank.telephony.events import EndCause, EventKind, LineEvent
from tests.calls.asterisk import PASSWORD, Asterisk
from tests.processes import within

pytestmark = pytest.mark.calls

SHOWN = "+442079460000"
VOLUNTEER = "+442079460009"
ANSWERS, HANGS_UP, BUSY, UNKNOWN, NOBODY, REFUSES = (f"+44770090000{n}" for n in range(1, 7))


class Heard:
    """What a backend told."""

    def __init__(self) -> None:
        self.events: list[LineEvent] = []

    def __call__(self, event: LineEvent) -> None:
        self.events.append(event)

    def kinds(self, line_id: int) -> list[EventKind]:
        return [event.kind for event in self.events if event.line_id == line_id]

    def provider(self, line_id: int) -> str | None:
        return next((e.provider_id for e in self.events if e.line_id == line_id), None)

    def cause(self, line_id: int) -> EndCause | None:
        return next(
            (
                event.cause
                for event in self.events
                if event.line_id == line_id and event.kind == EventKind.ENDED
            ),
            None,
        )

    def wait(self, line_id: int, kind: EventKind, times: int = 1, seconds: float = 40) -> None:
        within(seconds, lambda: self.kinds(line_id).count(kind) >= times, f"{line_id} {kind}")


def config_for(asterisk: Asterisk) -> Config:
    return Config(
        *("", "", "", "", ""),
        telephony="asterisk",
        asterisk_url=asterisk.url,
        asterisk_password=PASSWORD,
        asterisk_softphone_url=asterisk.url.replace("http", "ws") + "/ws",
    )


lines = iter(range(1000 * (int(time.time()) % 100000), 10**12))


def new_line() -> int:
    return next(lines)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def backend(asterisk: Asterisk, heard: Heard) -> Iterator[AsteriskBackend]:
    made = AsteriskBackend(config_for(asterisk))
    made.listen(heard)
    within(30, lambda: is_heard(made), "the websocket is open")
    yield made
    made.close()
    for channel in made._ari.list_of("/channels"):
        made._ari.ask("DELETE", f"/channels/{channel['id']}")


def is_heard(backend: AsteriskBackend) -> bool:
    return backend._listener is not None and backend._listener.is_listening.is_set()


def ref(line_id: int) -> LineRef:
    return LineRef(line_id, f"line-{line_id}")


def test_each_way_in_which_a_call_ends(backend, heard, asterisk):
    expected = {
        HANGS_UP: EndCause.HUNG_UP,
        BUSY: EndCause.BUSY,
        UNKNOWN: EndCause.NO_SUCH_NUMBER,
        NOBODY: EndCause.NO_ANSWER,
        REFUSES: EndCause.BUSY,
    }
    called = {number: new_line() for number in expected}
    for number, line in called.items():
        assert backend.call_person(line, number, SHOWN, 3) == f"line-{line}"
    for line in called.values():
        heard.wait(line, EventKind.ENDED)
    assert {number: heard.cause(line) for number, line in called.items()} == expected
    assert heard.kinds(called[NOBODY]) == [EventKind.RINGING, EventKind.ENDED]
    # The end of an answered line reports the answer again.
    assert list(dict.fromkeys(heard.kinds(called[HANGS_UP]))) == [
        EventKind.RINGING,
        EventKind.ANSWERED,
        EventKind.ENDED,
    ]
    assert asterisk.shown() == {SHOWN}
    # Asterisk wrote down no number.
    log = (asterisk.folder / "log/messages.log").read_text()
    assert not any(number.lstrip("+") in log for number in (*expected, SHOWN))


def test_a_caller_stays_while_people_come_and_go(backend, heard, asterisk):
    caller = new_line()
    backend.call_caller(caller, VOLUNTEER, SHOWN)
    heard.wait(caller, EventKind.ANSWERED)
    backend.play(ref(caller), Sound.WAITING)
    for turn in (1, 2):
        person = new_line()
        backend.call_person(person, ANSWERS, SHOWN, 20)
        heard.wait(person, EventKind.ANSWERED)
        backend.join(ref(person), ref(caller))
        heard.wait(person, EventKind.JOINED)
        heard.wait(caller, EventKind.JOINED, turn)
        # Our side hangs up the person, and the caller's line stays.
        backend.hang_up(ref(person))
        heard.wait(person, EventKind.ENDED)
        heard.wait(caller, EventKind.LEFT, turn)
        assert heard.cause(person) == EndCause.HUNG_UP
        backend.play(ref(caller), Sound.WAITING)
    sequences = [e.sequence for e in heard.events if e.line_id == caller and e.sequence]
    assert sequences == sorted(set(sequences))
    backend._dialled.clear()  # as if it were a while ago
    kinds = [event.kind for event in backend.fetch([ref(caller), ref(person)])]
    assert kinds == [EventKind.ANSWERED, EventKind.ENDED]
    backend.hang_up(ref(caller))
    heard.wait(caller, EventKind.ENDED)
    within(30, lambda: f"bridge-{caller}" not in bridges(backend), "the caller's bridge is gone")


def test_a_caller_who_waits_hears_that_the_line_works(backend, heard, asterisk):
    caller = new_line()
    backend.call_caller(caller, VOLUNTEER, SHOWN)
    heard.wait(caller, EventKind.ANSWERED)
    # The volunteer's telephone sends back what it plays.
    name = record(backend, f"line-{caller}")
    time.sleep(5)  # the tone comes every four seconds
    backend.hang_up(ref(caller))
    heard.wait(caller, EventKind.ENDED)
    assert loudness(asterisk, name) > 50


def bridges(backend: AsteriskBackend) -> list[str]:
    return [b["id"] for b in backend._ari.list_of("/bridges") if b["id"].startswith("bridge-")]


def test_the_information_message_is_heard(backend, heard, asterisk):
    line = new_line()
    backend.call_person(line, ANSWERS, SHOWN, 20)
    heard.wait(line, EventKind.ANSWERED)
    answered = time.monotonic()
    # The person's telephone sends back what it plays, so a recording of it is what they heard.
    name = record(backend, f"line-{line}")
    backend.play(ref(line), Sound.INFORMATION_MESSAGE)
    heard.wait(line, EventKind.PLAYED)
    assert time.monotonic() - answered < 4
    backend.hang_up(ref(line))
    heard.wait(line, EventKind.ENDED)
    assert loudness(asterisk, name) > 300


def record(backend: AsteriskBackend, channel: str) -> str:
    name = f"heard-{uuid.uuid4().hex}"
    snooping = {"spy": "in", "app": "phonebank", "snoopId": name}
    assert backend._ari.ask("POST", f"/channels/{channel}/snoop", params=snooping).ok
    recording = {"name": name, "format": "wav"}

    def begins() -> bool:
        return backend._ari.ask("POST", f"/channels/{name}/record", params=recording).ok

    within(30, begins, "the recording begins")
    return name


def loudness(asterisk: Asterisk, name: str) -> float:
    """The root of the mean square of a recording's samples."""
    path = asterisk.recordings / f"{name}.wav"
    # Its header is written at its end.
    within(30, lambda: path.exists() and path.read_bytes()[:4] == b"RIFF", "it is recorded")
    with wave.open(str(path)) as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
    return (sum(sample * sample for sample in samples) / max(len(samples), 1)) ** 0.5


def test_an_attempt_whose_answer_was_lost_is_found_again(backend, heard, asterisk):
    before = asterisk.called().count(ANSWERS)
    line = new_line()
    backend.call_person(line, ANSWERS, SHOWN, 20)
    assert backend.call_person(line, ANSWERS, SHOWN, 20) == f"line-{line}"
    heard.wait(line, EventKind.ANSWERED)
    # A process that starts later knows only the line's id.
    other = AsteriskBackend(config_for(asterisk))
    assert [e.kind for e in other.fetch([LineRef(line, None)])] == [EventKind.ANSWERED]
    other.hang_up(LineRef(line, None))
    heard.wait(line, EventKind.ENDED)
    [lost] = other.fetch([LineRef(line, None)])
    assert (lost.kind, lost.cause) == (EventKind.ENDED, EndCause.LOST)
    assert asterisk.called().count(ANSWERS) == before + 1


def test_what_is_not_a_number_is_refused(backend):
    for number in ("07700900001", "+447700900001&PJSIP/+447700900002", "+44@trunk", ""):
        with pytest.raises(NumberRefusedError):
            backend.call_person(new_line(), number, SHOWN, 20)


def test_hanging_up_what_has_ended_is_nothing(backend):
    gone = ref(new_line())
    backend.hang_up(gone)
    backend.join(gone, gone)
    backend.play(gone, Sound.WAITING)
    backend.play(gone, Sound.INFORMATION_MESSAGE)
    within(30, lambda: f"bridge-{gone.line_id}" not in bridges(backend), "it left no bridge")


def test_a_line_that_is_cancelled_while_it_is_called(backend, heard):
    line = new_line()
    backend.call_person(line, NOBODY, SHOWN, 20)
    heard.wait(line, EventKind.RINGING)
    backend.hang_up(ref(line))
    heard.wait(line, EventKind.ENDED)
    assert heard.cause(line) == EndCause.CANCELLED


def test_sign_ins_are_for_one_line_and_end(backend, asterisk):
    line = new_line()
    token = backend.softphone_token(1, line)
    assert token.driver == "sip"
    assert token.settings["name"] == f"softphone-{line}"
    assert token.expires_at > datetime.now(UTC)
    # A browser that has not opened its line yet is not lost.
    assert backend.fetch([LineRef(line, None)]) == []
    backend.hang_up(LineRef(line, None))
    # Asterisk lists a deleted sign-in for another moment.
    within(10, lambda: backend.fetch([LineRef(line, None)]), "the line is lost")
    [lost] = backend.fetch([LineRef(line, None)])
    assert lost.cause == EndCause.LOST


def test_a_sign_in_that_nobody_uses_in_time_ends(backend, monkeypatch):
    used, old = new_line(), new_line()
    backend.softphone_token(1, used)
    monkeypatch.setattr("phonebank.telephony.asterisk_softphones.OPENS_WITHIN", timedelta(-1))
    backend.softphone_token(1, old)
    end_old_sign_ins(backend._ari)
    assert lines_with_sign_ins(backend._ari) == {used}
    end_sign_in(backend._ari, used)


def test_asterisk_is_killed_in_the_middle_of_calls(heard):
    own = Asterisk()
    try:
        own.start()
        own.start_people()
        backend = AsteriskBackend(config_for(own))
        backend.listen(heard)
        within(30, lambda: is_heard(backend), "the websocket is open")
        talking, ringing = new_line(), new_line()
        backend.call_person(talking, ANSWERS, SHOWN, 30)
        backend.call_person(ringing, NOBODY, SHOWN, 30)
        heard.wait(talking, EventKind.ANSWERED)
        heard.wait(ringing, EventKind.RINGING)
        own.kill()
        with pytest.raises(BackendUnavailableError):
            backend.fetch([ref(talking), ref(ringing)])
        own.start()
        backend._dialled.clear()
        assert {e.cause for e in backend.fetch([ref(talking), ref(ringing)])} == {EndCause.LOST}
        # The listener found its way back.
        again = new_line()
        within(30, lambda: is_heard(backend), "the websocket is open again")
        backend.call_person(again, HANGS_UP, SHOWN, 30)
        heard.wait(again, EventKind.ENDED)
        backend.close()
    finally:
        own.stop()
