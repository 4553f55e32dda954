"""A step that was deleted comes back where it was, and nothing written since is lost."""

import base64
import zlib
from dataclasses import replace

import pytest

from phonebank.scripts.cleanup import drop_empty, resolve_next_below
from phonebank.scripts.deleted_step import DeletedStep, restore_step, unpack_deleted_step
from phonebank.scripts.edit_actions import apply_action
from scripts_library.library import ready_made, source_of
from scripts_library.parser import parse
from scripts_library.script import Script
from tests.phonebank.scripts.conftest import Desk
from tests.phonebank.scripts.form_of import form_of
from tests.phonebank.scripts.test_editor_pages import draft, opened, send


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
    # Answers that led to the issue lead on to what came after it; one is sent elsewhere since.
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


def test_deleting_offers_undo_in_place_and_undo_restores(desk: Desk) -> None:
    first = opened(desk)
    page = send(desk, first, "delete-step:issue")
    kept = draft(desk)
    assert kept is not None
    assert not kept.has_step("issue")
    row = page.index("deleted.</p>")
    ids = [step.id for step in kept.steps]
    above = ids.index(page[:row].rsplit('data-step-block="', 1)[1].split('"')[0])
    assert ids[above + 1] == page[row:].split('data-step-block="', 1)[1].split('"')[0]
    assert (ids[above], ids[above + 1]) == ("voting_intention", "ring_again_ask")

    page = send(desk, form_of(page) | {"s0-title": "Who is it?"})
    assert 'id="undo"' in page, "still to be had after another button"
    page = send(desk, form_of(page), "undo:")
    assert 'id="undo"' not in page
    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].title == "Who is it?"
    send(desk, form_of(page) | {"s0-title": first["s0-title"]})
    assert draft(desk) is None, "all as it was published"


def test_undo_is_still_there_after_somebody_else_saved(desk: Desk) -> None:
    mine = form_of(send(desk, opened(desk), "delete-step:issue"))
    send(desk, opened(desk) | {"s0-title": "Theirs"})
    page = send(desk, mine, "undo:", status=422)
    assert "nothing is saved yet" in page
    send(desk, form_of(page), "undo:")
    kept = draft(desk)
    assert kept is None, "all as it was published"


def test_a_new_step_does_not_take_the_name_of_a_deleted_one(desk: Desk) -> None:
    def titled(form: dict[str, str], title: str) -> dict[str, str]:
        return form | {"s1-title": title, "s1-words": f"{title}?"}

    form = titled(form_of(send(desk, opened(desk), "add-step:opening")), "Weather")
    form = form_of(send(desk, form_of(send(desk, form)), "delete-step:weather"))
    form = titled(form_of(send(desk, form, "add-step:opening")), "Weather")
    send(desk, form_of(send(desk, form)), "undo:")
    kept = draft(desk)
    assert kept is not None
    assert {"weather", "weather_2"} < {step.id for step in kept.steps}


@pytest.mark.parametrize("buttons", [["undo:"], ["save", "undo:"]], ids=["at once", "later"])
def test_a_step_comes_back_leading_to_one_that_was_named_since(
    desk: Desk, buttons: list[str]
) -> None:
    script = parse(source_of("voter-identification", "en"), "test")
    page = send(desk, opened(desk), "add-step:issue")
    page = send(desk, form_of(page), "delete-step:issue")
    form = form_of(page)
    new = next(name for name, value in form.items() if value == "new_1" and name.endswith("-id"))
    form |= {new.replace("-id", "-title"): "Weather", new.replace("-id", "-words"): "Cold?"}
    for button in buttons:
        page = send(desk, form, button)
        form = form_of(page)
    kept = draft(desk)
    assert kept is not None
    assert kept.step("issue").next == "weather"
    assert kept.step("voting_intention") == script.step("voting_intention"), "and led to again"
    assert "Ready to publish" in page


def test_undo_that_changes_nothing_says_why_and_stays(desk: Desk) -> None:
    form = form_of(send(desk, opened(desk), "add-step:opening"))
    form = form_of(send(desk, form | {"s1-words": "Lost?"}, "delete-step:new_1"))
    form = form_of(send(desk, form, "add-step:opening"))
    page = send(desk, form, "undo:")
    assert "Give the new step a title, then press Undo again" in page
    send(desk, form_of(page) | {"s1-title": "Weather"}, "undo:")
    kept = draft(desk)
    assert kept is not None
    assert "Lost?" in {step.words for step in kept.steps}
    assert kept.has_step("weather")

    packed = DeletedStep("opening", kept).packed
    page = send(desk, opened(desk) | {"before": packed, "deleted": "opening"}, "undo:")
    assert f"It is already in the script, as “{kept.step('opening').title}”" in page


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "!",
        "AAAA",
        base64.b64encode(b"x").decode(),
        base64.b64encode(zlib.compress(b"x" * 10**7)).decode(),
        base64.b64encode(zlib.compress(b"\xff")).decode(),
    ],
)
def test_a_made_up_undo_changes_nothing(desk: Desk, packed: str) -> None:
    assert unpack_deleted_step(packed, "opening") is None
    page = send(desk, opened(desk) | {"before": packed, "deleted": "opening"}, "undo:")
    assert "could not be brought back" in page
    assert draft(desk) is None
