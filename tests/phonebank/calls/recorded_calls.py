"""Calls with an outcome, and what boards count of them."""

import uuid
from typing import Any

from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Call, Caller
from phonebank.tallies.totals import Totals, party_totals
from scripts_library.engine import path
from tests.phone_bank import PhoneBank, call_of


def counts(totals: Totals) -> tuple[int, int, int, int]:
    return totals.calls, totals.reached, totals.conversations, totals.yeses


def record_call(bank: PhoneBank, outcome: str, caller=None, **values):
    caller = caller or bank.sam
    hold = claim(caller)
    db.session.commit()
    record(caller, hold.call.id, outcome, **values)
    db.session.commit()
    return call_of(hold)


def recorded(caller: Caller, call_id: uuid.UUID, outcome: str, **values: Any) -> Call:
    """Record an outcome and return its call, without a commit."""
    record(caller, call_id, outcome, **values)
    return db.session.get_one(Call, call_id, populate_existing=True)


def walk_to(step_id: str, script, caller, call) -> None:
    """Answer the script, always with the first choice, until it stands at this step."""
    while (step := path(script, answers_of(call), {})[-1]).id != step_id:
        save_answer(caller, call.id, step.id, step.choices[0].key if step.choices else None)


def party(bank: PhoneBank) -> Totals:
    return party_totals([bank.party.id])[bank.party.id]
