"""Finds a caller's room (party or campaign), and locks a caller's row to check that the caller is
still in the same room. The room is the caller's party, or the campaign itself if the caller joined
with the campaign's link.

Code that locks the rows of a room and of a caller must lock the room's row first. The code that
lets a caller join needs this order. First it locks the room's row and reads `door_open`. Then it
stores whether the caller is admitted or waits.
"""

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Caller, CallerState, Campaign, Party

Room = Party | Campaign


class NotInRoomError(NotFoundError):
    """The error for a caller who was removed, or who moved to another party, after the caller's row
    was read."""

    def __init__(self) -> None:
        super().__init__("This caller is no longer in the party.", "Reload the page.")


def room_of(caller: Caller) -> Room:
    """Return the party that the caller is in, or the campaign if the caller is in no party."""
    if caller.party_id is None:
        return db.session.get_one(Campaign, caller.campaign_id)
    return db.session.get_one(Party, caller.party_id)


def lock_in_room(caller: Caller) -> None:
    """Lock a caller's row, and check that the caller is still in the same room (party or campaign)
    as when the row was read.

    So a host of one party cannot change a caller who has just moved to another party. Raises
    NotInRoomError if the caller has been removed or is now in another room.
    """
    shown = caller.party_id
    lock_row(caller)
    if caller.state == CallerState.REMOVED or caller.party_id != shown:
        raise NotInRoomError
