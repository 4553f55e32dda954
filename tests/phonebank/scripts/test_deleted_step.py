"""A deleted step is restored to its place, and nothing that was written since is lost."""

from dataclasses import replace

import pytest

from phonebank.scripts.cleanup import drop_empty, resolve_next_below
from phonebank.scripts.deleted_step import DeletedStep, restore_step, unpack_deleted_step
from phonebank.scripts.edit_actions import apply_action
from scripts_library.library import ready_made, source_of
from scripts_library.parser import parse
from scripts_library.script import Script


def without(script: Script, step_id: str) -> Script:
    return drop_empty(resolve_next_below(apply_action(script, f"delete-step:{step_id}")))


@pytest.mark.parametrize("script", ready_made(), ids=lambda s: f"{s.slug}.{s.language}")
def test_any_step_comes_back_as_it_was(script: Script) -> None:
    for step in script.steps:
        deleted = unpack_deleted_step(DeletedStep(step.id, script).packed, step.id)
        assert deleted is not None
        now = without(script, step.id)
        assert now != script
        assert restore_step(now, deleted) == script


def test_what_was_written_since_stays() -> None:
    script = parse(source_of("voter-identification", "en"), "test")
    now = without(script, "issue")
    # Answers that led to the deleted step now lead to the step after it. Then one of them gets
    # another target.
    led = [c.key for c in script.step("voting_intention").choices if c.goto == "issue"]
    assert len(led) > 1
    steps = tuple(
        replace(
            step,
            words="New words.",
            choices=tuple(
                replace(c, goto="close_thanks") if c.key == led[0] else c for c in step.choices
            ),
        )
        if step.id == "voting_intention"
        else step
        for step in now.steps
    )
    back = restore_step(
        replace(now, title="Another title", steps=steps), DeletedStep("issue", script)
    )
    assert back.title == "Another title"
    assert back.step("issue") == script.step("issue")
    step = back.step("voting_intention")
    assert step.words == "New words."
    assert {c.key for c in step.choices if c.goto == "issue"} == set(led[1:])


@pytest.mark.parametrize("setting", ["main_question", "first_rating", "second_rating"])
@pytest.mark.parametrize(
    ("was", "now", "comes_back_as"),
    [
        ("issue", "", "issue"),
        ("issue", "vote_ask", "vote_ask"),
        ("vote_ask", "", ""),
        ("vote_ask", "opening", "opening"),
    ],
    ids=["it was the one", "another was chosen since", "emptied since", "never touched by it"],
)
def test_a_setting_names_the_step_again_only_where_it_did(
    setting: str, was: str, now: str, comes_back_as: str
) -> None:
    script = parse(source_of("voter-identification", "en"), "test")
    before = replace(script, **{setting: was})  # type: ignore[arg-type]
    left = replace(without(before, "issue"), **{setting: now})  # type: ignore[arg-type]
    assert getattr(restore_step(left, DeletedStep("issue", before)), setting) == comes_back_as
