"""Requests for help that callers send to the host of their party. The host sees who is asking, and
marks the request as seen.

A caller chooses one of a few kinds of request, and types no text. If callers could type text, a
contact's name might appear on the host's screen.
"""

from datetime import timedelta

from sqlalchemy import select, update

from phonebank.core.db import after_commit, db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.live.caller_events import MESSAGE, emit_to_callers
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState, Party, now
from phonebank.roster.rooms import lock_in_room

# Each stored key, with the words of the caller's button and the words that the host reads.
ABOUT = {
    "words": ("I don't know what to say", "doesn't know what to say"),
    "upset": ("The person is upset or rude", "is talking to someone who is upset or rude"),
    "page": ("The page isn't working", "says the page isn't working"),
    "other": ("Something else", "needs help"),
}
# A second tap within this time is ignored.
AGAIN_AFTER = timedelta(minutes=1)
SEEN = "I've seen that you need help."


def ask_for_help(caller: Caller, about: str) -> bool:
    """Ask the host of the caller's party for help. Return True, or False if the caller has already
    asked within the last minute.

    `about` is a key of ABOUT, or "", which means "other". Raises InvalidInputError for any other
    value.
    Raises NotFoundError for a caller who is in no party, because there is no host to ask.
    """
    about = about or "other"
    if about not in ABOUT:
        raise InvalidInputError(
            "We didn't understand what you need help with.", "Choose one of the buttons."
        )
    if caller.party_id is None:
        raise NotFoundError(
            "You aren't at a party, so there is no host to ask.",
            "Ask the person who sent you the link.",
        )
    at = now()
    # The database decides this, so that two taps at once make only one request.
    asked = db.session.execute(
        update(Caller)
        .where(
            Caller.id == caller.id,
            (Caller.help_asked_at.is_(None)) | (Caller.help_asked_at <= at - AGAIN_AFTER),
        )
        .values(help_asked_at=at, help_about=about, help_seen=False)
        .returning(Caller.id)
    ).all()
    if asked:
        mark_after_commit(caller.party_id)
    return bool(asked)


def callers_asking(party: Party) -> list[Caller]:
    """Return the callers in the party whose request for help has not been marked as seen. Callers
    who were removed are left out. The caller who has waited longest comes first."""
    query = (
        select(Caller)
        .where(
            Caller.party_id == party.id,
            Caller.state != CallerState.REMOVED,
            Caller.help_asked_at.is_not(None),
            ~Caller.help_seen,
        )
        .order_by(Caller.help_asked_at, Caller.id)
    )
    return list(db.session.scalars(query))


def mark_seen(caller: Caller) -> None:
    """Mark a caller's request as seen. The request disappears from the host's list, and the
    caller's page says that the host has seen the request.

    Marking the request again changes nothing. Raises NotFoundError if the caller was removed or has
    moved to another party.
    """
    lock_in_room(caller)
    if caller.help_asked_at is None or caller.help_seen:
        return
    caller.help_seen = True
    caller_id = caller.id
    after_commit(lambda: emit_to_callers([caller_id], MESSAGE, {"text": SEEN}))
    mark_after_commit(caller.party_id)
