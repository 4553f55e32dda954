"""The state of a call-out, as its projector and its remote control show it. The remote control is
the page from which somebody moves the projector from step to step. After each change, the new state
is sent to the projector and to the remote control.

A change locks the call-out's row, so changes happen one after another. The transaction that makes a
change also counts the new figures, such as the number of people who signed in. These figures are
sent after the transaction commits. So each event has the whole state after one change, and its
figures match the rows that the change left in the database.
"""

from typing import Any

from sqlalchemy import func, select

from phonebank.core.db import after_commit, db
from phonebank.core.locks import lock_row
from phonebank.live.server import socketio
from phonebank.models import CallOut, Pledge, PledgeSeat, SignUp

NAMESPACE = "/call-out"
EVENT = "call-out"
LATEST = 12  # pledges that the projector names


def room_of(call_out_id: int) -> str:
    """Return the name of the call-out's Socket.IO room, which its projector and its remote control
    join."""
    return f"call-out:{call_out_id}"


def begin_change(call_out: CallOut) -> None:
    """Lock the call-out's row until the transaction ends. Call this function before you change
    anything that the projector shows."""
    lock_row(call_out)


def show_change(call_out: CallOut) -> None:
    """Raise the call-out's version by 1. Send the new state to the projector and the remote control
    as soon as the transaction commits."""
    call_out.version += 1
    db.session.flush()
    state = state_of(call_out)
    room = room_of(call_out.id)
    after_commit(lambda: socketio.emit(EVENT, state, namespace=NAMESPACE, to=room))


def state_of(call_out: CallOut) -> dict[str, Any]:
    """Return the state of the call-out, for its projector and its remote control. The result
    includes no data about people except first names and areas.

    "follows" is 0. This tells the page that it needs no earlier event, because each event has the
    whole state (see js/connection.js).
    """
    in_this = SignUp.call_out_id == call_out.id
    pledged = Pledge.call_out_id == call_out.id
    signed_in, practising = db.session.execute(
        select(func.count(), func.count(SignUp.caller_id)).where(in_this)
    ).one()
    parties, chairs = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Pledge.chairs), 0)).where(pledged)
    ).one()
    taken = db.session.scalar(
        select(func.count()).select_from(PledgeSeat).join(Pledge).where(pledged)
    )
    latest = db.session.execute(
        select(SignUp.first_name, Pledge.area)
        .join(Pledge, Pledge.sign_up_id == SignUp.id)
        .where(pledged)
        .order_by(Pledge.id.desc())
        .limit(LATEST)
    )
    return {
        "version": call_out.version,
        "follows": 0,
        "title": call_out.title,
        "step": call_out.step.value,
        "ended": call_out.has_ended,
        "signed_in": signed_in,
        "practising": practising,
        "parties": parties,
        "chairs": int(chairs),
        "places_taken": taken or 0,
        "latest": [{"name": name, "area": area} for name, area in latest],
    }
