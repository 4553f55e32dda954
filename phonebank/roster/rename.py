"""What a caller is called, and whether the board shows it. Nothing here commits."""

from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller
from phonebank.roster.rooms import lock_in_room


def rename(caller: Caller, first_name: str) -> None:
    """Give a caller another name on the board and in the list, and keep it when they come in again.

    `first_name` is fit to be shown (see `parties.names`). Raises NotInThisRoom when the caller is
    somewhere else by now.
    """
    lock_in_room(caller)
    caller.first_name = first_name
    caller.named_by_host = True
    mark_after_commit(caller.party_id)


def hide(caller: Caller, hidden: bool) -> None:
    """Keep a caller's name off the board, or put it back. Their calls count either way.

    Raises NotInThisRoom when they are somewhere else by now.
    """
    lock_in_room(caller)
    caller.hidden = hidden
    mark_after_commit(caller.party_id)
