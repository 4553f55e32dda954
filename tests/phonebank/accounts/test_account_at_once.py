"""Two organisers change one account at once: every pair of changes."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.accounts import accounts, invitations, roles
from phonebank.campaigns import chapters
from phonebank.core.db import db
from phonebank.models import Account, Campaign, Chapter, RoleName
from tests.factories import (
    create_account,
    create_campaign,
)
from tests.two_at_once import Act, Becomes, Place, State, always, faults_of_all_pairs


def read(where: Any) -> Any:
    other = db.session.get_one(Account, where[2]) if where[2] else None
    this = db.session.get_one(Account, where[1])
    list(this.roles)  # as a request has read them
    return db.session.get_one(Campaign, where[0]), this, other


def state(where: Any) -> State:
    campaign, this, other = read(where)
    return {
        "roles": {one.name for one in this.roles},
        "active": this.active,
        "other has role": bool(other and other.is_organiser),
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


def the_other_may_step_down(state: State) -> State | None:
    # Unlike a deactivation, this is refused for one who is no organiser any more.
    gone = the_other_may_go(state) if state["other has role"] else None
    return gone and gone | {"other has role": False}


def _take_organiser(rows: Any) -> None:
    roles.take_role(rows[1], RoleName.ORGANISER, roles.EVERYWHERE, None)


def _take_others(rows: Any) -> None:
    roles.take_role(rows[2], RoleName.ORGANISER, roles.EVERYWHERE, None)


def no_organiser_more(state: State) -> State | None:
    if RoleName.ORGANISER not in state["roles"]:
        return None
    left = {"roles": state["roles"] - {RoleName.ORGANISER}}
    return if_another_organises(**left)(state)


def made_a_viewer(state: State) -> State | None:
    if not state["active"]:
        return None
    with_role = state["roles"] - {RoleName.ORGANISER} | {RoleName.VIEWER}
    return if_another_organises(roles=with_role)(state)


def invited_to_host(state: State) -> State | None:
    if not state["active"]:
        return None
    return state | {"hosts": True, "roles": _as_host(state["roles"])}


def invited_to_organise(state: State) -> State | None:
    roles_then = state["roles"] - {RoleName.VIEWER} | {RoleName.ORGANISER}
    return state | {"roles": roles_then} if state["active"] else None


@pytest.mark.parametrize(
    ("role", "others"), [(RoleName.ORGANISER, 0), (RoleName.ORGANISER, 1), (RoleName.HOST, 1)]
)
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
        Act("organises no more", _take_organiser, no_organiser_more),
        Act(
            "made a viewer",
            lambda rows: roles.give_role(rows[1], RoleName.VIEWER, roles.EVERYWHERE, None),
            made_a_viewer,
        ),
        Act(
            "invited to host",
            lambda rows: invitations.invite_host(rows[0], rows[1].email, "", None),
            invited_to_host,
        ),
        Act(
            "invited to organise",
            lambda rows: invitations.invite_with_role(
                rows[1].email, "", RoleName.ORGANISER, roles.EVERYWHERE, None
            ),
            invited_to_organise,
        ),
    ]
    if others:
        acts.append(Act("other shut", lambda rows: accounts.deactivate(rows[2]), the_other_may_go))
        acts.append(Act("other organises no more", _take_others, the_other_may_step_down))
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
            lambda rows: invitations.invite_host(rows[0], rows[1], "", None),
            lambda state: state | {"hosts": True, "roles": _as_host(state["roles"])},
        ),
        Act(
            "invited to organise",
            lambda rows: invitations.invite_with_role(
                rows[1], "", RoleName.ORGANISER, roles.EVERYWHERE, None
            ),
            lambda state: state | {"roles": state["roles"] | {RoleName.ORGANISER}},
        ),
    ]
    assert faults_of_all_pairs(app_context, Place(made, read, state), acts) == []


def test_one_role_in_a_scope_whatever_two_organisers_do(app_context: Flask) -> None:
    """And a chapter that is being deleted gets no role, or stays."""

    def made() -> tuple[int, int]:
        chapter = Chapter(name=f"North {create_account().id}")
        account = create_account()
        db.session.add(chapter)
        db.session.commit()
        return chapter.id, account.id

    def read_both(where: tuple[int, int]) -> Any:
        chapter, account = db.session.get(Chapter, where[0]), db.session.get_one(Account, where[1])
        list(account.scoped_roles)
        return chapter, account, roles.Scope(chapter_id=where[0])

    def state_of(where: tuple[int, int]) -> State:
        chapter, account, _ = read_both(where)
        return {"chapter": bool(chapter), "role": [one.role for one in account.scoped_roles]}

    def given(role: RoleName) -> Becomes:
        return lambda state: state | {"role": [role]} if state["chapter"] else None

    def if_held(state: State) -> State | None:
        return state | {"role": []} if RoleName.VIEWER in state["role"] else None

    def if_empty(state: State) -> State | None:
        empty = state["chapter"] and not state["role"]
        return state | {"chapter": False} if empty else None

    def give(role: RoleName) -> Callable[[Any], object]:
        return lambda rows: roles.give_role(rows[1], role, rows[2], None)

    acts = [
        Act("made a viewer", give(RoleName.VIEWER), given(RoleName.VIEWER)),
        Act("made an organiser", give(RoleName.ORGANISER), given(RoleName.ORGANISER)),
        Act("no viewer", lambda r: roles.take_role(r[1], RoleName.VIEWER, r[2], None), if_held),
        Act("chapter deleted", lambda rows: chapters.delete_chapter(rows[0], None), if_empty),
    ]
    assert faults_of_all_pairs(app_context, Place(made, read_both, state_of), acts) == []
