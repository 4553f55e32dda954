"""Tests every two actions about a caller at once: by the caller, the host and the organiser."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import select

from callers.joining import join
from phonebank.calls.claim import claim
from phonebank.campaigns import services as campaigns
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.models import Account, Call, Caller, CallerState, Campaign, Party, now
from phonebank.parties import participants, services
from phonebank.roster.admit import admit, admit_all, set_door
from phonebank.roster.remove import remove, remove_anywhere
from phonebank.roster.rename import hide
from phonebank.roster.stop import stop
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)
from tests.two_at_once import Act, Place, State, always, faults_of_all_pairs


class Room(NamedTuple):
    """Two parties of two hosts, and a caller in the first."""

    campaign: Campaign
    here: Party
    there: Party
    sam: Caller


def _made(**sam: Any) -> Callable[[], tuple[int, int, int, int]]:
    def made() -> tuple[int, int, int, int]:
        campaign = create_campaign()
        here = create_party(campaign, create_account("host"), title="Here")
        there = create_party(campaign, create_account("host"), title="There")
        caller = create_caller(campaign, here, first_name="Sam", **sam)
        if caller.may_call:
            create_contact(create_list(campaign))
            db.session.commit()
            claim(caller)
        db.session.commit()
        return campaign.id, here.id, there.id, caller.id

    return made


def _read(ids: tuple[int, int, int, int]) -> Room:
    room = Room(
        db.session.get_one(Campaign, ids[0]),
        db.session.get_one(Party, ids[1]),
        db.session.get_one(Party, ids[2]),
        db.session.get_one(Caller, ids[3]),
    )
    # The host's pages read the caller in this way before they act.
    assert participants.caller_in(room.here, room.sam.id) is room.sam
    return room


def _state(ids: tuple[int, int, int, int]) -> State:
    campaign_id, here_id, there_id, sam_id = ids
    here, sam = db.session.get_one(Party, here_id), db.session.get_one(Caller, sam_id)
    newcomers = db.session.scalars(
        select(Caller.state)
        .where(Caller.campaign_id == campaign_id, Caller.id != sam_id)
        .order_by(Caller.id)
    )
    held = db.session.scalar(
        select(Call.id).where(Call.caller_id == sam_id, Call.ended_at.is_(None))
    )
    return {
        "sam": sam.state,
        "at": {here_id: "here", there_id: "there"}[sam.party_id or 0],
        "name": sam.first_name,
        "hidden": sam.hidden,
        "door": here.door_open,
        "party": here.state,
        "newcomers": list(newcomers),
        "holds": held is not None,
        "held in Redis": redis_queue_of(campaign_id).held_count() > 0,
    }


NO_HOLD = {"holds": False, "held in Redis": False}


def _is_here(state: State) -> bool:
    return state["sam"] != CallerState.REMOVED and state["at"] == "here"


def _host_does(**changes: Any) -> Callable[[State], State | None]:
    return lambda state: state | changes if _is_here(state) else None


def _admit_newcomer(state: State) -> State:
    return (
        state | {"sam": CallerState.ADMITTED}
        if _is_here(state) and state["sam"] == CallerState.WAITING
        else state
    )


def _remove_by_organiser(state: State) -> State | None:
    if state["sam"] == CallerState.REMOVED:
        return None
    door = {"door": False} if state["at"] == "here" else {}
    return state | {"sam": CallerState.REMOVED} | door | NO_HOLD


def _go_there(state: State) -> State:
    # The other party's door is shut.
    if state["sam"] == CallerState.REMOVED:
        return state | {"newcomers": [*state["newcomers"], CallerState.WAITING]}
    if state["at"] == "there":
        return state
    return state | {"sam": CallerState.WAITING, "at": "there"} | NO_HOLD


def _come_back(state: State) -> State | None:
    through = CallerState.ADMITTED if state["door"] else CallerState.WAITING
    if _is_here(state):
        return state | ({"sam": CallerState.ADMITTED} if state["door"] else {})
    if state["party"] != "open":
        return None
    if state["sam"] == CallerState.REMOVED:
        return state | {"newcomers": [*state["newcomers"], through]}
    return state | {"sam": through, "at": "here"} | NO_HOLD


def _newcomer_joins(state: State) -> State | None:
    if state["party"] != "open":
        return None
    through = CallerState.ADMITTED if state["door"] else CallerState.WAITING
    return state | {"newcomers": [*state["newcomers"], through]}


def _open_door(state: State) -> State:
    return _admit_newcomer(state) | {
        "door": True,
        "newcomers": [CallerState.ADMITTED for _ in state["newcomers"]],
    }


def _admit_all(state: State) -> State:
    return _admit_newcomer(state) | {
        "newcomers": [CallerState.ADMITTED for _ in state["newcomers"]]
    }


ACTS = [
    Act("host lets in", lambda room: admit([room.sam]), _admit_newcomer),
    Act("organiser lets in", lambda room: admit([room.sam], for_organiser=True), _admit_newcomer),
    Act(
        "host removes",
        lambda room: remove(room.sam),
        _host_does(sam=CallerState.REMOVED, door=False, **NO_HOLD),
    ),
    Act(
        "organiser removes",
        lambda room: remove_anywhere(room.sam),
        _remove_by_organiser,
    ),
    # The address that the caller came from is not known, so `stop` shuts the door.
    Act(
        "organiser stops",
        lambda room: stop(room.sam, db.session.get_one(Account, room.here.host_id), "", now()),
        _remove_by_organiser,
    ),
    Act(
        "host renames",
        lambda room: participants.rename_caller(room.sam, "Samira"),
        _host_does(name="Samira"),
    ),
    Act("host hides", lambda room: hide(room.sam, True), _host_does(hidden=True)),
    Act("goes there", lambda room: join(room.campaign, room.there, "Sam", room.sam), _go_there),
    Act("comes back", lambda room: join(room.campaign, room.here, "Sam", room.sam), _come_back),
    Act("host opens", lambda room: set_door(room.here, True), _open_door),
    Act("host shuts", lambda room: set_door(room.here, False), always(door=False)),
]
DOOR_ACTS = [
    Act(
        "newcomer joins", lambda room: join(room.campaign, room.here, "Kit", None), _newcomer_joins
    ),
    Act("host lets all in", lambda room: admit_all(room.here), _admit_all),
    Act(
        "host locks",
        lambda room: services.lock(room.here),
        lambda state: state | {"party": "locked"} if state["party"] != "ended" else None,
    ),
    Act("host ends", lambda room: services.end_party(room.here), always(party="ended")),
    *(
        act
        for act in ACTS
        if act.name in ("host opens", "host shuts", "comes back", "host removes")
    ),
]


@pytest.mark.parametrize("sam", [CallerState.WAITING, CallerState.ADMITTED])
def test_every_two_actions_about_one_caller(app_context: Flask, sam: str) -> None:
    place = Place(_made(state=sam), _read, _state)
    assert faults_of_all_pairs(app_context, place, ACTS) == []


def test_every_two_actions_about_a_door(app_context: Flask) -> None:
    place = Place(_made(state=CallerState.WAITING), _read, _state)
    assert faults_of_all_pairs(app_context, place, DOOR_ACTS) == []


def test_an_organiser_opens_or_shuts_a_campaigns_door_while_a_newcomer_joins(
    app_context: Flask,
) -> None:
    def made() -> int:
        campaign = create_campaign()
        db.session.commit()
        return campaign.id

    def state(campaign_id: int) -> State:
        callers = select(Caller.state).where(Caller.campaign_id == campaign_id).order_by(Caller.id)
        campaign = db.session.get_one(Campaign, campaign_id)
        return {"door": campaign.door_open, "in": list(db.session.scalars(callers))}

    def comes(state: State) -> State:
        return state | {
            "in": [*state["in"], CallerState.ADMITTED if state["door"] else CallerState.WAITING]
        }

    acts = [
        Act("newcomer joins", lambda campaign: join(campaign, None, "Kit", None), comes),
        Act(
            "organiser opens",
            lambda campaign: set_door(campaign, True),
            lambda state: state | {"door": True, "in": [CallerState.ADMITTED for _ in state["in"]]},
        ),
        Act(
            "organiser shuts",
            lambda campaign: set_door(campaign, False),
            always(door=False),
        ),
        Act(
            "organiser lets all in",
            lambda campaign: campaigns.admit(campaign, None),
            lambda state: state | {"in": [CallerState.ADMITTED for _ in state["in"]]},
        ),
    ]
    place = Place(made, lambda campaign_id: db.session.get_one(Campaign, campaign_id), state)
    assert faults_of_all_pairs(app_context, place, acts) == []
