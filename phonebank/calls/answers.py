"""Stores the answers to the steps of a call's script, one by one. These functions do not commit."""

import json
import uuid
from typing import Any

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from phonebank.calls.hold import OpenCall, is_stale, not_an_own_call
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.statement import Statement
from phonebank.models import Answer, Call, Caller, now
from phonebank.models.call import TAKEN_OVER
from phonebank.scripts.versions import script_of
from scripts_library.engine import InvalidAnswerError, check_answer

# An outcome or an undo may change the call after it was read and before the answer is saved. Then
# the call is read and the answer is saved again. There are at most this many tries.
TRIES_AT_MOST = 3

# Statements are built once, because building them takes longer than PostgreSQL takes to answer.
_CALL = Statement(
    select(Call.id, Call.script_version_id, Call.outcome, Call.turn).where(
        Call.id == bindparam("call_id"), Call.caller_id == bindparam("caller_id"), Call.phone != ""
    )
)
# The UPDATE locks the call and gives its row a new version. If a request is recording an outcome at
# this moment and has not read this answer, that request finds that the call has changed, and reads
# the answers again.
_SAVE = Statement(
    text("""
WITH unrecorded AS (
    UPDATE call SET turn = turn WHERE id = :call_id AND outcome IS NULL AND turn = :turn
    RETURNING id
), saved AS (
    INSERT INTO answer AS old (call_id, step_id, value, answered_at, seq)
    SELECT id, :step_id, :value, :at, CAST(:seq AS bigint) FROM unrecorded
    ON CONFLICT (call_id, step_id) DO UPDATE
    SET value = excluded.value, answered_at = excluded.answered_at,
        seq = coalesce(excluded.seq, nullif(old.seq, :taken_over))
    WHERE excluded.seq IS NULL OR old.seq IS NULL OR excluded.seq > old.seq
    RETURNING step_id
)
SELECT (SELECT count(*) FROM unrecorded) AS is_unrecorded, (SELECT count(*) FROM saved) AS is_saved
""").bindparams(bindparam("value", type_=JSONB), taken_over=TAKEN_OVER)
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
    """Save the answer to a step. Return the answer that is stored afterwards (None if there is
    none).

    A later answer replaces an earlier one. A request whose `turn` differs from the call's turn (the
    number of undos so far) was sent before an undo, and changes nothing. A request without a turn
    (None) counts as sent after the last undo. A request that is older than the stored answer
    changes nothing either. `seq` shows which answer is newer, because a page sends each answer with
    a higher `seq` than the answer before. A form without JavaScript sends no `seq` (None), and its
    answer counts as the newest.

    If the step allows an empty answer (None, blank or an empty list), None is stored as the answer.
    It means that the caller has gone on from the step without an answer.

    Raises NotFoundError if the caller has no such call or the person called was erased. Raises
    ConflictError if the outcome has been recorded, or if the call changed during each of
    TRIES_AT_MOST tries. Raises InvalidInputError for a step that the script does not have or an
    answer that the step does not accept.
    """
    for _ in range(TRIES_AT_MOST):
        call = _CALL.row({"call_id": call_id, "caller_id": caller.id})
        if call is None:
            raise not_an_own_call(call_id, caller.id)
        if call.outcome is not None:
            break
        value = _checked(call.script_version_id, step_id, raw)
        if is_stale(turn, call.turn):
            return answers_of(call).get(step_id)
        saved = _SAVE.row(
            {
                "call_id": call.id,
                "turn": call.turn,
                "step_id": step_id,
                "value": json.dumps(value),
                "at": now(),
                "seq": seq,
            }
        )
        if saved.is_unrecorded:
            return value if saved.is_saved else answers_of(call).get(step_id)
    raise ConflictError("This call is already recorded.", "Undo it first to change an answer.")


def last_seq(call: Call | OpenCall) -> int:
    """Return the highest sequence number (`seq`) of the call's answers, or 0 if none of these
    answers was sent with a sequence number."""
    newest = db.session.scalar(select(func.max(Answer.seq)).where(Answer.call_id == call.id))
    return max(0, newest or 0)


def answers_of(call: Call | OpenCall) -> dict[str, Any]:
    """Return a call's answers by step id."""
    return dict(db.session.execute(_ANSWERS, {"call_id": call.id}).all())


def _checked(script_version_id: int | None, step_id: str, raw: Any) -> Any:
    script = script_of(script_version_id)
    if script is None or not script.has_step(step_id):
        raise InvalidInputError("This call's script doesn't have this step.", "Reload the page.")
    try:
        return check_answer(script.step(step_id), raw)
    except InvalidAnswerError as refused:
        raise InvalidInputError(str(refused)) from None
