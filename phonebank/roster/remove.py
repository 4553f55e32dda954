"""Putting a caller out, for hosts and organisers alike. Nothing here commits."""

from phonebank.contact_queue.holds import release_caller
from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState
from phonebank.roster.devices import end_session
from phonebank.roster.rooms import NotInThisRoom, lock_in_room, room_of


def remove(caller: Caller, shut_the_door: bool = True) -> None:
    """Put a caller out of the room in which they were read, on every device and in every tab; what
    they recorded still counts.

    The person whom they hold can be called by somebody else at once. An open door would let the
    caller straight back in, so the one they came through shuts, unless it is kept from them in
    another way.

    Raises NotInThisRoom when they are somewhere else by now, or out already.
    """
    room = room_of(caller)
    lock_row(room)
    # Somebody who is being handed to them this moment is theirs by then, and is taken back too.
    lock_in_room(caller)
    release_caller(caller.id)
    caller.state = CallerState.REMOVED
    end_session(caller)
    if shut_the_door:
        room.door_open = False
    mark_after_commit(caller.party_id)


def remove_anywhere(caller: Caller, shut_the_door: bool = True) -> None:
    """Put a caller out of their campaign, also when they have just gone to another party of it.

    Raises NotInThisRoom for one who is out already.
    """
    while True:
        try:
            # Its end lets go of the door of a room that they have left.
            with db.session.begin_nested():
                remove(caller, shut_the_door)
            return
        except NotInThisRoom:
            db.session.refresh(caller)
            if caller.state == CallerState.REMOVED:
                raise
