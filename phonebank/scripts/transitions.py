"""Describe in words where a step can lead, and on what condition. Pure functions."""

from dataclasses import dataclass

from phonebank.scripts.cleanup import drop_empty
from scripts_library.merge_fields import render_text
from scripts_library.script import Branch, Script, Step

# The condition of the last transition: it applies when no other does.
OTHERWISE = "otherwise"


@dataclass(frozen=True)
class Transition:
    """A transition to the step `goto`. `when` is the condition in words, or "" for a transition
    that always applies."""

    when: str
    goto: str


def transitions_of(step: Step) -> list[Transition]:
    """Return every transition from a step, in the order in which the engine tries them."""
    transitions = [
        Transition(describe_condition(branch, step), branch.goto) for branch in step.branches
    ]
    transitions += [
        Transition(f"“{render_text(choice.label, {})}”", choice.goto)
        for choice in step.choices
        if choice.goto
    ]
    if step.next:
        transitions.append(Transition(OTHERWISE if transitions else "", step.next))
    return transitions


@dataclass(frozen=True)
class StepSummary:
    """A step and its transitions as text, for people who do not see the flowchart.

    `leads_to` has (condition, number and title of the target) for each transition.
    """

    step_id: str
    title: str
    is_end: bool
    leads_to: list[tuple[str, str]]


def describe_steps(script: Script) -> list[StepSummary]:
    """Describe what the flowchart shows, step by step in the script's order."""
    script = drop_empty(script)
    titles = {
        step.id: f"{number}. {title_of(script, step.id) or 'No title yet'}"
        for number, step in enumerate(script.steps, start=1)
    }
    return [
        StepSummary(
            step.id,
            titles[step.id],
            step.is_end,
            [
                (transition.when, titles.get(transition.goto, "a step that does not exist"))
                for transition in transitions_of(step)
                if not step.is_end
            ],
        )
        for step in script.steps
    ]


def describe_condition(branch: Branch, step: Step | None = None) -> str:
    """Describe when a branch is taken. `step` supplies the labels of the answers. Without a step,
    their keys are used."""
    parts = []
    if branch.choices:
        parts.append(describe_answers(branch, step))
    if branch.low is not None:
        one = branch.low == branch.high
        parts.append(f"{branch.low}" if one else f"{branch.low} to {branch.high}")
    if branch.field is not None:
        name = branch.field.replace("_", " ")
        if branch.known is None:
            parts.append(f"{name} is “{branch.equals}”")
        else:
            parts.append(f"{name} is {'known' if branch.known else 'not known'}")
    return " and ".join(parts)


def describe_answers(branch: Branch, step: Step | None = None) -> str:
    """Describe the answers that a branch requires: their labels in quotation marks, joined by
    “or”."""
    return " or ".join(f"“{label_of(step, key)}”" for key in branch.choices)


def title_of(script: Script, step_id: str) -> str:
    """Return a step's title, with merge fields replaced by their fallbacks or names. If there is no
    such step, return `step_id`."""
    return render_text(script.step(step_id).title, {}) if script.has_step(step_id) else step_id


def label_of(step: Step | None, key: str) -> str:
    """Return an answer's label, with merge fields replaced by their fallbacks or names. If there is
    no such answer, return `key`."""
    choice = step.choice(key) if step else None
    return render_text(choice.label, {}) if choice else key
