"""The table OUTCOMES has the possible outcomes of a call, and says what each outcome does to the
contact.

`retry_policy` combines an outcome with the campaign's retry rules and the contact's history.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Effect = Literal["retry", "finish", "suppress", "unusable"]
Group = Literal["talked", "later", "number", "quick", "never"]

# These are the groups of buttons on the caller's screen, in order, with their headings.
GROUPS: dict[Group, str] = {
    "talked": "Talked",
    "later": "Not now",
    "number": "Bad number",
    "quick": "Nobody picked up",
    "never": "Never again",
}


class NextState(StrEnum):
    """The state of a contact after a call.

    SUPPRESSED means that the number is on the do-not-call list, so it is not called in any
    campaign. The other values are states of the contact.
    """

    CALLABLE = "callable"
    FINISHED = "finished"
    SUPPRESSED = "suppressed"
    UNUSABLE = "unusable"


class UnknownOutcomeError(ValueError):
    """The error for an unknown outcome key. Pages may show its text."""


@dataclass(frozen=True)
class Outcome:
    """One way in which a call can end.

    reached            a person answered, even if it was the wrong person
    counts_as_attempt  the call counts towards the limits on attempts
    effect             what becomes of the contact
    takes_callback     the caller may enter a time to call back
    number_bad         the number does not reach this person
    number_dead        the number reaches nobody
    tag_language       the caller is asked which language the person speaks
    exhausted          the contact's state when no tries are left
    """

    key: str
    label: str
    help: str
    group: Group
    reached: bool
    effect: Effect
    counts_as_attempt: bool = True
    takes_callback: bool = False
    suppress_reason: str | None = None
    number_bad: bool = False
    number_dead: bool = False
    tag_language: bool = False
    exhausted: NextState = NextState.FINISHED

    @property
    def is_about_number(self) -> bool:
        """Whether the limit on further tries after this outcome counts only calls to the same
        number. Otherwise the limit counts all calls to the person."""
        return self.exhausted == NextState.UNUSABLE


OUTCOMES: dict[str, Outcome] = {
    outcome.key: outcome
    for outcome in (
        Outcome(
            "no_answer",
            "No answer",
            "It rang for 15 seconds or more and nobody picked up.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "answerphone",
            "Voicemail",
            "It went to voicemail and you left no message.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "left_message",
            "Left a message",
            "You left a voicemail message yourself.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "busy",
            "Busy",
            "You heard the busy (engaged) tone.",
            "quick",
            reached=False,
            effect="retry",
        ),
        Outcome(
            "talked",
            "We talked",
            "You talked with the right person and got to the end.",
            "talked",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "partial",
            "Cut short",
            "They had to go before the end and wouldn't mind another call.",
            "talked",
            reached=True,
            effect="retry",
            takes_callback=True,
        ),
        Outcome(
            "call_back",
            "Call back",
            "They asked you to call at another time. Choose it, if they gave one.",
            "later",
            reached=True,
            effect="retry",
            takes_callback=True,
        ),
        Outcome(
            "bad_time",
            "Not a good time",
            "They couldn't talk now, or someone else answered.",
            "later",
            reached=True,
            effect="retry",
            takes_callback=True,
        ),
        Outcome(
            "hung_up",
            "Hung up",
            "They hung up before they knew why you called.",
            "later",
            reached=True,
            effect="retry",
        ),
        Outcome(
            "refused",
            "Didn't want to talk",
            "They knew why you called. We won't call them again in this campaign.",
            "talked",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "language_barrier",
            "Another language",
            "You don't speak the same language. A caller who speaks their language can try.",
            "later",
            reached=True,
            effect="retry",
            tag_language=True,
        ),
        Outcome(
            "wrong_number",
            "Wrong number",
            "Someone else answered who doesn't know them.",
            "number",
            reached=True,
            effect="unusable",
            number_bad=True,
        ),
        Outcome(
            "disconnected",
            "Not in service",
            "A recording or tone says the number doesn't exist, or it's a fax.",
            "number",
            reached=False,
            effect="unusable",
            number_bad=True,
            number_dead=True,
        ),
        Outcome(
            "moved",
            "Moved away",
            "They no longer live there.",
            "number",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "line_fault",
            "The call failed",
            "Your phone or the network failed, so their phone never rang.",
            "number",
            reached=False,
            effect="retry",
            counts_as_attempt=False,
            exhausted=NextState.UNUSABLE,
        ),
        Outcome(
            "do_not_call",
            "Do not call",
            "They asked never to be called again. Nobody will call this number again.",
            "never",
            reached=True,
            effect="suppress",
            suppress_reason="asked",
        ),
        Outcome(
            "deceased",
            "Has died",
            "Say how sorry you are, and goodbye. Nobody will call this number again.",
            "never",
            reached=True,
            effect="suppress",
            suppress_reason="deceased",
        ),
        Outcome(
            "not_suitable",
            "Shouldn't be called",
            "A child, or someone unwell or confused. We won't call them again in this campaign.",
            "never",
            reached=True,
            effect="finish",
        ),
        Outcome(
            "skipped",
            "Skip",
            "You didn't call, perhaps because you know them. They go back to the list.",
            "later",
            reached=False,
            effect="retry",
            counts_as_attempt=False,
        ),
    )
}


def _keys(of: Iterable[Outcome]) -> frozenset[str]:
    return frozenset(outcome.key for outcome in of)


RETRIED = _keys(o for o in OUTCOMES.values() if o.effect == "retry")
SUPPRESSES = _keys(o for o in OUTCOMES.values() if o.effect == "suppress")
TAKES_CALLBACK = _keys(o for o in OUTCOMES.values() if o.takes_callback)
NOT_AN_ATTEMPT = _keys(o for o in OUTCOMES.values() if not o.counts_as_attempt)


def outcome_of(key: str) -> Outcome:
    """Return the outcome with this key. Raises UnknownOutcomeError if there is no such outcome."""
    if key not in OUTCOMES:
        raise UnknownOutcomeError(f"“{key}” is not an outcome of a call.")
    return OUTCOMES[key]


def label_of(key: str) -> str:
    """Return the label of an outcome, or the key itself if the outcome is no longer offered."""
    return OUTCOMES[key].label if key in OUTCOMES else key
