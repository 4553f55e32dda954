"""Keeps decisions of the pacing rule, with what they were made from. Does not commit."""

from datetime import datetime

from phonebank.core.db import db
from phonebank.models import DialDecision
from phonebank.pacing.records import values_of
from phonebank.pacing.snapshot import Decision, PacingMode, Snapshot


def keep_decision(
    campaign_id: int, moment: Snapshot, decision: Decision, at: datetime
) -> DialDecision | None:
    """Keep a decision if it dials lines before callers are ready for them; else return None.

    Each line that the decision dials has its id in `Line.decision_id`. `at` is aware.
    """
    if not decision.lines or decision.mode == PacingMode.PROGRESSIVE:
        return None
    kept = DialDecision(
        campaign_id=campaign_id,
        at=at,
        **values_of(moment, decision),
    )
    db.session.add(kept)
    db.session.flush()
    return kept
