"""The engine that leads a caller through a script. From a step and an answer, it finds the next
step.

A mapping of the type `Answers` has an entry for every step that the caller has gone past. The key
is the step's id, and the value is the answer at that step. The answer is None if the caller
recorded no answer at that step.
"""

import datetime
import math
import re
from collections.abc import Iterable
from typing import Any

from scripts_library.merge_fields import is_known
from scripts_library.script import SCALE, Answer, Answers, Branch, Fields, Script, Step
from scripts_library.yaml_source import HIDDEN_CHARACTERS

MAX_ANSWER_LENGTH = 2000
MAX_NUMBER = 10**9


class InvalidAnswerError(ValueError):
    """The error for an answer that a step does not accept. Callers read the error's message."""


def first_step(script: Script, fields: Fields) -> str:
    """Return the id of the step that a call begins with.

    This step is the target of the first `start` branch that matches `fields`. If no branch matches,
    a call begins with the script's first step.
    """
    return _branch_target(script.start, None, fields) or script.steps[0].id


def next_step(script: Script, step_id: str, answer: Answer, fields: Fields) -> str | None:
    """Return the id of the step that follows the step `step_id`. Return None if the call ends with
    the step `step_id`.

    `answer` is a checked answer (see `check_answer`), or None. The engine tries the branches in
    order, then the target of the chosen answer, then `next`. Raises UnknownStepError if the script
    has no step `step_id`. Raises InvalidAnswerError if none of these gives a next step, usually
    because an answer is missing.
    """
    step = script.step(step_id)
    if step.is_end:
        return None
    target = (
        _branch_target(step.branches, answer, fields) or _choice_target(step, answer) or step.next
    )
    if target is None:
        raise InvalidAnswerError("Choose an answer: what comes next depends on it.")
    return target


def path(script: Script, answers: Answers, fields: Fields) -> list[Step]:
    """Return the steps of the call so far, in order. The last of these steps is the current step.

    Answers to steps that are no longer on the path are ignored. If the caller changes an earlier
    answer back, the ignored answers count again.
    """
    walked: list[Step] = []
    step_id: str | None = first_step(script, fields)
    while step_id is not None:
        step = script.step(step_id)
        walked.append(step)
        if step_id not in answers:
            break
        try:
            step_id = next_step(script, step_id, answers[step_id], fields)
        except InvalidAnswerError:
            break
    return walked


def reachable_step_ids(script: Script, fields: Fields) -> set[str]:
    """Return the ids of all steps that a call to a contact with these fields can reach."""
    reached: set[str] = set()
    waiting: list[str | None] = [first_step(script, fields)]
    while waiting:
        step_id = waiting.pop()
        if step_id is None or step_id in reached:
            continue
        reached.add(step_id)
        for answer in _distinct_answers(script.step(step_id)):
            try:
                waiting.append(next_step(script, step_id, answer, fields))
            except InvalidAnswerError:
                continue
    return reached


def _distinct_answers(step: Step) -> list[Answer]:
    """Return answers that together lead to every possible next step.

    None represents every answer that is text, a number or a date, because the next step is the same
    for all of these.
    """
    if step.answer == "scale":
        return [None, *SCALE]
    return [None, *(choice.key for choice in step.choices)]


def answers_on_path(script: Script, answers: Answers, fields: Fields) -> dict[str, Answer]:
    """Return the answers that count: the answers to the steps on the path, in the path's order."""
    walked = path(script, answers, fields)
    return {step.id: answers[step.id] for step in walked if step.id in answers}


def is_conversation(script: Script, answers: Answers) -> bool:
    """Whether the main question was answered, which makes the call a conversation."""
    return _is_answered(answers, script.main_question)


def is_yes(script: Script, answers: Answers) -> bool:
    """Whether the contact gave an answer that the script counts as a yes."""
    return any(
        set(_as_keys(answers.get(step_id))) & set(keys) for step_id, keys in script.yes.items()
    )


def ratings(script: Script, answers: Answers) -> tuple[int | None, int | None]:
    """Return the first and the second rating. A rating is a whole number from 0 to 10, or None if
    the contact gave no such rating or the script does not ask for it."""
    return _rating(answers, script.first_rating), _rating(answers, script.second_rating)


def check_answer(step: Step, raw: Any) -> Answer:
    """Check `raw`, a value from a form or a JSON body, and return the answer to store.

    The result is text, a number or a list of keys. The result is None if the step takes no answer,
    or if the step may be skipped and `raw` is None, blank or an empty list. Raises
    InvalidAnswerError if there is no answer and the step may not be skipped, or if the step does
    not accept the answer.
    """
    if isinstance(raw, str):
        raw = HIDDEN_CHARACTERS.sub("", raw.replace("\r\n", "\n")).strip()
    if step.answer is None or _is_blank(raw):
        if not step.may_be_skipped:
            raise InvalidAnswerError("Choose an answer: what comes next depends on it.")
        return None
    if step.answer == "several":
        return _check_several(step, raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise InvalidAnswerError("This question takes one answer, and something else was sent.")
    text = str(raw).strip()
    if step.answer == "choice":
        return _check_choice(step, text)
    if step.answer == "scale":
        return _check_scale(text)
    if step.answer == "number":
        return _check_number(text)
    if step.answer == "date":
        return _check_date(text)
    return _check_text(text)


def _check_choice(step: Step, key: str) -> str:
    if step.choice(key) is None:
        offered = ", ".join(choice.label for choice in step.choices)
        raise InvalidAnswerError(f"Choose one of these answers: {offered}.")
    return key


def _check_several(step: Step, raw: Any) -> list[str]:
    given = raw if isinstance(raw, list | tuple) else [raw]
    if not all(isinstance(key, str) for key in given):
        raise InvalidAnswerError("Choose only from the answers shown here.")
    keys = {_check_choice(step, key.strip()) for key in given}
    return [choice.key for choice in step.choices if choice.key in keys]


def _check_scale(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) not in SCALE:
        raise InvalidAnswerError("Give a whole number from 0 to 10.")
    return int(text)


def _check_number(text: str) -> int | float:
    if not re.fullmatch(r"[-+]?[0-9]{1,12}(\.[0-9]{1,6})?", text):
        raise InvalidAnswerError("Give a number in digits, such as 12 or 12.5.")
    number = float(text)
    if not math.isfinite(number) or abs(number) > MAX_NUMBER:
        raise InvalidAnswerError("That number is too large to be right. Check it.")
    return number if "." in text else int(text)


def _check_date(text: str) -> str:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        message = "Give a real date as year, month and day: 2026-05-07."
        raise InvalidAnswerError(message) from None


def _check_text(text: str) -> str:
    if len(text) > MAX_ANSWER_LENGTH:
        raise InvalidAnswerError(
            f"That's {len(text)} characters. The limit is {MAX_ANSWER_LENGTH}."
        )
    return text


def _is_blank(raw: Any) -> bool:
    if isinstance(raw, list | tuple):
        return not raw
    return raw is None or (isinstance(raw, str) and not raw.strip())


def _branch_target(branches: Iterable[Branch], answer: Answer, fields: Fields) -> str | None:
    return next((b.goto for b in branches if branch_matches(b, answer, fields)), None)


def branch_matches(branch: Branch, answer: Answer, fields: Fields) -> bool:
    """Whether this answer and these fields meet every condition of a branch."""
    if branch.choices and not set(branch.choices) & set(_as_keys(answer)):
        return False
    if branch.low is not None and branch.high is not None:
        rated = isinstance(answer, int) and branch.low <= answer <= branch.high
        if not rated:
            return False
    if branch.field is None:
        return True
    if branch.known is not None:
        return is_known(fields, branch.field) == branch.known
    value = fields.get(branch.field) or ""
    return str(value).strip().casefold() == (branch.equals or "").strip().casefold()


def _choice_target(step: Step, answer: Answer) -> str | None:
    """Return the target of the chosen answer, or None if it has no target.

    If the caller chose several answers with a target, the answer that comes first in the script
    decides.
    """
    keys = _as_keys(answer)
    return next((c.goto for c in step.choices if c.goto and c.key in keys), None)


def _as_keys(answer: Answer) -> list[str]:
    if isinstance(answer, str):
        return [answer]
    return list(answer) if isinstance(answer, list | tuple) else []


def _is_answered(answers: Answers, step_id: str) -> bool:
    return answers.get(step_id) not in (None, "", [])


def _rating(answers: Answers, step_id: str | None) -> int | None:
    value = answers.get(step_id) if step_id else None
    return value if isinstance(value, int) and value in SCALE else None
