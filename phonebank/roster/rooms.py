"""A caller's room: their party, or the campaign itself for callers who joined by its link.

The room's row is locked before a caller's row, because `door_open` of the room decides whether a
newcomer is admitted.
"""

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Caller, CallerState, Campaign, Party

Room = Party | Campaign


class NotInRoomError(NotFoundError):
    """The error for a caller who was removed, or went to another party, after their row was
    read."""

    def __init__(self) -> None:
        super().__init__("This caller is no longer in the party.", "Reload the page.")


def room_of(caller: Caller) -> Room:
    """Return the party that the caller is in, or their campaign."""
    if caller.party_id is None:
        return db.session.get_one(Campaign, caller.campaign_id)
    return db.session.get_one(Party, caller.party_id)


def lock_in_room(caller: Caller) -> None:
    """Lock a caller's row, and check that they are still in the room in which they were read.

    The page that sent the request showed them in that room. Raises NotInRoomError if the caller was
    removed or is in another room by now.
    """
    shown = caller.party_id
    lock_row(caller)
    if caller.state == CallerState.REMOVED or caller.party_id != shown:
        raise NotInRoomError
