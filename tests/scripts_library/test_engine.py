"""Which answers a caller may give, and where each leads."""

import pytest

from scripts_library.engine import (
    InvalidAnswerError,
    answers_on_path,
    check_answer,
    first_step,
    is_conversation,
    is_yes,
    next_step,
    path,
    ratings,
    reachable_step_ids,
)
from scripts_library.parser import parse
from scripts_library.script import Answer, Choice, Script, Step, UnknownStepError
from tests.scripts_library.small_scripts import SMALL, changed, script_with_steps

NOBODY: dict[str, str | None] = {}


@pytest.fixture
def script() -> Script:
    return parse(SMALL, "small.en.yaml")


def ids(steps: list[Step]) -> list[str]:
    return [step.id for step in steps]


def test_a_call_stands_at_the_first_step_until_something_is_recorded(script):
    assert first_step(script, NOBODY) == "hello"
    assert ids(path(script, {}, NOBODY)) == ["hello"]


def test_a_step_with_nothing_to_answer_is_passed_by_recording_nothing(script):
    assert ids(path(script, {"hello": None}, NOBODY)) == ["hello", "support"]


def test_a_scale_branches_on_ranges(script):
    assert next_step(script, "support", 3, NOBODY) == "goodbye"
    assert next_step(script, "support", 4, NOBODY) == "help"
    assert next_step(script, "support", None, NOBODY) == "help"


def test_any_of_several_answers_can_decide_the_next_step(script):
    assert next_step(script, "details", ["phone", "doors"], NOBODY) == "shoes"
    assert next_step(script, "details", ["phone"], NOBODY) == "goodbye"


def test_the_end_has_no_next_step(script):
    assert next_step(script, "goodbye", None, NOBODY) is None


def test_an_unknown_step_is_an_error(script):
    with pytest.raises(UnknownStepError, match="no step called nowhere"):
        next_step(script, "nowhere", None, NOBODY)


def test_a_changed_answer_changes_the_path_and_changing_it_back_restores_the_rest(script):
    answers: dict[str, Answer] = {
        "hello": None,
        "support": 8,
        "help": "yes",
        "details": ["doors"],
        "shoes": None,
    }
    whole = ["hello", "support", "help", "details", "shoes", "goodbye"]

    assert ids(path(script, answers, NOBODY)) == whole
    changed_mind: dict[str, Answer] = {**answers, "support": 1}
    assert ids(path(script, changed_mind, NOBODY)) == ["hello", "support", "goodbye"]
    assert answers_on_path(script, changed_mind, NOBODY) == {"hello": None, "support": 1}
    assert ids(path(script, {**changed_mind, "support": 8}, NOBODY)) == whole


def test_an_answer_that_a_script_no_longer_offers_leaves_the_call_at_that_step(script):
    answers: dict[str, Answer] = {"hello": None, "support": 8, "help": "perhaps"}

    assert ids(path(script, answers, NOBODY))[-1] == "help"


def test_a_yes_and_a_conversation_and_the_ratings_are_told_from_answers(script):
    answers: dict[str, Answer] = {"hello": None, "support": 0, "help": "no"}

    assert is_conversation(script, answers)
    assert not is_yes(script, answers)
    assert is_yes(script, {"help": "yes"})
    assert not is_conversation(script, {"support": None})
    assert ratings(script, answers) == (0, None)


def test_branches_on_fields_and_on_answers_together():
    steps = """\
  - id: main
    kind: question
    title: Q
    words: Q
    answer: choice
    choices: [{key: a, label: A}, {key: b, label: B}]
    branches:
      - {field: town, is: Leeds, answer: a, goto: both}
      - {field: town, known: no, goto: no_town}
    next: end
  - {id: both, kind: say, title: S, words: S, next: end}
  - {id: no_town, kind: say, title: S, words: S, next: end}
  - {id: end, kind: close, title: E, words: E}
"""
    script = parse(script_with_steps(steps, yes="{main: [a]}"), "test.yaml")

    assert next_step(script, "main", "a", {"town": " leeds "}) == "both"
    assert next_step(script, "main", "b", {"town": "Leeds"}) == "end"
    assert next_step(script, "main", "a", {"town": "York"}) == "end"
    assert next_step(script, "main", "a", {"town": ""}) == "no_town"
    assert next_step(script, "main", None, {}) == "no_town"


def test_steps_ahead_are_those_that_some_answers_lead_to():
    small = parse(SMALL, "test")
    assert reachable_step_ids(small, {}) == {step.id for step in small.steps}
    known = parse(
        changed(
            "      How are you?\n    next: support",
            "      How are you?\n    branches:\n      - field: town\n        known: true\n"
            "        goto: details\n    next: support",
        ),
        "test",
    )
    assert reachable_step_ids(known, {"town": "Leeds"}) == {"hello", "details", "shoes", "goodbye"}
    assert "support" in reachable_step_ids(known, {"town": None})


def test_a_call_can_begin_elsewhere_for_some_contacts():
    text = changed(
        "steps:\n",
        "fields: {rung_before: Filled in when they asked us to ring again}\n"
        "start:\n  - {field: rung_before, known: yes, goto: support}\nsteps:\n",
    )
    script = parse(text, "test.yaml")

    assert first_step(script, {"rung_before": "on Monday"}) == "support"
    assert first_step(script, NOBODY) == "hello"


CHOICE = Step("s", "question", "S", answer="choice", choices=(Choice("yes", "Yes", "end"),))
SEVERAL = Step(
    "s", "question", "S", answer="several", next="end", choices=(Choice("a", "A"), Choice("b", "B"))
)


def of_kind(kind: str) -> Step:
    return Step("s", "question", "S", answer=kind, next="end")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("step", "raw", "stored"),
    [
        (CHOICE, " yes ", "yes"),
        (SEVERAL, ["b", "a", "b"], ["a", "b"]),
        (SEVERAL, "b", ["b"]),
        (SEVERAL, [], None),
        (of_kind("scale"), "0", 0),
        (of_kind("scale"), 10, 10),
        (of_kind("scale"), "", None),
        (of_kind("number"), "12", 12),
        (of_kind("number"), "-1.5", -1.5),
        (of_kind("number"), 3, 3),
        (of_kind("date"), "2028-02-29", "2028-02-29"),
        (of_kind("text"), "  a b \r\n c ", "a b \n c"),
        (of_kind("text"), "a\x00\u202eb", "ab"),
        (of_kind("text"), "\x00", None),
        (of_kind("text"), "<b>{{ x }}</b>", "<b>{{ x }}</b>"),
        (of_kind("text"), None, None),
        (Step("s", "say", "S", words="W", next="end"), "anything", None),
    ],
)
def test_answers_as_they_are_stored(step, raw, stored):
    answer = check_answer(step, raw)

    assert answer == stored
    assert type(answer) is type(stored)


@pytest.mark.parametrize(
    ("step", "raw", "says"),
    [
        (CHOICE, "maybe", "one of these answers: Yes"),
        (CHOICE, "", "what comes next depends on it"),
        (CHOICE, None, "what comes next depends on it"),
        (CHOICE, ["yes"], "takes one answer"),
        (CHOICE, {"yes": 1}, "takes one answer"),
        (CHOICE, True, "takes one answer"),
        (SEVERAL, ["a", "c"], "one of these answers: A, B"),
        (SEVERAL, ["a", 1], "from the answers shown"),
        (SEVERAL, {"a": 1}, "from the answers shown"),
        (of_kind("scale"), "11", "from 0 to 10"),
        (of_kind("scale"), "-1", "from 0 to 10"),
        (of_kind("scale"), "7.5", "from 0 to 10"),
        (of_kind("scale"), 7.5, "from 0 to 10"),
        (of_kind("scale"), "٧", "from 0 to 10"),
        (of_kind("number"), "12,5", "in digits"),
        (of_kind("number"), "1e9", "in digits"),
        (of_kind("number"), "nan", "in digits"),
        (of_kind("number"), float("inf"), "in digits"),
        (of_kind("number"), "10000000000", "too large"),
        (of_kind("date"), "2027-02-29", "real date"),
        (of_kind("date"), "7 May", "real date"),
        (of_kind("date"), "20270507", "real date"),
        (of_kind("text"), "x" * 2001, "2001 characters"),
    ],
)
def test_answers_that_are_refused_say_why(step, raw, says):
    with pytest.raises(InvalidAnswerError, match=says):
        check_answer(step, raw)
