"""In a script that passes the checks, every path from every step reaches an end.

The tests make random scripts, some with an error in one step. Independently of the checks,
`has_endless_or_stuck_walk` then tries every answer at every step by brute force.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts_library.diagnostics import InvalidScriptError
from scripts_library.engine import InvalidAnswerError, first_step, next_step, path
from scripts_library.library import ready_made
from scripts_library.parser import parse
from scripts_library.script import SCALE, Script, Step
from tests.scripts_library.small_scripts import script_with_steps

CHOICES = ["a", "b", "c"]
TOWNS = [None, "Leeds", "York"]


@st.composite
def step_texts(draw: st.DrawFn, number: int, ids: list[str], slips: bool) -> str:
    """One step that is not the last. Its targets may lead back, lead nowhere or be missing."""
    later = ids[number + 1 :]
    somewhere = st.sampled_from([*ids, "nowhere"] if slips else later)
    kind = draw(st.sampled_from(["say", "listen", "choice", "several", "scale", "text", "date"]))
    lines = [f"id: {ids[number]}", "title: T", "words: W"]
    lines.append(f"kind: {kind if kind in ('say', 'listen') else 'question'}")
    branches = []
    if kind not in ("say", "listen"):
        lines.append(f"answer: {kind}")
    if kind in ("choice", "several"):
        entries = []
        for key in CHOICES:
            goto = f", goto: {draw(somewhere)}" if draw(st.booleans()) else ""
            entries.append(f"{{key: {key}, label: L{goto}}}")
        lines.append(f"choices: [{', '.join(entries)}]")
        if draw(st.booleans()):
            branches.append(f"answer: [{draw(st.sampled_from(CHOICES))}], goto: {draw(somewhere)}")
    if kind == "scale":
        for _ in range(draw(st.integers(0, 3))):
            low, high = sorted((draw(st.integers(0, 10)), draw(st.integers(0, 10))))
            branches.append(f"scale: {low}-{high}, goto: {draw(somewhere)}")
    if draw(st.integers(0, 3)) == 0:
        test = draw(st.sampled_from(["known: yes", "known: no", "is: Leeds"]))
        branches.append(f"field: town, {test}, goto: {draw(somewhere)}")
    if branches:
        lines.append(f"branches: [{', '.join('{' + branch + '}' for branch in branches)}]")
    following = draw(st.sampled_from([later[0], "", draw(somewhere)])) if slips else later[0]
    lines.append(f"next: {following}")
    return "  - " + "\n    ".join(lines) + "\n"


@st.composite
def script_texts(draw: st.DrawFn, slip: bool = False) -> str:
    ids = [f"s{n}" for n in range(draw(st.integers(2, 7)))]
    slipping = draw(st.integers(0, len(ids) - 2)) if slip else None
    steps = [draw(step_texts(n, ids, n == slipping)) for n in range(len(ids) - 1)]
    main = "  - {id: main, kind: question, title: T, words: W, answer: text, next: s0}\n"
    end = f"  - {{id: {ids[-1]}, kind: close, title: T, words: W}}\n"
    return script_with_steps(main + "".join(steps) + end)


def every_answer(step: Step) -> list:
    given: Any = {
        "choice": [choice.key for choice in step.choices],
        "several": [["a"], ["b"], ["c"], ["a", "b"], ["b", "c"], ["a", "c"], ["a", "b", "c"]],
        "scale": list(SCALE),
        "text": ["something"],
        "date": ["2026-05-07"],
    }.get(step.answer or "", [])
    return [*given, None] if step.may_be_skipped else given


def has_endless_or_stuck_walk(script: Script, town: str | None) -> bool:
    """Whether some answers, from some step, never reach a close step."""
    proven: set[str] = set()

    def goes_wrong(step: Step, behind: frozenset[str]) -> bool:
        if step.is_end or step.id in proven:
            return False
        if step.id in behind:
            return True
        for answer in every_answer(step):
            target = next_step(script, step.id, answer, {"town": town})
            assert target is not None
            if goes_wrong(script.step(target), behind | {step.id}):
                return True
        proven.add(step.id)
        return False

    try:
        return any(goes_wrong(step, frozenset()) for step in script.steps)
    except (InvalidAnswerError, LookupError):
        return True


def parsed_or_refused(text: str) -> Script | None:
    try:
        return parse(text, "made.yaml")
    except InvalidScriptError:
        return None


@settings(max_examples=300, deadline=None)
@given(text=script_texts(slip=True), town=st.sampled_from(TOWNS))
def test_a_script_that_passes_never_goes_wrong(text, town):
    script = parsed_or_refused(text)

    assert script is None or not has_endless_or_stuck_walk(script, town)


@settings(max_examples=150, deadline=None)
@given(text=script_texts(), town=st.sampled_from(TOWNS))
def test_a_script_that_only_goes_forward_passes_and_never_goes_wrong(text, town):
    assert not has_endless_or_stuck_walk(parse(text, "made.yaml"), town)


@settings(max_examples=100, deadline=None)
@given(text=script_texts(), town=st.sampled_from(TOWNS), data=st.data())
def test_the_path_from_stored_answers_is_the_one_that_was_walked(text, town, data):
    script = parse(text, "made.yaml")
    fields = {"town": town}
    answers: dict = {"a_step_of_an_older_version": "kept"}
    walked = [first_step(script, fields)]
    while not script.step(walked[-1]).is_end:
        assert [step.id for step in path(script, answers, fields)] == walked
        answers[walked[-1]] = data.draw(st.sampled_from(every_answer(script.step(walked[-1]))))
        target = next_step(script, walked[-1], answers[walked[-1]], fields)
        assert target is not None
        walked.append(target)

    assert [step.id for step in path(script, answers, fields)] == walked


@settings(max_examples=60, deadline=None)
@given(script=st.sampled_from(ready_made()), data=st.data())
def test_ready_made_scripts_end_whatever_is_answered(script, data):
    """Large scripts get random walks from random steps; none may be longer than the script."""
    fields = {name: "x" for name in script.fields if data.draw(st.booleans())}
    step = data.draw(st.sampled_from(script.steps))
    for _ in script.steps:
        if step.is_end:
            break
        answers = [*(c.key for c in step.choices), *(SCALE if step.answer == "scale" else ())]
        answer = data.draw(st.sampled_from(answers)) if answers else None
        if step.answer == "several":
            answer = [answer]
        step = script.step(next_step(script, step.id, answer, fields) or "")
    assert step.is_end
