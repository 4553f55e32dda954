"""Tests that the benchmarks' phones send what the call page sends, and find what they need in the
answers."""

from flask.testing import FlaskClient

from bench.call_page import CallPage, Screen
from bench.http_client import Answer, answer_of
from bench.people import Device
from phonebank.core.db import db
from phonebank.models import Call
from tests.phone_bank import PhoneBank, come_in

# The test client has a cookie and an address of its own.
_CLIENTS_OWN = ("Cookie:", "Host:", "Origin:", "Referer:")


class Wire:
    """Takes a phone's requests to the test client."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def send(self, message: bytes) -> Answer:
        head, _, body = message.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        headers = [line.split(": ", 1) for line in lines if not line.startswith(_CLIENTS_OWN)]
        answer = self._client.open(path, method=method, headers=headers, data=body)
        named = "".join(f"\r\n{name}: {value}" for name, value in answer.headers.items())
        return answer_of(answer.status_code, f"http/1.1{named}\r\n".lower(), answer.data)


def test_a_phone_calls_person_after_person(client: FlaskClient, phone_bank: PhoneBank) -> None:
    come_in(client, phone_bank)
    wire, page = Wire(client), CallPage(80, Device("", ""))
    first = page.read(wire.send(page.next()))
    assert isinstance(first, Screen)
    call = db.session.get_one(Call, first.call.call_id)
    assert (first.number, first.before) == (call.phone, None)
    assert 0 < first.seconds_left <= phone_bank.campaign.hold_seconds
    assert wire.send(page.renew(first.call)).status == 200
    second = page.read(wire.send(page.outcome(first.call, "no_answer")))
    assert second
    assert second.call.call_id != first.call.call_id
    assert second.before
    again = page.read(wire.send(page.undo(second.before)))
    assert again
    assert again.call.call_id == first.call.call_id
    assert page.read(wire.send(page.outcome(again.call, "ring_back=tomorrow")))
    db.session.refresh(call)
    assert call.outcome == "call_back"


def test_an_answer_without_a_person_is_none() -> None:
    page = CallPage(80, Device("", ""))
    assert page.read(Answer(200, "", b"<p data-waiting>Nobody to call right now</p>")) is None
    assert page.read(Answer(503, "", b"")) is None
