"""Every mistake that a script's writer can make has a diagnostic with its line and step."""

import re

import pytest

from scripts_library.checks import (
    reading_seconds,
    talking_seconds,
    warnings_for_contacts,
)
from scripts_library.diagnostics import Diagnostic
from scripts_library.parser import diagnose, parse
from tests.scripts_library.small_scripts import SMALL, changed, line_of, script_with_steps

CLOSE = "  - {id: end, kind: close, title: End, words: Bye.}\n"


def found_in(text: str) -> list[Diagnostic]:
    return diagnose(text)


def one_of(text: str, message: str) -> Diagnostic:
    """Return the only diagnostic with `message`; there may be others."""
    matching = [diagnostic for diagnostic in found_in(text) if message in diagnostic.message]
    assert len(matching) == 1, found_in(text)
    return matching[0]


def test_a_sound_script_has_no_faults():
    assert found_in(SMALL) == []


@pytest.mark.parametrize(
    "setting",
    ["slug", "language", "title", "purpose", "provenance", "licence", "main_question", "steps"],
)
def test_what_every_script_needs_is_missed(setting):
    text = re.sub(rf"^{setting}:.*\n(?:(?: .*)?\n)*", "", SMALL, count=1, flags=re.MULTILINE)

    diagnostic = one_of(text, f"`{setting}` is missing")

    assert diagnostic.severity == "error"


def test_no_script_goes_without_saying_who_is_calling():
    text = changed("identification: This is {{ caller_name }}, for {{ on_behalf_of }}.\n", "")

    assert one_of(text, "`identification` is missing").severity == "error"
    assert one_of(changed("This is {{ caller_name }}, for {{ on_behalf_of }}.", ""), "missing")


def test_an_identification_without_a_name_is_questioned():
    text = changed("This is {{ caller_name }}, for {{ on_behalf_of }}.", "Hello from us.")

    assert one_of(text, "names the organisation").severity == "warning"


def test_an_unknown_step_is_reported_where_it_is_named():
    text = changed("goto: details", "goto: detials")

    diagnostic = one_of(text, "leads to detials")

    assert (diagnostic.line, diagnostic.step_id) == (line_of("- key: yes", text), "help")


def test_an_unreachable_step_is_reported():
    text = changed("goto: shoes", "goto: goodbye")

    diagnostic = one_of(text, "No step leads here")

    assert (diagnostic.line, diagnostic.step_id) == (line_of("- id: shoes", text), "shoes")


def test_a_dead_end_names_the_answers_that_lead_nowhere():
    text = changed('label: "No"\n        goto: goodbye', 'label: "No"')

    diagnostic = one_of(text, "dead end")

    assert diagnostic.step_id == "help"
    assert "after the answer No. Set `goto` for it, or set `next`" in diagnostic.message


def test_a_scale_with_a_gap_is_a_dead_end():
    text = changed(
        "goto: goodbye\n    next: help", "goto: goodbye\n      - {scale: 5-10, goto: help}"
    )

    message = one_of(text, "dead end").message
    assert "after the answer 4. Add a branch for it, or set `next` for the step." in message


def test_a_scale_that_is_covered_needs_no_next():
    text = changed(
        "goto: goodbye\n    next: help", "goto: goodbye\n      - {scale: 4-10, goto: help}"
    )

    assert found_in(text) == []


def test_a_branch_on_a_field_does_not_prevent_a_dead_end():
    text = changed(
        "    words: Bring good shoes.\n    next: goodbye",
        "    words: Shoes.\n    branches:\n      - {field: town, known: yes, goto: goodbye}",
    )

    assert one_of(text, "dead end").step_id == "shoes"

    text = changed(
        "goto: goodbye\n    next: help",
        "goto: goodbye\n      - {scale: 4-10, field: town, known: yes, goto: help}",
    )

    assert one_of(text, "dead end").step_id == "support"


def test_a_loop_is_reported_with_its_round():
    text = changed(
        "words: Bring good shoes.\n    next: goodbye", "words: Shoes.\n    next: support"
    )

    diagnostic = one_of(text, "loop")

    assert "support → help → details → shoes → support" in diagnostic.message
    assert diagnostic.step_id == "shoes"


def test_a_step_that_leads_to_itself_is_a_loop():
    text = changed("words: Bring good shoes.\n    next: goodbye", "words: Shoes.\n    next: shoes")

    assert "shoes → shoes" in one_of(text, "loop").message


def test_a_script_must_end():
    steps = """\
  - {id: main, kind: question, title: Q, words: Q, answer: text, next: other}
  - {id: other, kind: say, title: S, words: S, next: main}
"""
    text = script_with_steps(steps)

    assert one_of(text, "No step ends the call")
    assert one_of(text, "loop")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "kind: say\n    title: Shoes",
            "kind: shout\n    title: Shoes",
            "not one of say, question",
        ),
        ("answer: several", "answer: many", "not one of choice, several"),
        ("- id: shoes", "- id: Good Shoes!", "`id: Good Shoes!` is not valid"),
        ("- key: phone", "- key: doors", "Two answers here have the key doors"),
        ("scale: 0-3", "scale: 3-0", "3-0 is not part of a scale"),
        ("scale: 0-3", "scale: 0-11", "0-11 is not part of a scale"),
        ("scale: 0-3", "scale: some", "some is not part of a scale"),
        ("scale: 0-3", "answer: maybe", "maybe is not one of this step's answers"),
        ("answer: [doors]", "answer: [windows]", "windows is not one of this step's answers"),
        ("answer: [doors]", "scale: 0-3", "`scale` only works with answer: scale"),
        ("answer: [doors]", "colour: red", "`colour` is not a setting of a branch"),
        ("title: Shoes", "titel: Shoes", "`titel` is not a setting of a step"),
        ("title: Shoes", "title: [Shoes]", "`title` must be text"),
        ("words: Bring good shoes.", "words:", "`words` is empty"),
        (
            "words: Goodbye.",
            "words: Goodbye.\n    next: hello",
            "`next` does not belong in a step that",
        ),
        (
            "words: Bring good shoes.",
            "words: Shoes.\n    answer: text",
            "A say step takes no answer",
        ),
        ("main_question: support", "main_question: hello", "hello, which takes no answer"),
        ("main_question: support", "main_question: nothing", "names nothing, but there is no such"),
        (
            "yes:\n  help: [yes]",
            "yes:\n  help: [perhaps]",
            "names perhaps, which is not an answer of help",
        ),
        ("yes:\n  help: [yes]", "yes:\n  halp: [yes]", "`yes` names halp"),
        ("first_rating: support", "second_rating: support", "needs a `first_rating`"),
        ("      hello: Hello!", "      helo: Hello!", "replies at helo, which is not a step"),
        ("character: cheerful", "character: angry", "not one of cheerful, undecided"),
        ("language: en", "language: English", "`language: English` is not valid"),
        ("slug: small", "slug: ../small", "`slug: ../small` is not valid"),
        (
            "title: A small script",
            f"title: {'x' * 201}",
            "201 characters long, and the most is 200",
        ),
        (
            "answer: several\n    choices:",
            "answer: text\n    choices:",
            "`choices` only works with",
        ),
        (
            "title: A small script",
            "title: {{ first_name }}",
            "quotes around text that begins with {{",
        ),
    ],
)
def test_a_slip_is_named(old, new, message):
    text = changed(old, new)

    diagnostic = one_of(text, message)

    assert diagnostic.severity == "error"
    assert 0 <= diagnostic.line - line_of(old, SMALL) <= 2


def test_two_steps_of_one_name_are_reported_at_the_second():
    text = changed("- id: shoes", "- id: goodbye")

    diagnostic = one_of(
        text, f"Another step is called goodbye (line {line_of('- id: shoes', SMALL)})"
    )

    assert diagnostic.line == line_of("- id: goodbye", SMALL)


def test_a_rating_that_is_no_scale_is_reported_where_it_is_named():
    text = changed("answer: scale", "answer: text")

    assert one_of(text, "is not a step with answer: scale").line == line_of("first_rating", text)


def test_the_second_rating_must_come_after_the_first():
    steps = """\
  - {id: after, kind: question, title: Q, words: Q, answer: scale, next: main}
  - {id: main, kind: question, title: Q, words: Q, answer: scale, next: end}
"""
    text = script_with_steps(steps + CLOSE, first_rating="main", second_rating="after")

    assert one_of(text, "must come after main").line == line_of("second_rating", text)


def test_two_hundred_answers_are_too_many():
    choices = "".join(f"      - {{key: k{n}, label: L{n}}}\n" for n in range(200))
    steps = (
        "  - id: main\n    kind: question\n    title: Q\n    words: Q\n    answer: choice\n"
        f"    choices:\n{choices}    next: end\n"
    )
    text = script_with_steps(steps + CLOSE)

    diagnostic = one_of(text, "200 entries, and the most is 20")

    assert (diagnostic.step_id, diagnostic.severity) == ("main", "error")


def test_three_hundred_steps_are_too_many_and_do_not_take_long():
    steps = "".join(
        f"  - {{id: s{n}, kind: say, title: T, words: W, next: s{n + 1}}}\n" for n in range(300)
    )

    assert one_of(script_with_steps(steps + CLOSE), "301 entries, and the most is 100")


@pytest.mark.parametrize(
    "words",
    [
        "{{ contact.phone }}",
        "{{ first_name.__class__ }}",
        "{{ first_name|upper }}",
        "{{ first_name() }}",
        "{{ first_name['x'] }}",
        "{{ first_name or last_name }}",
        "{{ 7 * 7 }}",
        "{{ first_name",
        "first_name }}",
        "{{}}",
        "{{ {{ first_name or 'x' }} }}",
        "{{ First_Name }}",
    ],
)
def test_a_merge_field_is_one_name_and_nothing_more(words):
    text = changed("Hello {{ first_name or 'there' }}.", f"Hello.\n      Dear {words},")

    matching = [
        diagnostic for diagnostic in found_in(text) if "is not a merge field" in diagnostic.message
    ]

    assert matching
    assert {(diagnostic.line, diagnostic.step_id) for diagnostic in matching} == {
        (line_of("Dear", text), "hello")
    }


def test_an_unknown_field_is_named_and_a_declared_one_is_not():
    text = changed("How are you?", "How is {{ pet or 'the dog' }}?")

    diagnostic = one_of(text, "pet is not a known field")
    assert diagnostic.line == line_of("How is", text)
    assert found_in(changed("steps:", "fields:\n  pet: A pet's name\nsteps:", text)) == []


def test_a_field_declared_and_not_used_is_questioned():
    text = changed("steps:", "fields:\n  pet: A pet's name\nsteps:")

    assert one_of(text, "pet is declared here but never used").severity == "warning"


def test_a_field_without_a_fallback_is_questioned_where_it_stands():
    text = changed("How are you?", "How is {{ town }}?")

    diagnostic = one_of(text, "Give a fallback")

    assert (diagnostic.line, diagnostic.severity) == (line_of("How is", text), "warning")


def test_contacts_that_lack_a_field_are_counted_where_it_is_used():
    script = parse(changed("How are you?", "How is {{ town }}?"), "test.yaml")

    found = warnings_for_contacts(script, {"town": 37, "first_name": 12})

    assert [(diagnostic.step_id, diagnostic.severity) for diagnostic in found] == [
        ("hello", "warning")
    ]
    assert "37 contacts have no town" in found[0].message
    assert "1 contact has no town" in warnings_for_contacts(script, {"town": 1})[0].message
    assert "1,000 contacts have no" in warnings_for_contacts(script, {"town": 1000})[0].message
    assert warnings_for_contacts(script, {"town": 0}) == []


def test_html_in_words_is_allowed_and_pointed_out():
    text = changed("How are you?", "<script>alert(1)</script>")

    assert one_of(text, "HTML does not work here").severity == "warning"
    assert parse(text, "test.yaml")


def test_a_long_speech_is_pointed_out_with_its_length():
    text = changed("words: Bring good shoes.", f"words: {'word ' * 150}")

    assert "about 60 seconds" in one_of(text, "without a pause").message


def test_overlapping_branches_are_pointed_out():
    text = changed(
        "        goto: goodbye\n    next: help",
        "        goto: goodbye\n      - {scale: 3-5, goto: help}\n    next: help",
    )

    diagnostic = one_of(text, "already covers the answer 3.")
    assert diagnostic.severity == "warning"
    assert f"(line {line_of('scale: 0-3', text)})" in diagnostic.message


def test_all_faults_come_at_once_and_in_line_order():
    text = changed("goto: details", "goto: nowhere")
    text = changed("title: A small script", "titel: A small script", text)
    text = changed("words: Bring good shoes.", "words:", text)

    found = found_in(text)

    assert len(found) >= 4
    assert [diagnostic.line for diagnostic in found] == sorted(
        diagnostic.line for diagnostic in found
    )


def test_reading_time_follows_the_number_of_words():
    assert reading_seconds("word " * 150) == 60
    assert reading_seconds("") == 0


def test_the_shortest_and_the_longest_path_are_timed():
    steps = f"""\
  - id: main
    kind: question
    title: Q
    words: {"w " * 25}
    answer: choice
    choices: [{{key: a, label: A, goto: long}}, {{key: b, label: B, goto: end}}]
  - {{id: long, kind: say, title: S, words: {"w " * 50}, next: end}}
  - {{id: end, kind: close, title: E, words: {"w " * 5}}}
"""
    assert talking_seconds(parse(script_with_steps(steps), "t")) == (12, 32)
