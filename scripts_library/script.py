"""The data classes of a script: its steps with their answers and branches, its cards, and its
invented people for practice calls.

`scripts_library.parser.parse` makes a `Script` and checks that every path reaches an end. These
classes do not check this again.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

StepKind = Literal["say", "question", "listen", "story", "ask", "close"]
AnswerKind = Literal["choice", "several", "scale", "text", "number", "date"]
CharacterKind = Literal["cheerful", "undecided", "hostile", "wrong person", "answerphone"]

# A stored answer. None means that the caller went past the step and recorded nothing. Dates are ISO
# text (2026-05-07) and `several` is a list, so that JSON does not change an answer.
Answer = str | int | float | list[str] | None
Answers = Mapping[str, Answer]

# Merge fields of the contact and the campaign. Missing, None and blank mean the same.
Fields = Mapping[str, str | None]

SCALE = range(11)

# Phonebank always fills these fields, so they need no fallback.
FIELDS_ALWAYS_KNOWN = frozenset({"caller_name", "campaign_name", "on_behalf_of"})
BUILT_IN_FIELDS = FIELDS_ALWAYS_KNOWN | {"first_name", "last_name", "town"}

RIGHT_TO_LEFT_LANGUAGES = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True)
class Choice:
    """One of the answers that a caller can choose. `goto` is the id of the next step, unless one of
    the step's branches applies. If `goto` is None, a branch or the step's `next` decides."""

    key: str
    label: str
    goto: str | None = None
    line: int = dataclasses.field(default=1, compare=False)


@dataclass(frozen=True)
class Branch:
    """A transition to the step `goto`. A branch applies if all of its conditions hold, and the
    engine takes the first branch that applies. A condition that is None or () is not set."""

    goto: str
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    field: str | None = None
    equals: str | None = None
    known: bool | None = None
    line: int = dataclasses.field(default=1, compare=False)

    @property
    def depends_on_answer(self) -> bool:
        """Whether the branch has a condition on the answer. It may also have one on a field."""
        return bool(self.choices) or self.low is not None


@dataclass(frozen=True)
class Step:
    """One step of a call. The caller says `words` aloud, and reads `guidance` silently.

    Only a step that ends the call can have an `outcome`: the key of the outcome that such a call
    usually has.
    """

    id: str
    kind: StepKind
    title: str
    words: str = ""
    guidance: str = ""
    answer: AnswerKind | None = None
    choices: tuple[Choice, ...] = ()
    low_label: str = ""
    high_label: str = ""
    branches: tuple[Branch, ...] = ()
    next: str | None = None
    outcome: str | None = None
    line: int = dataclasses.field(default=1, compare=False)

    @property
    def is_end(self) -> bool:
        """Whether the call ends after this step."""
        return self.kind == "close"

    @property
    def may_be_skipped(self) -> bool:
        """Whether a caller may go on without an answer, because the step takes none or has a
        `next`."""
        return self.answer is None or self.next is not None

    def choice(self, key: str) -> Choice | None:
        """Return the answer with this key, or None if the step has no such answer."""
        return next((choice for choice in self.choices if choice.key == key), None)

    def target_ids(self) -> tuple[str, ...]:
        """Return the ids of the steps that can follow this step, each once, in the order in which
        the engine tries them."""
        targets = [branch.goto for branch in self.branches]
        targets += [choice.goto for choice in self.choices if choice.goto]
        targets += [self.next] if self.next else []
        return tuple(dict.fromkeys(targets))


@dataclass(frozen=True)
class Card:
    """A reply to something that people may say at any step.

    If calls usually end with this reply, `outcome` is the key of their outcome. Otherwise `outcome`
    is None.
    """

    id: str
    title: str
    words: str
    guidance: str = ""
    outcome: str | None = None
    line: int = dataclasses.field(default=1, compare=False)


@dataclass(frozen=True)
class Character:
    """An invented person for a practice call. `replies` maps the ids of some steps to what this
    person says there. At all other steps the person says `otherwise`."""

    kind: CharacterKind
    name: str
    about: str
    replies: Mapping[str, str]
    otherwise: str
    line: int = dataclasses.field(default=1, compare=False)
    reply_lines: Mapping[str, int] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )

    def reply_at(self, step_id: str) -> str:
        """Return what this invented person says at a step."""
        return self.replies.get(step_id, self.otherwise)


@dataclass(frozen=True)
class Script:
    """A script for calls. `yes` maps step ids to the keys of the answers that count as a yes.
    `needs_action` maps step ids to the keys of the answers on which somebody has to act. `tags`
    maps step ids to mappings. Each of these maps an answer's key to the tag that the contact gets
    for this answer. `text_message` is the text message that the caller may send after the call, or
    ""."""

    slug: str
    language: str
    title: str
    purpose: str
    provenance: str
    licence: str
    identification: str
    main_question: str
    steps: tuple[Step, ...]
    first_rating: str | None = None
    second_rating: str | None = None
    yes: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    needs_action: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    text_message: str = ""
    needs_native_reader: bool = False
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    start: tuple[Branch, ...] = ()
    cards: tuple[Card, ...] = ()
    practice: tuple[Character, ...] = ()
    _by_id: Mapping[str, Step] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {step.id: step for step in self.steps})

    def step(self, step_id: str) -> Step:
        """Return the step with this id. Raises UnknownStepError if the script has no such step."""
        try:
            return self._by_id[step_id]
        except KeyError:
            raise UnknownStepError(
                f"The script {self.slug} has no step called {step_id}."
            ) from None

    def has_step(self, step_id: str) -> bool:
        """Whether the script has a step with this id."""
        return step_id in self._by_id

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """The direction in which the language is written, as in HTML's `dir` attribute."""
        return "rtl" if self.language.split("-")[0] in RIGHT_TO_LEFT_LANGUAGES else "ltr"


class UnknownStepError(LookupError):
    """The error for an id that no step of the script has."""
