"""Undo in the script editor brings a deleted step back."""

import base64
import zlib

import pytest

from phonebank.scripts.deleted_step import DeletedStep, unpack_deleted_step
from scripts_library.library import source_of
from scripts_library.parser import parse
from tests.phonebank.scripts.form_of import form_of
from tests.phonebank.scripts.script_desk import Desk, draft, opened, send


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
    assert 'id="undo"' in page, "Undo stays after another button"
    page = send(desk, form_of(page), "undo:")
    assert 'id="undo"' not in page
    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].title == "Who is it?"
    send(desk, form_of(page) | {"s0-title": first["s0-title"]})
    assert draft(desk) is None, "all as it was published"


def test_undo_is_still_there_after_someone_else_saved(desk: Desk) -> None:
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
    assert kept.step("voting_intention") == script.step("voting_intention"), "it leads there again"
    assert "No errors" in page


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
