"""Who is in a party: let in, rename, hide, remove. The verbs do not commit; screens hear after."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select, update

from phonebank.errors import BadInput, NotFound
from phonebank.live.signal import board_changed
from phonebank.live.telling import ADMITTED as TOLD_ADMITTED
from phonebank.live.telling import MESSAGE, tell_callers
from phonebank.models import Call, Caller, Party, now
from phonebank.models.call import TAKEN_AWAY
from phonebank.models.caller import ADMITTED, REMOVED, WAITING
from phonebank.parties.devices import end_session
from phonebank.parties.names import clean_name
from phonebank.parties.verbs import callers_inside, tell_boards
from phonebank.stores import after_commit, db
from phonebank.tallies import caller_totals

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
    return _callers(party, WAITING)


def roster(party: Party) -> list[Guest]:
    """Callers who are in, by first name."""
    shares = {share.caller_id: share for share in caller_totals(party.id)}
    guests = [
        Guest(caller, share.calls if share else 0, share.conversations if share else 0)
        for caller in _callers(party, ADMITTED)
        for share in [shares.get(caller.id)]
    ]
    return sorted(guests, key=lambda guest: (guest.caller.first_name.casefold(), guest.caller.id))


def share_in_words(calls: int, conversations: int) -> str:
    """What somebody did, as the host's list says it: “1 conversation, 3 calls”."""
    talks = "conversation" if conversations == 1 else "conversations"
    return f"{conversations} {talks}, {calls} {'call' if calls == 1 else 'calls'}"


def caller_in(party: Party, caller_id: int) -> Caller:
    """The caller, if they are in or waiting. Raises NotFound."""
    caller = db.session.get(Caller, caller_id)
    if caller is None or caller.party_id != party.id or caller.state == REMOVED:
        raise NotFound("This caller is no longer in the party.", "Reload the page.")
    return caller


def admit(callers: Iterable[Caller]) -> int:
    """Let these callers in, and return how many were waiting still.

    One who was removed meanwhile stays out: the database decides, not what a page last showed.
    """
    waiting_ids = [caller.id for caller in callers]
    admitted = db.session.execute(
        update(Caller)
        .where(Caller.id.in_(waiting_ids), Caller.state == WAITING)
        .values(state=ADMITTED)
        .returning(Caller.id, Caller.campaign_id, Caller.party_id)
    ).all()
    after_commit(lambda: tell_callers([row.id for row in admitted], TOLD_ADMITTED))
    for campaign_id, party_id in {(row.campaign_id, row.party_id) for row in admitted}:
        _tell_boards_later(campaign_id, party_id)
    return len(admitted)


def admit_all(party: Party) -> int:
    """Let in everyone who waits; returns how many."""
    return admit(waiting(party))


def set_door(party: Party, is_open: bool) -> None:
    """Open: whoever has the code is let in at once, and those who wait now. Shut: each waits."""
    party.door_open = is_open
    if is_open:
        admit_all(party)
    tell_boards(party)


def rename_caller(caller: Caller, first_name: str) -> None:
    """Give a caller another name on the board and in the list; a word that the door refuses is the
    host's to allow. They keep it when they come in again. Raises BadInput."""
    caller.first_name = clean_name(first_name)
    caller.named_by_host = True
    _tell_boards_of(caller)


def hide_caller(caller: Caller, hidden: bool) -> None:
    """Keep a caller's name off the board, or put it back. Their calls count either way."""
    caller.hidden = hidden
    _tell_boards_of(caller)


def remove_caller(caller: Caller) -> None:
    """Put a caller out, on every device and in every tab; what they recorded still counts.

    The person they hold is taken away and may be rung by somebody else. An open door would let
    them straight back in, so it shuts.
    """
    caller.state = REMOVED
    end_session(caller)
    db.session.execute(
        update(Call)
        .where(Call.caller_id == caller.id, Call.ended_at.is_(None))
        .values(ended_at=now(), ending=TAKEN_AWAY)
    )
    if caller.party_id is not None:
        db.session.get_one(Party, caller.party_id).door_open = False
    _tell_boards_of(caller)


def send_message(party: Party, text: str) -> None:
    """Show a message to everyone who is in, on the screen they have open. It is kept nowhere.

    Raises BadInput for an empty message or one over 200 characters.
    """
    words = " ".join(text.split())
    if not words:
        raise BadInput("The message is empty.", "Write what everyone should know.")
    if len(words) > MESSAGE_AT_MOST:
        raise BadInput(
            f"The message has {len(words)} characters.",
            f"Use {MESSAGE_AT_MOST} characters at most: people read it between two calls.",
        )
    callers = callers_inside(party)
    after_commit(lambda: tell_callers(callers, MESSAGE, {"text": words}))


def _callers(party: Party, state: str) -> list[Caller]:
    query = (
        select(Caller)
        .where(Caller.party_id == party.id, Caller.state == state)
        .order_by(Caller.created_at, Caller.id)
    )
    return list(db.session.scalars(query))


def _tell_boards_of(caller: Caller) -> None:
    _tell_boards_later(caller.campaign_id, caller.party_id)


def _tell_boards_later(campaign_id: int, party_id: int | None) -> None:
    after_commit(lambda: board_changed(campaign_id, party_id))
