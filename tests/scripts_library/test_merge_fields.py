"""Names are filled into words as inert text, even if they look like HTML or templates."""

import re
import time
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts_library.library import ready_made
from scripts_library.merge_fields import (
    FieldUse,
    fields_used,
    fields_without_fallback,
    fill_slots,
    html_with_slots,
    is_known,
    render_html,
    render_text,
    text_with_names,
    text_with_slots,
    values_of,
)
from scripts_library.parser import parse
from tests.scripts_library.small_scripts import SMALL, changed

ALLOWED_TAG = re.compile(r"</?(?:p|em|strong|ul|ol|li|br|bdi|mark)>")

LOOKS_DANGEROUS = [
    "{{ caller_name }}",
    "{{ 7 * 7 }}",
    "{% include 'x' %}",
    "${7*7}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "&lt;b&gt;",
    "**bold** _em_ [link](javascript:alert(1)) ![x](http://example.org/x.png)",
    "# heading",
    "`code`",
    "\ue000\ue001",
    "=HYPERLINK(1)",
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Hello {{ first_name }}!", "Hello Ada!"),
        ("Hello {{first_name}}!", "Hello Ada!"),
        ("Hello {{ first_name or 'there' }}!", "Hello Ada!"),
        ("Hello {{ last_name or 'there' }}!", "Hello there!"),
        ('Hello {{ last_name or "Dai\'s friend" }}!', "Hello Dai's friend!"),
        ("Hello {{ last_name or ‘there’ }}!", "Hello there!"),
        ("Hello {{ last_name or “there” }}!", "Hello there!"),
        ("Hello{{ last_name or '' }}!", "Hello!"),
        ("Hello {{ last_name }}!", "Hello [last name]!"),
        ("Hello {{ town or 'here' }}!", "Hello here!"),
        ("Hello {{ first_name.upper }}!", "Hello {{ first_name.upper }}!"),
    ],
)
def test_fields_and_fallbacks(words, expected):
    assert render_text(words, {"first_name": "Ada", "town": "  ", "last_name": None}) == expected


def test_words_become_paragraphs_lists_and_emphasis_and_nothing_else():
    words = (
        "Say **this** and *that*.\n\n- one\n- two\n\n# no heading [no](link) `no code` <b>no</b>"
    )

    html = render_html(words, {})

    assert "<strong>this</strong>" in html
    assert "<em>that</em>" in html
    assert "<li>one</li>" in html
    assert "# no heading [no](link) `no code` &lt;b&gt;no&lt;/b&gt;" in html


def test_a_value_stands_alone_so_that_its_direction_turns_nothing_round():
    assert render_html("Hello {{ first_name }}, hi", {"first_name": "ليلى"}) == (
        "<p>Hello <bdi>ليلى</bdi>, hi</p>"
    )


def test_a_missing_value_is_marked_for_the_caller():
    assert render_html("Hello {{ first_name }}", {}) == "<p>Hello <mark>[first name]</mark></p>"


def test_words_to_compare_name_each_field_and_its_fallback():
    words = "Is {{ first_name or 'the <person>' }} in {{ town }}?"

    assert text_with_names(words) == (
        "Is <mark>[first name or “the &lt;person&gt;”]</mark> in <mark>[town]</mark>?"
    )


def test_a_field_can_be_emphasised():
    assert "<strong><bdi>Ada</bdi></strong>" in render_html(
        "Hello **{{ first_name }}**", {"first_name": "Ada"}
    )


def test_emoji_and_right_to_left_words_pass_unchanged():
    words = "שלום 👋🏽 مرحبا 👩‍👩‍👧"

    assert render_html(words, {}) == f"<p>{words}</p>"


@pytest.mark.parametrize("value", LOOKS_DANGEROUS)
def test_a_value_that_looks_like_a_template_or_html_is_shown_letter_for_letter(value):
    html = render_html("Hello {{ first_name }}.", {"first_name": value, "caller_name": "LEAK"})
    shown = value.replace("\ue000\ue001", "") or "[first name]"

    assert shown_text(html) == f"Hello {shown}."
    assert not ALLOWED_TAG.sub("", html).count("<")
    assert "LEAK" not in html
    assert render_text("{{ first_name }}", {"first_name": value}) == shown


@pytest.mark.parametrize("fallback", ["<script>alert(1)</script>", "**bold**", "&amp;"])
def test_a_fallback_is_as_inert_as_a_value(fallback):
    html = render_html("Hello {{ first_name or '" + fallback + "' }}.", {})

    assert shown_text(html) == f"Hello {fallback}."


@settings(deadline=None)
@given(value=st.text(max_size=80), other=st.text(max_size=20))
def test_no_value_whatever_changes_the_page_around_it(value, other):
    fields = {"first_name": value, "town": other}
    html = render_html("Hello **{{ first_name }}** of {{ town or 'here' }}.\n\n- x", fields)

    without_values = re.sub(r"<bdi>[^<]*</bdi>|<mark>[^<]*</mark>", "#", html)
    assert without_values == "<p>Hello <strong>#</strong> of #.</p>\n<ul>\n<li>x</li>\n</ul>"


FIELDS = ["{{ first_name }}", "{{ town or 'here' }}", "{{ town or '\"<&' }}", "{{ town or '' }}"]


@settings(deadline=None)
@given(
    parts=st.lists(st.sampled_from([*FIELDS, "*so*", "<b>", "&", "\n\n- ", "x"]), max_size=8),
    value=st.one_of(st.none(), st.sampled_from(LOOKS_DANGEROUS), st.text(max_size=9)),
)
def test_words_with_slots_are_the_same_words_once_the_slots_are_filled(parts, value):
    words, fields = " ".join(parts), {"first_name": value, "town": value}
    attributes = re.compile(r"<(bdi|mark) data-merge=\"[a-z_]+\"(?: data-or=\"[^\"<>]*\")?>")

    html = fill_slots(html_with_slots(words), fields)
    html, expected = attributes.sub(r"<\1>", html), render_html(words, fields)
    assert (unescape(html), html.count("<")) == (unescape(expected), expected.count("<"))
    title = fill_slots(text_with_slots(words), fields)
    assert shown_text(attributes.sub(r"<\1>", title).replace("\n", "")) == render_text(
        words, fields
    ).replace("\n", "")
    # The browser fills them by the same rule, with the values that pages show.
    assert values_of(["first_name", "town"], fields).get("town", "here") == render_text(
        "{{ town or 'here' }}", fields
    )


@settings(deadline=None)
@given(words=st.text(alphabet=st.sampled_from("ab<>&\"'{}*_-#[]()!`\\/=\n .:1{}"), max_size=120))
def test_no_words_bring_in_a_tag_or_an_attribute(words):
    html = render_html(words, {"first_name": "x"})

    assert "<" not in ALLOWED_TAG.sub("", html)


@settings(deadline=None)
@given(value=st.text())
def test_a_value_is_known_exactly_when_something_of_it_is_shown(value):
    shown = render_text("{{ town or 'FALLBACK' }}", {"town": value})

    assert (shown != "FALLBACK") == (is_known({"town": value}, "town") and value != "FALLBACK")
    assert "\n" not in shown
    assert len(shown) <= 200


def test_fields_used_are_listed_with_their_step_and_fallback():
    script = parse(changed("How are you?", "How is {{ town }}?"), "test.yaml")

    assert fields_used(script) == [
        FieldUse("caller_name", None, False),
        FieldUse("on_behalf_of", None, False),
        FieldUse("first_name", "hello", True),
        FieldUse("town", "hello", False),
    ]
    assert fields_without_fallback(script) == ["town"]
    assert fields_without_fallback(parse(SMALL, "test.yaml")) == []


@pytest.mark.timing
def test_a_step_is_rendered_in_less_than_a_millisecond():
    """The longest ready-made step keeps the call page's limit in the best of five runs."""
    step = max((s for script in ready_made() for s in script.steps), key=lambda s: len(s.words))
    fields = {"first_name": "Ada", "caller_name": "Sam", "on_behalf_of": "The Campaign"}

    def one_run() -> float:
        started = time.perf_counter()
        for n in range(100):
            for words in (step.title, step.words, step.guidance):
                render_html(words, {**fields, "town": str(n)})
            for choice in step.choices:
                render_text(choice.label, fields)
        return (time.perf_counter() - started) / 100

    assert min(one_run() for _ in range(5)) < 0.001


def shown_text(html: str) -> str:
    return unescape(ALLOWED_TAG.sub("", html))
