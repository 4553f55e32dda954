"""Puts numbers on the do-not-call list for other software, which sends them with a token. The
calling code commits.

The numbers that a token enters on one day (in UTC) and for one reason form one batch. If an
organiser removes this batch, later numbers of the same day form a new one. Organisers see the batch
among the files on the do-not-call page, and can remove its numbers in one step.
"""

from collections.abc import Sequence

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError, TooManyRequestsError
from phonebank.core.locks import get_locked
from phonebank.models import (
    ApiToken,
    BatchState,
    SuppressionBatch,
    SuppressionOrigin,
    now,
)
from phonebank.suppressions.batches import suppress_batch

# One request may name this many numbers.
AT_ONCE = 100
# No organiser reviews these numbers before they are entered. So this limit keeps a faulty program
# from entering very many numbers.
NUMBERS_A_DAY = 1000


def suppress_by_token(token_id: int, phones: Sequence[str], reason: str) -> None:
    """Put E.164 numbers on the do-not-call list on behalf of other software.

    Raises TooManyRequestsError if the token would enter more than NUMBERS_A_DAY numbers on this day
    (in UTC), and NotFoundError if the token no longer exists.
    """
    # The lock makes two requests of one token take turns, so they share a batch and the count.
    token = get_locked(ApiToken, token_id)
    if token is None:
        raise NotFoundError("This token does not exist any more.", "Ask an organiser for another.")
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    of_today = (SuppressionBatch.api_token_id == token.id, SuppressionBatch.created_at >= today)
    numbers = func.coalesce(func.sum(SuppressionBatch.numbers), 0)
    if db.session.scalars(select(numbers).where(*of_today)).one() + len(phones) > NUMBERS_A_DAY:
        raise TooManyRequestsError(
            f"A token may put {NUMBERS_A_DAY:,} numbers a day on the do-not-call list, and these "
            "would be more.",
            "Upload a do-not-call file instead: its page shows first what it would do.",
        )
    open_batch = select(SuppressionBatch).where(
        *of_today, SuppressionBatch.reason == reason, SuppressionBatch.state == BatchState.ENTERED
    )
    batch = db.session.scalars(open_batch.with_for_update(key_share=True)).first()
    if batch is None:
        batch = SuppressionBatch(
            api_token_id=token.id,
            source=SuppressionOrigin.ORGANISER,
            reason=reason,
            filename=f"Other software: {token.name}",
            account_id=token.created_by_id,
        )
        db.session.add(batch)
        db.session.flush()
    suppress_batch(phones, batch)
