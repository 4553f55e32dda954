"""End parties that their hosts forgot to end. If a party never ended, people could join it with its
code for ever."""

from datetime import timedelta

from sqlalchemy import exists, select

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.core.locks import lock_row
from phonebank.models import Call, Party, PartyState, now
from phonebank.parties.services import end_party

# A party lasts an evening. After a day without a call, its host has forgotten to end it.
FORGOTTEN_AFTER = timedelta(hours=24)


def forgotten_parties() -> list[Party]:
    """Return the parties that their hosts seem to have forgotten. Such a party was created, and
    should have started, more than a day ago, but has not ended. The party has no open call, and
    none of its calls was recorded in the last day."""
    before = now() - FORGOTTEN_AFTER
    called_since = exists().where(Call.party_id == Party.id, Call.recorded_at > before)
    calling_now = exists().where(Call.party_id == Party.id, Call.ended_at.is_(None))
    return list(
        db.session.scalars(
            select(Party)
            .where(
                Party.state != PartyState.ENDED,
                Party.starts_at < before,
                Party.created_at < before,
                ~called_since,
                ~calling_now,
            )
            .order_by(Party.id)
        )
    )


@job(CHORES, timeout=60)
def end_forgotten_parties() -> None:
    """End the parties that their hosts forgot to end. The clock process runs this job periodically,
    and running it twice does no harm."""
    for party in forgotten_parties():
        # The host may have come back since the query.
        lock_row(party)
        if party in forgotten_parties():
            end_party(party)
        db.session.commit()
