"""A serialized script parses back to the same script."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts_library.library import ready_made
from scripts_library.parser import parse
from scripts_library.script import Branch, Card, Script
from scripts_library.serializer import serialize
from scripts_library.yaml_fields import unwrap_lines
from tests.scripts_library.small_scripts import SMALL

# Text that an organiser can type into the editor; the parser refuses the rest.
TYPED = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"))
    | st.sampled_from("\n #:-|>{}[]'\"%@`&*!?,\\\u200d\u200f"),
    min_size=1,
    max_size=200,
)
WORDS = TYPED.filter(lambda text: text.strip() and "{{" not in text and "}}" not in text)


def as_read(text: str) -> str:
    return unwrap_lines(text.strip("\n").rstrip())


def test_it_is_written_for_people_to_read():
    text = serialize(parse(SMALL, "test.yaml"))

    assert "    words: |\n      Hello {{ first_name or 'there' }}.\n\n      How are you?\n" in text
    assert "\n\n  - id: help\n" in text
    assert "yes:\n  help: [yes]\n" in text
    assert "    choices:\n      - key: yes\n        label: Yes\n" in text


@pytest.mark.parametrize("script", ready_made(), ids=lambda s: f"{s.slug}.{s.language}")
def test_ready_made_scripts_read_back_the_same(script):
    assert parse(serialize(script), "written.yaml") == script


def test_branches_of_every_sort_read_back_the_same():
    script = parse(SMALL, "test.yaml")
    branches = (
        Branch("goodbye", low=0, high=3),
        Branch("goodbye", low=4, high=4, field="town", equals="no"),
        Branch("goodbye", field="first_name", known=False),
        Branch("help", field="first_name", known=True),
    )
    support = dataclasses.replace(script.step("support"), branches=branches)
    start = (Branch("support", field="town", known=True),)
    steps = tuple(support if step.id == "support" else step for step in script.steps)
    script = dataclasses.replace(script, steps=steps, start=start)

    assert parse(serialize(script), "written.yaml") == script


@settings(max_examples=300, deadline=None)
@given(words=WORDS, title=WORDS)
def test_whatever_is_typed_reads_back_the_same(words, title):
    script: Script = dataclasses.replace(
        parse(SMALL, "test.yaml"),
        cards=(Card("card", " ".join(title.split()), as_read(words), as_read(words)),),
    )

    assert parse(serialize(script), "written.yaml") == script
