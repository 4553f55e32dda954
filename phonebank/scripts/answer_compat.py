"""Would publishing change what answers that people already gave are taken to mean?"""

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

# Mended commas, capitals and emphasis ask nothing else.
_NOT_SAID = str.maketrans("", "", ".,;:!?¿¡…*\"'“”‘’")


@dataclass(frozen=True)
class ChangedMeaning:
    """A part of a question that `calls` calls answered; for the part "answer", the calls that gave
    this one. `new` is None where it would no longer be offered."""

    step_title: str
    part: Part
    old: str
    new: str | None
    calls: int


def changed_meanings(script: Script, new: ParsedScript) -> list[ChangedMeaning]:
    """What `new` asks, or offers as an answer, otherwise than the calls that answered it heard.

    In the order of `new`, then what it no longer has. Each question is compared with the newest
    version that holds it, and each answer with the newest that offers it: one that was left out for
    a while would otherwise come back with any meaning. The calls keep their own words in any case:
    this is about figures that would add the old meaning and the new.
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
    otherwise = {
        step_id: changes
        for step_id, step in asked.items()
        if new.has_step(step_id) and (changes := list(_question_changes(step, new.step(step_id))))
    }
    reworded = {}
    for (step_id, key), (step, label) in offered.items():
        now = _label_of_answer(new, step_id, key)
        if now is None:  # told when it goes, not at every version after that
            changed = _label_of_answer(published, step_id, key) is not None
        else:
            changed = now.split() != label.split()
        if changed:
            reworded[step_id, key] = (step, label, now)

    found = [
        (step_id, ChangedMeaning(asked[step_id].title, part, old, now, calls))
        for step_id, calls in _count_answered_questions(script.id, otherwise)
        for part, old, now in otherwise[step_id]
    ]
    for step_id, key, calls in _count_answer_keys(script.id, {step_id for step_id, _ in reworded}):
        if (step_id, key) in reworded:
            step, label, label_now = reworded[step_id, key]
            found.append((step_id, ChangedMeaning(step.title, "answer", label, label_now, calls)))
    order = {step.id: at for at, step in enumerate(new.steps)}
    return [change for _, change in sorted(found, key=lambda one: order.get(one[0], len(order)))]


def _question_changes(old: Step, new: Step) -> Iterator[tuple[Part, str, str]]:
    """(part, as it was, as it would be) of all that may turn the answers into answers to something
    else."""
    if new.answer is None:
        return  # nothing is added to the old answers
    if _normalised(old.title) != _normalised(new.title):
        yield "title", old.title, new.title
    if _normalised(old.words) != _normalised(new.words):
        yield "words", old.words, new.words
    if old.answer != new.answer:
        yield "kind", old.answer or "", new.answer
        return
    if old.low_label.split() != new.low_label.split():
        yield "low", old.low_label, new.low_label
    if old.high_label.split() != new.high_label.split():
        yield "high", old.high_label, new.high_label


def _normalised(text: str) -> list[str]:
    return text.translate(_NOT_SAID).casefold().split()


def _label_of_answer(script: ParsedScript | None, step_id: str, key: str) -> str | None:
    if script is None or not script.has_step(step_id):
        return None
    choice = script.step(step_id).choice(key)
    return choice.label if choice else None


def _count_answered_questions(script_id: int, step_ids: Collection[str]) -> list[tuple[str, int]]:
    """(step, calls) for each of these steps that calls on any version gave an answer at."""
    if not step_ids:
        return []  # most edits touch no question: then no call need be read
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
    """(step, answer key, calls) for every key that calls on any version gave at these steps."""
    if not step_ids:
        return []
    # One answer is stored as text, several as a list.
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
