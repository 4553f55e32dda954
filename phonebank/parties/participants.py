"""The callers in a party, as its host sees them. The functions of this module do not commit.

Most actions on one caller are in `phonebank.roster`. Organisers can take the same actions, also on
callers who are in no party.
"""

from dataclasses import dataclass

from sqlalchemy import select

from phonebank.core.db import after_commit, db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.live.caller_events import MESSAGE, emit_to_callers
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState, Party, now
from phonebank.parties.display_names import clean_name
from phonebank.parties.doing import NOT_YET, Doing, doing_in
from phonebank.parties.services import admitted_ids
from phonebank.roster.rename import rename
from phonebank.tallies.totals import caller_totals

MESSAGE_AT_MOST = 200  # characters


@dataclass(frozen=True)
class Guest:
    """A caller in the party. `calls` and `conversations` are the numbers of the caller's calls and
    conversations in this party. `doing` is what the caller is doing now."""

    caller: Caller
    calls: int
    conversations: int
    doing: Doing

    @property
    def share(self) -> str:
        """What the caller has done, in words."""
        return describe_share(self.calls, self.conversations)


def waiting_callers(party: Party) -> list[Caller]:
    """Return the callers who are waiting to be admitted. The caller who joined the campaign
    earliest comes first, even if another caller has waited longer in this party."""
    return _callers(party, CallerState.WAITING)


def guests(party: Party) -> list[Guest]:
    """Return the admitted callers, sorted by first name."""
    shares = {share.caller_id: share for share in caller_totals(party.id)}
    doing = doing_in(party)
    found = [
        Guest(caller, share.calls if share else 0, share.conversations if share else 0, now_doing)
        for caller in _callers(party, CallerState.ADMITTED)
        for share, now_doing in [(shares.get(caller.id), doing.get(caller.id, NOT_YET))]
    ]
    return sorted(found, key=lambda guest: (guest.caller.first_name.casefold(), guest.caller.id))


def describe_share(calls: int, conversations: int) -> str:
    """Return what a caller has done, in the words of the host's list, such as “1 conversation, 3
    calls”."""
    talks = "conversation" if conversations == 1 else "conversations"
    return f"{conversations} {talks}, {calls} {'call' if calls == 1 else 'calls'}"


def caller_in(party: Party, caller_id: int) -> Caller:
    """Return a caller who is in the party or is waiting to be admitted. Raises NotFoundError if
    there is no such caller."""
    caller = db.session.get(Caller, caller_id)
    if caller is None or caller.party_id != party.id or caller.state == CallerState.REMOVED:
        raise NotFoundError("This caller is no longer in the party.", "Reload the page.")
    return caller


def rename_caller(caller: Caller, first_name: str) -> None:
    """Change a caller's name. The name may have a word that the join page refuses as a slur or bad
    word.

    Raises InvalidInputError if the name is not allowed, and NotFoundError if the caller was removed
    or has moved to another party.
    """
    rename(caller, clean_name(first_name))


def send_message(party: Party, text: str) -> None:
    """Show a message on the open screens of all admitted callers and, for some minutes, on the
    board.

    Raises InvalidInputError if the message is empty or longer than 200 characters.
    """
    words = " ".join(text.split())
    if not words:
        raise InvalidInputError("The message is empty.", "Type what everyone should know.")
    if len(words) > MESSAGE_AT_MOST:
        raise InvalidInputError(
            f"The message has {len(words)} characters.",
            f"Use up to {MESSAGE_AT_MOST} characters. People read it between calls.",
        )
    party.message, party.message_at = words, now()
    mark_after_commit(party.id)
    callers = admitted_ids(party)
    after_commit(lambda: emit_to_callers(callers, MESSAGE, {"text": words}))


def _callers(party: Party, state: str) -> list[Caller]:
    query = (
        select(Caller)
        .where(Caller.party_id == party.id, Caller.state == state)
        .order_by(Caller.created_at, Caller.id)
    )
    return list(db.session.scalars(query))
