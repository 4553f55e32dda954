"""The editor's blocks for characters, branches, first steps and fields."""

import re
from typing import get_args

import pytest

from phonebank.scripts.labels import CHARACTERS
from scripts_library.parser import parse_leniently
from scripts_library.script import CharacterKind
from tests.phonebank.scripts.form_of import form_of
from tests.phonebank.scripts.script_desk import Desk, beside, draft, opened, send


def beside_person(page: str, number: int) -> str:
    return page.split(f'id="faults-person-{number}"')[1].split("</ul>")[0]


def without_people(desk: Desk) -> dict[str, str]:
    form = opened(desk)
    for _ in range(5):
        form = form_of(send(desk, form, "delete-character:0"))
    return form


def test_a_person_to_practise_with_is_added_and_taken_out(desk: Desk) -> None:
    form = without_people(desk)
    kept = draft(desk)
    assert kept is not None
    assert kept.practice == ()

    page = send(desk, form, "add-character:")
    assert "“Name” is missing" in beside_person(page, 0)
    form = form_of(page) | {
        "p0-kind": "hostile",
        "p0-name": "Mr Grey",
        "p0-about": "Was asleep.",
        "p0-r0-words": "What is it now?",
        "p0-otherwise": "No.",
    }
    form = form_of(send(desk, form, "add-reply:0")) | {"p0-r1-words": "Who?"}
    page = send(desk, form)
    assert "Error" not in beside_person(page, 0)
    kept = draft(desk)
    assert kept is not None
    (person,) = kept.practice
    assert (person.kind, person.name, person.otherwise) == ("hostile", "Mr Grey", "No.")
    assert dict(person.replies) == {"opening": "What is it now?", "introduction": "Who?"}

    page = send(desk, form_of(page), "delete-reply:0:0")
    kept = draft(desk)
    assert kept is not None
    assert dict(kept.practice[0].replies) == {"introduction": "Who?"}


def test_a_page_without_blocks_for_people_removes_no_one(desk: Desk) -> None:
    form = opened(desk)
    assert "p0-name" in form
    older = {
        name: value
        for name, value in form.items()
        if name != "has_practice" and not re.match(r"p\d+-", name)
    }
    page = send(desk, older | {"s0-title": "Is it her?"})
    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].title == "Is it her?"
    assert [person.name for person in kept.practice] == [
        form[f"p{number}-name"] for number in range(5)
    ]
    assert form_of(page)["p0-name"] == form["p0-name"], "the new page has blocks for people"


def test_there_is_one_person_of_each_kind(desk: Desk) -> None:
    form = opened(desk)
    assert "add-character:" not in send(desk, form), "five kinds, five people"
    page = send(desk, form | {"p1-kind": form["p0-kind"]})
    assert "character is listed twice" in beside_person(page, 1)
    assert "fault" not in beside_person(page, 0)
    assert set(CHARACTERS) == set(get_args(CharacterKind))
    assert '<option value="answerphone" selected>Voicemail</option>' in page


def test_faults_of_people_stand_by_them_as_one_types(desk: Desk) -> None:
    form = opened(desk) | {"p2-otherwise": "", "p3-r0-words": "x" * 501, "title": ""}
    checked = desk.client.post(desk.address("/edit/check"), data=form).text
    assert "“At all other steps they say” is missing" in beside_person(checked, 2)
    assert "501 characters long, and the most is 500" in beside_person(checked, 3)
    assert "fault" not in beside_person(checked, 0)
    assert "“Title” is missing" in checked.split('id="faults-script"')[1].split("</ul>")[0]


def test_a_reply_moves_with_a_step_that_gets_its_name(desk: Desk) -> None:
    page = send(desk, opened(desk), "add-step:opening")
    form = form_of(page) | {"p0-r0-step": "new_1", "p0-r0-words": "Mhm?", "s1-title": "Sound check"}
    send(desk, form)
    kept = draft(desk)
    assert kept is not None
    assert kept.practice[0].replies["sound_check"] == "Mhm?"


def test_a_branch_for_people_of_a_town(desk: Desk) -> None:
    page = send(desk, opened(desk), "add-field-branch:issue")
    assert "Give either" in beside(page, "issue")
    form = form_of(page)
    number = next(name[1:-3] for name, value in form.items() if value == "issue" and "-id" in name)
    way = f"s{number}-b0-"
    assert form[f"{way}field"] == "town"
    page = send(desk, form | {f"{way}is": "Leeds", f"{way}goto": "close_thanks"})
    assert "Give either" not in beside(page, "issue")
    kept = draft(desk)
    assert kept is not None
    (branch,) = kept.step("issue").branches
    assert (branch.field, branch.equals, branch.known) == ("town", "Leeds", None)
    assert "town is “Leeds”" in page.split('id="flow-drawn"')[1]

    send(desk, form_of(page) | {f"{way}field": "first_name", f"{way}compare": "unknown"})
    kept = draft(desk)
    assert kept is not None
    (branch,) = kept.step("issue").branches
    assert (branch.field, branch.equals, branch.known) == ("first_name", None, False)

    send(desk, opened(desk), "delete-branch:issue:0")
    assert draft(desk) is None


def test_branches_are_tried_in_their_order(desk: Desk) -> None:
    form = form_of(send(desk, opened(desk), "add-field-branch:issue"))
    form = form_of(send(desk, form, "add-field-branch:issue"))
    number = next(name[1:-3] for name, value in form.items() if value == "issue" and "-id" in name)
    form |= {f"s{number}-b0-is": "Leeds", f"s{number}-b1-is": "York"}
    send(desk, form, "up-branch:issue:1")
    kept = draft(desk)
    assert kept is not None
    assert [branch.equals for branch in kept.step("issue").branches] == ["York", "Leeds"]


def test_some_people_begin_elsewhere(desk: Desk) -> None:
    form = form_of(send(desk, opened(desk), "add-start:"))
    page = send(desk, form | {"t0-compare": "known", "t0-goto": "voting_intention"})
    kept = draft(desk)
    assert kept is not None
    (branch,) = kept.start
    assert (branch.field, branch.known, branch.goto) == ("town", True, "voting_intention")
    send(desk, form_of(page), "delete-start:0")
    assert draft(desk) is None


@pytest.mark.parametrize(("sort", "described"), [("field", "f{}-about"), ("card", "k{}-title")])
def test_what_was_just_described_goes_by_its_own_button(
    desk: Desk, sort: str, described: str
) -> None:
    # A step without a title has the same provisional id.
    form = form_of(send(desk, opened(desk), "add-step:opening"))
    form = form_of(send(desk, form | {"s1-words": "Hello again"}, f"add-{sort}:"))
    new = next(at for at in range(20) if form.get(described.format(at)) == "")
    form |= {described.format(new): "Where it is", "s1-title": "Weather"}
    page = send(desk, form, f"delete-{sort}:new_1")
    assert "Where it is" not in page
    assert form_of(page)["s1-id"] == "weather"


def test_a_field_that_is_not_declared_is_a_fault_at_its_step(desk: Desk) -> None:
    form = form_of(send(desk, opened(desk), "add-field-branch:opening"))
    page = send(desk, form | {"s0-b0-field": "shoe_size", "s0-b0-is": "{{ 7*7 }} <b>"})
    assert "shoe_size is not a known field" in beside(page, "opening")
    assert "{{ 7*7 }} &lt;b&gt;" in page, "a value that looks like a template is a value"
    with desk.app.app_context():
        source = desk.script().draft
    assert source is not None
    script, _ = parse_leniently(source)
    assert script is not None
    assert script.steps[0].branches[0].equals == "{{ 7*7 }} <b>"


def test_faults_name_steps_by_their_titles_and_lead_to_them(desk: Desk) -> None:
    form = opened(desk)
    number = next(name[1:-3] for name, value in form.items() if value == "issue" and "-id" in name)
    page = send(desk, form | {f"s{number}-next": "opening", "s0-title": "Who is it?"})
    diagnostics = page.split("data-step-block")[0] + beside(page, "voting_intention")
    diagnostics += beside(page, "issue")
    assert "“Who is it?” →" in diagnostics
    assert "opening" not in beside(page, "issue")
    places = page.split('id="fault-places"')[1].split("</ul>")[0]
    assert 'href="#step-issue"' in places
    publish = desk.client.get(desk.address("/publish")).text
    assert "“Who is it?” →" in publish


def test_a_last_step_and_a_card_say_how_the_call_is_saved(desk: Desk) -> None:
    form = opened(desk)
    last = next(n for n in range(100) if form[f"s{n}-id"] == "close_not_here")
    assert form[f"s{last}-outcome"] == "bad_time"
    assert "s0-outcome" not in form
    form |= {f"s{last}-outcome": "call_back", "k0-outcome": "moved"}
    page = send(desk, form)
    kept = draft(desk)
    assert kept is not None
    assert (kept.step("close_not_here").outcome, kept.cards[0].outcome) == ("call_back", "moved")
    # A step that no longer ends the call saves nothing.
    send(desk, form_of(page) | {f"s{last}-kind": "say"})
    kept = draft(desk)
    assert kept is not None
    assert kept.step("close_not_here").outcome is None
