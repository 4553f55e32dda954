"""Two organisers, or an organiser and a worker, act on one contact list at the same moment. Every
pair of actions is tried."""

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.lists import imports, undo
from phonebank.lists import services as lists
from phonebank.models import (
    ContactList,
)
from tests.factories import (
    create_campaign,
    create_list,
)
from tests.two_at_once import Act, Becomes, Place, State, faults_of_all_pairs, one_row, only_from


def _cancels(contact_list: ContactList) -> None:
    lists.cancel(contact_list)
    db.session.flush()


@pytest.mark.parametrize("state", ["uploaded", "importing", "ready"])
def test_an_undone_list_stays_undone(app_context: Flask, state: str) -> None:
    def make() -> ContactList:
        return create_list(create_campaign(), state=state, removed=state == "undone")

    def there(becomes: Becomes) -> Becomes:
        return lambda state: None if state["state"] == "deleted" else becomes(state)

    not_undone = there(lambda state: None if state["state"] == "undone" else state)
    acts = [
        Act(
            "confirms",
            lambda one: lists.confirm(one, "Ward", 0, ["phone"]),
            only_from("state", ["uploaded"], state="queued"),
        ),
        Act("cancels", _cancels, only_from("state", ["uploaded"], state="deleted", removed=None)),
        Act(
            "takes out",
            lists.pause,
            lambda state: not_undone(state) and state | {"removed": True},
        ),
        Act(
            "puts back",
            lists.resume,
            lambda state: not_undone(state) and state | {"removed": False},
        ),
        Act(
            "undoes",
            undo.begin_undo,
            only_from("state", undo.UNDOABLE, state="undone", removed=True),
        ),
        Act(
            "a worker begins",
            lambda one: imports.begin_import(one.id),
            lambda state: (
                state
                | ({"state": "importing"} if state["state"] in ("queued", "importing") else {})
            ),
        ),
        Act(
            "a worker ends",
            lambda one: imports.finish_import(one.id),
            lambda state: state | ({"state": "ready"} if state["state"] == "importing" else {}),
        ),
    ]

    def of(row_id: int) -> State:
        one = db.session.get(ContactList, row_id)
        if one is None:
            return {"state": "deleted", "removed": None}
        return {"state": one.state, "removed": one.removed}

    if state != "uploaded":
        acts = acts[2:]
    place = one_row(ContactList, make, lambda one: {})
    assert faults_of_all_pairs(app_context, Place(place.made, place.read, of), acts) == []
