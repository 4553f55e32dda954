"""Stopping a caller, and who waits at an open door. The clock is moved, and the stores are real."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.core.rate_limits import limiter
from phonebank.models import (
    Call,
    Caller,
    CallerAction,
    CallerState,
    Campaign,
    DoorStop,
    PaceFlag,
    Party,
    RoleName,
    now,
)
from phonebank.roster import blocked_addresses, pace
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)
from tests.signing_in import sign_in

HERE, THERE = "192.0.2.7", "192.0.2.8"
JSON = {"Accept": "application/json"}


class Door:
    """A campaign and a party with open doors, and callers who join from given addresses."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        campaign = create_campaign(door_open=True)
        contact_list = create_list(campaign)
        for _ in range(60):
            create_contact(contact_list)
        host, organiser = create_account(RoleName.HOST), create_account(RoleName.ORGANISER)
        campaign.hosts.append(host)
        party = create_party(campaign, host, door_open=True)
        db.session.commit()
        self.campaign, self.party = campaign, party
        self.accounts = organiser.id, host.id
        db.session.refresh(campaign)
        db.session.refresh(party)
        self.organiser, self.host = app.test_client(), app.test_client()

    def open(self) -> None:
        sign_in(self.organiser, self.accounts[0])
        sign_in(self.host, self.accounts[1])

    def device(self, address: str, room: Campaign | Party | None = None) -> FlaskClient:
        """A fresh browser at this address that has joined."""
        client = self.app.test_client()
        room = room or self.campaign
        link = f"/join/{room.code}" if isinstance(room, Party) else f"/c/{room.join_token}"
        client.environ_base["REMOTE_ADDR"] = address
        answer = client.post(link, data={"first_name": "Mallory"})
        assert answer.status_code == 303
        client.get("/calling")
        return client

    def caller(self, client: FlaskClient) -> Caller:
        with client.session_transaction() as session:
            caller_id = session["caller"]["id"]
        with self.app.app_context():
            return db.session.get_one(Caller, caller_id)

    def rows(self, model: Any, *which: Any) -> list[Any]:
        with self.app.app_context():
            return list(db.session.query(model).filter(*which))

    def change(self, row: Any, **values: Any) -> None:
        with self.app.app_context():
            for name, value in values.items():
                setattr(db.session.get_one(type(row), row.id), name, value)
            db.session.commit()

    def state(self, client: FlaskClient) -> str:
        return self.caller(client).state

    def history(self, caller: Caller) -> str:
        return f"/campaigns/{self.campaign.id}/callers/{caller.id}/history"

    def stop(self, client: FlaskClient, reason: str = "") -> None:
        address = f"{self.history(self.caller(client))}/stop"
        assert self.organiser.post(address, data={"reason": reason}).status_code == 303


def see(client: FlaskClient, outcome: str = "no_answer", people: int = 1) -> int:
    """See at most this many people. Return how many the caller saw."""
    for number in range(people):
        person = (client.post("/calling/next", headers=JSON).json or {}).get("person")
        if not person:
            return number
        address = f"/calling/person/{person['call_id']}/outcome"
        client.post(address, json={"outcome": outcome, "next": False}, headers=JSON)
    return people


@pytest.fixture
def site(app: Flask, clean_stores: None) -> Door:
    with app.app_context():
        limiter.reset()
        site = Door(app)
    site.open()
    return site


def test_stopped_they_are_out_at_once_and_hold_nobody(site: Door) -> None:
    mallory = site.device(HERE)
    assert mallory.post("/calling/next", headers=JSON).json["person"]
    site.stop(mallory, "read 124 people in 15 seconds")
    assert mallory.post("/calling/next", headers=JSON).status_code in (401, 403)
    assert mallory.get("/calling/person", headers=JSON).status_code in (401, 403)
    assert site.state(mallory) == CallerState.REMOVED
    assert site.rows(Call, Call.ended_at.is_(None)) == []
    with site.app.app_context():
        assert redis_queue_of(site.campaign.id).held_count() == 0
    (action,) = site.rows(CallerAction)
    assert (action.action, action.reason) == ("stopped", "read 124 people in 15 seconds")
    assert action.figures["people"] == 1
    page = site.organiser.get(site.history(site.caller(mallory))).text
    assert "read 124 people in 15 seconds" in page
    assert "Stop Mallory" not in page


def test_the_door_stays_open_for_everybody_but_that_address(site: Door) -> None:
    mallory = site.device(HERE)
    site.stop(mallory)
    assert site.rows(Campaign)[0].door_open
    assert site.state(site.device(HERE)) == CallerState.WAITING
    assert site.state(site.device(HERE, site.party)) == CallerState.WAITING
    assert site.state(site.device(THERE)) == CallerState.ADMITTED
    with time_machine.travel(now() + timedelta(hours=23)):
        assert site.state(site.device(HERE)) == CallerState.WAITING
    with time_machine.travel(now() + timedelta(days=1, minutes=1)):
        assert site.state(site.device(HERE)) == CallerState.ADMITTED


def test_in_ipv6_an_address_is_a_homes_whole_network(site: Door) -> None:
    site.stop(site.device("2001:db8:1:2::7"))
    assert site.state(site.device("2001:db8:1:2:aaaa:bbbb:cccc:1")) == CallerState.WAITING
    assert site.state(site.device("2001:db8:1:3::7")) == CallerState.ADMITTED


def test_no_button_lets_everyone_in_if_only_an_organiser_may_let_each_in(site: Door) -> None:
    site.stop(site.device(HERE))
    assert site.state(site.device(HERE)) == CallerState.WAITING
    page = site.organiser.get(f"/campaigns/{site.campaign.id}/callers").text
    assert "They use the same internet address" in page
    assert "Let in callers who used the link" not in page


def test_only_an_organiser_lets_in_who_comes_from_a_stopped_address(site: Door) -> None:
    site.stop(site.device(HERE))
    again = site.device(HERE, site.party)
    run = f"/parties/{site.party.id}"
    shown = site.host.get(run).text
    assert "Only an organiser can let this person in." in shown
    assert ">Let in" not in shown
    site.host.post(f"{run}/callers/{site.caller(again).id}/admit")
    site.host.post(f"{run}/admit-all")
    site.host.post(f"{run}/door", data={"open": "yes"})
    again.post(f"/join/{site.party.code}", data={"first_name": "Mallory"})
    again.post(f"/c/{site.campaign.join_token}", data={"first_name": "Mallory"})
    assert site.state(again) == CallerState.WAITING
    assert see(again) == 0
    callers = f"/campaigns/{site.campaign.id}/callers"
    site.organiser.post(f"{callers}/{site.caller(again).id}/admit")
    assert site.state(again) == CallerState.ADMITTED
    assert see(again) == 1


def test_a_fresh_device_does_not_reset_the_budget(site: Door) -> None:
    site.change(site.campaign, fast_do_not_calls_an_hour=3)
    assert see(site.device(HERE), "do_not_call", 10) == 3
    assert see(site.device(HERE), "do_not_call", 10) == 0
    assert see(site.device(THERE), people=2) == 2
    # Once somebody has looked, the next comes in.
    for caller in site.rows(Caller):
        site.organiser.post(f"{site.history(caller)}/go-on")
    assert site.state(site.device(HERE)) == CallerState.ADMITTED


def test_a_flag_holds_newcomers_for_an_hour_and_only_an_organiser_lets_them_in(site: Door) -> None:
    site.change(site.campaign, people_a_minute=2)
    assert see(site.device(HERE), people=3) == 2
    with time_machine.travel(now() + timedelta(minutes=30)):
        waits = site.device(HERE, site.party)
        site.host.post(f"/parties/{site.party.id}/admit-all")
        assert site.state(waits) == CallerState.WAITING
        assert site.state(site.device(THERE)) == CallerState.ADMITTED
        callers = f"/campaigns/{site.campaign.id}/callers"
        site.organiser.post(f"{callers}/{site.caller(waits).id}/admit")
        assert site.state(waits) == CallerState.ADMITTED
    with time_machine.travel(now() + timedelta(minutes=61)):
        assert site.state(site.device(HERE)) == CallerState.ADMITTED


def test_many_devices_from_one_address_share_a_budget(site: Door) -> None:
    site.change(site.campaign, newcomers_people_an_hour=3 * blocked_addresses.EACH_AT_LEAST)
    devices = [site.device(HERE) for _ in range(4)]
    assert [site.state(each) for each in devices] == [CallerState.ADMITTED] * 3 + [
        CallerState.WAITING
    ]
    devices[3].post(f"/c/{site.campaign.join_token}", data={"first_name": "Mallory"})
    assert site.state(devices[3]) == CallerState.WAITING, "asking again opens nothing"
    assert site.state(site.device(THERE)) == CallerState.ADMITTED
    (flag,) = site.rows(PaceFlag)
    last = site.caller(devices[3])
    assert (flag.kind, flag.caller_id) == (pace.NEWCOMERS, last.id)
    roster = site.organiser.get(f"/campaigns/{site.campaign.id}/callers").text
    assert "so they were paused, or have to wait to be let in." in roster
    assert "Mallory still waits to be let in." in site.organiser.get(site.history(last)).text
    site.organiser.post(f"{site.history(last)}/go-on")
    page = site.organiser.get(f"/campaigns/{site.campaign.id}/callers").text
    assert "Mallory still waits to be let in." in page
    assert "Let in callers who used the link" in page
    with time_machine.travel(now() + timedelta(minutes=61)):
        assert site.state(site.device(HERE)) == CallerState.ADMITTED


def test_going_to_wait_at_another_door_hides_nobody_from_the_count(site: Door) -> None:
    budget = 2 * blocked_addresses.EACH_AT_LEAST
    site.change(site.campaign, newcomers_people_an_hour=budget, people_a_minute=60)
    site.change(site.party, door_open=False)
    mallory = site.device(HERE)
    assert see(mallory, people=budget) == budget
    mallory.post(f"/join/{site.party.code}", data={"first_name": "Mallory"})
    assert site.state(mallory) == CallerState.WAITING
    assert site.state(site.device(HERE)) == CallerState.WAITING


def test_a_host_may_let_a_crowd_in(site: Door) -> None:
    site.change(site.campaign, newcomers_people_an_hour=blocked_addresses.EACH_AT_LEAST)
    site.device(HERE, site.party)
    second = site.device(HERE, site.party)
    assert site.state(second) == CallerState.WAITING
    site.host.post(f"/parties/{site.party.id}/admit-all")
    assert site.state(second) == CallerState.ADMITTED


def test_no_address_is_kept_that_anybody_could_read(site: Door) -> None:
    mallory = site.device(HERE)
    site.stop(mallory)
    mark = site.caller(mallory).address
    assert mark is not None
    assert HERE not in mark
    assert len(mark) == 64
    assert [stop.address for stop in site.rows(DoorStop)] == [mark]
    with (
        site.app.app_context(),
        time_machine.travel(now() + timedelta(days=7, hours=1)),
    ):
        assert blocked_addresses.hash_address(site.campaign.id + 1, HERE) != mark
        blocked_addresses.forget_addresses()
    assert site.caller(mallory).address is None
    assert site.rows(DoorStop) == []


def test_without_a_known_address_the_door_shuts(site: Door) -> None:
    mallory = site.device(HERE)
    site.change(site.caller(mallory), address=None)
    site.stop(mallory)
    assert not site.rows(Campaign)[0].door_open


def test_a_caller_who_is_out_is_not_stopped_twice(site: Door) -> None:
    mallory = site.device(HERE)
    site.stop(mallory)
    address = f"{site.history(site.caller(mallory))}/stop"
    assert site.organiser.post(address).status_code == 404
    assert len(site.rows(CallerAction)) == 1


def test_what_was_recorded_before_still_counts(site: Door) -> None:
    mallory = site.device(HERE)
    see(mallory, "talked", 2)
    site.stop(mallory)
    assert len(site.rows(Call, Call.counted)) == 2
