"""Two organisers change one account at once: every pair of changes."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.accounts import accounts, invitations, roles
from phonebank.core.db import db
from phonebank.models import Account, Campaign, RoleName
from tests.factories import (
    create_account,
    create_campaign,
)
from tests.two_at_once import Act, Becomes, Place, State, always, faults_of_all_pairs


def read(where: Any) -> Any:
    other = db.session.get_one(Account, where[2]) if where[2] else None
    this = db.session.get_one(Account, where[1])
    assert this.roles
    return db.session.get_one(Campaign, where[0]), this, other


def state(where: Any) -> State:
    campaign, this, other = read(where)
    return {
        "roles": {one.name for one in this.roles},
        "active": this.active,
        "other organises": bool(other and other.active and other.is_organiser),
        "hosts": [one.id for one in campaign.hosts] == [this.id],
    }


def if_another_organises(**changes: Any) -> Becomes:
    def becomes(state: State) -> State | None:
        needed = RoleName.ORGANISER in state["roles"] and not state["other organises"]
        return None if needed else state | changes

    return becomes


def the_other_may_go(state: State) -> State | None:
    if state["other organises"] and not (state["active"] and RoleName.ORGANISER in state["roles"]):
        return None
    return state | {"other organises": False}


def invited_to_host(state: State) -> State | None:
    if not state["active"]:
        return None
    return state | {"hosts": True, "roles": _as_host(state["roles"])}


def invited_to_organise(state: State) -> State | None:
    return state | {"roles": state["roles"] | {RoleName.ORGANISER}} if state["active"] else None


@pytest.mark.parametrize("role", [RoleName.ORGANISER, RoleName.HOST])
@pytest.mark.parametrize("others", [0, 1])
def test_an_account_is_shut_or_not_and_somebody_always_organises(
    app_context: Flask, role: str, others: int
) -> None:
    def made() -> tuple[int, int, int | None]:
        for one in db.session.scalars(select(Account)):
            one.active = False  # the accounts of the pair before
        this = create_account(role)
        other = create_account(RoleName.ORGANISER) if others else None
        campaign = create_campaign()
        db.session.commit()
        return campaign.id, this.id, other.id if other else None

    acts = [
        Act("shut", lambda rows: accounts.deactivate(rows[1]), if_another_organises(active=False)),
        Act("opened", lambda rows: accounts.reactivate(rows[1]), always(active=True)),
        Act(
            "made a host",
            lambda rows: roles.change_role(rows[1], RoleName.HOST),
            if_another_organises(roles={RoleName.HOST}),
        ),
        Act(
            "invited to host",
            lambda rows: invitations.invite_host(rows[0], rows[1].email, ""),
            invited_to_host,
        ),
        Act(
            "invited to organise",
            lambda rows: invitations.invite_organiser(rows[1].email, ""),
            invited_to_organise,
        ),
    ]
    if others:
        acts.append(Act("other shut", lambda rows: accounts.deactivate(rows[2]), the_other_may_go))
    assert faults_of_all_pairs(app_context, Place(made, read, state), acts) == []


def _as_host(roles: set[str]) -> set[str]:
    """The roles after an invitation to host: an organiser may host already."""
    return roles if RoleName.ORGANISER in roles else roles | {RoleName.HOST}


def test_a_new_address_invited_twice_at_once_gets_one_account(app_context: Flask) -> None:
    def made() -> tuple[int, str]:
        campaign = create_campaign()
        db.session.commit()
        return campaign.id, f"new{campaign.id}@example.org"

    def read(where: tuple[int, str]) -> Any:
        assert accounts.account_of(where[1]) is None
        return db.session.get_one(Campaign, where[0]), where[1]

    def state(where: tuple[int, str]) -> State:
        account = accounts.account_of(where[1])
        hosts = db.session.get_one(Campaign, where[0]).hosts
        return {
            "roles": {one.name for one in account.roles} if account else set(),
            "hosts": [one.email for one in hosts] == [where[1]],
        }

    acts = [
        Act(
            "invited to host",
            lambda rows: invitations.invite_host(rows[0], rows[1], ""),
            lambda state: state | {"hosts": True, "roles": _as_host(state["roles"])},
        ),
        Act(
            "invited to organise",
            lambda rows: invitations.invite_organiser(rows[1], ""),
            lambda state: state | {"roles": state["roles"] | {RoleName.ORGANISER}},
        ),
    ]
    assert faults_of_all_pairs(app_context, Place(made, read, state), acts) == []
