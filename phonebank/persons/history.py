"""Collects the calls to a person or by a caller. Each call comes with its answers in words, and
with its corrections."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Account, Answer, Call, CallCorrection, Caller, Campaign, Contact
from phonebank.scripts.versions import script_of
from scripts_library.merge_fields import render_text
from scripts_library.script import Script, Step

CALLS_SHOWN = 100
CALLS_A_PAGE = 50


@dataclass(frozen=True)
class AnswerInWords:
    """One answer of a call: the question's title, and the answer in the words of the script."""

    step_id: str
    question: str
    answer: str


@dataclass(frozen=True)
class CallDetails:
    """A call and the person who was called. `answers` are in the order of the script, and
    `corrections` have the oldest first. `caller` is None if no caller took the call. Each
    correction comes with the account that made it, or with None if that account was deleted."""

    call: Call
    caller: Caller | None
    contact: Contact
    answers: Sequence[AnswerInWords] = ()
    corrections: Sequence[tuple[CallCorrection, Account | None]] = field(default_factory=list)


def calls_to(contact: Contact, campaign: Campaign) -> list[CallDetails]:
    """Return up to CALLS_SHOWN calls to a person, newest first."""
    rows = db.session.execute(
        select(Call, Caller)
        .outerjoin(Caller, Caller.id == Call.caller_id)
        .where(Call.contact_id == contact.id)
        .order_by(Call.started_at.desc())
        .limit(CALLS_SHOWN)
    ).all()
    return _told([(call, caller, contact) for call, caller in rows], campaign)


def calls_by(caller: Caller, campaign: Campaign, page: int) -> tuple[list[CallDetails], bool]:
    """Return one page of the calls that a caller recorded, newest first, and whether there are
    calls that are older than those on the page. Pages are counted from 1."""
    rows = db.session.execute(
        select(Call, Contact)
        .join(Contact, Contact.id == Call.contact_id)
        .where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
        .order_by(Call.started_at.desc())
        .offset((page - 1) * CALLS_A_PAGE)
        .limit(CALLS_A_PAGE + 1)
    ).all()
    calls = [(call, caller, contact) for call, contact in rows[:CALLS_A_PAGE]]
    return _told(calls, campaign), len(rows) > CALLS_A_PAGE


def questions_of(call: Call) -> list[Step]:
    """Return the steps of the call's script that take an answer, in order. If the call has no
    script, return an empty list."""
    script = script_of(call.script_version_id)
    return [step for step in script.steps if step.answer is not None] if script else []


def answer_in_words(step: Step | None, value: Any, fields: Mapping[str, str | None]) -> str:
    """Return an answer in the words that people read, or "" if there is no answer."""
    if value in (None, "", []):
        return ""
    words = []
    for one in value if isinstance(value, list) else [value]:
        choice = step.choice(str(one)) if step is not None else None
        words.append(render_text(choice.label, fields) if choice else str(one))
    return ", ".join(words)


def _told(
    calls: Sequence[tuple[Call, Caller | None, Contact]], campaign: Campaign
) -> list[CallDetails]:
    ids = [call.id for call, _, _ in calls]
    answers: dict[uuid.UUID, dict[str, Any]] = {}
    for answer in db.session.scalars(select(Answer).where(Answer.call_id.in_(ids))):
        answers.setdefault(answer.call_id, {})[answer.step_id] = answer.value
    corrections: dict[uuid.UUID, list[tuple[CallCorrection, Account | None]]] = {}
    for correction, account in db.session.execute(
        select(CallCorrection, Account)
        .outerjoin(Account, Account.id == CallCorrection.account_id)
        .where(CallCorrection.call_id.in_(ids))
        .order_by(CallCorrection.id)
    ):
        corrections.setdefault(correction.call_id, []).append((correction, account))
    fields = {name: str(value) for name, value in campaign.merge_values.items()}
    return [
        CallDetails(
            call,
            caller,
            contact,
            _in_words(
                script_of(call.script_version_id),
                answers.get(call.id, {}),
                fields
                | {
                    "first_name": contact.first_name,
                    "caller_name": caller.first_name if caller else "",
                },
            ),
            corrections.get(call.id, []),
        )
        for call, caller, contact in calls
    ]


def _in_words(
    script: Script | None, answers: Mapping[str, Any], fields: Mapping[str, str | None]
) -> list[AnswerInWords]:
    steps = {step.id: step for step in script.steps} if script else {}
    told = []
    for step_id in [
        *(known for known in steps if known in answers),
        *sorted(answers.keys() - steps),
    ]:
        step = steps.get(step_id)
        words = answer_in_words(step, answers[step_id], fields)
        if words:
            title = render_text(step.title, fields) if step else step_id
            told.append(AnswerInWords(step_id, title, words))
    return told
