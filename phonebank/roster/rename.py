"""Renames callers, and hides their names from the board. The functions of this module do not
commit."""

from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller
from phonebank.roster.rooms import lock_in_room


def rename(caller: Caller, first_name: str) -> None:
    """Change a caller's name on the board and in the list of callers. The caller keeps this name
    even if they join again under another name, unless they were removed in the meantime.

    Check `first_name` with `parties.display_names` first. Raises NotInRoomError if the caller has
    been removed or is now in another room (party or campaign).
    """
    lock_in_room(caller)
    caller.first_name = first_name
    caller.named_by_host = True
    mark_after_commit(caller.party_id)


def hide(caller: Caller, hidden: bool) -> None:
    """Hide a caller's name from the board, or show the name again. The caller's calls count either
    way.

    Raises NotInRoomError if the caller has been removed or is now in another room (party or
    campaign).
    """
    lock_in_room(caller)
    caller.hidden = hidden
    mark_after_commit(caller.party_id)
