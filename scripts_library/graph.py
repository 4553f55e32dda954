"""The graph of a script's steps, and the checks that every path through the graph reaches an end.

If these checks find no error, every call can reach a step that ends the call, whatever people
answer. Every target exists, and no path leads back. Every step that does not end the call leads to
another step, whatever the answer is.
"""

from collections.abc import Iterable, Iterator

from scripts_library.diagnostics import Diagnostic
from scripts_library.script import SCALE, Branch, Script, Step


def check_graph(script: Script) -> Iterator[Diagnostic]:
    """Yield a diagnostic for every unknown target, dead end and loop, for unreachable steps, and
    for a script without a step that ends the call."""
    yield from _check_targets(script)
    yield from _check_dead_ends(script)
    yield from _check_loops(script)
    yield from _check_reachability(script)


def reachable_from(script: Script, step_ids: Iterable[str]) -> set[str]:
    """Return the ids of these steps, and the ids of all steps that can come after them. An id that
    no step has is ignored."""
    reached: set[str] = set()
    waiting = [step_id for step_id in step_ids if script.has_step(step_id)]
    while waiting:
        step_id = waiting.pop()
        if step_id not in reached:
            reached.add(step_id)
            waiting += [t for t in script.step(step_id).target_ids() if script.has_step(t)]
    return reached


def entry_step_ids(script: Script) -> list[str]:
    """Return the ids of the steps that a call can begin with. In a script with errors, some ids may
    belong to no step."""
    return [script.steps[0].id, *(branch.goto for branch in script.start)]


def is_dead_end(step: Step) -> bool:
    """Whether a call could get stuck at this step, because the step sets no next step, or sets none
    for some answer."""
    return not step.is_end and step.next is None and _answers_without_target(step) != []


def covered_answers(branch: Branch, step: Step) -> set[str] | set[int]:
    """Return the answers that meet the branch's condition on the answer: the numbers in the
    branch's range, or the keys in the branch if the step takes one choice. Otherwise return an
    empty set. The branch's condition on a field is ignored."""
    if branch.low is not None and branch.high is not None:
        return {value for value in SCALE if branch.low <= value <= branch.high}
    return set(branch.choices) if step.answer == "choice" else set()


def topological_order(script: Script) -> list[Step]:
    """Return the steps in an order in which each step comes before all its targets.

    The script must have no errors.
    """
    arrivals = {step.id: 0 for step in script.steps}
    for step in script.steps:
        for target in step.target_ids():
            arrivals[target] += 1
    ordered = [step for step in script.steps if not arrivals[step.id]]
    for step in ordered:
        for target in step.target_ids():
            arrivals[target] -= 1
            if not arrivals[target]:
                ordered.append(script.step(target))
    return ordered


def _check_targets(script: Script) -> Iterator[Diagnostic]:
    for branch in script.start:
        if not script.has_step(branch.goto):
            yield Diagnostic(
                branch.line, None, f"`start` leads to {branch.goto}, which is not a step."
            )
    for step in script.steps:
        targets = [(branch.goto, branch.line) for branch in step.branches]
        targets += [(choice.goto, choice.line) for choice in step.choices if choice.goto]
        targets += [(step.next, step.line)] if step.next else []
        for target, line in targets:
            if target and not script.has_step(target):
                message = f"This leads to {target}, but there is no such step. Correct the name."
                yield Diagnostic(line, step.id, message)


def _check_dead_ends(script: Script) -> Iterator[Diagnostic]:
    for step in script.steps:
        if step.is_end or step.next is not None:
            continue
        stuck = _answers_without_target(step)
        if stuck is None:
            message = (
                "This is a dead end: no next step is set. Set `next`, or make this a close step."
            )
            yield Diagnostic(step.line, step.id, message)
        elif stuck:
            answers = "the answer" if len(stuck) == 1 else "the answers"
            cure = "Add a branch" if step.answer == "scale" else "Set `goto`"
            message = (
                f"This is a dead end after {answers} {', '.join(stuck)}. {cure} for"
                f" {'it' if len(stuck) == 1 else 'each of them'}, or set `next` for the step."
            )
            yield Diagnostic(step.line, step.id, message)


def _answers_without_target(step: Step) -> list[str] | None:
    """Return the labels of the answers that have no target, for a step without `next`. On a scale,
    the labels are the numbers.

    Return None if the step asks for neither one choice nor a number on a scale, because such a step
    always needs `next`. Branches with a condition on a merge field are ignored, because a contact
    may have no value for the field.
    """
    covered: set[str | int] = set()
    for branch in step.branches:
        if branch.field is None:
            covered |= covered_answers(branch, step)
    if step.answer == "choice":
        covered |= {choice.key for choice in step.choices if choice.goto}
        return [choice.label for choice in step.choices if choice.key not in covered]
    if step.answer == "scale":
        return [str(value) for value in SCALE if value not in covered]
    return None


def _check_loops(script: Script) -> Iterator[Diagnostic]:
    """Yield an error for each transition that leads back to an earlier step.

    The search is depth-first and uses a stack. Every loop is an error, even if some answer leads
    out of it. A call has one answer per step, so on a second visit the stored answer would lead the
    caller round the loop for ever.
    """
    done: set[str] = set()
    for root in script.steps:
        trail = [root.id] if root.id not in done else []
        pending = [iter(root.target_ids())] if trail else []
        while pending:
            target = next(pending[-1], None)
            if target is None:
                pending.pop()
                done.add(trail.pop())
            elif target in trail:
                cycle = " → ".join([*trail[trail.index(target) :], target])
                message = (
                    f"These steps go round in a loop: {cycle}. A script must only go forward."
                    " Callers can change an earlier answer, and open a card at any step."
                )
                yield Diagnostic(script.step(trail[-1]).line, trail[-1], message)
            elif target not in done and script.has_step(target):
                trail.append(target)
                pending.append(iter(script.step(target).target_ids()))


def _check_reachability(script: Script) -> Iterator[Diagnostic]:
    reached = reachable_from(script, entry_step_ids(script))
    led_to = {target for step in script.steps for target in step.target_ids()}
    for step in script.steps:
        # An unreachable step that follows another unreachable step gets no diagnostic of its own.
        # It becomes reachable when the writer fixes the other step. `_check_loops` reports a cycle
        # of unreachable steps.
        if step.id not in reached and step.id not in led_to:
            message = "No step leads here. Make another step lead to it, or delete it."
            yield Diagnostic(step.line, step.id, message)
    if not any(step.is_end for step in script.steps):
        message = "No step ends the call. Add a step with kind: close."
        yield Diagnostic(script.steps[-1].line, None, message)
