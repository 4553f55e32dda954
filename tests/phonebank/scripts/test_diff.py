"""The differences between two versions, in words."""

from dataclasses import replace

from phonebank.scripts.diff import Line, differences
from phonebank.scripts.transitions import describe_condition, transitions_of
from scripts_library.library import source_of
from scripts_library.parser import parse
from scripts_library.script import Branch, Script

SOURCE = source_of("voter-identification", "en")


def changed(old: str, new: str) -> Script:
    assert old in SOURCE
    return parse(SOURCE.replace(old, new), "test")


OLD = parse(SOURCE, "test")


def test_nothing_changed_is_nothing_to_read() -> None:
    assert differences(OLD, OLD) == []
    assert differences(OLD, parse("# a remark\n" + SOURCE, "test")) == []


def test_a_reworded_answer_shows_old_and_new() -> None:
    [section] = differences(OLD, changed("label: Undecided", "label: In two minds"))
    assert (section.title, section.state) == ("How will they vote?", "changed")
    assert Line("gone", "Answer: Undecided") in section.lines
    assert Line("new", "Answer: In two minds") in section.lines
    assert any(line.mark == "same" for line in section.lines)


def test_where_an_answer_leads_is_named_by_title() -> None:
    [section] = differences(OLD, _led("will_not_vote", "issue"))
    assert Line("gone", "“Won't vote” → Why not?") in section.lines
    assert Line("new", "“Won't vote” → What will decide it?") in section.lines


def _led(key: str, goto: str) -> Script:
    steps = tuple(
        replace(
            step,
            choices=tuple(replace(c, goto=goto) if c.key == key else c for c in step.choices),
        )
        for step in OLD.steps
    )
    return replace(OLD, steps=steps)


def test_new_and_deleted_parts_are_told_apart() -> None:
    fewer = replace(OLD, cards=OLD.cards[1:])
    [gone] = differences(OLD, fewer)
    [new] = differences(fewer, OLD)
    assert (gone.state, new.state) == ("gone", "new")
    assert gone.title == new.title == f"If they say: {OLD.cards[0].title}"


def test_what_counts_is_part_of_the_whole() -> None:
    [section] = differences(OLD, replace(OLD, yes={}))
    assert section.title == "The script as a whole"
    assert [line.text for line in section.lines if line.mark == "gone"] == [
        "Counts as a yes: “Yes” at Can we count on it?"
    ]


def test_a_half_written_draft_is_compared_all_the_same() -> None:
    [section] = differences(OLD, replace(OLD, yes={"gone": ("no",)}, main_question=""))
    assert Line("new", "Counts as a yes: “no” at gone") in section.lines


def test_kinds_of_answer_are_called_what_the_editor_calls_them() -> None:
    steps = (replace(step, answer="several") if step.id == "issue" else step for step in OLD.steps)
    [section] = differences(OLD, replace(OLD, steps=tuple(steps)))
    assert Line("gone", "What will decide it? (Question: one of several answers)") in section.lines
    assert Line("new", "What will decide it? (Question: any of several answers)") in section.lines


def test_the_order_of_blocks_alone_is_no_difference_but_the_first_is() -> None:
    middle = replace(OLD, steps=(OLD.steps[0], *reversed(OLD.steps[1:])))
    assert differences(OLD, middle) == []
    [section] = differences(OLD, replace(OLD, steps=tuple(reversed(OLD.steps))))
    assert section.title == "The script as a whole"


def test_conditions_in_words() -> None:
    step = parse(source_of("persuasive-conversation", "en"), "test").step("rating_before")
    assert [way.when for way in transitions_of(step)] == ["0 to 1", "9 to 10", "otherwise"]
    assert [way.when for way in transitions_of(OLD.step("issue"))] == [""]
    assert describe_condition(Branch("x", field="town", known=False)) == "town is not known"
    assert describe_condition(Branch("x", low=7, high=7, field="town", equals="Leeds")) == (
        "7 and town is “Leeds”"
    )


def test_an_outcome_that_changes_is_named_as_the_caller_reads_it() -> None:
    steps = tuple(
        replace(step, outcome="moved") if step.id == "close_wrong_person" else step
        for step in OLD.steps
    )
    cards = tuple(replace(card, outcome=None) for card in OLD.cards)
    step, *changed_cards = differences(OLD, replace(OLD, steps=steps, cards=cards))
    assert Line("gone", "Saves the call as: Wrong number") in step.lines
    assert Line("new", "Saves the call as: Moved away") in step.lines
    assert Line("gone", "Saves the call as: Do not call") in changed_cards[0].lines
