"""What a button of the editor does to the form's script, and what Undo can restore."""

from dataclasses import replace

from phonebank.scripts.deleted_step import DeletedStep
from phonebank.scripts.editing import (
    CANNOT_RESTORE,
    PLACE_IS_TAKEN,
    Submission,
    apply_submission,
    is_saved_already,
    read_submission,
)
from scripts_library.library import source_of
from scripts_library.parser import parse
from scripts_library.script import Script

SCRIPT = parse(source_of("voter-identification", "en"), "test")


def press(action: str, about: str = "", deleted: DeletedStep | None = None) -> Submission:
    return Submission(SCRIPT, action, about, "", deleted)


def test_a_new_step_is_deleted_under_the_id_that_its_title_gives_it() -> None:
    form = {
        "s0-id": "opening", "s0-kind": "say", "s0-title": "Hello", "s0-next": "new_1",
        "s1-id": "new_1", "s1-kind": "close", "s1-title": "Good bye!",
        "do": "delete-step:new_1", "at": "new_1",
    }  # fmt: skip
    submission = read_submission(form, SCRIPT, {})
    assert (submission.action, submission.about) == ("delete-step:good_bye", "good_bye")
    assert submission.at == "good_bye"
    assert submission.script.step("opening").next == "good_bye"
    used: dict[str, dict[str, str]] = {"good_bye": {}}
    assert read_submission(form, SCRIPT, used).about == "good_bye_2", "an old version's id is taken"


def test_undo_restores_what_a_button_has_deleted() -> None:
    edit = apply_submission(press("delete-step:issue", "issue"))
    assert not edit.script.has_step("issue")
    assert edit.deleted == DeletedStep("issue", SCRIPT)
    undone = apply_submission(Submission(edit.script, "undo", "", "", edit.deleted))
    assert undone.script.step("issue") == SCRIPT.step("issue")
    assert (undone.about, undone.deleted, undone.notice) == ("issue", None, "")


def test_undo_says_why_it_restores_nothing() -> None:
    assert apply_submission(press("undo")).notice == CANNOT_RESTORE
    deleted = DeletedStep("issue", SCRIPT)
    assert "already in the script" in apply_submission(press("undo", deleted=deleted)).notice
    steps = (replace(s, title="") if s.id == "issue" else s for s in SCRIPT.steps)
    untitled: Script = replace(SCRIPT, steps=tuple(steps))
    edit = apply_submission(Submission(untitled, "undo", "", "", deleted))
    assert (edit.notice, edit.deleted) == (PLACE_IS_TAKEN, deleted)


def test_only_a_save_of_the_same_words_is_saved_already() -> None:
    assert is_saved_already(press("save"), SCRIPT)
    assert is_saved_already(press("publish"), SCRIPT)
    assert not is_saved_already(press("add-card:"), SCRIPT)
    assert not is_saved_already(press("save"), replace(SCRIPT, title="Other"))
