"""Would publishing change what answers that people already gave are taken to mean?"""

from dataclasses import dataclass

from sqlalchemy import case, func, select

from phonebank.models import Answer, Call, Script, ScriptVersion
from phonebank.scripts.versions import script_of
from phonebank.stores import db
from scripts_library.script import Script as ParsedScript


@dataclass(frozen=True)
class ChangedMeaning:
    """An answer that `calls` calls gave; `label` is None where it is no longer offered."""

    step_title: str
    old_label: str
    label: str | None
    calls: int


def changed_meanings(script: Script, new: ParsedScript) -> list[ChangedMeaning]:
    """Answers already given that `new` words otherwise, or no longer offers, in its order.

    Compared with the published version. The calls keep their own words in any case: this is about
    figures that would add the old meaning and the new.
    """
    old = script_of(script.published_version_id)
    if old is None:
        return []
    changes = []
    for step_id, key, calls in _keys_given(script.id):
        if not old.has_step(step_id):
            continue
        before = old.step(step_id).choice(key)
        if before is None:
            continue
        after = new.step(step_id).choice(key) if new.has_step(step_id) else None
        if after is None or after.label.split() != before.label.split():
            title = old.step(step_id).title
            changes.append(
                ChangedMeaning(title, before.label, after.label if after else None, calls)
            )
    order = [step.title for step in old.steps]
    return sorted(changes, key=lambda change: order.index(change.step_title))


def _keys_given(script_id: int) -> list[tuple[str, str, int]]:
    """(step, answer key, calls) for every key that calls on any version of the script gave."""
    # One answer is stored as text, several as a list.
    as_list = func.jsonb_typeof(Answer.value) == "array"
    alone = func.jsonb_build_array(Answer.value)
    key = func.jsonb_array_elements_text(case((as_list, Answer.value), else_=alone))
    rows = db.session.execute(
        select(Answer.step_id, key.label("key"), func.count())
        .join(Call, Call.id == Answer.call_id)
        .join(ScriptVersion, ScriptVersion.id == Call.script_version_id)
        .where(ScriptVersion.script_id == script_id)
        .group_by(Answer.step_id, "key")
    )
    return [(step_id, key, calls) for step_id, key, calls in rows]
