"""The jobs of the do-not-call list: lift what a batch entered, and look after those left behind."""

from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import CHORES, IMPORTS, enqueue, job
from phonebank.suppressions import batches


@job(IMPORTS, timeout=60 * 60)
def lift_batch(batch_id: int) -> None:
    """Lift what a batch alone entered, from where the last attempt stopped."""
    lift_all(batch_id)


def lift_all(batch_id: int) -> None:
    """Lift what a batch alone entered. Commits as it goes."""
    while _lift_some(batch_id):
        pass


@retry_on_deadlock
def _lift_some(batch_id: int) -> int:
    lifted = batches.lift_some(batch_id)
    db.session.commit()
    return lifted


@job(CHORES, timeout=60)
def resume_lifting() -> None:
    """Take up what a killed worker left behind, and forget files that nobody entered."""
    batches.delete_unentered_files()
    db.session.commit()
    for batch_id in batches.stalled_liftings():
        enqueue(lift_batch, batch_id)
