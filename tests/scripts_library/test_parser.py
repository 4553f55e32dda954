"""The parser refuses hostile and broken files, and names the line."""

import time

import pytest

from scripts_library.diagnostics import MAX_DIAGNOSTICS, InvalidScriptError
from scripts_library.merge_fields import render_html
from scripts_library.parser import diagnose, parse
from scripts_library.yaml_fields import unwrap_lines
from scripts_library.yaml_source import MAX_BYTES
from tests.scripts_library.small_scripts import SMALL, changed, line_of

BILLION_LAUGHS = (
    "a: &a [lol, lol, lol, lol]\n"
    "b: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n"
    "c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n"
    "d: [*c, *c, *c, *c, *c, *c, *c, *c]\n"
)


def only_error(text: str):
    found = diagnose(text)
    assert len(found) == 1, found
    assert found[0].severity == "error"
    with pytest.raises(InvalidScriptError):
        parse(text, "test.yaml")
    return found[0]


def test_a_yaml_bomb_is_refused_at_its_first_anchor():
    diagnostic = only_error(BILLION_LAUGHS)

    assert diagnostic.line == 1
    assert "alias" in diagnostic.message


def test_a_merge_key_bomb_and_an_alias_inside_a_step_are_refused():
    text = changed("title: Shoes", "title: *hello")

    assert only_error(text).line == line_of("title: *hello", text)


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['true']", "!!binary aGVsbG8=", "!mine x"]
)
def test_tags_are_refused(tag):
    text = changed("title: Shoes", f"title: {tag}")

    diagnostic = only_error(text)

    assert diagnostic.line == line_of(tag, text)
    assert "tag" in diagnostic.message


def test_one_byte_too_many_is_told_as_more_than_the_most():
    size = len(SMALL.encode())
    assert "The script is 257 kB" in only_error(SMALL + "# " + "x" * (256 * 1024 - size)).message


@pytest.mark.timing
def test_five_megabytes_are_refused_at_once():
    started = time.perf_counter()

    diagnostic = only_error(SMALL + "# " + "x" * 5_000_000)

    assert "4885 kB" in diagnostic.message
    assert "256 kB" in diagnostic.message
    assert time.perf_counter() - started < 2


def test_tens_of_thousands_of_faults_are_cut_short_and_still_refused():
    warnings = "".join(f"  f{n}: A field\n" for n in range(300))
    text = changed("steps:\n", f"fields:\n{warnings}steps:\n") + "  - {}\n" * 30_000

    found = diagnose(text)

    assert len(found) == MAX_DIAGNOSTICS + 1
    assert {diagnostic.severity for diagnostic in found[:-1]} == {"warning"}
    assert found[-1].severity == "error"
    with pytest.raises(InvalidScriptError):
        parse(text, "test.yaml")


def test_size_is_counted_in_bytes():
    assert len(SMALL) + 70_000 < MAX_BYTES
    diagnostic = only_error(SMALL + "# " + "\N{GRINNING FACE}" * 70_000)

    assert "256 kB" in diagnostic.message


@pytest.mark.timing
@pytest.mark.parametrize("opener", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_without_falling_over(opener):
    started = time.perf_counter()
    found = diagnose("steps: " + opener * 20_000)

    assert [diagnostic.severity for diagnostic in found] == ["error"]
    assert time.perf_counter() - started < 2


def test_a_repeated_setting_is_refused_with_both_places():
    text = changed("    title: Shoes\n", "    title: Shoes\n    title: Boots\n")

    diagnostic = only_error(text)

    assert diagnostic.line == line_of("title: Boots", text)
    assert f"line {line_of('title: Shoes', text)}" in diagnostic.message


def test_every_line_with_a_tab_is_named():
    text = changed("    title: Shoes\n", "\ttitle: Shoes\n") + "\t# end\n"

    found = diagnose(text)

    assert [diagnostic.line for diagnostic in found] == [
        line_of("\ttitle: Shoes", text),
        line_of("\t# end", text),
    ]
    assert all("tab" in diagnostic.message for diagnostic in found)


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x1b", "\x85", "\u2028", "\u202e", "\u2066", "\ue000", "\ud800"],
    ids=lambda c: f"U+{ord(c):04X}",
)
def test_hidden_characters_are_named_with_their_line(character):
    text = changed("Bring good shoes.", f"Bring {character}good shoes.")

    diagnostic = only_error(text)

    assert diagnostic.line == line_of("Bring", text)
    assert f"U+{ord(character):04X}" in diagnostic.message


def test_a_hidden_character_written_as_an_escape_is_found_too():
    text = changed("words: Bring good shoes.", 'words: "Bring \\u202Egood shoes."')

    assert "U+202E" in only_error(text).message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title: [one, two\nslug: x\n", 2),
        ("title: a: b\n", 1),
        ("title: x\n  slug: y\n", 2),
        ("title: 'never closed\n", 2),
        ("%YAML 9.9.9\n---\n", 1),
        ("---\nslug: a\n---\nslug: b\n", 3),
        ("[a, b]: c\n", 1),
    ],
)
def test_broken_yaml_is_refused_near_where_it_breaks(text, line):
    found = diagnose(text)

    assert found[0].severity == "error"
    assert abs(found[0].line - line) <= 1


@pytest.mark.parametrize(
    "text", ["", "   \n", "# only a remark\n", "just words", "- a\n- b\n", "5"]
)
def test_what_is_no_script_at_all_is_refused(text):
    assert "consists of settings" in only_error(text).message


def test_windows_line_ends_and_a_byte_order_mark_are_read():
    assert parse("\ufeff" + SMALL.replace("\n", "\r\n"), "test.yaml") == parse(SMALL, "test.yaml")


def test_words_that_yaml_takes_for_something_else_stay_words():
    text = changed("title: Shoes", "title: no").replace("label: Phone", "label: 1.0")
    script = parse(text, "test.yaml")

    assert script.step("shoes").title == "no"
    assert script.step("details").choices[0].label == "1.0"
    assert script.step("help").choices[0].key == "yes"


def test_a_refusal_names_the_file_the_line_and_the_step():
    text = changed(
        "    words: Bring good shoes.\n    next: goodbye", "    words: Bring good shoes."
    )

    with pytest.raises(InvalidScriptError) as refusal:
        parse(text, "shoes.en.yaml")

    line = line_of("- id: shoes", text)
    assert f"shoes.en.yaml, line {line}, step shoes: This is a dead end" in str(refusal.value)


def test_a_step_that_ends_the_call_and_a_card_may_have_an_outcome():
    text = changed("    kind: close\n", "    kind: close\n    outcome: wrong_number\n").replace(
        "    words: Then I'll ring again.\n",
        "    words: Then I'll ring again.\n    outcome: call_back\n",
    )
    script = parse(text, "test.yaml")
    assert [step.outcome for step in script.steps if step.is_end] == ["wrong_number"]
    assert script.cards[-1].outcome == "call_back"
    unknown = text.replace("outcome: wrong_number", "outcome: walked_away")
    assert "`outcome: walked_away` is not one of no_answer," in only_error(unknown).message
    early = text.replace("    kind: say\n", "    kind: say\n    outcome: talked\n", 1)
    assert "only works in a step that ends a call, or in a card" in only_error(early).message


@pytest.mark.parametrize(
    ("wrapped", "joined"),
    [
        ("One line\nand its end.", "One line and its end."),
        ("One paragraph.\n\nAnother\none.", "One paragraph.\n\nAnother one."),
        ("Ask:\n- first\n- second\n  goes on", "Ask:\n- first\n- second goes on"),
        ("Ask:\n1. first\n2. second", "Ask:\n1. first\n2. second"),
        ("A break  \nof the writer\\\nhere", "A break  \nof the writer\\\nhere"),
    ],
)
def test_lines_that_a_file_wraps_are_joined_and_read_the_same(wrapped: str, joined: str) -> None:
    assert unwrap_lines(wrapped) == joined
    assert unwrap_lines(joined) == joined
    shown = [" ".join(render_html(words, {}).split()) for words in (wrapped, joined)]
    assert shown[0] == shown[1]
