"""Lines through Twilio, end to end: the backend's requests, a simulated Twilio, its webhooks over
HTTP, and the rows they leave. Every request and answer is checked against Twilio's description."""

import base64
import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import select, text
from werkzeug.serving import make_server

from phonebank.app import create_app
from phonebank.calls.record import record
from phonebank.core.config import Config, ConfigError
from phonebank.core.db import db
from phonebank.core.twilio_settings import TwilioSettings
from phonebank.models import (
    Campaign,
    CampaignMode,
    EndCause,
    Line,
    LineEventRow,
    LineSide,
    LineState,
    PhoneSettings,
)
from phonebank.telephony.backend import (
    BackendUnavailableError,
    LineRef,
    NoSoftphoneError,
    NumberRefusedError,
    Sound,
)
from phonebank.telephony.backends import backend_for
from phonebank.telephony.jobs import ask_for_prices
from phonebank.telephony.line_states import LineFacts, apply
from phonebank.telephony.phases import Phase
from phonebank.telephony.record_events import record_event
from phonebank.telephony.sessions import phone_of
from phonebank.telephony.twilio_backend import TwilioBackend
from phonebank.telephony.twilio_events import event_of_status_webhook, events_of_room_webhook
from phonebank.telephony.twilio_pace import KEY, CallPace
from phonebank.telephony.twilio_signature import HEADER, signature_of
from tests.conftest import NO_REDIS
from tests.factories import create_caller, create_campaign, drama_number
from tests.phonebank.dialler.evening import Evening
from tests.twilio_api.simulator import ACCOUNT, AUTH_TOKEN, Fate, TwilioSimulator, simulator

PUBLIC = "https://phonebank.example"
SHOWN = "+442079460000"
VOLUNTEER = "+447700900999"
WORLDS = itertools.count(1)


@pytest.fixture(scope="module")
def twilio_config(config: Config) -> Config:
    settings = TwilioSettings(
        account_sid=ACCOUNT,
        auth_token=AUTH_TOKEN,
        calls_a_second=1000,
        api_key=f"SK{'0' * 32}",
        api_secret="secret-secret-secret-secret-secret",
        app_sid=f"AP{'0' * 32}",
    )
    return replace(config, base_url=PUBLIC, telephony="twilio", twilio=settings)


@pytest.fixture(scope="module")
def served(app: Flask, twilio_config: Config) -> Iterator[tuple[str, int]]:
    server = make_server("127.0.0.1", 0, create_app(twilio_config), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()


class World:
    """A campaign whose lines are Twilio's."""

    def __init__(self, twilio: TwilioSimulator, config: Config, campaign_id: int) -> None:
        self.twilio, self.campaign_id = twilio, campaign_id
        settings = replace(config.twilio, api_url=twilio.url)
        self._config = replace(config, twilio=settings)
        self.start_again()

    def start_again(self) -> None:
        self.backend = TwilioBackend(self._config)

    def settle(self, line_ids: list[int]) -> None:
        """Ask Twilio about these lines, as the dialler does about all that have not ended."""
        threading.Event().wait(0.3)  # what is late has come
        rows = [self.row(line_id) for line_id in line_ids]
        asked = [LineRef(row.id, row.provider_id) for row in rows if row.ended_at is None]
        for event in self.backend.fetch(asked):
            record_event(event)
        db.session.commit()

    def line(self, side: LineSide = LineSide.PERSON, caller_id: int | None = None) -> int:
        line = Line(campaign_id=self.campaign_id, side=side, backend="twilio", caller_id=caller_id)
        db.session.add(line)
        db.session.commit()
        return line.id

    def caller(self) -> LineRef:
        """A volunteer who has answered and is in their room."""
        line_id = self.line(LineSide.CALLER)
        ref = LineRef(line_id, self.backend.call_caller(line_id, VOLUNTEER, SHOWN))
        self.until(lambda: self.row(line_id).state == LineState.ANSWERED)
        self.until(lambda: f"line-{line_id}" in self.twilio.rooms)
        return ref

    def person(self, fate: Fate, number: str = drama_number(1)) -> LineRef:
        self.twilio.fates[number] = fate
        line_id = self.line()
        return LineRef(line_id, self.backend.call_person(line_id, number, SHOWN, 20))

    def row(self, line_id: int) -> Line:
        db.session.rollback()
        return db.session.get_one(Line, line_id, populate_existing=True)

    def until(self, holds: Callable[[], object], seconds: float = 10) -> None:
        give_up = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < give_up, "it never came true"
            threading.Event().wait(0.01)

    def was_played(self, line: LineRef) -> None:
        self.until(lambda: self.row(line.line_id).played_at)

    def ends(self, line: LineRef, cause: EndCause) -> None:
        self.until(lambda: self.row(line.line_id).state == LineState.ENDED)
        assert self.row(line.line_id).cause == cause


@pytest.fixture
def world(
    app: Flask, clean_stores: None, served: tuple[str, int], twilio_config: Config
) -> Iterator[World]:
    with app.app_context(), simulator(PUBLIC, served) as twilio:
        campaign = create_campaign(name="Kitchen Table", controller="The Kitchen Party")
        db.session.add(PhoneSettings(campaign_id=campaign.id, shown_number=SHOWN))
        # What an earlier test's Twilio still tells must not be of a line of this test.
        first = text("SELECT setval('line_id_seq', :first)")
        db.session.execute(first, {"first": 1000 * next(WORLDS)})
        db.session.commit()
        yield World(twilio, twilio_config, campaign.id)


def test_a_person_is_joined_to_the_caller_and_either_may_hang_up(world: World) -> None:
    caller = world.caller()
    person = world.person(Fate(talks=0.1))
    world.until(lambda: world.row(person.line_id).state == LineState.ANSWERED)
    world.backend.join(person, caller)
    world.until(lambda: world.row(person.line_id).joined_at)
    world.until(lambda: world.row(caller.line_id).joined_at)
    # The person hangs up. The caller stays, and gets the next one.
    world.ends(person, EndCause.HUNG_UP)
    world.until(lambda: world.row(caller.line_id).state == LineState.ANSWERED)
    second = world.person(Fate(), drama_number(2))
    world.until(lambda: world.row(second.line_id).state == LineState.ANSWERED)
    world.backend.join(second, caller)
    world.until(lambda: world.row(second.line_id).state == LineState.JOINED)
    # The caller's side hangs up the person, and then the caller goes.
    world.backend.hang_up(second)
    world.ends(second, EndCause.HUNG_UP)
    world.twilio.end(world.twilio.calls[caller.provider_id], "completed")
    world.ends(caller, EndCause.HUNG_UP)
    world.backend.hang_up(caller)  # that it has ended already is no error
    world.backend.join(second, caller)
    for _, path, fields in world.twilio.sent_form:
        assert "MachineDetection" not in fields
        if path.endswith("/Calls.json"):
            assert fields["From"] == SHOWN
            assert int(fields["Timeout"]) >= 15


def test_each_way_in_which_a_call_ends_without_a_word(world: World) -> None:
    for fate, cause in (
        (Fate("busy"), EndCause.BUSY),
        (Fate("unknown"), EndCause.NO_SUCH_NUMBER),
    ):
        world.ends(world.person(fate), cause)
    world.twilio.tempo = 0.01
    world.ends(world.person(Fate("away")), EndCause.NO_ANSWER)
    away = world.person(Fate(rings=10))
    world.until(lambda: world.row(away.line_id).state == LineState.RINGING)
    world.backend.hang_up(away)
    world.ends(away, EndCause.CANCELLED)
    line_id = world.line()
    with pytest.raises(NumberRefusedError):
        world.backend.call_person(line_id, "+447700900666", SHOWN, 20)
    with pytest.raises(ValueError):
        world.backend.call_person(line_id, drama_number(3), SHOWN, 14)


def test_a_person_whom_nobody_takes_hears_who_called(world: World) -> None:
    world.twilio.tempo = 0.02
    # The dialler plays the message; and where it does not come to that, Twilio does so by itself.
    played = world.person(Fate())
    world.until(lambda: world.row(played.line_id).state == LineState.ANSWERED)
    world.backend.play(played, Sound.INFORMATION_MESSAGE)
    left_alone = world.person(Fate(), drama_number(2))
    for line in (played, left_alone):
        world.ends(line, EndCause.HUNG_UP)
        world.was_played(line)
        world.until(lambda: world.row(line.line_id).message_at)  # noqa: B023
        [words] = world.twilio.calls[line.provider_id].heard
        assert "The Kitchen Party" in words
        assert "4, 4, 2, 0, 7, 9, 4, 6, 0, 0, 0, 0" in words


def test_nothing_is_lost_and_nobody_called_twice_when_all_goes_wrong(world: World) -> None:
    caller = world.caller()
    # On a slow machine, Twilio would play its own message to some people during the test.
    world.twilio.tempo = 100
    trouble = world.twilio.trouble
    trouble.late = trouble.doubled = trouble.lost = 0.3
    trouble.forgetful, trouble.failing, trouble.too_many = 0.2, 0.1, 0.1
    trouble.late_seconds = 0.1
    fates = [Fate("busy"), Fate(talks=0.1), Fate("unknown"), Fate(rings=0.01)]
    lines: list[int] = []
    for index in range(32):
        lines.append(world.line())
        world.twilio.fates[drama_number(index)] = fates[index % 4]
        with contextlib.suppress(BackendUnavailableError):  # the dialler leaves the line as it is
            found = world.backend.call_person(lines[-1], drama_number(index), SHOWN, 20)
            assert world.twilio.calls[found].to == drama_number(index)
            world.row(lines[-1]).provider_id = found
            db.session.commit()
    calls = {call.to: call for call in world.twilio.calls.values() if call.to != VOLUNTEER}
    assert len(calls) == len(world.twilio.calls) - 1 > 10, "somebody was called twice"
    world.until(lambda: not {call.status for call in calls.values()} & {"queued", "ringing"})
    trouble.forgetful = trouble.failing = trouble.too_many = 0
    stays = [call for call in calls.values() if call.fate.talks is None]
    talking = next(call for call in stays if call.status == "in-progress")
    person = LineRef(lines[int(talking.to[-3:]) - int(drama_number(0)[-3:])], talking.sid)
    world.backend.join(person, caller)
    room = world.twilio.rooms[f"line-{caller.line_id}"]
    world.until(lambda: len(room.inside) == 2)
    world.twilio.trouble.lost = 1.0
    world.settle([*lines, caller.line_id])
    for index, line_id in enumerate(lines):
        call = calls.get(drama_number(index))
        if call is None:
            assert world.row(line_id).cause == EndCause.LOST
        elif call is not talking:
            is_on = call.status == "in-progress"
            assert (world.row(line_id).state == LineState.ENDED) is not is_on
            assert world.row(line_id).provider_id == call.sid
    for line_id in (person.line_id, caller.line_id):
        assert world.row(line_id).state == LineState.JOINED
    # No webhook tells that the person hangs up, and the caller is alone again.
    world.twilio.end(talking, "completed")
    world.settle([*lines, caller.line_id])
    assert world.row(person.line_id).cause == EndCause.HUNG_UP
    assert world.row(caller.line_id).state == LineState.ANSWERED


def test_a_process_that_begins_finds_who_is_in_which_room(world: World) -> None:
    caller, other = world.caller(), world.caller()
    person = world.person(Fate())
    world.until(lambda: world.row(person.line_id).state == LineState.ANSWERED)
    world.twilio.trouble.lost = 1.0
    world.backend.join(person, caller)
    world.until(lambda: len(world.twilio.rooms[f"line-{caller.line_id}"].inside) == 2)
    world.start_again()
    world.settle([person.line_id, caller.line_id, other.line_id])
    assert world.row(person.line_id).state == LineState.JOINED
    assert world.row(caller.line_id).state == LineState.JOINED
    assert world.row(other.line_id).state == LineState.ANSWERED


def test_the_dialler_calls_one_person_after_another_through_twilio(
    world: World, app: Flask
) -> None:
    tonight = Evening(app, CampaignMode.PROGRESSIVE, people=3, callers=1, how="lost=0")
    tonight.backend = world.backend
    tonight.restart()
    world.twilio.usual = Fate(talks=1)
    world.twilio.fates[drama_number(2)] = Fate("busy")
    world.twilio.trouble.doubled = world.twilio.trouble.late = 0.3
    caller = tonight.callers[0]
    tonight.connect_all()
    for talks in (1, 2):
        phone = tonight.run(lambda: (p := phone_of(caller.id)).phase == Phase.TALKING and p)
        tonight.run(lambda: phone_of(caller.id).phase == Phase.WRAPPING_UP)
        record(caller, phone.call_id, "talked")
        db.session.commit()
        assert sum(call.outcome == "talked" for call in tonight.calls()) == talks
    tonight.run(lambda: all(call.outcome for call in tonight.calls()) and len(tonight.calls()) == 3)
    assert sorted(call.outcome for call in tonight.calls()) == ["busy", "talked", "talked"]
    assert len(world.twilio.calls) == 4, "the caller's own line, and one for each person"
    joins = [fields for *_, fields in world.twilio.sent_form if "Dial" in fields.get("Twiml", "")]
    assert len(joins) == 3, "the caller's room, and each person put into it once"
    tonight.dialler.close()


def test_a_line_that_twilio_does_not_know_is_lost(world: World) -> None:
    unknown, undialled = LineRef(world.line(), f"CA{'f' * 32}"), LineRef(world.line(), None)
    [event] = world.backend.fetch([unknown, undialled])
    assert (event.line_id, event.cause) == (unknown.line_id, EndCause.LOST)
    # Twilio may still tell of a line whose id was not heard; after two minutes it will not.
    world.backend._lines._unknown_since[undialled.line_id] -= 121
    [event] = world.backend.fetch([undialled])
    assert (event.line_id, event.cause) == (undialled.line_id, EndCause.LOST)


def test_a_call_that_twilio_would_queue_is_taken_back(world: World) -> None:
    world.twilio.queue_time = 9000
    with pytest.raises(BackendUnavailableError):
        world.person(Fate())
    assert [call.status for call in world.twilio.calls.values()] == ["canceled"]


def test_a_browser_opens_the_line_of_its_own_caller_only(world: World) -> None:
    campaign = db.session.get_one(Campaign, world.campaign_id)
    ada, kit = (create_caller(campaign).id for _ in range(2))
    db.session.commit()
    line_id = world.line(LineSide.CALLER, ada)
    token = world.backend.softphone_token(ada, line_id)
    assert token.driver == "twilio"
    assert token.settings == {"line": str(line_id)}
    claims = json.loads(base64.urlsafe_b64decode(token.secret.split(".")[1] + "=="))
    assert claims["grants"]["identity"] == f"caller-{ada}"
    assert claims["grants"]["voice"] == {"outgoing": {"application_sid": f"AP{'0' * 32}"}}
    assert claims["exp"] - time.time() <= 3600
    app_url = f"{PUBLIC}/phone/twilio/softphone"
    stranger = world.twilio.open_from_browser(kit, line_id, app_url)
    world.until(lambda: stranger.status == "completed")
    own = world.twilio.open_from_browser(ada, line_id, app_url)
    world.until(lambda: world.row(line_id).state == LineState.ANSWERED)
    assert world.row(line_id).provider_id == own.sid
    world.twilio.end(own, "completed")
    world.ends(LineRef(line_id, own.sid), EndCause.HUNG_UP)
    again = world.twilio.open_from_browser(ada, line_id, app_url)
    world.until(lambda: again.status == "completed")
    world.backend._settings = replace(world.backend._settings, api_key="")
    with pytest.raises(NoSoftphoneError):
        world.backend.softphone_token(ada, line_id)


def test_what_lines_cost_comes_from_twilio(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonebank.telephony.prices.ASKS_FROM", timedelta(0))
    talk, busy, waits = (
        world.person(fate, drama_number(index))
        for index, fate in enumerate((Fate(rings=0.01), Fate("busy"), Fate(rings=0.01)))
    )
    world.until(lambda: world.row(talk.line_id).state == LineState.ANSWERED)
    world.backend.hang_up(talk)
    for line, cause in ((talk, EndCause.HUNG_UP), (busy, EndCause.BUSY)):
        world.ends(line, cause)
    call = world.twilio.calls[talk.provider_id]
    # Twilio does not know the price at once. Every run asks again.
    call.price, price = None, call.price
    ask_for_prices(world.backend)
    assert world.row(talk.line_id).cost is None
    call.price = price
    world.twilio.trouble.failing = 1.0
    ask_for_prices(world.backend)
    world.twilio.trouble.failing = 0.0
    ask_for_prices(world.backend)
    asked = len(world.twilio.sent_form)
    ask_for_prices(world.backend)
    assert len(world.twilio.sent_form) == asked, "every price is known"
    costs = [world.row(line.line_id).cost for line in (talk, busy, waits)]
    assert costs == [Decimal("0.01400"), 0, None]
    assert world.row(talk.line_id).currency == "USD"


def test_a_call_that_is_looked_for_is_no_earlier_call(world: World) -> None:
    first = world.person(Fate("busy"))
    world.ends(first, EndCause.BUSY)
    world.twilio.trouble.forgetful = 1.0  # Twilio begins the call, and does not say so
    second = world.person(Fate())
    assert second.provider_id != first.provider_id
    assert len(world.twilio.calls) == 2


def test_a_webhook_is_answered_before_it_is_written_and_counts_once(
    world: World, twilio_config: Config
) -> None:
    line_id = world.line()
    url = f"{PUBLIC}/phone/twilio/status?line={line_id}"
    fields = {"CallSid": f"CA{'1' * 32}", "CallStatus": "in-progress", "SequenceNumber": "2"}
    path = url.removeprefix(PUBLIC)
    signed = {HEADER: signature_of(AUTH_TOKEN, url, fields.items())}
    browser = create_app(twilio_config).test_client()
    # A proxy may have changed the address of the request; the public one is in the settings.
    assert browser.post(path, data=fields).status_code == 403
    forged = {HEADER: signature_of("x" * 32, url, fields.items())}
    assert browser.post(path, data=fields, headers=forged).status_code == 403
    assert browser.post(path, data=fields | {"a": "b"}, headers=signed).status_code == 403
    assert db.session.scalar(select(LineEventRow)) is None
    with db.engine.begin() as other:
        other.execute(text(f"SELECT FROM line WHERE id = {line_id} FOR UPDATE"))
        request = threading.Thread(target=lambda: world.twilio._post(url, fields), daemon=True)
        began = time.perf_counter()
        request.start()
        request.join(5)
        assert not request.is_alive()
        assert time.perf_counter() - began < 1
        assert world.row(line_id).state == LineState.WANTED
    world.until(lambda: world.row(line_id).state == LineState.ANSWERED)
    world.twilio._post(url, fields)
    browser.post(path, data=fields, headers=signed).close()
    assert len(db.session.scalars(select(LineEventRow)).all()) == 1
    assert world.row(line_id).provider_id == fields["CallSid"]


def test_calls_begin_no_faster_than_the_account_may(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    redis.delete(KEY)
    together = [CallPace(redis_url, 20), CallPace(redis_url, 20)]
    without_redis = [CallPace(NO_REDIS, 20)] * 2
    for paces in (together, without_redis):
        began = time.perf_counter()
        for index in range(4):
            paces[index % 2].wait()
        assert time.perf_counter() - began >= 0.145
    redis.delete(KEY)
    slow = CallPace(redis_url, 0.1)
    slow.wait()
    with pytest.raises(BackendUnavailableError):
        slow.wait()
    redis.delete(KEY)


def test_the_settings_choose_twilio(twilio_config: Config) -> None:
    assert backend_for(twilio_config).name == "twilio"
    with pytest.raises(ConfigError, match="TWILIO_ACCOUNT_SID"):
        backend_for(replace(twilio_config, twilio=TwilioSettings()))


# Orders of webhooks -----------------------------------------------------------------------------

SECOND = "Sun, 29 Nov 2026 18:00:{:02} +0000"
PERSON, CALLER = 7, 3
TALK = [
    ("status", {"CallStatus": "ringing", "SequenceNumber": "0", "Timestamp": SECOND.format(1)}),
    ("status", {"CallStatus": "in-progress", "SequenceNumber": "1", "Timestamp": SECOND.format(2)}),
    (
        "room",
        {
            "StatusCallbackEvent": "participant-join",
            "SequenceNumber": "2",
            "Timestamp": SECOND.format(3),
        },
    ),
    (
        "room",
        {
            "StatusCallbackEvent": "participant-leave",
            "SequenceNumber": "3",
            "Timestamp": SECOND.format(3),
        },
    ),
    ("status", {"CallStatus": "completed", "SequenceNumber": "2", "Timestamp": SECOND.format(4)}),
]


def after(webhooks: list[tuple[str, dict[str, str]]], line_id: int) -> LineFacts:
    facts = LineFacts()
    for kind, fields in webhooks:
        fields = fields | {"CallSid": "CA1", "ParticipantLabel": f"line-{PERSON}"}
        if kind == "status":
            events = [event_of_status_webhook(PERSON, fields)]
        else:
            events = events_of_room_webhook(CALLER, fields)
        for event in events:
            if event.line_id == line_id:
                facts = apply(facts, event)
    return facts


@given(
    st.permutations(TALK), st.lists(st.sampled_from(TALK), max_size=4), st.permutations(range(9))
)
def test_any_order_and_any_repetition_of_webhooks_ends_alike(
    order: list[tuple[str, dict[str, str]]],
    repeated: list[tuple[str, dict[str, str]]],
    places: list[int],
) -> None:
    webhooks = list(order)
    for place, webhook in zip(places, repeated, strict=False):
        webhooks.insert(place, webhook)
    told = after(webhooks, PERSON)
    truth = after(TALK, PERSON)
    assert replace(told, sequence=0) == replace(truth, sequence=0)
    # The caller is alone again, whichever of the two came first.
    assert after(webhooks, CALLER) == after(TALK, CALLER)
    assert after(webhooks, CALLER).state == LineState.ANSWERED


@given(st.sampled_from([urlencode({"a": "b"}), "x" * 40, "١٢"]))
def test_odd_numbers_in_webhooks_are_harmless(odd: str) -> None:
    assert event_of_status_webhook(PERSON, {"CallStatus": odd}) is None
    fields = {"CallStatus": "completed", "SequenceNumber": odd, "Timestamp": odd}
    assert event_of_status_webhook(PERSON, fields).sequence == 0
    room = {"StatusCallbackEvent": "participant-join", "ParticipantLabel": f"line-{odd}"}
    assert events_of_room_webhook(CALLER, room) == []
