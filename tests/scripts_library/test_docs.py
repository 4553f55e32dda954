"""The guide to writing scripts says what the parser does, and its example works."""

import dataclasses
import re
from pathlib import Path
from typing import get_args

import pytest

from phonebank.rules.outcomes import OUTCOMES
from scripts_library import script_builder, yaml_source
from scripts_library.__main__ import check_files
from scripts_library.checks import MAX_READING_SECONDS, WORDS_PER_MINUTE
from scripts_library.engine import MAX_ANSWER_LENGTH
from scripts_library.parser import diagnose
from scripts_library.script import (
    BUILT_IN_FIELDS,
    AnswerKind,
    Card,
    CharacterKind,
    Choice,
    Script,
    Step,
    StepKind,
)
from scripts_library.yaml_source import MAX_DEPTH
from tests.scripts_library.small_scripts import SMALL

PAGE = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text("utf-8")


def test_the_example_is_a_script_without_a_fault():
    example = re.search(r"```yaml\n(slug:.*?)```", PAGE, re.DOTALL)

    assert example
    assert diagnose(example[1]) == []


@pytest.mark.parametrize("noun", [Script, Step, Choice, Card], ids=lambda noun: noun.__name__)
def test_every_setting_is_explained(noun):
    for field in dataclasses.fields(noun):
        assert not field.compare or f"`{field.name}`" in PAGE, field.name


def test_every_kind_outcome_and_built_in_field_is_named():
    kinds = [*get_args(StepKind), *get_args(AnswerKind), *get_args(CharacterKind)]
    for name in [*kinds, *BUILT_IN_FIELDS, *OUTCOMES]:
        assert f"`{name}`" in PAGE, name


def test_the_limits_on_the_page_are_the_limits_in_force():
    page = " ".join(PAGE.split())

    assert (
        f"more than {script_builder.MAX_STEPS} steps, {script_builder.MAX_CARDS} cards,"
        f" {script_builder.MAX_CHOICES} choices or {script_builder.MAX_WORDS_LENGTH:,} characters"
        in page
    )
    assert f"files over {yaml_source.MAX_BYTES // 1024} kB" in page
    assert f"more than {MAX_READING_SECONDS} seconds of words" in page
    assert f"{WORDS_PER_MINUTE} words a minute" in page
    assert f"up to {MAX_ANSWER_LENGTH:,} characters" in page
    assert MAX_DEPTH == 8
    assert "more than eight levels" in page


def test_files_are_checked_from_a_terminal(tmp_path, capsys):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SMALL, "utf-8")
    bad.write_text(SMALL.replace("goto: shoes", "goto: nowhere"), "utf-8")

    assert check_files([str(good)]) == 0
    assert "6 steps" in capsys.readouterr().out
    assert check_files([str(good), str(bad), str(tmp_path / "none.yaml")]) == 1
    out = capsys.readouterr().out
    assert "step details: This leads to nowhere" in out
    assert "none.yaml: cannot be read" in out
