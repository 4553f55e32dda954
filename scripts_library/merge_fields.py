"""Puts values, such as a contact's first name, into a script's words.

A merge field has one of two forms, `{{ first_name }}` or `{{ first_name or 'there' }}`. There are
no attributes, calls or filters. If a value looks like a template, Markdown or HTML, it is shown as
plain text.

The words of a script are the same for every contact except for these values. So the words are
rendered once, with an empty slot for each value (`html_with_slots`, `text_with_slots`). Each
contact's values are then put into the slots, by `fill_slots` on the server or by call_words.js in
the browser.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape

import nh3
from markdown_it import MarkdownIt

from scripts_library.script import FIELDS_ALWAYS_KNOWN, Fields, Script
from scripts_library.yaml_source import HIDDEN_CHARACTERS

MAX_VALUE_LENGTH = 200

_FIELD = re.compile(
    r"\{\{ {0,3}(?P<name>[a-z][a-z0-9_]{0,39})"
    r"(?: {1,3}or {1,3}(?:'(?P<a>[^'{}\n]*)'|\"(?P<b>[^\"{}\n]*)\"|‘(?P<c>[^’{}\n]*)’"
    r"|“(?P<d>[^”{}\n]*)”))? {0,3}\}\}"
)
_BRACES = re.compile(r"\{\{|\}\}")

# Private-use characters stand for the fields while Markdown is rendered, so values are never read
# as Markdown. The words of a script cannot contain them, because `_template` removes them first.
_FIRST_PLACEHOLDER = 0xE000
_PLACEHOLDER = re.compile("[\ue000-\uf8ff]")

# A slot. `data-or` is the fallback, which may be "".
_SLOT = re.compile(
    r'<bdi data-merge="(?P<name>[a-z0-9_]+)"(?: data-or="(?P<fallback>[^"]*)")?></bdi>'
)

_TAGS = {"p", "em", "strong", "ul", "ol", "li", "br", "bdi", "mark"}
# HTML, links, images and code are off, so nothing in words can become an attribute.
_markdown = MarkdownIt("zero", {"html": False}).enable(["emphasis", "list", "newline", "escape"])


@dataclass(frozen=True)
class MergeField:
    """A merge field in a script's words. `offset` is the index of the field's first brace."""

    name: str
    fallback: str | None
    offset: int


@dataclass(frozen=True)
class FieldUse:
    """One use of a field in a script's words. `step_id` is None for a use outside the steps."""

    name: str
    step_id: str | None
    has_fallback: bool


def fields_in(words: str) -> list[MergeField]:
    """Return every well-formed merge field of `words`, in order."""
    return [_merge_field(match) for match in _FIELD.finditer(words)]


def malformed_fields(words: str) -> list[int]:
    """Return the offsets of double braces that belong to no merge field. For example, `{{
    contact.name }}` is not a merge field."""
    blanked = _FIELD.sub(lambda match: " " * len(match.group()), words)
    return [match.start() for match in _BRACES.finditer(blanked)]


def render_text(words: str, fields: Fields) -> str:
    """Return `words` as plain text, for titles, labels and exports. Each merge field is replaced by
    its value or its fallback.

    A field that has neither a value nor a fallback becomes its name in square brackets. So a caller
    notices the missing value, and does not read out "Hello , it's Sam".
    """

    def value(match: re.Match[str]) -> str:
        field = _merge_field(match)
        return _value_or_fallback(field.name, field.fallback, fields)[0]

    return _FIELD.sub(value, words)


def render_html(words: str, fields: Fields) -> str:
    """Return `words` as safe HTML. Paragraphs, lists and emphasis in Markdown become HTML, but
    values and fallbacks stay plain text.

    `<bdi>` around each value keeps a right-to-left name from changing the order of the words beside
    it. If a field has neither a value nor a fallback, `<mark>` shows the field's name. The HTML has
    no attributes.
    """
    html, found = _template(words)

    def value(match: re.Match[str]) -> str:
        field = found[ord(match.group()) - _FIRST_PLACEHOLDER]
        text, known = _value_or_fallback(field.name, field.fallback, fields)
        return f"<bdi>{escape(text)}</bdi>" if known else f"<mark>{escape(text)}</mark>"

    return nh3.clean(_PLACEHOLDER.sub(value, html), tags=_TAGS, attributes={})


def html_with_slots(words: str) -> str:
    """Return `words` as safe HTML, like `render_html`, with an empty slot for each field."""
    html, found = _template(words)
    clean = nh3.clean(html, tags=_TAGS, attributes={})
    return _PLACEHOLDER.sub(
        lambda match: _slot(found[ord(match.group()) - _FIRST_PLACEHOLDER]), clean
    )


def text_with_slots(words: str) -> str:
    """Return `words` as safe HTML for a title or a label, with an empty slot for each field.
    Markdown is not rendered."""
    parts, end = [], 0
    for match in _FIELD.finditer(words):
        parts += [escape(words[end : match.start()]), _slot(_merge_field(match))]
        end = match.end()
    return "".join([*parts, escape(words[end:])])


def text_with_names(words: str) -> str:
    """Return `words` as safe HTML, with each field's name and fallback in square brackets. Markdown
    is not rendered. Because the names and fallbacks are shown, two texts that differ only in their
    fields look different."""
    parts, end = [], 0
    for match in _FIELD.finditer(words):
        field = _merge_field(match)
        name = field.name.replace("_", " ")
        otherwise = "" if field.fallback is None else f" or “{field.fallback}”"
        parts += [escape(words[end : match.start()]), f"<mark>[{name}{escape(otherwise)}]</mark>"]
        end = match.end()
    return "".join([*parts, escape(words[end:])])


def fill_slots(html: str, fields: Fields) -> str:
    """Return `html` with each slot filled. A slot gets its field's value, or the field's fallback,
    as plain text.

    If a field has neither a value nor a fallback, its slot becomes a `<mark>` with the field's name
    in square brackets. The slots stay recognisable, so that the browser can fill them again for the
    next contact.
    """

    def filled(match: re.Match[str]) -> str:
        name, fallback = match["name"], match["fallback"]
        text, known = _value_or_fallback(name, unescape(fallback) if fallback else fallback, fields)
        tag, attributes = "bdi" if known else "mark", match.group()[len("<bdi") : -len("></bdi>")]
        return f"<{tag}{attributes}>{escape(text)}</{tag}>"

    return _SLOT.sub(filled, html)


def values_of(names: Iterable[str], fields: Fields) -> dict[str, str]:
    """Return the values of the fields with these names, as pages show them. A field without a value
    is left out."""
    values = ((name, _clean_value(fields.get(name))) for name in names)
    return {name: value for name, value in values if value}


def fields_used(script: Script) -> list[FieldUse]:
    """Return every use of a merge field in a script, with or without a fallback."""
    return [
        FieldUse(found.name, step_id, found.fallback is not None)
        for _, step_id, words in texts_of(script)
        for found in fields_in(words)
    ]


def fields_without_fallback(script: Script) -> list[str]:
    """Return the names of the fields that the script uses at least once without a fallback.

    Fields that Phonebank always fills are left out, because they are never without a value.
    """
    needed = {use.name for use in fields_used(script) if not use.has_fallback}
    return sorted(needed - FIELDS_ALWAYS_KNOWN)


def texts_of(script: Script) -> Iterator[tuple[int, str | None, str]]:
    """Yield (line, step id or None, text) for every text in which merge fields are allowed.

    `line` is the line of the step, answer or card to which the text belongs. For the text message,
    and for the words that say who is calling, `line` is 1.
    """
    yield 1, None, script.identification
    if script.text_message:
        yield 1, None, script.text_message
    for step in script.steps:
        for words in (step.title, step.words, step.guidance, step.low_label, step.high_label):
            yield step.line, step.id, words
        for choice in step.choices:
            yield choice.line, step.id, choice.label
    for card in script.cards:
        for words in (card.title, card.words, card.guidance):
            yield card.line, None, words


def is_known(fields: Fields, name: str) -> bool:
    """Whether the field with this name has a value that is not None and not blank."""
    return bool(_clean_value(fields.get(name)))


def _merge_field(match: re.Match[str]) -> MergeField:
    fallback = next((match[g] for g in "abcd" if match[g] is not None), None)
    return MergeField(match["name"], fallback, match.start())


def _slot(field: MergeField) -> str:
    fallback = "" if field.fallback is None else f' data-or="{escape(field.fallback)}"'
    return f'<bdi data-merge="{field.name}"{fallback}></bdi>'


def _value_or_fallback(name: str, fallback: str | None, fields: Fields) -> tuple[str, bool]:
    """Return the text to show for a field: its value, otherwise its fallback, otherwise its name in
    square brackets. Also return False if the text is only the name, otherwise True."""
    value = _clean_value(fields.get(name))
    if value:
        return value, True
    if fallback is not None:
        return fallback, True
    return f"[{name.replace('_', ' ')}]", False


def _clean_value(value: str | None) -> str:
    """Return the value on one line, without hidden characters, cut to MAX_VALUE_LENGTH. Return ""
    if the value is None."""
    if value is None:
        return ""
    return " ".join(HIDDEN_CHARACTERS.sub("", str(value)).split())[:MAX_VALUE_LENGTH]


@lru_cache(maxsize=4096)
def _template(words: str) -> tuple[str, tuple[MergeField, ...]]:
    found: list[MergeField] = []

    def placeholder(match: re.Match[str]) -> str:
        found.append(_merge_field(match))
        return chr(_FIRST_PLACEHOLDER + len(found) - 1)

    marked = _FIELD.sub(placeholder, _PLACEHOLDER.sub("", words))
    return _markdown.render(marked).strip(), tuple(found)
