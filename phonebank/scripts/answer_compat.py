"""Find changes to a script that would change the meaning of answers that people have already
given."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import case, func, select

from phonebank.core.db import db
from phonebank.models import Answer, Call, Script, ScriptVersion
from phonebank.scripts.versions import parsed_versions, script_of
from scripts_library.script import Script as ParsedScript
from scripts_library.script import Step

Part = Literal["title", "words", "kind", "low", "high", "answer"]

# A change of commas, capitals or emphasis does not change a question.
_NOT_SAID = str.maketrans("", "", ".,;:!?¿¡…*\"'“”‘’")


@dataclass(frozen=True)
class ChangedMeaning:
    """One part of a question, or one answer, that the new script would change.

    `calls` counts the calls in which the question was answered, or in which this answer was given.
    `old` and `new` are the texts before and after the change. `new` is None if the answer would no
    longer be offered.
    """

    step_title: str
    part: Part
    old: str
    new: str | None
    calls: int


def changed_meanings(script: Script, new: ParsedScript) -> list[ChangedMeaning]:
    """Return the changes that `new` makes to questions that people have answered, and to answers
    that people have given.

    The result follows the order of the steps in `new`. Changes to steps that `new` lacks come last.
    Each question is compared with the newest version that has this question, and each answer with
    the newest version that offers this answer. If only the published version were compared, an
    answer that this version no longer offers could return unnoticed with a different meaning. This
    check protects the totals: a call keeps the words of its version, but the totals add up the
    answers of all versions.
    """
    asked: dict[str, Step] = {}
    offered: dict[tuple[str, str], tuple[Step, str]] = {}
    for version in parsed_versions(script):
        for step in version.steps:
            if step.answer is not None:
                asked.setdefault(step.id, step)
            for choice in step.choices:
                offered.setdefault((step.id, choice.key), (step, choice.label))

    published = script_of(script.published_version_id)
    changed_questions = {
        step_id: changes
        for step_id, step in asked.items()
        if new.has_step(step_id) and (changes := list(_question_changes(step, new.step(step_id))))
    }
    changed_answers = {}
    for (step_id, key), (step, label) in offered.items():
        new_label = _label_of_answer(new, step_id, key)
        if new_label is None:
            # A dropped answer is reported only if the published version still offers it.
            changed = _label_of_answer(published, step_id, key) is not None
        else:
            changed = new_label.split() != label.split()
        if changed:
            changed_answers[step_id, key] = (step, label, new_label)

    found = [
        (step_id, ChangedMeaning(asked[step_id].title, part, old_words, new_words, calls))
        for step_id, calls in _count_answered_questions(script.id, changed_questions)
        for part, old_words, new_words in changed_questions[step_id]
    ]
    for step_id, key, calls in _count_answer_keys(
        script.id, {step_id for step_id, _ in changed_answers}
    ):
        if (step_id, key) in changed_answers:
            step, label, new_label = changed_answers[step_id, key]
            found.append((step_id, ChangedMeaning(step.title, "answer", label, new_label, calls)))
    order = {step.id: at for at, step in enumerate(new.steps)}
    return [change for _, change in sorted(found, key=lambda one: order.get(one[0], len(order)))]


def _question_changes(old: Step, new: Step) -> Iterator[tuple[Part, str, str]]:
    """Yield (part, old, new) for each part of a question whose change may give the answers another
    meaning. If the new step takes no answers, yield nothing."""
    if new.answer is None:
        return  # a step without answers adds nothing to the totals of the old answers
    if _normalise(old.title) != _normalise(new.title):
        yield "title", old.title, new.title
    if _normalise(old.words) != _normalise(new.words):
        yield "words", old.words, new.words
    if old.answer != new.answer:
        yield "kind", old.answer or "", new.answer
        return
    if old.low_label.split() != new.low_label.split():
        yield "low", old.low_label, new.low_label
    if old.high_label.split() != new.high_label.split():
        yield "high", old.high_label, new.high_label


def _normalise(text: str) -> list[str]:
    return text.translate(_NOT_SAID).casefold().split()


def _label_of_answer(script: ParsedScript | None, step_id: str, key: str) -> str | None:
    if script is None or not script.has_step(step_id):
        return None
    choice = script.step(step_id).choice(key)
    return choice.label if choice else None


def _count_answered_questions(script_id: int, step_ids: Collection[str]) -> list[tuple[str, int]]:
    """Return (step id, number of calls) for each of these steps that was answered in at least one
    call."""
    # Most edits change no question, and PostgreSQL need not read any calls for them.
    if not step_ids:
        return []
    rows = db.session.execute(
        select(Answer.step_id, func.count())
        .join(Call, Call.id == Answer.call_id)
        .join(ScriptVersion, ScriptVersion.id == Call.script_version_id)
        .where(
            ScriptVersion.script_id == script_id,
            Answer.step_id.in_(step_ids),
            func.jsonb_typeof(Answer.value) != "null",
        )
        .group_by(Answer.step_id)
        .order_by(Answer.step_id)
    )
    return [(step_id, calls) for step_id, calls in rows]


def _count_answer_keys(script_id: int, step_ids: Collection[str]) -> list[tuple[str, str, int]]:
    """Return (step id, key, number of calls) for each different answer that was recorded at these
    steps."""
    if not step_ids:
        return []
    # A single answer is stored as text, several answers as a list.
    as_list = func.jsonb_typeof(Answer.value) == "array"
    alone = func.jsonb_build_array(Answer.value)
    key = func.jsonb_array_elements_text(case((as_list, Answer.value), else_=alone))
    rows = db.session.execute(
        select(Answer.step_id, key.label("key"), func.count())
        .join(Call, Call.id == Answer.call_id)
        .join(ScriptVersion, ScriptVersion.id == Call.script_version_id)
        .where(ScriptVersion.script_id == script_id, Answer.step_id.in_(step_ids))
        .group_by(Answer.step_id, "key")
        .order_by(Answer.step_id, "key")
    )
    return [(step_id, key, calls) for step_id, key, calls in rows]
