"""Tests the call page's data of a script: it leads to the same steps as the server."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callers.views.call_view_model import describe_answer, stage_of
from callers.views.script_words import transitions_from
from scripts_library.engine import InvalidAnswerError, check_answer, next_step
from scripts_library.library import ready_made
from scripts_library.parser import parse
from scripts_library.script import Script, Step

SCRIPTS = ready_made()
FIELDS = [{}, {"town": "Leeds", "first_name": "Ann"}, {"last_voted": "never"}]


def follow(transitions: list[list[Any]], answer: Any) -> str | None:
    """The next step, found as call_path.js finds it."""
    given = answer if isinstance(answer, list) else [] if answer is None else [str(answer)]
    return next(
        (goto for keys, goto in transitions if keys is None or set(keys) & set(given)),
        None,
    )


def answers_to(step: Step) -> list[Any]:
    keys = [choice.key for choice in step.choices]
    raw: Any = {
        "choice": keys,
        "several": [[key] for key in keys] + [keys],
        "scale": list(range(11)),
        "text": ["something"],
        "number": ["12", "3.5"],
        "date": ["2026-05-07"],
        None: [],
    }[step.answer]
    answers = []
    for given_answer in [None, *raw]:
        try:
            answers.append(check_answer(step, given_answer))
        except InvalidAnswerError:
            continue
    return answers


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: f"{s.slug}.{s.language}")
@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_the_page_goes_where_the_server_goes(script: Script, fields: dict[str, str]) -> None:
    for step in script.steps:
        transitions = transitions_from(step, fields)
        for answer in answers_to(step):
            try:
                expected = next_step(script, step.id, answer, fields)
            except InvalidAnswerError:
                expected = None
            assert follow(transitions, answer) == expected, (step.id, answer)


BRANCHING = parse(
    """
slug: branching
language: en
title: T
purpose: P
provenance: Ours
licence: CC0-1.0
identification: This is {{ caller_name }} for {{ on_behalf_of }}.
main_question: first
yes: {first: [b]}
steps:
  - id: first
    kind: question
    title: Several
    words: Which?
    answer: several
    choices:
      - {key: a, label: A}
      - {key: b, label: B, goto: end_b}
      - {key: c, label: C}
    branches:
      - {answer: [a, c], field: town, is: Leeds, goto: end_leeds}
      - {answer: [c], goto: end_c}
    next: end
  - {id: end, kind: close, title: End, words: Bye}
  - {id: end_b, kind: close, title: End, words: Bye}
  - {id: end_c, kind: close, title: End, words: Bye}
  - {id: end_leeds, kind: close, title: End, words: Bye}
""",
    "branching.yaml",
)


@settings(max_examples=50)
@given(
    keys=st.lists(st.sampled_from("abc"), unique=True),
    town=st.sampled_from([None, "", "leeds ", "York"]),
)
def test_several_ticks_and_a_field_together(keys: list[str], town: str | None) -> None:
    step = BRANCHING.step("first")
    answer = check_answer(step, keys)
    fields = {"town": town}
    expected = next_step(BRANCHING, "first", answer, fields)
    assert follow(transitions_from(step, fields), answer) == expected


def test_answers_show_in_the_words_of_their_buttons() -> None:
    step = BRANCHING.step("first")
    assert describe_answer(step, ["a", "c"], {}) == "A, C"
    assert describe_answer(step, None, {}) == ""
    persuasive = next(s for s in SCRIPTS if s.slug == "persuasive-conversation")
    assert describe_answer(persuasive.step("rating_before"), 0, {}) == "0"
    assert describe_answer(persuasive.step("rating_why"), "the buses", {}) == "the buses"


def test_the_buttons_under_the_thumb_follow_the_call() -> None:
    script = next(s for s in SCRIPTS if s.slug == "persuasive-conversation")
    assert stage_of(None, {}) == "plain"
    assert stage_of(script, {}) == "ringing"
    assert stage_of(script, {"opening": "speaking"}) == "talking"
    assert stage_of(script, {"opening": "speaking", "rating_before": 0}) == "conversation"
