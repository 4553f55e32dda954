"""The view model of the call page: the contact, the script, and the steps that the call has gone
through.

The page has every step of the script and the transitions between the steps. A tap therefore shows
the next step even while the phone is offline. Without JavaScript, the form sends each answer to the
server, which then shows the page with the next step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from markupsafe import Markup

from callers.views.script_words import ScriptWords, words_of
from phonebank.calls.answers import answers_of, last_seq
from phonebank.calls.earlier_call import EarlierCall, answers_that_fit
from phonebank.calls.hold import Hold, Other, Person
from phonebank.calls.household import others_in_household
from phonebank.calls.merge_fields import fields_for
from phonebank.calls.undo import redial_block_reason
from phonebank.models import Caller, Campaign, CampaignMode, now
from phonebank.phones.e164 import format_for_reading
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.outcomes import label_of
from phonebank.rules.time_zones import time_zone
from phonebank.scripts.step_renderer import fill
from scripts_library.engine import is_conversation, path
from scripts_library.merge_fields import render_text
from scripts_library.script import Answer, Answers, Fields, Script, Step

# The stage of a call decides which buttons are at the bottom, where the thumb reaches them.
PLAIN = "plain"  # no script
RINGING = "ringing"
TALKING = "talking"  # the contact answered; the main question has no answer yet
CONVERSATION = "conversation"

# How an earlier call ended, in words for the next caller.
_ENDED = {
    "partial": "began to talk",
    "call_back": "asked for another call",
    "bad_time": "wasn't a good time",
}


@dataclass(frozen=True)
class DoneStep:
    """A step that is done. `answer` is the recorded answer as text, or "" if the step has none."""

    id: str
    title: str
    answer: str


@dataclass(frozen=True)
class CallView:
    """The contact, the script and the state of the call, as the call page shows them.

    `change` is the id of an answered step to show again, or "". The cached properties are computed
    only when something reads them, because a JSON response does not need them all.
    """

    call_id: str
    name: str
    first_name: str
    town: str
    phone: str
    phone_shown: str
    words: ScriptWords
    fields: Fields
    answers: Answers
    expires_at: str
    seconds_left: int
    change: str = ""
    # Other contacts with the same number, as (contact id, first name). One of them may answer.
    household: list[tuple[int, str]] = field(default_factory=list)
    practice: bool = False
    # Why the caller may correct only the outcome (see `undo.redial_block_reason`). The page then
    # shows no number.
    not_to_ring: str = ""
    # How the campaign reaches people; None in practice. In some modes the page has no number.
    mode: CampaignMode | None = None
    turn: int = 0
    # The sequence number of the newest answer: see `answers.save_answer`.
    seq: int = 0
    # The earlier call that this one continues, in words, and its note. Each may be "".
    earlier: str = ""
    earlier_note: str = ""
    # The id of that call, as long as this call has no answers yet. Otherwise "".
    go_on_from: str = ""

    @property
    def script(self) -> Script | None:
        """The script, or None in a campaign without one."""
        return self.words.script

    @property
    def can_be_followed(self) -> bool:
        """Whether this page has every part that the next contact may need. If it has, the page can
        show the next contact itself, so the browser need not load another page."""
        has_number = self.mode is None or self.mode.shows_numbers
        return has_number and not (self.practice or self.not_to_ring)

    @cached_property
    def identification(self) -> Markup:
        """The words that say who is calling, as HTML."""
        return fill(self.words.identification, self.fields)

    @cached_property
    def stage(self) -> str:
        """The stage of the call: see `stage_of`. Answers from an earlier call do not count."""
        # Answers from an earlier call do not show that someone has picked up this time.
        return stage_of(self.script, {} if self.go_on_from else self.answers)

    @cached_property
    def current(self) -> str:
        """The id of the current step, or "" without a script."""
        if any(step.id == self.change for step in self._path):
            return self.change
        # The last step of the path is the current one, even if no transition leads on from it.
        return self._path[-1].id if self._path else ""

    @property
    def done(self) -> list[DoneStep]:
        """The answered steps, except the current one, in the order of the call."""
        return [
            DoneStep(
                step.id,
                render_text(step.title, self.fields),
                describe_answer(step, self.answers[step.id], self.fields),
            )
            for step in self._path
            if step.id in self.answers and step.id != self.current
        ]

    @cached_property
    def _path(self) -> list[Step]:
        return path(self.script, self.answers, self.fields) if self.script else []

    def as_json(self) -> dict[str, Any]:
        """Return the contact, the current step and the answers so far, for an API client."""
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
            "earlier",
            "earlier_note",
            "go_on_from",
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


def view_of(
    hold: Hold, caller: Caller, campaign: Campaign, change: str = "", from_start: bool = False
) -> CallView:
    """Return the view model of the call page for the contact in `hold`.

    `change` is the id of an answered step to show again, or "". With `from_start`, a call without
    answers starts at the first step, even if an earlier call stopped in the middle of the script.
    """
    call, contact = hold.call, hold.contact
    words = words_of(call.script_version_id)
    begun = words.script is not None and not hold.is_new
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    not_to_ring = redial_block_reason(call, contact, campaign)
    others: Sequence[Person | Other] = ()
    if not not_to_ring:
        others = others_in_household(call) if hold.others is None else hold.others
    hides_number = not_to_ring or not campaign.mode.shows_numbers
    answers = answers_of(call) if begun else {}
    earlier, go_on_from = hold.earlier, ""
    if earlier is not None and not answers and not from_start:
        answers = answers_that_fit(earlier.answers, call.script_version_id)
        go_on_from = str(earlier.call_id) if answers else ""
    return CallView(
        call_id=str(call.id),
        turn=call.turn,
        seq=last_seq(call) if begun else 0,
        name=name or "Name not known",
        first_name=contact.first_name,
        town=str(contact.fields.get("town") or ""),
        not_to_ring=not_to_ring,
        mode=campaign.mode,
        phone="" if hides_number else call.phone,
        phone_shown="" if hides_number else format_for_reading(call.phone, campaign.country),
        expires_at=hold.expires_at.isoformat(),
        seconds_left=seconds_until(hold.expires_at),
        words=words,
        fields=fields_for(contact, caller, campaign),
        answers=answers,
        earlier=describe_earlier(earlier, contact, now()) if earlier else "",
        earlier_note=earlier.note if earlier else "",
        go_on_from=go_on_from,
        change=change,
        household=[
            (other.id, other.first_name or other.last_name or "Someone else") for other in others
        ],
    )


def describe_earlier(earlier: EarlierCall, contact: Person, at: datetime) -> str:
    """Describe when an earlier call was and how it ended, such as “Monday: began to talk”. `at` is
    the current time (aware).

    If the earlier call was on the same day as `at`, the text has “Today” instead of the weekday. If
    the earlier call was seven or more days ago, the text has the date. The days are those in the
    first of the contact's time zones, or in UTC if no zone is known.
    """
    zones = zones_in_key(contact.zone_key)
    zone = time_zone(zones[0]) if zones else UTC
    there = earlier.at.astimezone(zone)
    days = (at.astimezone(zone).date() - there.date()).days
    day = f"{there:%A}" if days < 7 else f"{there.day} {there:%B}"
    words = _ENDED.get(earlier.outcome) or label_of(earlier.outcome).lower()
    return f"{day if days else 'Today'}: {words}"


def seconds_until(end: datetime) -> int:
    """Return the whole seconds until `end`, rounded down, or 0 if `end` has passed."""
    return max(0, int((end - now()).total_seconds()))


def describe_answer(step: Step, answer: Answer, fields: Fields) -> str:
    """Return an answer as text: the labels of the chosen answers, the typed text, or the number.
    Return "" for an empty answer."""
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
