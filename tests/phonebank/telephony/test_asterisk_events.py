"""What Asterisk's events mean does not depend on the order in which they come."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.models import EndCause, LineState
from phonebank.telephony.asterisk_events import events_of, joined_events, line_of, state_events
from phonebank.telephony.asterisk_listener import Listener
from phonebank.telephony.asterisk_message import fetch_message_events
from phonebank.telephony.backend import LineRef, Sound
from phonebank.telephony.events import EventKind
from phonebank.telephony.line_states import LineFacts, apply
from tests.phonebank.telephony.networks import AsteriskNetwork

START = datetime(2026, 11, 29, 11, 43, 42, tzinfo=UTC)
CALLER, PERSON = 5, 7
BROWSER = {"id": "1795953.12", "name": "PJSIP/softphone-5-0000000a", "state": "Up"}


def channel(line: int, state: str = "Up") -> dict:
    return {"id": f"line-{line}", "name": "PJSIP/trunk-00000003", "state": state}


def moment(second: int) -> str:
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


@st.composite
def calls(draw):
    """The messages of a call from its beginning to its end, and why the person's line ended."""
    of_caller = draw(st.sampled_from([channel(CALLER), BROWSER]))
    in_bridge = [of_caller["id"]]
    messages = [{"type": "StasisStart", "channel": of_caller}]
    messages += [{"type": "ChannelEnteredBridge", "channel": of_caller, "of": in_bridge}]
    for _ in range(draw(st.integers(1, 2))):
        messages.append({"type": "Dial", "dialstatus": "RINGING", "peer": channel(PERSON)})
    number, cause = draw(
        st.sampled_from(
            [
                (17, EndCause.BUSY),
                (1, EndCause.NO_SUCH_NUMBER),
                (19, EndCause.NO_ANSWER),
                (16, EndCause.CANCELLED),
                (38, EndCause.FAILED),
                (0, None),
            ]
        )
    )
    state = "Ringing"
    if cause is None:
        state, cause = "Up", EndCause.HUNG_UP
        both = [*in_bridge, f"line-{PERSON}"]
        messages.append({"type": "StasisStart", "channel": channel(PERSON)})
        messages.append({"type": "ChannelEnteredBridge", "channel": channel(PERSON), "of": both})
        messages.append({"type": "ChannelLeftBridge", "channel": channel(PERSON), "of": in_bridge})
        messages.append({"type": "StasisEnd", "channel": channel(PERSON)})
    ended = {"type": "ChannelDestroyed", "channel": channel(PERSON, state), "cause": number}
    messages.append(ended)
    for second, message in enumerate(messages):
        message["timestamp"] = moment(second)
        if "of" in message:
            message["bridge"] = {"id": f"bridge-{CALLER}", "channels": message.pop("of")}
    return messages, cause


def facts_of(messages: list[dict], line: int) -> LineFacts:
    events = [event for message in messages for event in events_of(message)]
    return reduce(apply, [event for event in events if event.line_id == line], LineFacts())


@given(calls(), st.data())
def test_late_doubled_and_reordered_messages_say_the_same(call, data):
    messages, cause = call
    told = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages)))))
    for line in (CALLER, PERSON):
        assert facts_of(told, line) == facts_of(messages, line)
    person = facts_of(told, PERSON)
    assert (person.state, person.cause) == (LineState.ENDED, cause)
    # The caller's line stays.
    assert facts_of(told, CALLER).state == LineState.ANSWERED


@given(calls(), st.data())
def test_what_is_lost_is_made_good_by_looking(call, data):
    messages, _ = call
    kept = [message for message in messages[:-1] if data.draw(st.booleans())]
    at = START + timedelta(hours=1)
    seen = list(state_events(channel(CALLER) | {"dialplan": {"app_name": "Stasis"}}, at))
    facts = reduce(apply, seen, facts_of(kept, CALLER))
    assert facts.state in (LineState.ANSWERED, LineState.JOINED)
    assert facts.answered_at is not None


def test_a_browser_that_leaves_has_ended():
    left = {"type": "StasisEnd", "channel": BROWSER, "timestamp": moment(9)}
    facts = facts_of([left], CALLER)
    assert (facts.state, facts.cause) == (LineState.ENDED, EndCause.HUNG_UP)


def test_an_end_shows_that_somebody_answered():
    ended = {"type": "ChannelDestroyed", "cause": 16, "timestamp": moment(9)}
    facts = facts_of([ended | {"channel": channel(PERSON)}], PERSON)
    assert facts.answered_at == facts.ended_at
    facts = facts_of([ended | {"channel": channel(PERSON, "Ringing")}], PERSON)
    assert facts.answered_at is None


def test_a_message_is_reported_at_its_end():
    at = str(int(START.timestamp()))
    said: dict[str, Any] = {"type": "ChannelUserevent", "eventname": "PhonebankPlayed"}
    said |= {"userevent": {"began": at}, "channel": channel(PERSON), "timestamp": moment(4)}
    facts = facts_of([said], PERSON)
    assert facts.answered_at == facts.message_at == START.replace(microsecond=0)
    assert facts.played_at == START + timedelta(seconds=4)
    assert not list(events_of(said | {"eventname": "Another"}))
    assert not list(events_of({k: v for k, v in said.items() if k != "channel"}))


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("", []),
        ("nonsense", []),
        ("{at}", [EventKind.PLAYING]),
        ("{at} {end}", [EventKind.PLAYING, EventKind.PLAYED]),
        ("{old} {old}", []),
    ],
)
def test_a_message_that_nobody_heard_of_is_read_from_asterisk(value, kinds):
    at = int(START.timestamp())
    value = value.format(at=at, end=at + 4, old=at - 2 * 86_400)
    answer = SimpleNamespace(ok=True, json=lambda: {"value": value})
    ari: Any = SimpleNamespace(ask=lambda method, path, params: answer)
    events = fetch_message_events(ari, PERSON, f"line-{PERSON}", START + timedelta(minutes=1))
    assert [event.kind for event in events] == kinds
    facts = reduce(apply, events, LineFacts())
    assert (
        facts.answered_at == facts.message_at == (START.replace(microsecond=0) if kinds else None)
    )


def test_a_person_who_moves_to_another_telephone_stays_joined():
    person = channel(PERSON)
    left = {"type": "ChannelLeftBridge", "bridge": {"id": "bridge-5", "channels": ["line-5"]}}
    both = {"id": "bridge-6", "channels": ["line-6", "line-7"]}
    entered = {"type": "ChannelEnteredBridge", "bridge": both}
    told = [message | {"channel": person, "timestamp": moment(3)} for message in (left, entered)]
    assert facts_of(told, PERSON).state == LineState.JOINED
    assert facts_of(told[::-1], PERSON).state == LineState.JOINED


def test_who_is_joined_is_found_in_the_bridge():
    bridge = {"id": "bridge-5", "channels": [BROWSER["id"], "line-7"]}
    events = list(joined_events(bridge, START))
    assert [(event.line_id, event.kind) for event in events] == [
        (CALLER, EventKind.JOINED),
        (PERSON, EventKind.JOINED),
    ]
    assert not list(joined_events({"id": "bridge-5", "channels": [BROWSER["id"]]}, START))


@pytest.mark.parametrize(
    ("gone", "left", "hears_sound"),
    [
        (channel(PERSON), [f"line-{CALLER}"], True),
        (channel(PERSON), [BROWSER["id"]], True),
        (channel(CALLER), [f"line-{PERSON}"], False),
        (BROWSER, [f"line-{PERSON}"], False),
        (channel(CALLER), [], False),
    ],
)
def test_the_waiting_sound_is_for_a_caller_who_is_alone(gone, left, hears_sound):
    asked: list[tuple[str, str]] = []
    ari: Any = SimpleNamespace(ask=lambda method, path: asked.append((method, path)))
    bridge = {"id": f"bridge-{CALLER}", "channels": left}
    message = {"type": "ChannelLeftBridge", "channel": gone, "bridge": bridge}
    Listener(ari, lambda event: None)._take(message | {"timestamp": moment(1)})
    assert asked == ([("POST", f"/channels/{left[0]}/moh")] if hears_sound else [])


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (channel(7), 7),
        (BROWSER, 5),
        ({"id": "line-7x", "name": "PJSIP/trunk-1"}, None),
        ({"id": "9.1", "name": "PJSIP/trunk-00000001"}, None),
        ({"id": "9.1", "name": "Snoop/line-7-00000000"}, None),
    ],
)
def test_a_channel_tells_its_line(found, line):
    assert line_of(found) == line


def test_what_asterisk_plays_by_itself_goes_on_and_what_is_joined_is_found(config):
    network = AsteriskNetwork(config)
    backend = network.backend()
    for line, side in ((5, "caller"), (6, "person"), (7, "person")):
        call = {"channelId": f"line-{line}", "endpoint": "PJSIP/+447700900001@trunk"}
        network.ask("POST", "/channels", json=call | {"callerId": "<+44>", "extension": side})
        network.pick_up(network.legs[line])
    backend.play(LineRef(5, "line-5"), Sound.WAITING)
    backend.join(LineRef(6, "line-6"), LineRef(5, "line-5"))
    backend.play(LineRef(7, "line-7"), Sound.INFORMATION_MESSAGE)
    found = backend.fetch([LineRef(n, f"line-{n}") for n in (6, 7)])
    kinds = [(event.line_id, event.kind) for event in found]
    assert kinds == [
        (6, EventKind.ANSWERED),
        (7, EventKind.PLAYING),
        (6, EventKind.JOINED),
    ]
    again = backend.fetch([LineRef(6, "line-6")])
    assert [event.kind for event in again] == [EventKind.ANSWERED], "told once"
    also = backend.fetch([LineRef(5, "line-5")])
    assert [(event.line_id, event.kind) for event in also][-1] == (5, EventKind.JOINED)
    for line in (6, 7):
        backend.hang_up(LineRef(line, f"line-{line}"))
    assert network.legs[6].state == "ended"
    assert network.legs[7].state == "up", "the message goes on"
