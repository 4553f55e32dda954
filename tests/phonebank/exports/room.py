"""A campaign with calls to download."""

from dataclasses import dataclass
from typing import Any

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Caller, Campaign, ContactList, RoleName
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_list,
    create_party,
    create_script,
)

SCRIPT = """
slug: supper
language: en
title: Supper
purpose: To try out.
provenance: Written for this test.
licence: CC0-1.0
identification: This is {{ caller_name }} for {{ on_behalf_of }}.
fields:
  candidate: The candidate's name
main_question: vote
yes:
  vote: [ours]
steps:
  - id: vote
    kind: question
    title: How will {{ first_name or 'they' }} vote?
    words: How will you vote?
    answer: choice
    choices:
      - key: ours
        label: "{{ candidate or 'Our candidate' }}"
      - key: other
        label: Somebody else
    next: topics
  - id: topics
    kind: question
    title: What matters?
    words: What matters to you?
    answer: several
    choices:
      - key: bills
        label: Bills
      - key: health
        label: Health
    next: why
  - id: why
    kind: listen
    title: Why?
    words: Why is that?
    answer: text
    next: bye
  - id: bye
    kind: close
    title: Goodbye
    words: Thank you!
"""


@dataclass
class Room:
    """A party with one caller, calling from one list with `SCRIPT`."""

    campaign: Campaign
    contact_list: ContactList
    caller: Caller


def create_room() -> Room:
    campaign = create_campaign(name="Riverside: vote!", merge_values={"candidate": "Jo Bloggs"})
    contact_list = create_list(campaign, name="Ward list")
    party = create_party(campaign, create_account(RoleName.HOST), title="Tuesday night")
    create_script(campaign, SCRIPT)
    return Room(campaign, contact_list, create_caller(campaign, party, first_name="Sam"))


def make_call(
    room: Room, outcome: str, answers: dict[str, Any] | None = None, note: str = ""
) -> None:
    """One call, as the caller's screen makes it."""
    hold = claim(room.caller)
    for step_id, answer in (answers or {}).items():
        save_answer(room.caller, hold.call.id, step_id, answer)
    record(room.caller, hold.call.id, outcome, note=note)
    db.session.commit()
