"""The answers to the steps of a call's script, saved one by one. Nothing here commits."""

import uuid
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.calls.hold import OpenCall, is_stale, not_an_own_call
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.models import Answer, Call, Caller, now
from phonebank.scripts.versions import script_of
from scripts_library.engine import InvalidAnswerError, check_answer

# Statements are built once: building them takes longer than PostgreSQL needs to answer them.
# The update locks the call and gives its row a new version. An outcome that has read the answers
# without this one then finds the call changed, and reads again.
_LOCK = (
    update(Call)
    .where(Call.id == bindparam("own_call"), Call.caller_id == bindparam("own_caller"))
    .values(turn=Call.turn)
    .returning(Call)
    .execution_options(synchronize_session=False, populate_existing=True)
)
_ANSWERS = select(Answer.step_id, Answer.value).where(Answer.call_id == bindparam("call_id"))


def save_answer(
    caller: Caller,
    call_id: uuid.UUID,
    step_id: str,
    raw: Any,
    turn: int | None = None,
    seq: int | None = None,
) -> Any:
    """Save the answer to a step. Return the value that is stored afterwards.

    A later answer replaces an earlier one. Two kinds of late requests replace nothing: a request
    from before the call was undone (its `turn` is not the call's), and a request that was sent
    before the one with the stored answer. `seq` grows with every answer that a page sends; None (a
    form without JavaScript) counts as the newest. An empty answer (None, blank) is stored too if
    the step allows it: it says that the caller has gone past the step.

    Raises NotFoundError, ConflictError once the outcome is recorded, InvalidInputError for a step
    or answer that the script does not have.
    """
    call = db.session.scalar(_LOCK, {"own_call": call_id, "own_caller": caller.id})
    if call is None:
        raise not_an_own_call()
    if call.outcome is not None:
        raise ConflictError("This call is already recorded.", "Undo it first to change an answer.")
    value = _checked(call, step_id, raw)
    if is_stale(turn, call.turn):
        return answers_of(call).get(step_id)
    row = insert(Answer).values(
        call_id=call.id, step_id=step_id, value=value, answered_at=now(), seq=seq
    )
    new = row.excluded
    kept = db.session.execute(
        row.on_conflict_do_update(
            index_elements=["call_id", "step_id"],
            set_={
                "value": new.value,
                "answered_at": new.answered_at,
                "seq": func.coalesce(new.seq, Answer.seq),
            },
            where=or_(new.seq.is_(None), Answer.seq.is_(None), new.seq > Answer.seq),
        ).returning(Answer.step_id)
    ).one_or_none()
    return value if kept else answers_of(call).get(step_id)


def last_seq(call: Call | OpenCall) -> int:
    """Return the highest `seq` of the call's answers; 0 if there are no answers."""
    return db.session.scalar(select(func.max(Answer.seq)).where(Answer.call_id == call.id)) or 0


def answers_of(call: Call | OpenCall) -> dict[str, Any]:
    """Return a call's answers by step id."""
    return dict(db.session.execute(_ANSWERS, {"call_id": call.id}).all())


def _checked(call: Call, step_id: str, raw: Any) -> Any:
    script = script_of(call.script_version_id)
    if script is None or not script.has_step(step_id):
        raise InvalidInputError("This call's script doesn't have this step.", "Reload the page.")
    try:
        return check_answer(script.step(step_id), raw)
    except InvalidAnswerError as refused:
        raise InvalidInputError(str(refused)) from None
