"""Stores decisions about how many lines to dial, with the figures that the decisions were based on.
Nothing here commits."""

from datetime import datetime

from phonebank.core.db import db
from phonebank.models import DialDecision
from phonebank.pacing.records import values_of
from phonebank.pacing.snapshot import Decision, PacingMode, Snapshot


def keep_decision(
    campaign_id: int, moment: Snapshot, decision: Decision, at: datetime
) -> DialDecision | None:
    """Store and return a decision of the predictive rule to dial lines. The predictive rule may
    dial more lines than there are ready callers. For any other decision, and for a decision to dial
    no lines, store nothing and return None.

    Each line that is dialled because of the decision has the decision's id in `Line.decision_id`.
    `at` is aware.
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
