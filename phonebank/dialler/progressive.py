"""Progressive calling: calls one person for each caller who is ready. Commits."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from phonebank.calls.claim import claim
from phonebank.calls.claim_rows import read_caller
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.dialler.rows import CallerRow
from phonebank.models import Call, now
from phonebank.roster.pace import PacePausedError
from phonebank.telephony.phases import Phase
from phonebank.telephony.sessions import want_person_line

ASKS_AGAIN_AFTER = timedelta(seconds=10)

_SET_NOTICE = text("""
UPDATE phone_session SET notice = :notice, ask_again_at = :ask_again_at
WHERE caller_id = :caller_id
""")


def is_due(caller: CallerRow, at: datetime) -> bool:
    """Whether to look for a person for this caller now. True if the caller is waiting, does not
    want to finish, and has no open call. If the last search found nobody, the pause after that
    search must also be over."""
    if caller.situation.phase != Phase.WAITING or caller.finishing or caller.call_id is not None:
        return False
    return caller.ask_again_at is None or caller.ask_again_at <= at


def claim_for(caller: CallerRow, backend: str) -> None:
    """Claim the next person for a caller who is ready, and store a line to that person.

    If the caller can get nobody now, store a notice that tells the caller why. The dialler tries
    again some seconds later.
    """
    row = read_caller(caller.caller_id)
    if row is None:
        return
    try:
        hold = claim(row)
        if hold.is_new:
            want_person_line(row, db.session.get_one(Call, hold.call.id), backend)
        notice = ""
    except IntegrityError:
        db.session.rollback()
        return
    except PhonebankError as reason:
        if not isinstance(reason, PacePausedError):
            db.session.rollback()
        notice = f"{reason.message} {reason.what_to_do}".strip()
    set_notice(caller.caller_id, notice)


def set_notice(caller_id: int, notice: str) -> None:
    """Store a notice, which the caller's page shows. The notice says why nobody is being called for
    this caller, or is "" if somebody is being called. If it is not "", the dialler looks for a
    person again some seconds later. Commits."""
    ask_again_at = now() + ASKS_AGAIN_AFTER if notice else None
    told = {"caller_id": caller_id, "notice": notice, "ask_again_at": ask_again_at}
    db.session.execute(_SET_NOTICE, told)
    db.session.commit()
