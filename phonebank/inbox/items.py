"""What organisers do with the answers that need action: read them, claim them, let others claim
them again, mark them as done, and write notes. These functions do not commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, literal_column, select, update

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.exports.columns import merge_values
from phonebank.models import (
    Account,
    Answer,
    Call,
    Caller,
    Campaign,
    Contact,
    InboxItem,
    InboxState,
    ScriptVersion,
    TextSent,
    now,
)
from phonebank.models.inbox_item import NEEDS_ACTION
from phonebank.scripts.versions import script_of
from scripts_library.merge_fields import render_text

SHOWN_AT_MOST = 50
NOTE_AT_MOST = 1000

# An item is not shown if its call was undone or set aside, or if its answer was corrected and no
# longer needs action.
_STILL_SAID: ColumnElement[bool] = exists().where(
    Call.id == InboxItem.call_id,
    Call.outcome.is_not(None),
    Call.set_aside_at.is_(None),
    ScriptVersion.id == Call.script_version_id,
    Answer.call_id == Call.id,
    Answer.step_id == InboxItem.step_id,
    literal_column(NEEDS_ACTION),
)


@dataclass(frozen=True)
class InboxAnswer:
    """An answer that needs action, with the person, the caller and the caller's note. `question`
    and `answer` are in words. `claimed_by` is the organiser who has claimed the answer or marked it
    as done, or None."""

    item: InboxItem
    contact: Contact
    question: str
    answer: str
    note_of_call: str
    caller: str
    claimed_by: Account | None
    text_sent_at: datetime | None

    @property
    def name(self) -> str:
        """The person's first and last name, or “Name not known” if the person has neither."""
        whole = f"{self.contact.first_name} {self.contact.last_name}".strip()
        return whole or "Name not known"


def counts(campaign: Campaign) -> dict[InboxState, int]:
    """Return how many answers in the campaign's inbox are in each state."""
    rows = db.session.execute(
        select(InboxItem.state, func.count())
        .where(InboxItem.campaign_id == campaign.id, _STILL_SAID)
        .group_by(InboxItem.state)
    )
    return dict.fromkeys(InboxState, 0) | dict(iter(rows))


def items_in(campaign: Campaign, state: InboxState, after: int = 0) -> list[InboxAnswer]:
    """Return up to SHOWN_AT_MOST answers that are in this state and whose ids are higher than
    `after`. The oldest answer comes first."""
    query = _query().where(
        InboxItem.campaign_id == campaign.id, InboxItem.state == state, InboxItem.id > after
    )
    rows = db.session.execute(query.order_by(InboxItem.id).limit(SHOWN_AT_MOST))
    return [_wanted(row, campaign) for row in rows]


def item_for(campaign: Campaign, item_id: int) -> InboxAnswer:
    """Return one answer. Raises NotFoundError if there is no such answer, or if the answer was
    corrected and no longer needs action. Also raises NotFoundError if the answer's call was undone
    or set aside (taken out of every total)."""
    query = _query().where(InboxItem.campaign_id == campaign.id, InboxItem.id == item_id)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            "This answer is not in the inbox any more.", "Go back to the inbox to see the others."
        )
    return _wanted(row, campaign)


def claim_item(campaign: Campaign, item_id: int, account: Account) -> None:
    """Claim the answer for this organiser. Raises the errors of `item_for`, and ConflictError if
    the answer is already claimed or done."""
    _change(
        campaign, item_id, (InboxState.OPEN,), state=InboxState.CLAIMED, claimed_by_id=account.id
    )


def put_back(campaign: Campaign, item_id: int) -> None:
    """Let any organiser claim the answer again, even if it was done. Raises the errors of
    `item_for`, and ConflictError if the answer is neither claimed nor done."""
    states = (InboxState.CLAIMED, InboxState.DONE)
    _change(campaign, item_id, states, state=InboxState.OPEN, claimed_by_id=None)


def finish_item(campaign: Campaign, item_id: int, account: Account) -> None:
    """Mark the answer as done by this organiser. Raises the errors of `item_for`, and ConflictError
    if the answer is already done."""
    states = (InboxState.OPEN, InboxState.CLAIMED)
    _change(campaign, item_id, states, state=InboxState.DONE, claimed_by_id=account.id)


def set_note(campaign: Campaign, item_id: int, note: str, seen: str) -> None:
    """Replace the organisers' note on the answer. `seen` is the note that the organiser's page
    showed.

    Raises the errors of `item_for`, and InvalidInputError if the note is too long. Raises
    ConflictError if another organiser has changed the note in the meantime.
    """
    note = note.replace("\0", "").replace("\r\n", "\n").strip()
    if len(note) > NOTE_AT_MOST:
        raise InvalidInputError(
            f"A note can have at most {NOTE_AT_MOST:,} characters.", "Shorten it."
        )
    _change(
        campaign,
        item_id,
        tuple(InboxState),
        InboxItem.note == seen.replace("\r\n", "\n"),
        note=note,
    )


def _change(
    campaign: Campaign,
    item_id: int,
    states: tuple[InboxState, ...],
    also: ColumnElement[bool] | None = None,
    **values: object,
) -> None:
    mine = update(InboxItem).where(
        InboxItem.id == item_id,
        InboxItem.campaign_id == campaign.id,
        InboxItem.state.in_(states),
        _STILL_SAID,
    )
    if also is not None:
        mine = mine.where(also)
    changed = mine.values(changed_at=now(), **values).returning(InboxItem.id)
    if db.session.scalar(changed.execution_options(synchronize_session=False)) is not None:
        return
    there = item_for(campaign, item_id)
    if also is not None:
        raise ConflictError(
            "Somebody has changed this note since you opened the page.",
            "Go back and reload the page. Then write your note.",
        )
    who = there.claimed_by.name or there.claimed_by.email if there.claimed_by else "Somebody"
    said = {
        InboxState.OPEN: f"{who} has already put this answer back.",
        InboxState.CLAIMED: f"{who} is already doing this.",
        InboxState.DONE: f"{who} has already done this.",
    }
    raise ConflictError(said[there.item.state], "Go back and reload the page.")


def _query() -> Any:
    return (
        select(
            InboxItem,
            Contact,
            Answer.value,
            Call.script_version_id,
            Call.note,
            Caller.first_name,
            Account,
            TextSent.sent_at,
        )
        .join(Call, Call.id == InboxItem.call_id)
        .join(Answer, (Answer.call_id == Call.id) & (Answer.step_id == InboxItem.step_id))
        .join(Contact, Contact.id == InboxItem.contact_id)
        .join(Caller, Caller.id == Call.caller_id)
        .outerjoin(Account, Account.id == InboxItem.claimed_by_id)
        .outerjoin(TextSent, TextSent.call_id == Call.id)
        .where(_STILL_SAID)
        .execution_options(populate_existing=True)
    )


def _wanted(row: Row[*tuple[Any, ...]], campaign: Campaign) -> InboxAnswer:
    item, contact, value, version_id, note, caller, account, sent_at = row
    fields = {
        **merge_values(campaign),
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "caller_name": caller,
    }
    question, answer = words_of_answer(version_id, item.step_id, value, fields)
    return InboxAnswer(item, contact, question, answer, note, caller, account, sent_at)


def words_of_answer(
    version_id: int, step_id: str, value: Any, fields: Mapping[str, str | None]
) -> tuple[str, str]:
    """Return the question and the answer in the words of the script version. If several answers
    were chosen, the text has the words of all of them, and not only of those that need action. If
    the script version does not have the step, return the id of the step and the stored answer as
    text."""
    script = script_of(version_id)
    if script is None or not script.has_step(step_id):
        return step_id, str(value)
    step = script.step(step_id)
    keys = value if isinstance(value, list) else [value]
    choices = [step.choice(str(key)) for key in keys]
    labels = [render_text(choice.label, fields) for choice in choices if choice]
    return render_text(step.title, fields), ", ".join(labels)
