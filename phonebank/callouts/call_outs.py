"""Call-outs: setting up a call-out, finding it by its code or link, and moving it from step to
step. The functions of this module do not commit."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from phonebank.callouts.board import begin_change, show_change
from phonebank.core.db import db
from phonebank.core.errors import GoneError, NotFoundError
from phonebank.models import Account, CallOut, CallOutStep, Campaign, now
from phonebank.models.party import new_code
from phonebank.parties.codes import normalise_code
from phonebank.parties.display_names import clean_name

# The minutes that the remote suggests for each step. Together they are 90.
MINUTES = {
    CallOutStep.SIGN_IN: 15,
    CallOutStep.PRACTISE: 25,
    CallOutStep.HOST: 20,
    CallOutStep.JOIN: 20,
    CallOutStep.THANKS: 10,
}
# A phone without network in the hall keeps what was typed, and may send it only on the way home. So
# a code still works for this long after the end.
TAKES_LATE = timedelta(hours=12)


def create_call_out(
    campaign: Campaign,
    account: Account,
    title: str,
    starts_at: datetime | None,
    time_zone: str,
    lets_host: bool = True,
) -> CallOut:
    """Set up a call-out. `starts_at` is an aware time, or None for now. Raises InvalidInputError if
    the title is empty, too long, or contains a character that cannot be shown."""
    call_out = CallOut(
        campaign_id=campaign.id,
        created_by_id=account.id,
        title=clean_name(title, "title"),
        starts_at=starts_at or now(),
        time_zone=time_zone,
        lets_host=lets_host,
        code=_unused_code(),
    )
    db.session.add(call_out)
    db.session.flush()
    return call_out


def call_outs_of(campaign: Campaign) -> Sequence[CallOut]:
    """Return up to fifty of the campaign's call-outs, newest first."""
    query = select(CallOut).where(CallOut.campaign_id == campaign.id)
    return db.session.scalars(query.order_by(CallOut.id.desc()).limit(50)).all()


def call_out_for(campaign: Campaign, call_out_id: int) -> CallOut:
    """Return the campaign's call-out with this id. Raises NotFoundError if there is no such
    call-out."""
    call_out = db.session.get(CallOut, call_out_id)
    if call_out is None or call_out.campaign_id != campaign.id:
        raise NotFoundError("This campaign has no such call-out.", "Go back to its call-outs.")
    return call_out


def call_out_by_code(text: str) -> CallOut:
    """Return the call-out with this typed code. A code still works for TAKES_LATE after its
    call-out has ended. If several call-outs have this code, return the call-out that has not ended.
    If all of them have ended, return the one that ended last.

    Raises NotFoundError if no call-out has this code, or if every such call-out ended more than
    TAKES_LATE ago.
    """
    call_out = db.session.scalars(
        select(CallOut)
        .where(
            CallOut.code == normalise_code(text),
            CallOut.ended_at.is_(None) | (CallOut.ended_at > now() - TAKES_LATE),
        )
        .order_by(CallOut.ended_at.desc().nulls_first())
        .limit(1)
    ).first()
    if call_out is None:
        raise NotFoundError(
            "There is no call-out with this code, or it is over.",
            "Check the code on the screen in the hall.",
        )
    return call_out


def call_out_by_projector(token: str) -> CallOut:
    """Return the call-out whose projector link has this token. Raises GoneError for any other
    token."""
    return _by_link(CallOut.projector_token == token)


def call_out_by_remote(token: str) -> CallOut:
    """Return the call-out whose remote-control link has this token. Raises GoneError for any other
    token."""
    return _by_link(CallOut.remote_token == token)


def move(call_out: CallOut, step: CallOutStep) -> None:
    """Show another step on the projector. The call-out starts when a step is shown for the first
    time."""
    begin_change(call_out)
    at = now()
    call_out.began_at = call_out.began_at or at
    if call_out.step != step or call_out.step_at is None:
        call_out.step, call_out.step_at = step, at
    show_change(call_out)


def end(call_out: CallOut) -> None:
    """End the call-out, and show the step THANKS on the projector. If the call-out lets people
    become hosts (`lets_host`), a job then tries to make a party from each pledge by a person who
    gave an e-mail address. After the end of this call-out, a new one may get the same code. If the
    call-out has already ended, its end time does not change."""
    begin_change(call_out)
    call_out.step = CallOutStep.THANKS
    call_out.ended_at = call_out.ended_at or now()
    show_change(call_out)


def _by_link(is_link: ColumnElement[bool]) -> CallOut:
    call_out = db.session.scalar(select(CallOut).where(is_link))
    if call_out is None:
        raise GoneError("This link isn't right.", "Ask the organiser to send it again.")
    return call_out


def _unused_code() -> str:
    while True:
        code = new_code()
        taken = select(CallOut.id).where(CallOut.code == code, CallOut.ended_at.is_(None))
        if db.session.scalar(taken) is None:
            return code
