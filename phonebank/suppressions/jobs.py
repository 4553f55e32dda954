"""The job of the do-not-call list: lift what a batch entered, piece by piece."""

from phonebank.jobs import IMPORTS, job
from phonebank.stores import again_after_deadlock, db
from phonebank.suppressions import batches


@job(IMPORTS, timeout=60 * 60)
def lift_batch(batch_id: int) -> None:
    """Lift what a batch alone entered, from where the last attempt stopped."""
    lift_all(batch_id)


def lift_all(batch_id: int) -> None:
    """Lift what a batch alone entered. Commits as it goes."""
    while _lift_some(batch_id):
        pass


@again_after_deadlock
def _lift_some(batch_id: int) -> int:
    lifted = batches.lift_some(batch_id)
    db.session.commit()
    return lifted
