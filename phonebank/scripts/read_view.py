"""A script as an organiser's page shows it: each step with its answers and transitions, and how
long it takes to say the words."""

from dataclasses import dataclass

from markupsafe import Markup

from phonebank.scripts.labels import STEP_KINDS
from phonebank.scripts.transitions import title_of, transitions_of
from scripts_library.checks import talking_seconds
from scripts_library.merge_fields import render_html, render_text
from scripts_library.script import Script, Step


@dataclass(frozen=True)
class TransitionView:
    """A transition from a step, as the page shows it. `number` is the target's place in the script,
    counted from 1, or 0 if the script has no such step."""

    when: str
    title: str
    step_id: str
    number: int


@dataclass(frozen=True)
class StepView:
    """A step as the page shows it. A merge field shows its fallback, or its name if it has no
    fallback."""

    step: Step
    number: int
    kind: str
    title: str
    words: Markup
    guidance: Markup
    answers: list[str]
    transitions: list[TransitionView]
    counts_as_yes: list[str]
    needs_action: list[str]
    tags: list[tuple[str, str]]  # (answer, the tag that it gives)


def step_views(script: Script) -> list[StepView]:
    """Return the view of every step, in the script's order. The script must have no errors."""
    places = {step.id: number for number, step in enumerate(script.steps, start=1)}
    return [_step_view(script, step, places) for step in script.steps]


def talking_time(script: Script) -> str:
    """Return an estimate of how long the caller talks on the shortest and the longest path through
    the script, in words such as "1 to 3 minutes". The script must have no errors."""
    least, most = (max(1, round(seconds / 60)) for seconds in talking_seconds(script))
    if least == most:
        return f"{least} minute{'' if least == 1 else 's'}"
    return f"{least} to {most} minutes"


def merged_html(words: str) -> Markup:
    """Return words as HTML. Each merge field is replaced by its fallback or, if it has no fallback,
    by its name."""
    return Markup(render_html(words, {}))  # noqa: S704  (render_html lets no markup through)


def _step_view(script: Script, step: Step, places: dict[str, int]) -> StepView:
    labels = {choice.key: render_text(choice.label, {}) for choice in step.choices}
    transitions = [
        TransitionView(
            transition.when,
            title_of(script, transition.goto),
            transition.goto,
            places.get(transition.goto, 0),
        )
        for transition in transitions_of(step)
    ]
    return StepView(
        step,
        places[step.id],
        STEP_KINDS.get(step.kind, step.kind),
        render_text(step.title, {}),
        merged_html(step.words),
        merged_html(step.guidance),
        list(labels.values()),
        transitions,
        [labels[key] for key in script.yes.get(step.id, ()) if key in labels],
        [labels[key] for key in script.needs_action.get(step.id, ()) if key in labels],
        [(labels[key], tag) for key, tag in script.tags.get(step.id, {}).items() if key in labels],
    )
