"""Where a hold ends: the call's row and Redis' copy of the hold end together."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import phonebank
from phonebank.calls.claim import claim
from phonebank.calls.hold import release_hold
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.contact_queue.holds import end_expired_holds, release_caller
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.models import CallEnding
from tests.phone_bank import PhoneBank, call_of

HOLDS = Path("contact_queue/holds.py")


def held_in_redis(bank: PhoneBank) -> set[int]:
    return set(redis_queue_of(bank.campaign.id).held_until())


def test_every_way_to_end_a_hold_frees_the_contact_in_redis(phone_bank: PhoneBank) -> None:
    ways = {
        CallEnding.RECORDED: lambda call: record(phone_bank.sam, call.id, "no_answer"),
        CallEnding.GIVEN_BACK: lambda call: release_hold(phone_bank.sam, call.id),
        CallEnding.TAKEN_AWAY: lambda call: release_caller(phone_bank.sam.id),
        CallEnding.EXPIRED: lambda call: end_expired_holds(
            phone_bank.campaign.id, call.expires_at + timedelta(seconds=1)
        ),
    }
    for ending, end in ways.items():
        hold = claim(phone_bank.sam)
        db.session.commit()
        assert held_in_redis(phone_bank) == {hold.contact.id}
        call = call_of(hold)
        end(call)
        assert held_in_redis(phone_bank) == {hold.contact.id}, "not before the commit"
        db.session.commit()
        db.session.refresh(call)
        assert call.ending == ending
        assert held_in_redis(phone_bank) == set()


def test_an_undo_holds_the_contact_in_redis_again(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    record(phone_bank.sam, hold.call.id, "no_answer")
    db.session.commit()
    undo(phone_bank.sam, hold.call.id)
    db.session.commit()
    assert held_in_redis(phone_bank) == {hold.contact.id}


def test_no_other_module_ends_a_call() -> None:
    root = Path(phonebank.__file__).parent
    elsewhere = []
    for path in root.rglob("*.py"):
        if path.relative_to(root) == HOLDS:
            continue
        source = path.read_text(encoding="utf-8")
        writes = [
            target
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Attribute) and target.attr == "ending"
        ]
        if writes or re.search(r"UPDATE call\b[^;\"]*?SET\s+ended_at\b|\bending = '", source):
            elsewhere.append(str(path.relative_to(root)))
    assert elsewhere == []
