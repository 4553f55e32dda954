"""Two telephone networks without a network: a Twilio and an Asterisk that are objects of this
process. Each knows what truly happened on its lines, and collects what it would tell in `untold`.
The test that uses them delivers it: in any order, twice, or never.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any, cast

from phonebank.core.config import Config
from phonebank.core.twilio_settings import TwilioSettings
from phonebank.telephony.asterisk_backend import AsteriskBackend
from phonebank.telephony.asterisk_files import MESSAGE_VARIABLE, PLAYED_EVENT
from phonebank.telephony.asterisk_listener import Listener
from phonebank.telephony.backend import Backend, BackendUnavailableError
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.twilio_backend import TwilioBackend
from phonebank.telephony.twilio_events import event_of_status_webhook, events_of_room_webhook
from phonebank.telephony.twilio_fetch import LineFetcher
from phonebank.telephony.twilio_http import NoAnswerError
from phonebank.telephony.twilio_twiml import MESSAGE

Tell = Callable[[LineEvent], None]


@dataclass
class Leg:
    """A line as the network knows it."""

    line_id: int
    id: str
    number: str
    shown: str
    is_callers: bool
    began: datetime
    state: str = "dialled"  # dialled, ringing, up, ended
    why: str = ""  # busy, no answer, no such number, cancelled, hung up
    room: int | None = None  # the caller's line whose room it is in
    hears_message: bool = False
    # When the person answered, if no dialler listened.
    missed: datetime | None = None
    # When Asterisk's dialplan began the message, and when the person had heard all of it.
    message_began: datetime | None = None
    heard: datetime | None = None
    ended: datetime | None = None
    told: int = 0


@dataclass
class Network:
    """What both networks have in common. The subclasses say it in the words of one provider."""

    config: Config
    legs: dict[int, Leg] = field(default_factory=dict)
    untold: list[Any] = field(default_factory=list)
    last_told: dict[int, Any] = field(default_factory=dict)  # by the line's id
    bridges: set[int] = field(default_factory=set)  # Asterisk's, by the caller's line
    forgets_answer: bool = False  # the next call begins, and nobody hears that it did
    is_heard: bool = True  # a dialler listens

    def backend(self) -> Backend:
        """Return what a process that has just started uses."""
        raise NotImplementedError

    def deliver(self, told: Any, tell: Tell) -> None:
        """Tell what a message means."""
        raise NotImplementedError

    def tell_all(self, tell: Tell) -> None:
        """What happens when a dialler starts, apart from its own questions."""

    def say(self, leg: Leg, what: str) -> None:
        """Collect what is told of a change: ringing, up, ended, joined, left, played."""
        raise NotImplementedError

    def open_legs(self, state: str = "", callers: bool | None = None) -> list[Leg]:
        return [
            leg
            for leg in self.legs.values()
            if leg.state != "ended"
            and state in ("", leg.state)
            and callers in (None, leg.is_callers)
        ]

    def ring(self, leg: Leg) -> None:
        leg.state = "ringing"
        self.say(leg, "ringing")

    def pick_up(self, leg: Leg) -> None:
        leg.state = "up"
        self.say(leg, "up")

    def play_by_itself(self, leg: Leg) -> None:
        """Do what the provider does for a person who has answered, if no dialler is there."""
        raise NotImplementedError

    def end(self, leg: Leg, why: str = "hung up") -> None:
        if leg.state == "ended":
            return
        if leg.state != "up" and why == "hung up":
            why = "cancelled"
        self.leave(leg)
        leg.state, leg.why, leg.ended = "ended", why, datetime.now(UTC)
        self.say(leg, "ended")

    def leave(self, leg: Leg) -> None:
        if leg.room is not None and not leg.is_callers:
            self.say(leg, "left")
            leg.room = None

    def enter(self, leg: Leg, caller: int) -> None:
        if leg.room == caller or leg.state != "up":
            return
        self.leave(leg)
        leg.room, leg.hears_message = caller, False
        self.say(leg, "joined")

    def end_message(self, leg: Leg) -> None:
        leg.hears_message = False
        self.say(leg, "played")

    def in_room(self, caller: int) -> list[Leg]:
        return [leg for leg in self.open_legs() if leg.room == caller and not leg.is_callers]

    def _begin(self, leg: Leg) -> Leg:
        assert leg.line_id not in self.legs, "a line was dialled twice"
        self.legs[leg.line_id] = leg
        return leg


_STATUS = {"dialled": "queued", "ringing": "ringing", "up": "in-progress"}
_ENDED = {
    "busy": "busy",
    "no answer": "no-answer",
    "no such number": "failed",
    "cancelled": "canceled",
    "hung up": "completed",
}


class TwilioNetwork(Network):
    """A Twilio: `calls` and `conferences` are those that its library has."""

    def backend(self) -> Backend:
        settings = TwilioSettings(account_sid="AC1", auth_token="x" * 32)
        made = TwilioBackend(
            changed(self.config, base_url="https://phonebank.example", twilio=settings)
        )
        client: Any = SimpleNamespace(calls=_Calls(self), conferences=_Conferences(self))
        made._client = client
        made._lines = LineFetcher(client, made._ask)
        return made

    def deliver(self, told: Any, tell: Tell) -> None:
        line_id, fields = told
        if "message" in fields:
            kind, at = EventKind(fields["message"]), datetime.now(UTC)
            tell(LineEvent(line_id, 0, kind, None, at, fields["CallSid"]))
        elif "ParticipantLabel" in fields:
            for event in events_of_room_webhook(line_id, fields):
                tell(event)
        elif (event := event_of_status_webhook(line_id, fields)) is not None:
            tell(event)

    def say(self, leg: Leg, what: str) -> None:
        leg.told += 1
        at = {
            "CallSid": leg.id,
            "SequenceNumber": str(leg.told),
            "Timestamp": format_datetime(datetime.now(UTC)),
        }
        if what == "playing":
            self.untold.append((leg.line_id, {"message": "playing", "CallSid": leg.id}))
        elif what == "played":
            self.untold.append((leg.line_id, {"message": "played", "CallSid": leg.id}))
            self.end(leg)
        elif what in ("joined", "left"):
            self._say_room(leg, what, at)
        else:
            sip = {"SipResponseCode": "404"} if leg.why == "no such number" else {}
            told = (leg.line_id, at | sip | {"CallStatus": status_of(leg)})
            self.untold.append(told)
            self.last_told[leg.line_id] = told
            if leg.is_callers and what == "up":
                leg.room = leg.line_id
                self._say_room(leg, "joined", at)
            elif leg.is_callers and what == "ended" and leg.room is not None:
                self._say_room(leg, "left", at)
                for person in self.in_room(leg.line_id):  # the room closes, and has no more to say
                    self.end(person)

    def play_by_itself(self, leg: Leg) -> None:
        leg.missed, leg.hears_message = datetime.now(UTC), True
        self.say(leg, "playing")

    def _say_room(self, leg: Leg, what: str, at: dict[str, str]) -> None:
        event = "participant-join" if what == "joined" else "participant-leave"
        named = {"ParticipantLabel": f"line-{leg.line_id}", "StatusCallbackEvent": event}
        self.untold.append((leg.room, at | named))


def status_of(leg: Leg) -> str:
    """The status of a call, in Twilio's words."""
    return _ENDED[leg.why] if leg.state == "ended" else _STATUS[leg.state]


class _Calls:
    """`client.calls`"""

    def __init__(self, network: TwilioNetwork) -> None:
        self._network = network

    def create(self, to: str, from_: str, twiml: str, status_callback: str, **_: Any) -> Any:
        line_id = int(status_callback.rpartition("=")[2])
        leg = Leg(line_id, f"CA{line_id}", to, from_, "<Conference" in twiml, datetime.now(UTC))
        self._network._begin(leg)
        if self._network.forgets_answer:
            self._network.forgets_answer = False
            raise NoAnswerError(was_sent=True)
        return self._call(leg)

    def list(self, status: str = "", from_: str = "", **_: Any) -> list[Any]:
        legs = self._network.legs.values()
        return [
            self._call(leg)
            for leg in legs
            if from_ in ("", leg.shown) and status in ("", status_of(leg))
        ]

    def __call__(self, sid: str) -> Any:
        network = self._network
        leg = next(leg for leg in network.legs.values() if leg.id == sid)

        def update(status: str = "", twiml: str = "", url: str = "") -> Any:
            if leg.state == "ended":
                return None
            if status:
                network.end(leg)
            elif url:
                assert MESSAGE in url
                network.leave(leg)
                leg.hears_message = True
                network.say(leg, "playing")
            elif found := re.search(r">line-(\d+)</Conference>", twiml):
                room = int(found[1])
                if room in network.legs and network.legs[room].state == "up":
                    network.enter(leg, room)
            return self._call(leg)

        return SimpleNamespace(fetch=lambda: self._call(leg), update=update)

    @staticmethod
    def _call(leg: Leg) -> Any:
        return SimpleNamespace(
            sid=leg.id,
            to=leg.number,
            status=status_of(leg),
            queue_time="0",
            date_created=leg.began,
            start_time=leg.began,
            end_time=leg.ended,
        )


class _Conferences:
    """`client.conferences`"""

    def __init__(self, network: TwilioNetwork) -> None:
        self._network = network

    def list(self, **_: Any) -> list[Any]:
        rooms = [leg.line_id for leg in self._network.open_legs("up", callers=True)]
        return [SimpleNamespace(sid=f"CF{room}", friendly_name=f"line-{room}") for room in rooms]

    def __call__(self, sid: str) -> Any:
        room = int(sid[2:])
        inside = [self._network.legs[room], *self._network.in_room(room)]
        found = [
            SimpleNamespace(
                label=f"line-{leg.line_id}", call_sid=leg.id, date_created=datetime.now(UTC)
            )
            for leg in inside
        ]
        return SimpleNamespace(participants=SimpleNamespace(list=lambda: found))


_Q850 = {"busy": 17, "no answer": 19, "no such number": 1, "cancelled": 26, "hung up": 16}


class AsteriskNetwork(Network):
    """An Asterisk: this is its REST interface, too, as `asterisk_ari.Ari` asks it."""

    app = "phonebank"

    def backend(self) -> Backend:
        made = AsteriskBackend(
            changed(self.config, asterisk_url="http://127.0.0.1:1", asterisk_password="x")
        )
        made._ari = cast(Any, self)
        return made

    def deliver(self, told: Any, tell: Tell) -> None:
        Listener(cast(Any, self), tell)._take(told)

    def tell_all(self, tell: Tell) -> None:
        Listener(cast(Any, self), tell)._tell_all()

    def play_by_itself(self, leg: Leg) -> None:
        leg.missed = leg.message_began = datetime.now(UTC)
        leg.hears_message = True

    def end_message(self, leg: Leg) -> None:
        leg.heard = datetime.now(UTC)
        super().end_message(leg)
        self.end(leg)

    def say(self, leg: Leg, what: str) -> None:
        if not self.is_heard:  # Asterisk keeps no events
            return
        at = {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")}
        at["timestamp"] = at["timestamp"].removesuffix("+00:00") + "+0000"
        channel = self._channel(leg)
        if what == "ringing":
            self.untold.append(at | {"type": "Dial", "dialstatus": "RINGING", "peer": channel})
        elif what == "up":
            self.untold.append(at | {"type": "StasisStart", "channel": channel})
        elif what == "played":
            assert leg.message_began is not None
            told = {"began": str(int(leg.message_began.timestamp()))}
            event = {"type": "ChannelUserevent", "eventname": PLAYED_EVENT, "userevent": told}
            self.untold.append(at | event | {"channel": channel})
        elif what == "ended":
            if leg.why == "hung up":
                channel |= {"state": "Up"}
                if leg.message_began is None:
                    self.untold.append(at | {"type": "StasisEnd", "channel": channel})
            cause = {"cause": _Q850[leg.why]}
            self.untold.append(at | cause | {"type": "ChannelDestroyed", "channel": channel})
            leg.room = None
        else:
            kind = "ChannelEnteredBridge" if what == "joined" else "ChannelLeftBridge"
            inside = [each["id"] for each in map(self._channel, self._inside(leg.room))]
            if what == "left":
                inside.remove(channel["id"])
            bridge = {"id": f"bridge-{leg.room}", "channels": inside}
            self.untold.append(at | {"type": kind, "channel": channel, "bridge": bridge})

    # ARI

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        """Do what a request asks, and return the answer."""
        if path == "/asterisk/variable":
            kept = self._kept(sent["params"]["variable"].removeprefix(MESSAGE_VARIABLE))
            return SimpleNamespace(status_code=200, ok=True, json=lambda: {"value": kept})
        status = self._status(method, path, sent)
        leg = self.legs.get(next(map(int, re.findall(r"-(\d+)", path)), 0))
        return SimpleNamespace(
            status_code=status, ok=status < 400, json=lambda: leg and self._channel(leg)
        )

    def _kept(self, channel: str) -> str:
        """Return what the dialplan has written about the message."""
        leg = self.legs[int(channel.removeprefix("line-"))]
        return " ".join(str(int(at.timestamp())) for at in (leg.message_began, leg.heard) if at)

    def list_of(self, path: str) -> list[dict[str, Any]]:
        """Return what Asterisk has now."""
        if path == "/channels":
            return [self._channel(leg) for leg in self.open_legs()]
        if path == "/bridges":
            return [
                {"id": f"bridge-{id}", "channels": [leg.id for leg in self._inside(id)]}
                for id in sorted(self.bridges)
            ]
        return []

    def _status(self, method: str, path: str, sent: dict[str, Any]) -> int:
        line = next(map(int, re.findall(r"-(\d+)", path)), 0)
        leg = self.legs.get(line)
        if path == "/channels":
            return self._call(sent["json"])
        if path.startswith("/bridges"):
            return self._change_bridge(method, path, line, sent)
        if leg is None or leg.state == "ended":
            return 404
        if path.endswith("/moh"):
            return 204
        if method == "DELETE":
            self.end(leg)
        elif path.endswith("/continue"):
            if leg.message_began is not None:
                return 409  # the channel is not in Stasis
            self.leave(leg)
            leg.message_began, leg.hears_message = datetime.now(UTC), True
        return 204

    def _call(self, asked: dict[str, Any]) -> int:
        line_id = int(asked["channelId"].removeprefix("line-"))
        number = asked["endpoint"].removeprefix("PJSIP/").partition("@")[0]
        self._begin(
            Leg(
                line_id,
                asked["channelId"],
                number,
                asked["callerId"].strip("<>"),
                asked["extension"] == "caller",
                datetime.now(UTC),
            )
        )
        if self.forgets_answer:
            self.forgets_answer = False
            raise BackendUnavailableError("Asterisk: ReadTimeout")
        return 200

    def _change_bridge(self, method: str, path: str, line: int, sent: dict[str, Any]) -> int:
        if path.endswith("/addChannel"):
            leg = self.legs.get(int(sent["params"]["channel"].removeprefix("line-")))
            if line not in self.bridges:
                return 404
            if leg is None or leg.state != "up" or leg.message_began is not None:
                return 422
            if leg.is_callers:
                leg.room = line
            else:
                self.enter(leg, line)
            return 204
        if method == "POST":
            self.bridges.add(line)
        elif line in self.bridges:
            self.bridges.discard(line)
            for person in self.in_room(line):
                self.leave(person)
        return 204

    def _inside(self, room: int | None) -> list[Leg]:
        return [leg for leg in self.open_legs() if leg.room == room and room is not None]

    @staticmethod
    def _channel(leg: Leg) -> dict[str, Any]:
        states = {"dialled": "Down", "ringing": "Ringing", "up": "Up", "ended": "Down"}
        side = "caller" if leg.is_callers else "person"
        dialplan = {"app_name": "Stasis", "app_data": f"phonebank,{side}", "exten": side}
        if leg.message_began is not None:
            dialplan |= {"app_name": "Playback", "app_data": "information-message"}
        name = f"PJSIP/trunk-{leg.line_id:08x}"
        return {"id": leg.id, "name": name, "state": states[leg.state], "dialplan": dialplan}
