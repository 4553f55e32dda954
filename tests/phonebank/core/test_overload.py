"""A web process with too much to do: what it refuses, in what words and how fast, and what not."""

import socket
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from phonebank.app import create_app
from phonebank.core import overload, record_queue, store_errors
from phonebank.core.config import Config
from phonebank.core.db import Timeouts, db
from phonebank.core.errors import NotFoundError
from phonebank.core.overload import (
    UPLOADS_AT_ONCE,
    BusyError,
    Overload,
    Urgency,
    claims_limit_for,
    limits_for,
    record_under_way,
)
from phonebank.core.phonebank_headers import CALL, OURS
from phonebank.core.record_queue import Turn
from phonebank.core.security import MAX_FORM_BYTES, SECURITY_HEADERS
from phonebank.live import server
from phonebank.models import Caller
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.processes import within

SOME_CALL = uuid.uuid4()
JSON = {"Accept": "application/json"}
RECORDS = [
    f"/calling/person/{SOME_CALL}/{what}"
    for what in ("outcome", "answers", "renew", "undo", "give-back")
]
CLAIMS = [("POST", "/calling/next"), ("GET", "/calling/wait"), ("GET", "/calling/person")]
PAGES = [
    ("GET", "/"),
    ("GET", "/join"),
    ("POST", "/join"),
    ("GET", "/nowhere"),
    ("GET", "/campaigns"),
]


def guard_of(app: Flask) -> Overload:
    guard = app.extensions["overload"]
    assert isinstance(guard, Overload)
    return guard


@pytest.fixture(autouse=True)
def wide_open(app: Flask) -> None:
    """Open all limits: slow requests of earlier tests may have narrowed them."""
    guard_of(app)._open.update(dict.fromkeys(guard_of(app)._open, 1.0))


@contextmanager
def busy(app: Flask, requests: int) -> Iterator[None]:
    """The app counts so many requests as under way."""
    guard = guard_of(app)
    assert guard.under_way == 0
    guard.under_way = requests
    try:
        yield
        assert guard.under_way == requests, "each request is counted out again"
    finally:
        guard.under_way = 0


@contextmanager
def records_waiting(app: Flask, records: int, since: float = 0.0) -> Iterator[None]:
    """So many records wait for their turn, and the queue was last empty so many seconds ago."""
    queue = guard_of(app).records
    turns = [queue.join() for _ in range(records)]
    assert None not in turns
    queue._waited_since -= since
    try:
        yield
    finally:
        for turn in turns:
            assert turn is not None
            assert not queue.leave(turn)


@pytest.fixture
def limits(config: Config) -> dict[Urgency, int]:
    return limits_for(config.database_connections)


def is_refused(answer: TestResponse) -> bool:
    return answer.status_code == 503 and "A lot of people" in answer.text


def test_outcomes_go_before_claims_and_claims_before_pages(
    app: Flask, client: FlaskClient, limits: dict[Urgency, int]
) -> None:
    def refused(requests: int) -> list[bool]:
        with busy(app, requests):
            return [
                is_refused(client.open(path, method=method))
                for method, path in [*PAGES, *CLAIMS, *(("POST", path) for path in RECORDS)]
            ]

    pages, claims, records = len(PAGES), len(CLAIMS), len(RECORDS)
    assert not any(refused(limits[Urgency.PAGE] - 1))
    every_page = [True] * pages
    assert refused(limits[Urgency.PAGE]) == every_page + [False] * (claims + records)
    assert refused(limits[Urgency.CLAIM]) == [True] * (pages + claims) + [False] * records
    assert refused(limits[Urgency.RECORD] - 1)[-records:] == [False] * records
    assert all(refused(limits[Urgency.RECORD]))


def test_a_record_above_the_limit_waits_for_its_turn_and_not_for_long(
    app: Flask, limits: dict[Urgency, int]
) -> None:
    guard, limit = guard_of(app), limits[Urgency.RECORD]

    def record(_: object) -> bool:
        return is_refused(app.test_client().post(RECORDS[0]))

    with ThreadPoolExecutor(3) as phones, busy(app, limit):
        answers = phones.map(record, range(3))
        within(30, lambda: len(guard.records) == 3)
        guard._leave(Urgency.RECORD, 0.0)
        assert list(answers) == [False] * 3, "each lets the next one in"
        guard.under_way += 1
    with busy(app, limit):
        began = time.monotonic()
        assert record(None)
        assert record_queue.WAITS <= time.monotonic() - began < 1
    with busy(app, limit), records_waiting(app, record_queue.TIMES_AS_MANY * limit):
        assert record(None), "too many wait already"


def test_a_record_that_ends_while_it_waits_leaves_its_place_to_others(
    app: Flask, limits: dict[Urgency, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = guard_of(app)

    def end(turn: Turn) -> None:
        guard._leave(Urgency.RECORD, 0.0)  # the turn comes at the same moment
        raise KeyboardInterrupt

    monkeypatch.setattr(Turn, "wait", end)
    guard.under_way = limits[Urgency.RECORD]
    try:
        with pytest.raises(KeyboardInterrupt):
            guard.begin_record()
        assert guard.under_way == limits[Urgency.RECORD] - 1
        assert not guard.records
    finally:
        guard.under_way = 0


def test_a_process_that_does_not_catch_up_keeps_few_records_waiting_and_not_for_long(
    app: Flask, limits: dict[Urgency, int]
) -> None:
    limit = limits[Urgency.RECORD]
    with busy(app, limit), records_waiting(app, limit - 1, since=10.0):
        began = time.monotonic()
        assert is_refused(app.test_client().post(RECORDS[0]))
        assert record_queue.WAITS_IN_OVERLOAD <= time.monotonic() - began < record_queue.WAITS
    with busy(app, limit), records_waiting(app, limit, since=10.0):
        began = time.monotonic()
        assert is_refused(app.test_client().post(RECORDS[0]))
        assert time.monotonic() - began < record_queue.WAITS_IN_OVERLOAD


def test_a_renewal_over_a_websocket_counts_like_a_request(
    app_context: Flask, client: FlaskClient, limits: dict[Urgency, int]
) -> None:
    with busy(app_context, limits[Urgency.RECORD] - 1), record_under_way():
        assert is_refused(client.post(RECORDS[0]))
        with pytest.raises(BusyError) as refused, record_under_way():
            raise AssertionError("one too many")
    assert 1 <= refused.value.retry_after <= 90


def test_renewals_that_are_refused_do_not_fill_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.test_request_context(), caplog.at_level("INFO"):
        told = server._refuse("renew", BusyError(7))
        assert caplog.text == ""
        server._refuse("renew", NotFoundError("The hold has ended.", "Reload."))
    assert told["error"]["retry_after"] == 7
    assert "refused socket event renew" in caplog.text


def test_a_refusal_says_in_words_when_to_come_back(
    app: Flask, client: FlaskClient, limits: dict[Urgency, int]
) -> None:
    with busy(app, limits[Urgency.RECORD]):
        page, form = client.get("/join"), client.post("/join", data={"code": "x"})
        told = client.post(RECORDS[0], headers=JSON)
    for answer in (page, form, told):
        assert answer.status_code == 503
        assert 1 <= int(answer.headers["Retry-After"]) <= 90
        assert answer.headers[OURS]
        assert answer.headers["Cache-Control"] == "no-store"
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "Nothing you did is lost." in answer.text
        assert answer.headers["Retry-After"] in answer.text
        assert "{" not in answer.text or answer.is_json
    assert page.headers["Refresh"] == page.headers["Retry-After"], "a page comes back by itself"
    assert "Refresh" not in form.headers
    assert "nothing counts twice" in form.text
    assert told.json["error"]["title"] == "Back in a moment"


def test_what_a_page_loads_is_never_refused(app: Flask, client: FlaskClient) -> None:
    with busy(app, 1000):
        assert client.get("/static/phonebank.css").status_code == 200
        # This is no websocket, so the socket server refuses it in its own words.
        assert not is_refused(client.get("/socket.io/"))


@pytest.mark.timing
def test_a_refusal_takes_about_a_millisecond(
    app: Flask, client: FlaskClient, limits: dict[Urgency, int]
) -> None:
    environ = client.application.test_request_context(
        "/calling/next", method="POST"
    ).request.environ
    took = []
    with busy(app, limits[Urgency.RECORD]):
        for _ in range(100):
            began = time.perf_counter()
            answer = guard_of(app)(dict(environ), lambda *_: lambda _: None)
            took.append(time.perf_counter() - began)
            assert list(answer)
    assert median(took) < 0.001


def test_those_refused_come_back_apart_and_the_later_the_more_they_are(
    app: Flask, client: FlaskClient, config: Config, limits: dict[Urgency, int]
) -> None:
    def sent_away(times: int) -> list[int]:
        with busy(app, limits[Urgency.CLAIM]):
            answers = [client.post("/calling/next") for _ in range(times)]
        return [int(answer.headers["Retry-After"]) for answer in answers]

    guard = guard_of(app)
    guard._recent_refusals = 0.0
    few, many = sent_away(20), sent_away(400)[-20:]
    assert max(few) <= 6
    assert len(set(few)) > 2
    assert median(many) > 3 * median(few)
    assert len(set(many)) > 8
    guard._recent_refusals = 1e6
    assert max(sent_away(50)) <= 90


def test_a_request_that_fails_is_counted_out_too(app: Flask, client: FlaskClient) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    guard = Overload(app, fails, 24)
    environ = client.application.test_request_context("/join").request.environ
    with pytest.raises(ZeroDivisionError):
        guard(environ, fails)
    assert guard.under_way == 0


@pytest.mark.timing
def test_a_slow_machine_takes_on_less_until_it_is_fast_again(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = 0.02

    def serve(*_: Any) -> list[bytes]:
        time.sleep(takes)
        return []

    monkeypatch.setattr(overload, "SLOW", 0.01)
    guard = Overload(app, serve, 24)
    at = {
        urgency: app.test_request_context(path, method="POST").request.environ
        for urgency, path in ((Urgency.RECORD, RECORDS[0]), (Urgency.PAGE, "/join"))
    }

    def lets_in_a_page(under_way: int) -> bool:
        guard.under_way = under_way
        refused = list(guard(dict(at[Urgency.PAGE]), lambda *_: print))
        guard.under_way = 0
        return not refused

    assert lets_in_a_page(11)
    for _ in range(30):
        guard(dict(at[Urgency.RECORD]), lambda *_: print)
    assert not lets_in_a_page(5)
    assert lets_in_a_page(2)
    takes = 0
    monkeypatch.setattr(overload, "SLOW", 1)
    for _ in range(40):
        guard(dict(at[Urgency.RECORD]), lambda *_: print)
    assert lets_in_a_page(11)


def test_uploads_have_a_bound_of_their_own(app: Flask, client: FlaskClient) -> None:
    guard = guard_of(app)
    large = b"x" * (MAX_FORM_BYTES + 1)
    guard.uploads = UPLOADS_AT_ONCE
    try:
        assert is_refused(client.post("/join", data=large))
        assert client.get("/join").status_code == 200
    finally:
        guard.uploads = 0
    with busy(app, 1000):
        assert client.post("/join", data=large).status_code == 413
    assert guard.uploads == 0


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection: the client's and ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with theirs, ours:
        yield theirs, ours


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="known on Linux only")
def test_a_client_that_has_hung_up_gets_nobody(
    client: FlaskClient, connection: tuple[socket.socket, socket.socket]
) -> None:
    theirs, ours = connection
    on = {"gunicorn.socket": ours}
    assert client.get("/join", environ_overrides=on).status_code == 200
    theirs.close()
    assert is_refused(client.get("/join", environ_overrides=on))
    assert is_refused(client.post("/calling/next", environ_overrides=on))
    # A record is taken all the same; here it fails only because the client has not joined.
    assert client.post(RECORDS[0], environ_overrides=on).status_code == 401


@pytest.mark.timing
@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="known on Linux only")
def test_a_request_that_waited_long_is_refused_while_the_process_is_busy(
    app: Flask,
    client: FlaskClient,
    connection: tuple[socket.socket, socket.socket],
    limits: dict[Urgency, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs, ours = connection
    on = {"gunicorn.socket": ours}
    monkeypatch.setattr(overload, "WAITED_AT_MOST", 0.1)
    theirs.sendall(b"GET")
    with busy(app, limits[Urgency.PAGE] - 1):
        assert client.get("/join", environ_overrides=on).status_code == 200
        time.sleep(0.2)
        assert is_refused(client.get("/join", environ_overrides=on))
        assert is_refused(client.post("/calling/next", environ_overrides=on))
        assert client.post(RECORDS[0], environ_overrides=on).status_code == 401
        theirs.sendall(b"GET again")
        within(1, lambda: client.get("/join", environ_overrides=on).status_code == 200)
    time.sleep(0.2)
    # While there is no other request, even a slow machine answers.
    assert client.get("/join", environ_overrides=on).status_code == 200


@pytest.mark.timing
def test_while_claims_wait_for_a_lock_calls_are_renewed_and_pages_served(
    config: Config, clean_stores: None
) -> None:
    app = create_app(replace(config, database_connections=8), Timeouts(statement=5, lock=1))
    app.config["WTF_CSRF_ENABLED"] = False
    bound = claims_limit_for(8)
    with app.app_context():
        campaign = create_campaign()
        contact_list = create_list(campaign)
        callers = [create_caller(campaign) for _ in range(bound + 10)]
        for _ in callers:
            create_contact(contact_list)
        db.session.commit()
        devices = [device_of(app, caller) for caller in callers]
    sam, *others = devices
    person = sam.post("/calling/next", headers=JSON).json["person"]
    with app.app_context():
        holder = db.engine.connect()
    with holder, ThreadPoolExecutor(len(others)) as crowd:
        holder.execute(text("LOCK TABLE contact IN ACCESS EXCLUSIVE MODE"))
        asked = [crowd.submit(one.post, "/calling/next", headers=JSON) for one in others]
        within(30, lambda: guard_of(app).under_way == bound)
        page = app.test_client().get("/join")
        renewed = sam.post(f"/calling/person/{person['call_id']}/renew", headers=JSON)
        answers = [each.result() for each in asked]
    assert renewed.status_code == 200
    assert page.status_code == 200
    assert {answer.status_code for answer in answers} == {503}
    # Only so many claims waited for the lock, and only for as long as a caller would.
    words = Counter(store_errors.LOCKED.message in answer.text for answer in answers)
    assert words[True] == bound
    assert sam.get("/calling/person", headers=JSON).json["person"]["call_id"] == person["call_id"]
    assert others[0].post("/calling/next", headers=JSON).json["person"]
    with app.app_context():
        db.engine.dispose()


def test_an_outcome_is_recorded_without_a_next_person_while_others_wait(
    app: Flask, client: FlaskClient, limits: dict[Urgency, int]
) -> None:
    device = caller_with_people(app)

    def record(**headers: str) -> TestResponse:
        person = device.post("/calling/next", headers=JSON).json["person"]
        at = f"/calling/person/{person['call_id']}/outcome?turn={person['turn']}"
        with overloaded(app, limits[Urgency.CLAIM]):
            answer = device.post(at, data={"outcome": "no_answer"}, headers=headers)
            assert is_refused(device.post("/calling/next", headers=JSON))
        assert answer.status_code == 200
        assert answer.headers[CALL] == f"{person['call_id']} saved"
        assert "Your call is saved." in answer.text
        return answer

    told = record(**JSON).json
    assert told["outcome"] == "no_answer"
    assert told["person"] is None


def test_the_call_page_sends_an_outcome_again_for_the_person_who_was_put_off(
    app: Flask, client: FlaskClient, limits: dict[Urgency, int]
) -> None:
    device = caller_with_people(app)
    screen = {"X-Phonebank-Screen": "1"}
    person = device.post("/calling/next", headers=JSON).json["person"]
    at = f"/calling/person/{person['call_id']}/outcome?turn={person['turn']}"
    with overloaded(app, limits[Urgency.CLAIM]):
        put_off = device.post(at, data={"outcome": "no_answer"}, headers=screen)
        assert put_off.status_code == 200
        assert put_off.headers[CALL] == f"{person['call_id']} saved"
        assert int(put_off.headers["Retry-After"]) >= 2
        assert "Your call is saved." in put_off.json["message"]
        assert put_off.json["person"] is None
        # A caller who has waited gets a person, even if the server is still busy.
        late = device.post(at, data={"outcome": "no_answer"}, headers=screen)
    assert "Retry-After" not in late.headers
    assert late.headers[CALL] == put_off.headers[CALL]
    assert "data-call=" in late.text
    assert person["call_id"] not in late.text.split("data-call=")[1][:40]
    told = device.get("/calling/mine", headers=JSON).json["calls"]
    assert [call["outcome"] for call in told] == ["No answer"]


@contextmanager
def overloaded(app: Flask, limit: int) -> Iterator[None]:
    """Records have been waiting for long, and as many claims as may be are under way."""
    with (
        pytest.MonkeyPatch.context() as patch,
        busy(app, limit),
    ):
        patch.setattr(guard_of(app).records, "is_overloaded", lambda: True)
        yield


def caller_with_people(app: Flask) -> FlaskClient:
    """The device of a caller in a campaign with three people to call."""
    with app.app_context():
        campaign = create_campaign()
        contact_list = create_list(campaign)
        for _ in range(3):
            create_contact(contact_list)
        caller = create_caller(campaign)
        db.session.commit()
        return device_of(app, caller)


def device_of(app: Flask, caller: Caller) -> FlaskClient:
    device = app.test_client()
    with device.session_transaction() as session:
        session["caller"] = {"id": caller.id, "token": caller.device_token}
    return device


def test_only_strangers_who_ask_for_pages_let_others_go_first(
    app: Flask, limits: dict[Urgency, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(overload, "wait_until_idle", waited.append)

    def waits(path: str, method: str = "GET", **more: Any) -> bool:
        waited.clear()
        app.test_client(use_cookies=False).open(path, method=method, **more)
        return bool(waited)

    assert waits("/join")
    assert not waits("/join", headers={"Cookie": "session=somebody"})
    assert not waits("/api/people", headers={"Authorization": "Bearer token"})
    assert not waits(RECORDS[0], "POST")
    assert not waits("/calling/next", "POST")
    with busy(app, limits[Urgency.PAGE]):
        assert not waits("/join"), "it is refused at once"
