"""A script as its page shows it: blocks to read, how they hang together, how long it takes."""

from dataclasses import dataclass

from markupsafe import Markup

from phonebank.scripts.transitions import title_of, transitions_of
from scripts_library.checks import talking_seconds
from scripts_library.merge_fields import render_html, render_text
from scripts_library.script import Script, Step

KINDS = {
    "say": "Say",
    "question": "Question",
    "listen": "Listen",
    "story": "Story",
    "ask": "Ask",
    "close": "Close",
}
ANSWERS = {
    "": "None",
    "choice": "One of several answers",
    "several": "Any of several answers",
    "scale": "A number from 0 to 10",
    "text": "Words",
    "number": "Any number",
    "date": "A date",
}
CHARACTERS = {
    "cheerful": "Cheerful",
    "undecided": "Undecided",
    "hostile": "Hostile",
    "wrong person": "Wrong person",
    "answerphone": "Voicemail",
}


@dataclass(frozen=True)
class TransitionView:
    """`number` is the place of the step it leads to, counted from 1."""

    when: str
    title: str
    step_id: str
    number: int


@dataclass(frozen=True)
class StepView:
    """One step to read; merge fields without a value show their name or fallback."""

    step: Step
    number: int
    kind: str
    title: str
    words: Markup
    guidance: Markup
    answers: list[str]
    ways: list[TransitionView]
    counts_as_yes: list[str]


def step_views(script: Script) -> list[StepView]:
    """Every step of a script that callers can use, in its order."""
    places = {step.id: number for number, step in enumerate(script.steps, start=1)}
    return [_block(script, step, places) for step in script.steps]


def talking_time(script: Script) -> str:
    """How long the caller talks, in words: "1 to 3 minutes"."""
    least, most = (max(1, round(seconds / 60)) for seconds in talking_seconds(script))
    if least == most:
        return f"{least} minute{'' if least == 1 else 's'}"
    return f"{least} to {most} minutes"


def merged_html(words: str) -> Markup:
    """Words as HTML, with each merge field's fallback or name in its place."""
    return Markup(render_html(words, {}))  # noqa: S704  (render_html lets no markup through)


def _block(script: Script, step: Step, places: dict[str, int]) -> StepView:
    labels = {choice.key: render_text(choice.label, {}) for choice in step.choices}
    ways = [
        TransitionView(way.when, title_of(script, way.goto), way.goto, places.get(way.goto, 0))
        for way in transitions_of(step)
    ]
    return StepView(
        step,
        places[step.id],
        KINDS.get(step.kind, step.kind),
        render_text(step.title, {}),
        merged_html(step.words),
        merged_html(step.guidance),
        list(labels.values()),
        ways,
        [labels[key] for key in script.yes.get(step.id, ()) if key in labels],
    )
