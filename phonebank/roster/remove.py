"""Removes callers from a party or a campaign. The functions of this module do not commit."""

from phonebank.contact_queue.holds import release_caller
from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState
from phonebank.roster.devices import end_session
from phonebank.roster.rooms import NotInRoomError, lock_in_room, room_of


def remove(caller: Caller, close_door: bool = True) -> None:
    """Remove a caller from a room (party or campaign), on every device and in every tab. The room
    is the one that the caller was in when the caller's row was read.

    The caller's recorded calls still count. After the commit, the contact on the caller's screen is
    free for another caller. The door of the room is closed, so that the removed caller must wait to
    be admitted after joining again, like every newcomer. With `close_door=False`, the door stays as
    it is. Pass False only if something else makes the removed caller wait.

    Raises NotInRoomError if the caller has already been removed or is now in another room (party or
    campaign).
    """
    room = room_of(caller)
    lock_row(room)
    # A claim that is under way commits before this lock, and its hold is released as well.
    lock_in_room(caller)
    release_caller(caller.id)
    caller.state = CallerState.REMOVED
    end_session(caller)
    if close_door:
        room.door_open = False
    mark_after_commit(caller.party_id)


def remove_anywhere(caller: Caller, close_door: bool = True) -> None:
    """Remove a caller from the campaign, as `remove` does, even if the caller has just moved to
    another room of the campaign.

    Raises NotInRoomError if the caller has already been removed.
    """
    while True:
        try:
            # When the savepoint ends, the room that the caller has left is unlocked.
            with db.session.begin_nested():
                remove(caller, close_door)
            return
        except NotInRoomError:
            db.session.refresh(caller)
            if caller.state == CallerState.REMOVED:
                raise
