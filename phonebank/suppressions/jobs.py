"""The jobs of the do-not-call list: remove a batch's numbers, continue a removal that has stopped,
and delete files that nobody has confirmed."""

from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import CHORES, IMPORTS, enqueue, job
from phonebank.suppressions import batches, files


@job(IMPORTS, timeout=60 * 60)
def lift_batch(batch_id: int) -> None:
    """Remove a batch's numbers from the do-not-call list, except those that a caller, an organiser
    or another batch has put there too. If an earlier attempt was interrupted, continue where it
    stopped."""
    while _lift_some(batch_id):
        pass


@retry_on_deadlock
def _lift_some(batch_id: int) -> int:
    lifted = batches.lift_some(batch_id)
    db.session.commit()
    return lifted


@job(CHORES, timeout=60)
def resume_lifting() -> None:
    """Enqueue again the removals that began more than STALLED_AFTER ago and are not complete. Also
    delete old files whose numbers were never put on the do-not-call list."""
    files.delete_unentered_files()
    db.session.commit()
    for batch_id in batches.stalled_liftings():
        enqueue(lift_batch, batch_id)
