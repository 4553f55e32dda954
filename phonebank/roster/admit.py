"""Admits waiting callers, either individually or all those in a room (a party or a campaign). The
functions of this module do not commit."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, update

from phonebank.core.db import after_commit, db
from phonebank.core.locks import lock_row
from phonebank.live.caller_events import ADMITTED, emit_to_callers
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState, Party
from phonebank.roster.rooms import Room


def admit(callers: Iterable[Caller], for_organiser: bool = False) -> int:
    """Of these callers, admit those who are waiting and are still in the room (party or campaign)
    that they were in when their rows were read. Return how many callers were admitted.

    After the commit, the screens of the admitted callers continue automatically. A held caller,
    whom only an organiser may admit, is admitted only with `for_organiser`.

    The current state in the database decides who is admitted. A caller who has been removed or has
    moved to another party since their row was read is not admitted.
    """
    shown: dict[int | None, list[int]] = {}
    for caller in callers:
        shown.setdefault(caller.party_id, []).append(caller.id)
    return sum(
        _admit(Caller.id.in_(ids) & Caller.party_id.is_not_distinct_from(party_id), for_organiser)
        for party_id, ids in shown.items()
    )


def admit_all(room: Room) -> int:
    """Admit every caller who is waiting in a room (a party or a campaign), except held callers,
    whom only an organiser may admit. Return how many were admitted.

    If the room is a campaign, only callers who are in no party are admitted.
    """
    # A caller who joins at this moment has read `door_open` before this lock and is admitted below,
    # or reads it after the commit.
    lock_row(room)
    return _admit(_is_in(room))


def set_door(room: Room, is_open: bool) -> None:
    """Open or close the door of a room (a party or a campaign). The door decides whether newcomers
    must wait. The door of a campaign is only for callers who use the campaign's own link.

    Opening the door admits all callers who are already waiting, except held callers, whom only an
    organiser may admit. While the door is open, newcomers with the code or link are admitted
    immediately, except those who must wait because of their network address (see
    `blocked_addresses`). While the door is closed, newcomers wait.
    """
    lock_row(room)
    room.door_open = is_open
    if is_open:
        admit_all(room)
    if isinstance(room, Party):
        mark_after_commit(room.id)


def admit_some(room: Room, caller_ids: Iterable[int], for_organiser: bool = False) -> int:
    """Admit those of the given callers who are waiting in the room (a party or a campaign). Return
    how many were admitted. A held caller, whom only an organiser may admit, is admitted only with
    `for_organiser`."""
    return _admit(_is_in(room) & Caller.id.in_(list(caller_ids)), for_organiser)


def _is_in(room: Room) -> ColumnElement[bool]:
    if isinstance(room, Party):
        return Caller.party_id == room.id
    return (Caller.campaign_id == room.id) & Caller.party_id.is_(None)


def _admit(which: ColumnElement[bool], for_organiser: bool = False) -> int:
    if not for_organiser:
        which &= ~Caller.held
    admitted = db.session.execute(
        update(Caller)
        .where(which, Caller.state == CallerState.WAITING)
        .values(state=CallerState.ADMITTED, held=False)
        .returning(Caller.id, Caller.campaign_id, Caller.party_id),
        # Only the changed rows are refreshed among the callers read before.
        execution_options={"synchronize_session": "fetch"},
    ).all()
    ids = [row.id for row in admitted]
    after_commit(lambda: emit_to_callers(ids, ADMITTED))
    for party_id in {row.party_id for row in admitted}:
        mark_after_commit(party_id)
    return len(ids)
