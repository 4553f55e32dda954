"""Tests the judge of the benchmarks' phones.

It sees every kind of broken promise, and none where there is none.
"""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from bench.promises import broken_promises
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from tests.factories import create_caller, create_campaign, create_contact, create_list

# What breaks each promise: an SQL statement, or what the phones noted.
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "acknowledged and not stored as said": ("", {"saved": {"%saved": "talked"}}),
    "stored and never acknowledged": ("", {"saved": {}}),
    "phones that were not done": ("", {"unsettled": ["1 phone is not done"]}),
    "what the phones saw broken": ("", {"broken": ["on two screens"]}),
    "holds that were lost before the time they were renewed to": (
        "UPDATE call SET ended_at = now(), ending = 'expired' WHERE ended_at IS NULL",
        {"promised": {"%held": 2e9}},
    ),
    "tallies that are not the recount": ("UPDATE tally SET calls = calls + 1", {}),
    "contacts in two calls at the same time": (
        "UPDATE call SET contact_id = (SELECT contact_id FROM call WHERE outcome IS NOT NULL),"
        " started_at = started_at - interval '1 minute' WHERE outcome IS NULL",
        {},
    ),
    "callers in two calls at the same time": (
        "UPDATE call SET caller_id = (SELECT caller_id FROM call WHERE outcome IS NOT NULL),"
        " started_at = started_at - interval '1 minute' WHERE outcome IS NULL",
        {},
    ),
    "contacts whose attempts are not their counted calls": (
        "UPDATE contact SET attempts = attempts + 1",
        {},
    ),
}


@pytest.mark.parametrize("name", [None, *FAULTS])
def test_the_judge_sees(app_context: Flask, name: str | None) -> None:
    campaign = create_campaign()
    contact_list = create_list(campaign)
    for _ in range(2):
        create_contact(contact_list)
    sam, priya = create_caller(campaign), create_caller(campaign)
    db.session.commit()
    ids = {"%saved": str(claim(sam).call.id)}
    db.session.commit()
    record(sam, claim(sam).call.id, "no_answer")
    db.session.commit()
    ids["%held"] = str(claim(priya).call.id)
    db.session.commit()
    db.session.execute(text("CREATE TEMPORARY TABLE tried_before (id bigint) ON COMMIT DROP"))
    measured: dict[str, Any] = {
        "saved": {ids["%saved"]: "no_answer"},
        "promised": {ids["%held"]: 2e9},
        "unsettled": [],
        "broken": [],
    }
    statement, noted = FAULTS[name] if name else ("", {})
    if statement:
        db.session.execute(text(statement))
    for key, value in noted.items():
        measured[key] = (
            {ids[each]: told for each, told in value.items()} if isinstance(value, dict) else value
        )
    found = {promise for promise, broken in broken_promises(measured).items() if broken}
    assert (name in found) if name else not found
