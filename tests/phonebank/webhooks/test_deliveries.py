"""Other software is told what happened, with a signature, until it takes it."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.core.jobs import run_worker
from phonebank.models import (
    Call,
    DeliveryState,
    InboxItem,
    SuppressionOrigin,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
    now,
)
from phonebank.suppressions.entries import suppress
from phonebank.webhooks import deliveries
from phonebank.webhooks.deliveries import PAUSES, TRIES_AT_MOST, send_deliveries
from phonebank.webhooks.find_events import find_events
from phonebank.webhooks.jobs import look_after_webhooks
from phonebank.webhooks.post import NotDeliveredError, post
from phonebank.webhooks.webhooks import send_again, stop_webhook
from tests.factories import create_contact, drama_number
from tests.phonebank.exports.room import Room, create_room, make_call
from tests.phonebank.webhooks.receiver import HOST, Receiver, certificate, receiver

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


@pytest.fixture
def crm(app_context: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr("phonebank.core.settled.SETTLED_AFTER", timedelta(0))
    with receiver(monkeypatch) as state:
        yield state


@pytest.fixture
def room(app_context: Flask) -> Room:
    return create_room()


def create_webhook(room: Room, crm: Receiver) -> Webhook:
    webhook = Webhook(
        campaign_id=room.campaign.id, url=crm.url, events=[*WebhookEvent][:2], secret=SECRET
    )
    db.session.add(webhook)
    db.session.commit()
    return webhook


def look_again(webhook: Webhook) -> list[WebhookDelivery]:
    """Find events and send what is due, as the jobs do. All deliveries, the oldest first."""
    find_events(webhook.id)
    db.session.commit()
    send_deliveries(webhook.id, 5)
    db.session.expire_all()
    return list(db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def let_pauses_pass() -> None:
    for table in (Webhook, WebhookDelivery):
        db.session.execute(update(table).values(next_try_at=now()))
    db.session.commit()


def test_outcomes_and_do_not_calls_are_told_once_and_name_nobody(crm: Receiver, room: Room) -> None:
    create_contact(room.contact_list, first_name="Secret", last_name="Voter", external_id="E1")
    make_call(room, "no_answer")  # before the webhook was made
    webhook = create_webhook(room, crm)
    for at in (2, 3):
        create_contact(room.contact_list, external_id=f"E{at}", phone=drama_number(at))
    make_call(room, "talked", {"vote": "ours"}, note="Secret note")
    suppress(drama_number(3), SuppressionOrigin.ORGANISER)
    db.session.commit()
    assert [one.state for one in look_again(webhook)] == [DeliveryState.DELIVERED] * 2
    assert len(look_again(webhook)) == 2
    outcome, do_not_call = crm.messages
    assert outcome["type"] == "outcome.recorded"
    [event] = outcome["events"]
    assert (event["external_id"], event["outcome"], event["yes"]) == ("E2", "talked", True)
    assert do_not_call["type"] == "do-not-call.added"
    assert [event["external_id"] for event in do_not_call["events"]] == ["E3"]
    sent = (
        b"".join(body for _, body in crm.came)
        + json.dumps([one.events for one in db.session.scalars(select(WebhookDelivery))]).encode()
    )
    for private in (b"Secret", b"Voter", b"7946", b"ours"):
        assert private not in sent


def test_an_undone_outcome_is_told(crm: Receiver, room: Room) -> None:
    webhook = create_webhook(room, crm)
    create_contact(room.contact_list)
    make_call(room, "talked", {"vote": "ours"})
    look_again(webhook)
    [call] = db.session.scalars(select(Call))
    undo(room.caller, call.id)
    db.session.commit()
    look_again(webhook)
    look_again(webhook)
    told, undone = (event for message in crm.messages for event in message["events"])
    assert (told["outcome"], told["undone"]) == ("talked", False)
    assert (undone["call_id"], undone["contact_id"]) == (told["call_id"], told["contact_id"])
    assert (undone["outcome"], undone["yes"], undone["undone"]) == (None, False, True)


def test_the_receiver_can_check_who_sent_it_and_when(crm: Receiver, room: Room) -> None:
    webhook = create_webhook(room, crm)
    db.session.add(WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST))
    [delivery] = look_again(webhook)
    [(headers, body)] = crm.came
    assert headers["Webhook-Id"] == str(delivery.id)
    assert abs(int(headers["Webhook-Timestamp"]) - time.time()) < 60
    signed = f"{delivery.id}.{headers['Webhook-Timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.digest(b"s" * 32, signed, hashlib.sha256)).decode()
    assert headers["Webhook-Signature"] == f"v1,{signature}"


def test_it_is_sent_again_with_growing_pauses_and_then_fails_until_an_organiser_sends_it(
    crm: Receiver, room: Room
) -> None:
    webhook = create_webhook(room, crm)
    create_contact(room.contact_list)
    make_call(room, "no_answer")
    crm.answer = 500
    pauses = []
    for _ in range(TRIES_AT_MOST + 2):
        began = now()
        [delivery] = look_again(webhook)
        pauses.append(delivery.next_try_at - began)
        look_again(webhook)  # too early
        let_pauses_pass()
    assert len(crm.came) == TRIES_AT_MOST
    assert (delivery.state, delivery.status) == (DeliveryState.FAILED, 500)
    assert delivery.fault == "It refused the request with the status 500."
    for pause, wanted in zip(pauses, PAUSES, strict=False):
        assert abs(pause - wanted) < timedelta(seconds=5)
    crm.answer = 204
    send_again(webhook, delivery.id)
    [delivery] = look_again(webhook)
    assert (delivery.state, delivery.fault) == (DeliveryState.DELIVERED, "")


def test_one_message_that_is_refused_does_not_keep_the_others_for_long(
    crm: Receiver, room: Room
) -> None:
    webhook = create_webhook(room, crm)
    old = WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST, attempts=6)
    db.session.add(old)
    crm.answer = 400
    look_again(webhook)
    assert webhook.next_try_at - now() <= deliveries.PAUSE_OF_ALL < old.next_try_at - now()
    crm.answer = 200
    db.session.add(WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST))
    webhook.next_try_at = now()
    db.session.commit()
    assert sorted(one.state for one in look_again(webhook)) == ["delivered", "waiting"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(302, "redirects"), ("silence", "did not answer"), ("drip", "did not answer")],
)
def test_a_redirect_and_an_answer_that_never_comes_are_failures(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch, answer: object, why: str
) -> None:
    monkeypatch.setattr("phonebank.webhooks.post.TIMEOUT", 0.5)
    crm.answer = answer
    began = time.monotonic()
    with pytest.raises(NotDeliveredError, match=why):
        post(crm.url, SECRET, "1", b"{}")
    assert time.monotonic() - began < 2
    assert len(crm.came) == 1, "no redirect is followed"


def test_a_name_that_leads_elsewhere_by_now_is_refused(
    crm: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    looked_up = []

    def look_up(host: str, port: int, **_: object) -> list[object]:
        looked_up.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NotDeliveredError, match="public internet"):
        post(crm.url, SECRET, "1", b"{}")
    assert (looked_up, crm.came) == ([HOST], [])


def test_the_name_is_looked_up_once_and_its_certificate_checked(
    app_context: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, fault in ((HOST, None), ("other.example.org", "certificate")):
        file = certificate(tmp_path, name)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file)
        trusting = ssl.create_default_context(cafile=str(file))
        monkeypatch.setattr("phonebank.webhooks.post.tls_context", lambda c=trusting: c)
        with receiver(monkeypatch, server) as crm:
            url = crm.url.replace("http:", "https:")
            looked_up: list[str] = []
            real = socket.getaddrinfo

            def look_up(host, *args, real=real, looked_up=looked_up, **options):
                looked_up.append(host)
                return real(host, *args, **options)

            monkeypatch.setattr(socket, "getaddrinfo", look_up)
            if fault is None:
                assert post(url, SECRET, "1", b"{}") == 200
                assert looked_up.count(HOST) == 1, "the second answer could be another"
                assert crm.came[0][0]["Host"] == f"{HOST}:{crm.port}"
            else:
                with pytest.raises(NotDeliveredError, match=fault):
                    post(url, SECRET, "1", b"{}")
                assert crm.came == []
        monkeypatch.undo()


def test_an_event_waits_for_the_transactions_that_may_still_add_an_earlier_one(
    crm: Receiver, room: Room
) -> None:
    webhook = create_webhook(room, crm)
    create_contact(room.contact_list)
    with db.engine.connect() as writer:
        writer.execute(text("UPDATE campaign SET briefing = briefing"))
        with db.engine.connect():
            pass
        create_contact(room.contact_list, phone=drama_number(8))
        suppress(drama_number(8), SuppressionOrigin.ORGANISER)
        db.session.commit()
        assert look_again(webhook) == []
        writer.rollback()
    assert len(look_again(webhook)) == 1


def test_a_stopped_webhook_gets_nothing_more(crm: Receiver, room: Room) -> None:
    webhook = create_webhook(room, crm)
    create_contact(room.contact_list)
    make_call(room, "no_answer")
    find_events(webhook.id)
    stop_webhook(webhook)
    db.session.commit()
    look_again(webhook)
    assert crm.came == []


def test_what_is_old_is_deleted(crm: Receiver, room: Room) -> None:
    webhook = create_webhook(room, crm)
    for days in (29, 31):
        at = now() - timedelta(days=days)
        db.session.add(
            WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST, created_at=at)
        )
    db.session.commit()
    deliveries.forget_deliveries()
    assert len(db.session.scalars(select(WebhookDelivery)).all()) == 1


def test_the_workers_do_it_all(crm: Receiver, room: Room) -> None:
    create_webhook(room, crm)
    create_contact(room.contact_list)
    make_call(room, "no_answer")
    look_after_webhooks()
    db.session.commit()
    run_worker(burst=True)
    assert [message["type"] for message in crm.messages] == ["outcome.recorded"]


def test_a_worker_that_dies_while_it_sends_costs_one_try(
    crm: Receiver, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = create_webhook(room, crm)
    db.session.add(WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST))
    db.session.commit()

    def die(*_: object) -> int:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(deliveries, "post", die)
        with pytest.raises(SystemExit):
            send_deliveries(webhook.id, 5)
    db.session.rollback()
    [delivery] = look_again(webhook)
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 1)
    let_pauses_pass()
    [delivery] = look_again(webhook)
    assert (delivery.state, len(crm.came)) == (DeliveryState.DELIVERED, 1)


def test_two_workers_send_each_message_once(crm: Receiver, room: Room, app: Flask) -> None:
    webhook = create_webhook(room, crm)
    for _ in range(12):
        db.session.add(WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST))
    db.session.commit()
    webhook_id = webhook.id

    def work() -> None:
        with app.app_context():
            send_deliveries(webhook_id, 5)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ids = [headers["Webhook-Id"] for headers, _ in crm.came]
    assert len(ids) == len(set(ids)) == 12


def test_an_answer_that_needs_action_is_told_once(crm: Receiver, room: Room) -> None:
    webhook = create_webhook(room, crm)
    webhook.events = [WebhookEvent.NEEDS_ACTION]
    create_contact(room.contact_list, external_id="E1")
    make_call(room, "talked", {"vote": "ours"})
    call = db.session.scalars(select(Call)).one()
    find_events(webhook.id)
    db.session.add(
        InboxItem(
            campaign_id=call.campaign_id,
            contact_id=call.contact_id,
            call_id=call.id,
            step_id="vote",
            recorded_at=call.recorded_at,
        )
    )
    db.session.commit()
    for _ in range(4):
        look_again(webhook)
    [message] = crm.messages
    assert message["type"] == "needs-action.added"
    [event] = message["events"]
    assert (event["external_id"], event["step"]) == ("E1", "vote")
