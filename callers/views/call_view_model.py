"""The view model of the call page: the contact, and the script with the path of the call so far.

The page has every step of the script and the transitions between them, so that the next step shows
at a tap, even while the phone is offline. Without JavaScript the server renders one step at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup

from phonebank.calls.answers import answers_of, last_seq
from phonebank.calls.hold import Hold
from phonebank.calls.household import others_in_household
from phonebank.calls.merge_fields import fields_for, shared_fields
from phonebank.calls.undo import redial_block_reason
from phonebank.models import Caller, Campaign, now
from phonebank.phones.e164 import format_for_reading
from phonebank.scripts.versions import script_of
from scripts_library.engine import branch_matches, first_step, is_conversation, path
from scripts_library.merge_fields import render_html, render_text
from scripts_library.script import SCALE, Answer, Answers, Branch, Fields, Script, Step

# The identification for a campaign without a script: every contact must learn who is calling.
IDENTIFICATION = "This is {{ caller_name }}, a volunteer calling on behalf of {{ on_behalf_of }}."

# The stage of a call decides which buttons are within reach of the thumb.
PLAIN = "plain"  # no script
RINGING = "ringing"
TALKING = "talking"  # the contact answered; the main question is still open
CONVERSATION = "conversation"


@dataclass(frozen=True)
class DoneStep:
    """A step that is done. `answer` is in words, and is "" for a step without a question."""

    id: str
    title: str
    answer: str


@dataclass(frozen=True)
class CallView:
    """Everything that the call page shows.

    `current` is the id of the current step, or "" without a script. `shared` has the merge fields
    that are the same for all of this caller's contacts.
    """

    call_id: str
    name: str
    first_name: str
    town: str
    phone: str
    phone_shown: str
    identification: Markup
    language: str
    direction: str
    script: Script | None
    fields: Fields
    shared: Fields
    answers: Answers
    current: str
    done: list[DoneStep]
    stage: str
    expires_at: str
    seconds_left: int
    # Other contacts with the same number, as (contact id, first name). One of them may answer.
    household: list[tuple[int, str]] = field(default_factory=list)
    practice: bool = False
    # Why the caller may correct only the outcome (see `undo.redial_block_reason`). The page then
    # shows no number.
    not_to_ring: str = ""
    turn: int = 0
    # The sequence number of the newest answer: see `answers.save_answer`.
    seq: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the contact and the state of the script, for an API client."""
        names = (
            "call_id",
            "turn",
            "name",
            "first_name",
            "town",
            "phone",
            "phone_shown",
            "not_to_ring",
            "expires_at",
        )
        return {name: getattr(self, name) for name in names} | {
            "identification": self.identification.striptags(),
            "step_id": self.current or None,
            "stage": self.stage,
            "answers": dict(self.answers),
            "household": [
                {"contact_id": contact_id, "first_name": name}
                for contact_id, name in self.household
            ],
        }

    @property
    def transitions(self) -> dict[str, Any]:
        """The data with which call_path.js finds the next step: see `transitions_from`."""
        if self.script is None:
            return {}
        return {
            "first": first_step(self.script, self.fields),
            "main": self.script.main_question,
            "steps": {step.id: transitions_from(step, self.fields) for step in self.script.steps},
        }


def view_of(hold: Hold, caller: Caller, campaign: Campaign, change: str = "") -> CallView:
    """Return the view model of a hold's call page.

    `change` is the id of an answered step to show again.
    """
    call, contact = hold.call, hold.contact
    script = script_of(call.script_version_id)
    fields = fields_for(contact, caller, campaign)
    begun = script is not None and not hold.is_new
    answers = answers_of(call) if begun else {}
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    not_to_ring = redial_block_reason(call, contact, campaign)
    return CallView(
        call_id=str(call.id),
        turn=call.turn,
        seq=last_seq(call) if begun else 0,
        name=name or "Name not known",
        first_name=contact.first_name,
        town=str(contact.fields.get("town") or ""),
        not_to_ring=not_to_ring,
        phone="" if not_to_ring else call.phone,
        phone_shown="" if not_to_ring else format_for_reading(call.phone, campaign.country),
        expires_at=hold.expires_at.isoformat(),
        seconds_left=seconds_until(hold.expires_at),
        shared=shared_fields(caller, campaign),
        household=[
            (other.id, other.first_name or other.last_name or "Someone else")
            for other in (() if not_to_ring else others_in_household(call))
        ],
        **script_state(script, fields, answers, change),
    )


def seconds_until(end: datetime) -> int:
    """Return the whole seconds until `end`, rounded down, or 0 if `end` is past."""
    return max(0, int((end - now()).total_seconds()))


def script_state(
    script: Script | None, fields: Fields, answers: Answers, change: str = ""
) -> dict[str, Any]:
    """Return the part of a CallView that depends on the script and the answers."""
    walked = path(script, answers, fields) if script else []
    on_again = change if change in {step.id for step in walked} else ""
    # The last step of the path is the current one, even if no transition leads on from it.
    current = on_again or (walked[-1].id if walked else "")
    done = [
        DoneStep(
            step.id,
            render_text(step.title, fields),
            describe_answer(step, answers[step.id], fields),
        )
        for step in walked
        if step.id in answers and step.id != current
    ]
    return {
        "identification": Markup(  # noqa: S704  (render_html escapes)
            render_html(script.identification if script else IDENTIFICATION, fields)
        ),
        "language": script.language if script else "en",
        "direction": script.direction if script else "ltr",
        "script": script,
        "fields": fields,
        "answers": answers,
        "current": current,
        "done": done,
        "stage": stage_of(script, answers),
    }


def transitions_from(step: Step, fields: Fields) -> list[list[Any]]:
    """Return the transitions from a step: [[keys, step id], …]. The first that matches applies.

    `keys` lists the answers that match, or is None for any answer. A scale's numbers are keys too.
    Conditions on the contact's fields are decided here, so that the page need not have the fields.
    A step that ends the call has no transitions.
    """
    transitions = [
        [_keys(branch), branch.goto] for branch in step.branches if _field_holds(branch, fields)
    ]
    transitions += [[[choice.key], choice.goto] for choice in step.choices if choice.goto]
    return transitions + ([[None, step.next]] if step.next else [])


def _field_holds(branch: Branch, fields: Fields) -> bool:
    about_field = Branch(branch.goto, field=branch.field, equals=branch.equals, known=branch.known)
    return branch_matches(about_field, None, fields)


def _keys(branch: Branch) -> list[str] | None:
    if branch.choices:
        return list(branch.choices)
    if branch.low is not None and branch.high is not None:
        return [str(number) for number in SCALE if branch.low <= number <= branch.high]
    return None


def describe_answer(step: Step, answer: Answer, fields: Fields) -> str:
    """Return an answer in words: the labels of its keys."""
    if answer is None or answer == []:
        return ""
    keys = answer if isinstance(answer, list) else [answer]
    chosen = [step.choice(key) if isinstance(key, str) else None for key in keys]
    return ", ".join(
        render_text(choice.label, fields) if choice else str(key)
        for choice, key in zip(chosen, keys, strict=True)
    )


def stage_of(script: Script | None, answers: Mapping[str, Answer]) -> str:
    """Return the call's stage: PLAIN, RINGING, TALKING or CONVERSATION."""
    if script is None:
        return PLAIN
    if is_conversation(script, answers):
        return CONVERSATION
    return TALKING if answers else RINGING
