"""Stores decisions about how many lines (telephone connections) to dial. Each decision is stored
with the figures that it was based on. Nothing here commits."""

from datetime import datetime

from phonebank.core.db import db
from phonebank.models import DialDecision
from phonebank.pacing.records import values_of
from phonebank.pacing.snapshot import Decision, PacingMode, Snapshot


def keep_decision(
    campaign_id: int, moment: Snapshot, decision: Decision, at: datetime
) -> DialDecision | None:
    """If the predictive rule has decided to dial lines (telephone connections), store and return
    the decision. This rule may dial more lines than there are ready callers. If another rule
    decided, or if no lines are to be dialled, store nothing and return None.

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
