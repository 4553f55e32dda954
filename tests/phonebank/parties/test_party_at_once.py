"""Two hosts press two buttons of one party at once, or name co-hosts: every two of them."""

from typing import Any

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.models import Account, Party, RoleName
from phonebank.parties import cohosts
from phonebank.parties import services as parties
from tests.factories import (
    create_account,
    create_campaign,
    create_party,
)
from tests.two_at_once import (
    Act,
    Becomes,
    Place,
    State,
    always,
    faults_of_all_pairs,
    one_row,
    only_from,
)


def _while_on(**changes: Any) -> Becomes:
    return only_from("state", ("open", "locked"), **changes)


def _party_state(party: Party) -> State:
    return {
        "state": party.state,
        "over": party.ended_at is not None,
        "paused": party.paused,
        "timed": party.break_until is not None,
        "goal": party.goal,
        "title": party.title,
        "celebrate": party.celebrate,
    }


def _settings(party: Party) -> None:
    parties.set_goal(party, 7)
    parties.rename_party(party, "Other")
    parties.set_celebration(party, False)


PARTY_ACTS = [
    Act("lock", parties.lock, _while_on(state="locked")),
    Act("unlock", parties.unlock, _while_on(state="open")),
    Act("break", parties.start_break, _while_on(paused=True, timed=False)),
    Act("short", lambda party: parties.start_break(party, 5), _while_on(paused=False, timed=True)),
    Act("end break", parties.end_break, _while_on(paused=False, timed=False)),
    Act("settings", _settings, _while_on(goal=7, title="Other", celebrate=False)),
    Act("new code", parties.change_code, _while_on()),
    Act(
        "end",
        parties.end_party,
        lambda state: (
            state
            | (
                {}
                if state["over"]
                else {"state": "ended", "over": True, "paused": False, "timed": False}
            )
        ),
    ),
]


@pytest.mark.parametrize("state", ["open", "locked"])
def test_a_party_that_is_over_stays_over(app_context: Flask, state: str) -> None:
    def make() -> Party:
        return create_party(create_campaign(), create_account(RoleName.HOST), state=state)

    place = one_row(Party, make, _party_state)
    assert faults_of_all_pairs(app_context, place, PARTY_ACTS) == []


def invites(number: int) -> Act:
    def becomes(state: State) -> State | None:
        after = state["cohosts"] | {number}
        is_refused = state["state"] == "ended" or len(after) > cohosts.COHOSTS_AT_MOST
        return None if is_refused else state | {"cohosts": after}

    return Act(
        f"invites {number}",
        lambda rows: cohosts.invite_cohost(rows[1], rows[0], rows[2][number].email),
        becomes,
    )


def removes(number: int) -> Act:
    def becomes(state: State) -> State | None:
        is_one = number in state["cohosts"]
        return state | {"cohosts": state["cohosts"] - {number}} if is_one else None

    return Act(
        f"removes {number}",
        lambda rows: cohosts.remove_cohost(rows[1], rows[0], rows[2][number].id),
        becomes,
    )


def its_first_cohost_locks() -> Act:
    def do(rows: Any) -> None:
        party = parties.party_for(rows[2][0], rows[0].id, to_change=True)
        parties.lock(party)

    def becomes(state: State) -> State | None:
        may = 0 in state["cohosts"] and state["state"] != "ended"
        return state | {"state": "locked"} if may else None

    return Act("its first co-host locks", do, becomes)


@pytest.mark.parametrize("cohosts_before", [0, 1])
def test_a_party_has_two_cohosts_at_most_when_two_invite_at_once(
    app_context: Flask, cohosts_before: int
) -> None:
    def made() -> tuple[int, list[int]]:
        people = [create_account(RoleName.HOST) for _ in range(4)]
        party = create_party(create_campaign(), create_account(RoleName.HOST))
        party.cohosts.extend(people[:cohosts_before])
        db.session.commit()
        return party.id, [one.id for one in people]

    def read(where: Any) -> Any:
        party = db.session.get_one(Party, where[0])
        assert len(party.cohosts) == cohosts_before
        host = db.session.get_one(Account, party.host_id)
        return party, host, [db.session.get_one(Account, one) for one in where[1]]

    def state(where: Any) -> State:
        party = db.session.get_one(Party, where[0])
        return {
            "cohosts": {where[1].index(one.id) for one in party.cohosts},
            "state": party.state,
        }

    acts = [
        invites(2),
        invites(3),
        removes(0),
        its_first_cohost_locks(),
        Act("ends", lambda rows: parties.end_party(rows[0]), always(state="ended")),
    ]
    assert faults_of_all_pairs(app_context, Place(made, read, state), acts) == []
