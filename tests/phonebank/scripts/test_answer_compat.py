"""Whether publishing would change the meaning of answers that people already gave."""

from dataclasses import replace

import pytest

from phonebank.core.db import db
from phonebank.models import Campaign, Script
from phonebank.scripts import campaign_scripts, drafts
from phonebank.scripts import versions as script_versions
from phonebank.scripts.answer_compat import changed_meanings
from phonebank.scripts.cleanup import resolve_next_below
from phonebank.scripts.edit_actions import apply_action
from scripts_library.parser import parse
from scripts_library.serializer import serialize
from tests.phonebank.scripts.ready_made import reworded
from tests.phonebank.scripts.script_desk import give_answers


def test_rewording_or_dropping_an_answer_already_given_is_named(script: Script) -> None:
    give_answers(
        script,
        [("voting_intention", "undecided")] * 2
        + [("voting_intention", "other"), ("opening", "not_here")],
    )
    source = reworded(script, "label: Undecided", "label: Leaning our way after all")
    source = source.replace("      - key: other\n", "      - key: elsewhere\n")
    new = parse(source.replace("label: It's them", "label: That's them"), "test")

    found = changed_meanings(script, new)
    assert [(c.part, c.old, c.new, c.calls) for c in found] == [
        ("answer", "Someone else", None, 1),
        ("answer", "Undecided", "Leaning our way after all", 2),
    ], "an answer nobody has given may be reworded freely"


def test_several_answers_at_one_step_are_each_looked_at(script: Script) -> None:
    source = reworded(script, "answer: choice\n    choices:\n      - key: cost_of_living",
                      "answer: several\n    choices:\n      - key: cost_of_living")  # fmt: skip
    script_versions.publish(script, script_versions.add_version(script, source, None))
    db.session.commit()
    give_answers(script, [("issue", ["health", "housing"]), ("issue", ["housing"])])

    new = parse(source.replace("label: Housing", "label: Rents"), "test")
    [change] = changed_meanings(script, new)
    assert (change.old, change.new, change.calls) == ("Housing", "Rents", 2)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("someone else, or haven't", "someone else, or have", "words"),
        ("title: How will they vote?", "title: How did they vote?", "title"),
        ("title: How will they vote?", "title: how  will they *vote*", None),
        ("Thank you. If it were", "Thank you! If it were", None),
    ],
)
def test_another_question_with_the_same_answers_is_named(
    script: Script, old: str, new: str, part: str | None
) -> None:
    give_answers(script, [("voting_intention", "undecided"), ("voting_intention", "other")])
    source = reworded(script, old, new)
    source = source.replace("What will decide it?", "What made them vote?")  # asked nobody yet
    found = changed_meanings(script, parse(source, "test"))
    assert [(c.part, c.calls) for c in found] == ([(part, 2)] if part else [])


def test_a_scale_is_neither_turned_round_nor_made_into_another_answer_unseen(
    campaign: Campaign,
) -> None:
    script = campaign_scripts.use_ready_made(campaign, "deep-canvass", "en", None)
    give_answers(script, [("rating_before", 8)])
    source = drafts.working_source(script)
    turned = source.replace("low_label: Completely against", "low_label: X")
    turned = turned.replace("high_label: Completely for", "high_label: Completely against")
    turned = turned.replace("low_label: X", "low_label: Completely for")
    found = changed_meanings(script, parse(turned, "test"))
    assert [(c.part, c.old, c.new, c.calls) for c in found] == [
        ("low", "Completely against", "Completely for", 1),
        ("high", "Completely for", "Completely against", 1),
    ]

    asked = parse(source, "test")
    steps = (replace(s, answer="number") if s.id == "rating_before" else s for s in asked.steps)
    [change] = changed_meanings(script, replace(asked, steps=tuple(steps)))
    assert (change.part, change.old, change.new) == ("kind", "scale", "number")


def test_what_was_left_out_for_a_while_comes_back_as_it_was_or_is_named(script: Script) -> None:
    give_answers(script, [("voting_intention", "undecided"), ("issue", "health")])
    first = parse(drafts.working_source(script), "test")
    gone = resolve_next_below(
        apply_action(apply_action(first, "delete-step:issue"), "delete-choice:voting_intention:2")
    )
    told = {(c.old, c.new) for c in changed_meanings(script, gone)}
    assert told == {("Undecided", None), ("Health and care", None)}
    script_versions.publish(script, script_versions.add_version(script, serialize(gone), None))
    db.session.commit()
    assert changed_meanings(script, replace(gone, title="Again")) == [], "reported once"

    assert changed_meanings(script, first) == []
    other = serialize(first).replace("label: Undecided", "label: Will not say")
    other = other.replace("one thing that will decide it", "one thing that put you off")
    found = changed_meanings(script, parse(other, "test"))
    assert [(c.part, c.old[:9], c.calls) for c in found] == [
        ("answer", "Undecided", 1),
        ("words", "What's th", 1),
    ]
