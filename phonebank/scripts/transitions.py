"""Where a step leads, in words. Pure."""

from dataclasses import dataclass

from phonebank.scripts.edit_actions import drop_empty
from scripts_library.merge_fields import render_text
from scripts_library.script import Branch, Script, Step

# When the way is taken that is left where no other fits.
OTHERWISE = "otherwise"


@dataclass(frozen=True)
class Transition:
    """`when` is "" where nothing else leads on: the only way there is."""

    when: str
    goto: str


def transitions_of(step: Step) -> list[Transition]:
    """Every way on from a step, in the order in which they are tried."""
    ways = [Transition(describe_condition(branch, step), branch.goto) for branch in step.branches]
    ways += [
        Transition(f"“{render_text(choice.label, {})}”", choice.goto)
        for choice in step.choices
        if choice.goto
    ]
    if step.next:
        ways.append(Transition(OTHERWISE if ways else "", step.next))
    return ways


@dataclass(frozen=True)
class StepSummary:
    """A step and its ways, for who does not see the arrows: (when, where to)."""

    step_id: str
    title: str
    is_end: bool
    leads_to: list[tuple[str, str]]


def describe_steps(script: Script) -> list[StepSummary]:
    """What the picture shows, as a list in the script's order."""
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
                (way.when, titles.get(way.goto, "a step that does not exist"))
                for way in transitions_of(step)
                if not step.is_end
            ],
        )
        for step in script.steps
    ]


def describe_condition(branch: Branch, step: Step | None = None) -> str:
    """When a branch is taken. `step` gives its answers their labels."""
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
    """The answers that a branch asks for: “Yes” or “Perhaps”."""
    return " or ".join(f"“{label_of(step, key)}”" for key in branch.choices)


def title_of(script: Script, step_id: str) -> str:
    """A step's title without merge fields; its name for a step that is not there."""
    return render_text(script.step(step_id).title, {}) if script.has_step(step_id) else step_id


def label_of(step: Step | None, key: str) -> str:
    """An answer's label without merge fields; its key for one that is not there."""
    choice = step.choice(key) if step else None
    return render_text(choice.label, {}) if choice else key
