"""The script that most campaigns start from, walked as a caller walks it."""

from pathlib import Path

import pytest

from scripts_library.engine import first_step, is_conversation, is_yes, next_step, path, ratings
from scripts_library.parser import diagnose, parse
from scripts_library.script import Answer, Script

FILE = Path(__file__).parents[2] / "scripts_library" / "scripts" / "persuasive-conversation.en.yaml"

NOBODY: dict[str, str | None] = {}


@pytest.fixture(scope="module")
def script() -> Script:
    return parse(FILE.read_text("utf-8"), FILE.name)


def test_the_script_has_no_faults_and_no_warnings():
    assert diagnose(FILE.read_text("utf-8")) == []


def test_an_undecided_voter_is_heard_before_they_are_asked(script):
    answers: dict[str, Answer] = {
        "opening": "speaking",
        "introduction": "happy_to_talk",
        "rating_before": 5,
        "rating_why": "they promise and forget",
        "issue": "housing",
        "listen": None,
        "story": None,
        "contrast": None,
        "rating_after": 7,
        "vote_ask": "yes",
        "voting_method": "polling_station",
        "when_to_vote": "morning",
        "help_ask": "no",
    }

    walked = [step.id for step in path(script, answers, NOBODY)]

    assert walked == [*answers, "close_thanks"]
    assert is_conversation(script, answers)
    assert is_yes(script, answers)
    assert ratings(script, answers) == (5, 7)


def test_a_supporter_goes_straight_to_their_plan(script):
    assert next_step(script, "rating_before", 9, NOBODY) == "supporter"
    assert next_step(script, "supporter", None, NOBODY) == "voting_method"


def test_the_script_does_not_argue_with_people_who_say_it_is_settled(script):
    assert next_step(script, "rating_before", 0, NOBODY) == "decided_against"
    assert next_step(script, "decided_against", "settled", NOBODY) == "close_decided"


def test_a_call_that_ends_at_the_opening_is_no_conversation(script):
    answers = {first_step(script, NOBODY): "wrong_person"}

    assert path(script, answers, NOBODY)[-1].is_end
    assert not is_conversation(script, answers)
    assert not is_yes(script, answers)
    assert ratings(script, answers) == (None, None)
