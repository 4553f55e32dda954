"""What the actions of the editor's buttons do to a script."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.scripts.cleanup import drop_empty, resolve_next_below
from phonebank.scripts.edit_actions import ACTIONS, apply_action
from phonebank.scripts.editor_state import editor_state_of
from phonebank.scripts.form_fields import BELOW
from phonebank.scripts.identifiers import assign_choice_keys, assign_ids, unique_id
from scripts_library.graph import reachable_from
from scripts_library.library import ready_made, source_of
from scripts_library.parser import parse
from scripts_library.script import Branch, Choice, Script, Step

IDENTIFY = parse(source_of("voter-identification", "en"), "test")


def ids(script: Script) -> list[str]:
    return [step.id for step in script.steps]


def errors_of(script: Script) -> list[str]:
    _, diagnostics = editor_state_of(script).parsed, editor_state_of(script).diagnostics
    groups = [diagnostics.of_script, *diagnostics.of_steps.values(), *diagnostics.of_cards.values()]
    return [
        diagnostic.message
        for group in groups
        for diagnostic in group
        if diagnostic.severity == "error"
    ]


def test_a_new_step_is_placed_between_its_neighbours() -> None:
    script = resolve_next_below(
        apply_action(IDENTIFY, "add-step:issue")
    )  # whose next is ring_again_ask
    at = ids(script).index("issue")
    new = script.steps[at + 1]
    assert script.step("issue").next == new.id
    assert new.next == "ring_again_ask"


def test_a_step_after_goodbye_is_reported_as_one_that_nothing_leads_to() -> None:
    script = apply_action(IDENTIFY, "add-step:close_thanks")
    assert any("No step leads here" in message for message in errors_of(script))


def test_transitions_to_a_deleted_step_lead_to_the_step_after_it() -> None:
    script = resolve_next_below(apply_action(IDENTIFY, "delete-step:ring_again_ask"))
    assert "ring_again_ask" not in ids(script)
    assert script.step("issue").next == "close_thanks"
    assert errors_of(script) == []


def test_deleting_the_main_question_asks_for_another() -> None:
    script = apply_action(IDENTIFY, "delete-step:voting_intention")
    assert script.main_question == ""
    assert any("main_question" in message for message in errors_of(script))


def test_the_last_step_stays() -> None:
    script = IDENTIFY
    for step_id in ids(IDENTIFY):
        script = apply_action(script, f"delete-step:{step_id}")
    assert len(script.steps) == 1


def test_moving_a_step_keeps_transitions_to_the_step_below() -> None:
    steps = tuple(replace(step, next=BELOW if step.next else None) for step in IDENTIFY.steps)
    script = resolve_next_below(
        apply_action(replace(IDENTIFY, steps=steps), "up-step:why_not_vote")
    )
    assert script.step("why_not_vote").next == "ring_again_ask"
    assert script.step("issue").next == "why_not_vote"


def test_moving_past_the_ends_changes_nothing() -> None:
    assert apply_action(IDENTIFY, "up-step:opening") == IDENTIFY
    assert apply_action(IDENTIFY, f"down-step:{ids(IDENTIFY)[-1]}") == IDENTIFY


def test_answers_are_added_moved_and_deleted() -> None:
    script = apply_action(IDENTIFY, "down-choice:vote_ask:0")
    assert [c.key for c in script.step("vote_ask").choices] == ["probably", "yes", "no"]
    script = apply_action(script, "delete-choice:vote_ask:1")
    assert [c.key for c in script.step("vote_ask").choices] == ["probably", "no"]
    assert drop_empty(script).yes == {}, "the answer that counted as a yes is gone"
    assert len(apply_action(script, "add-choice:vote_ask").step("vote_ask").choices) == 3


def with_only(*steps: Step) -> Script:
    return replace(IDENTIFY, steps=steps)


def branching(*branches: Branch) -> Script:
    """Return the script with branches at the question whether they will vote."""
    steps = (
        replace(step, branches=branches) if step.id == "vote_ask" else step
        for step in IDENTIFY.steps
    )
    return replace(IDENTIFY, steps=tuple(steps))


def test_a_branch_of_several_answers_keeps_the_answers_that_are_left() -> None:
    both = Branch("close_thanks", choices=("yes", "probably"))
    in_leeds = Branch("issue", choices=("yes",), field="town", equals="Leeds")
    known = Branch("issue", field="town", known=True)
    script = branching(both, in_leeds, known)
    step = script.step("vote_ask")
    left = (replace(both, choices=("probably",)), known)
    row = [choice.key for choice in step.choices].index("yes")
    assert apply_action(script, f"delete-choice:vote_ask:{row}").step("vote_ask").branches == left

    emptied = tuple(
        replace(choice, label="", goto=None) if choice.key == "yes" else choice
        for choice in step.choices
    )
    steps = tuple(replace(s, choices=emptied) if s is step else s for s in script.steps)
    assert drop_empty(replace(script, steps=steps)).step("vote_ask").branches == left


@pytest.mark.parametrize(
    "button", ["", "save", "up-step", "up-step:none", "fly:opening", "::", "add-choice:x:y"]
)
def test_a_button_that_makes_no_sense_changes_nothing(button: str) -> None:
    assert apply_action(IDENTIFY, button) == IDENTIFY


@pytest.mark.parametrize("verb", ["add-field-branch", "add-range"])
def test_a_new_branch_leads_to_an_end_and_never_back(verb: str) -> None:
    for step in IDENTIFY.steps:
        if not step.is_end:
            [*_, new] = apply_action(IDENTIFY, f"{verb}:{step.id}").step(step.id).branches
            assert IDENTIFY.step(new.goto).is_end
            assert new.goto in reachable_from(IDENTIFY, [step.id]), "an end of its own"
    # Two steps: a question below goodbye; and the first of two steps without an end.
    asks = Step("q", "say", "Q", "Q?", next=BELOW)
    bye = Step("bye", "close", "Bye", "Bye.")
    for steps, leads_to in (([bye, asks], "bye"), ([asks, replace(asks, id="r")], "r")):
        [new] = apply_action(with_only(*steps), f"{verb}:q").step("q").branches
        assert new.goto == leads_to
    assert apply_action(with_only(asks), f"{verb}:q") == with_only(asks), "it leads nowhere else"


def test_a_new_branch_makes_no_loop_where_the_steps_below_lead_back() -> None:
    first = Step("first", "say", "First", "W.", next="second")
    second, third = (
        Step(step_id, "say", step_id, "W.", next=BELOW) for step_id in ("second", "third")
    )
    script = with_only(third, first, second)
    [new] = apply_action(script, "add-field-branch:first").step("first").branches
    assert new.goto == "second", "third leads to the step below it, and that is this one"


def test_a_new_part_of_a_scale_is_one_that_leads_nowhere_yet() -> None:
    asks = Step("q", "question", "Q", "Q?", answer="scale", next="bye")
    script = with_only(asks, Step("bye", "close", "Bye", "Bye."))
    for _ in range(4):
        script = apply_action(script, "add-range:q")
    parts = [(branch.low, branch.high) for branch in script.step("q").branches]
    assert parts == [(0, 3), (4, 7), (8, 10), (0, 0)]

    gap = replace(asks, branches=(Branch("bye", low=0, high=1), Branch("bye", low=4, high=10)))
    [*_, new] = (
        apply_action(replace(script, steps=(gap, script.steps[1])), "add-range:q").steps[0].branches
    )
    assert (new.low, new.high) == (2, 3)


def test_a_new_first_step_is_not_the_goodbye() -> None:
    [start] = apply_action(IDENTIFY, "add-start:").start
    assert start.goto == ids(IDENTIFY)[1]
    bye = Step("bye", "close", "Bye", "Bye.")
    [start] = apply_action(
        with_only(Step("q", "say", "Q", "Q?", next="bye"), bye), "add-start:"
    ).start
    assert start.goto == "q"


def test_the_number_of_parts_is_limited() -> None:
    script = IDENTIFY
    for _ in range(150):
        script = apply_action(apply_action(script, "add-step:opening"), "add-choice:opening")
        script = apply_action(script, "add-card:")
    assert len(script.steps) == 100
    assert len(script.step("opening").choices) == 20
    assert len(script.cards) == 40


def test_a_new_step_is_named_by_its_title_wherever_it_is_spoken_of() -> None:
    script = resolve_next_below(apply_action(IDENTIFY, "add-step:issue"))
    new = next(step for step in script.steps if not step.title)
    titled = tuple(
        replace(step, title="How's the café?") if step is new else step for step in script.steps
    )
    unnamed = replace(script, steps=titled, main_question=new.id)
    script = assign_ids(unnamed)
    assert script.has_step("hows_the_cafe")
    assert script.step("issue").next == script.main_question == "hows_the_cafe"
    assert assign_ids(script) == script, "a name stays"
    assert assign_ids(unnamed, {"hows_the_cafe"}).has_step("hows_the_cafe_2"), "the id was used"


def test_a_returning_answer_with_its_newest_label_gets_its_old_key() -> None:
    used = {"no": "No", "unsure": "Undecided", "undecided": "Undecided", "yes": "Yes, surely"}
    choices = [Choice("no", "No"), *(Choice("", label) for label in ("No", "Yes", "Undecided") * 2)]
    named_so = [choice.key for choice in assign_choice_keys(choices, used)]
    assert named_so == ["no", "no_2", "yes_2", "unsure", "no_3", "yes_3", "undecided"]


def test_ids_are_plain_and_unused() -> None:
    assert unique_id("Bills & the cost of living", []) == "bills_the_cost_of_living"
    assert unique_id("Yes", ["yes", "yes_2"]) == "yes_3"
    assert unique_id("{{ candidate or 'Our candidate' }}", []) == "our_candidate"
    assert unique_id("投票", []) == "a"
    assert unique_id("2 children", []) == "a_2_children"
    assert len(unique_id("x" * 300, [])) <= 40
    assert unique_id("New 1", []) == "a_new_1", "new_1 is the id of a step without a title"
    assert unique_id("New voters", []) == "new_voters"


buttons = st.builds(
    lambda verb, step, row: f"{verb}:{step}{row}",
    st.sampled_from(sorted(ACTIONS)),
    st.sampled_from([*ids(IDENTIFY), *(card.id for card in IDENTIFY.cards), "new_1"]),
    st.sampled_from(["", ":0", ":1", ":2"]),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(buttons, max_size=15))
def test_whatever_is_pressed_the_draft_opens_again_as_it_was_kept(pressed: list[str]) -> None:
    script = IDENTIFY
    for button in pressed:
        script = assign_ids(resolve_next_below(apply_action(script, button)))
    sheet = editor_state_of(script)
    assert sheet.parsed is not None
    assert ids(sheet.parsed) == ids(sheet.script)
    again = editor_state_of(sheet.parsed)
    assert again.source == sheet.source


@pytest.mark.parametrize("script", ready_made(), ids=lambda s: f"{s.slug}.{s.language}")
def test_an_unchanged_script_is_kept_as_it_was(script: Script) -> None:
    assert editor_state_of(script).parsed == script
