"""Whether the steps of a script make a conversation that always reaches an end.

A script that passes can be walked from every step to a close step, whatever is answered: every
way on leads to a step that exists, none is missing, and none goes back.
"""

from collections.abc import Iterator

from scripts_library.faults import FaultList
from scripts_library.script import SCALE, Branch, Script, Step

# Spoken slowly and clearly, as newsreaders and audiobook readers do: 140 to 160 words a minute.
WORDS_A_MINUTE = 150
LONGEST_BREATH_SECONDS = 40


def check(script: Script, lines: dict[str, int], faults: FaultList) -> None:
    """Add every fault of the script as a whole. `lines` says where its top settings stand."""
    _check_targets(script, faults)
    _check_branches(script, faults)
    _check_dead_ends(script, faults)
    _check_loops(script, faults)
    _check_reach(script, faults)
    _check_special_steps(script, lines, faults)
    _check_practice(script, faults)
    _check_reading_time(script, faults)
    faults.step_id = None


def reading_seconds(words: str) -> int:
    """How long it takes to say `words` aloud, in whole seconds."""
    return round(len(words.split()) * 60 / WORDS_A_MINUTE)


def shortest_and_longest_seconds(script: Script) -> tuple[int, int]:
    """How long a caller talks on the shortest and the longest way through, in seconds."""
    spans: dict[str, tuple[int, int]] = {}
    for step in reversed(_in_walking_order(script)):
        here = reading_seconds(step.words)
        after = [spans[target] for target in step.leads_to()] or [(0, 0)]
        spans[step.id] = (
            here + min(span[0] for span in after),
            here + max(span[1] for span in after),
        )
    starts = [spans[step_id] for step_id in _start_ids(script)]
    return min(span[0] for span in starts), max(span[1] for span in starts)


def _start_ids(script: Script) -> list[str]:
    return [script.steps[0].id, *(branch.goto for branch in script.start)]


def _check_targets(script: Script, faults: FaultList) -> None:
    for branch in script.start:
        if not script.has_step(branch.goto):
            faults.error(branch.line, f"`start` leads to {branch.goto}, which is no step.")
        if branch.asks_about_answer:
            faults.error(branch.line, "Nothing is answered yet at the start; branch on a `field`.")
    for step in script.steps:
        faults.step_id = step.id
        lines = {branch.goto: branch.line for branch in step.branches}
        for target in step.leads_to():
            if not script.has_step(target):
                faults.error(
                    lines.get(target, step.line),
                    f"This leads to {target}, and there is no such step. Add it, or mend the name.",
                )
    faults.step_id = None


def _check_branches(script: Script, faults: FaultList) -> None:
    for step in script.steps:
        faults.step_id = step.id
        rated: dict[int, int] = {}
        for branch in step.branches:
            for key in branch.choices:
                if step.choice(key) is None:
                    faults.error(
                        branch.line, f"The answer {key} is not one of this step's choices."
                    )
            if branch.low is not None and step.answer != "scale":
                faults.error(branch.line, "`scale` goes with answer: scale.")
            if branch.field is None:
                for value in sorted(_covered(branch, step) & rated.keys()):
                    faults.warning(
                        branch.line,
                        f"The answer {value} already goes elsewhere (line {rated[value]}).",
                    )
                rated |= dict.fromkeys(_covered(branch, step) - rated.keys(), branch.line)
    faults.step_id = None


def _covered(branch: Branch, step: Step) -> set:
    if branch.low is not None and branch.high is not None:
        return {value for value in SCALE if branch.low <= value <= branch.high}
    return set(branch.choices) if step.answer == "choice" else set()


def _answers_with_no_way_on(step: Step) -> list[str]:
    """The answers after which nothing says where to go; a blank one where no answer is taken."""
    if step.is_end or step.next is not None:
        return []
    certain = [branch for branch in step.branches if branch.field is None]
    led = set().union(*(_covered(branch, step) for branch in certain))
    if step.answer == "choice":
        led |= {choice.key for choice in step.choices if choice.goto}
        return [choice.label for choice in step.choices if choice.key not in led]
    if step.answer == "scale":
        return [str(value) for value in SCALE if value not in led]
    return [""]


def _check_dead_ends(script: Script, faults: FaultList) -> None:
    for step in script.steps:
        faults.step_id = step.id
        stuck = _answers_with_no_way_on(step)
        if stuck and stuck[0]:
            faults.error(
                step.line,
                f"A dead end: nothing says where to go after the answer {', '.join(stuck)}."
                " Give it a `goto`, or the step a `next`.",
            )
        elif stuck:
            faults.error(
                step.line,
                "A dead end: nothing says where to go from here. Give the step a `next`, or make"
                " it a close step.",
            )
    faults.step_id = None


def _check_loops(script: Script, faults: FaultList) -> None:
    """Each answer is kept once, so a way back would meet its own answer and go round for ever."""
    done: set[str] = set()
    for root in script.steps:
        trail: list[str] = []
        waiting: list[tuple[Step, Iterator[str]]] = []
        _enter(root, trail, waiting, done)
        while waiting:
            step, targets = waiting[-1]
            target = next(targets, None)
            if target is None:
                waiting.pop()
                done.add(trail.pop())
            elif target in trail:
                faults.step_id = step.id
                ring = " → ".join([*trail[trail.index(target) :], target])
                faults.error(
                    step.line,
                    f"A loop without an exit: {ring}. A script only goes forward; callers can"
                    " change an earlier answer, and cards can be opened at any step.",
                )
            elif script.has_step(target):
                _enter(script.step(target), trail, waiting, done)
    faults.step_id = None


def _enter(
    step: Step, trail: list[str], waiting: list[tuple[Step, Iterator[str]]], done: set[str]
) -> None:
    if step.id not in done:
        trail.append(step.id)
        waiting.append((step, iter(step.leads_to())))


def _check_reach(script: Script, faults: FaultList) -> None:
    reached = _reachable(script, _start_ids(script))
    for step in script.steps:
        if step.id not in reached:
            faults.step_id = step.id
            faults.error(step.line, "No step leads here. Lead to it from somewhere, or delete it.")
    faults.step_id = None
    if not any(step.is_end for step in script.steps):
        faults.error(script.steps[-1].line, "No step ends the call. Add a step with kind: close.")


def _reachable(script: Script, from_ids: list[str]) -> set[str]:
    reached: set[str] = set()
    waiting = [step_id for step_id in from_ids if script.has_step(step_id)]
    while waiting:
        step_id = waiting.pop()
        if step_id not in reached:
            reached.add(step_id)
            waiting += [t for t in script.step(step_id).leads_to() if script.has_step(t)]
    return reached


def _in_walking_order(script: Script) -> list[Step]:
    """Steps sorted so that each stands before all it leads to. Only for scripts with no loop."""
    arrivals = {step.id: 0 for step in script.steps}
    for step in script.steps:
        for target in step.leads_to():
            arrivals[target] += 1
    ready = [step for step in script.steps if arrivals[step.id] == 0]
    ordered = []
    while ready:
        step = ready.pop(0)
        ordered.append(step)
        for target in step.leads_to():
            arrivals[target] -= 1
            if arrivals[target] == 0:
                ready.append(script.step(target))
    return ordered


def _check_special_steps(script: Script, lines: dict[str, int], faults: FaultList) -> None:
    _needs_question(script, "main_question", script.main_question, None, lines, faults)
    for name, rating in (
        ("first_rating", script.first_rating),
        ("second_rating", script.second_rating),
    ):
        if rating:
            _needs_question(script, name, rating, "scale", lines, faults)
    first, second = script.first_rating, script.second_rating
    if second and not first:
        faults.error(lines.get("second_rating", 1), "A second rating needs a `first_rating`.")
    elif first and second and (first == second or second not in _reachable(script, [first])):
        faults.error(
            lines.get("second_rating", 1),
            f"The second rating ({second}) must come after the first ({first}).",
        )
    for step_id, keys in script.yes.items():
        _needs_question(script, "yes", step_id, None, lines, faults)
        for key in keys:
            if script.has_step(step_id) and script.step(step_id).choice(key) is None:
                faults.error(lines.get("yes", 1), f"{step_id} has no answer {key} to count.")
    if not script.yes:
        faults.warning(lines.get("yes", 1), "No answer counts as a yes. Say which under `yes`.")


def _needs_question(
    script: Script,
    setting: str,
    step_id: str,
    kind: str | None,
    lines: dict[str, int],
    faults: FaultList,
) -> None:
    line = lines.get(setting, 1)
    if not step_id:
        return
    if not script.has_step(step_id):
        faults.error(line, f"`{setting}` names {step_id}, and there is no such step.")
    elif script.step(step_id).answer is None:
        faults.error(line, f"`{setting}` names {step_id}, which takes no answer.")
    elif kind and script.step(step_id).answer != kind:
        faults.error(line, f"`{setting}` names {step_id}, which is not a scale.")


def _check_practice(script: Script, faults: FaultList) -> None:
    for character in script.practice:
        for step_id in character.replies:
            if not script.has_step(step_id):
                faults.error(
                    character.line,
                    f"The {character.kind} character replies at {step_id}, which is no step.",
                )


def _check_reading_time(script: Script, faults: FaultList) -> None:
    for step in script.steps:
        seconds = reading_seconds(step.words)
        if seconds > LONGEST_BREATH_SECONDS:
            faults.step_id = step.id
            faults.warning(
                step.line,
                f"Saying this takes about {seconds} seconds without a pause. Split it, so that"
                " they can speak.",
            )
    faults.step_id = None
