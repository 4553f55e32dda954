"""Who is in a party, as its host sees them. The verbs do not commit; screens hear after that.

What a host does with one caller is `phonebank.roster`'s, for an organiser does the same.
"""

from dataclasses import dataclass

from sqlalchemy import select

from phonebank.core.db import after_commit, db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.live.caller_events import MESSAGE, emit_to_callers
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState, Party
from phonebank.parties.display_names import clean_name
from phonebank.parties.services import callers_inside
from phonebank.roster.admit import admit
from phonebank.roster.remove import remove as remove_caller
from phonebank.roster.rename import hide as hide_caller
from phonebank.roster.rename import rename
from phonebank.tallies.totals import caller_totals

__all__ = [
    "Guest",
    "admit",
    "admit_all",
    "caller_in",
    "hide_caller",
    "remove_caller",
    "rename_caller",
    "roster",
    "send_message",
    "set_door",
    "share_in_words",
    "waiting",
]

MESSAGE_AT_MOST = 200  # characters


@dataclass(frozen=True)
class Guest:
    """A caller in the party, with their share of it."""

    caller: Caller
    calls: int
    conversations: int

    @property
    def share(self) -> str:
        """What they did, in words."""
        return share_in_words(self.calls, self.conversations)


def waiting(party: Party) -> list[Caller]:
    """Callers who wait to be let in, the longest first."""
    return _callers(party, CallerState.WAITING)


def roster(party: Party) -> list[Guest]:
    """Callers who are in, by first name."""
    shares = {share.caller_id: share for share in caller_totals(party.id)}
    guests = [
        Guest(caller, share.calls if share else 0, share.conversations if share else 0)
        for caller in _callers(party, CallerState.ADMITTED)
        for share in [shares.get(caller.id)]
    ]
    return sorted(guests, key=lambda guest: (guest.caller.first_name.casefold(), guest.caller.id))


def share_in_words(calls: int, conversations: int) -> str:
    """What somebody did, as the host's list says it: “1 conversation, 3 calls”."""
    talks = "conversation" if conversations == 1 else "conversations"
    return f"{conversations} {talks}, {calls} {'call' if calls == 1 else 'calls'}"


def caller_in(party: Party, caller_id: int) -> Caller:
    """The caller, if they are in or waiting. Raises NotFoundError."""
    caller = db.session.get(Caller, caller_id)
    if caller is None or caller.party_id != party.id or caller.state == CallerState.REMOVED:
        raise NotFoundError("This caller is no longer in the party.", "Reload the page.")
    return caller


def admit_all(party: Party) -> int:
    """Let in everyone who waits; returns how many."""
    # Those who are coming in this moment have looked at the door, or look at it after us.
    lock_row(party)
    return admit(waiting(party))


def set_door(party: Party, is_open: bool) -> None:
    """Open: whoever has the code is let in at once, and those who wait now. Shut: each waits."""
    lock_row(party)
    party.door_open = is_open
    if is_open:
        admit_all(party)
    mark_after_commit(party.id)


def rename_caller(caller: Caller, first_name: str) -> None:
    """Give a caller another name; a word that the door refuses is the host's to allow.

    Raises InvalidInputError, and NotFoundError for one who is no longer where they were shown.
    """
    rename(caller, clean_name(first_name))


def send_message(party: Party, text: str) -> None:
    """Show a message to everyone who is in, on the screen they have open. It is kept nowhere.

    Raises InvalidInputError for an empty message or one over 200 characters.
    """
    words = " ".join(text.split())
    if not words:
        raise InvalidInputError("The message is empty.", "Type what everyone should know.")
    if len(words) > MESSAGE_AT_MOST:
        raise InvalidInputError(
            f"The message has {len(words)} characters.",
            f"Use up to {MESSAGE_AT_MOST} characters. People read it between calls.",
        )
    callers = callers_inside(party)
    after_commit(lambda: emit_to_callers(callers, MESSAGE, {"text": words}))


def _callers(party: Party, state: str) -> list[Caller]:
    query = (
        select(Caller)
        .where(Caller.party_id == party.id, Caller.state == state)
        .order_by(Caller.created_at, Caller.id)
    )
    return list(db.session.scalars(query))
