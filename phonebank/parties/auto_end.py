"""Parties that nobody ended: a code and a television link that would otherwise work for ever."""

from datetime import timedelta

from sqlalchemy import exists, select

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.core.locks import lock_row
from phonebank.models import Call, Party, PartyState, now
from phonebank.parties.services import end_party

# A party is an evening. After a day without a call, its host has gone to bed and forgotten it.
FORGOTTEN_AFTER = timedelta(hours=24)


def forgotten() -> list[Party]:
    """Parties that were made and were to start a day ago or more, and had no call since."""
    before = now() - FORGOTTEN_AFTER
    rang_since = exists().where(Call.party_id == Party.id, Call.recorded_at > before)
    rings = exists().where(Call.party_id == Party.id, Call.ended_at.is_(None))
    return list(
        db.session.scalars(
            select(Party)
            .where(
                Party.state != PartyState.ENDED,
                Party.starts_at < before,
                Party.created_at < before,
                ~rang_since,
                ~rings,
            )
            .order_by(Party.id)
        )
    )


@job(CHORES, timeout=60)
def end_forgotten_parties() -> None:
    """End them, as their hosts would have. Periodic; harmless when run twice."""
    for party in forgotten():
        # Its host may have come back since we looked.
        lock_row(party)
        if party in forgotten():
            end_party(party)
        db.session.commit()
