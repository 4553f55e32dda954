"""Writes a script as YAML that parses back to the same script. The script editor uses this to check
and to store a script from its form."""

from collections.abc import Mapping
from textwrap import indent
from typing import Any

import yaml

from scripts_library.script import Branch, Card, Character, Script, Step

_WIDTH = 94


class _Flow(list[str]):
    """A short list that is written on one line, such as [yes, maybe]."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Write long text, and text with line breaks, as a block. The block ends with one more line
    break, which the parser removes."""
    style = "|" if "\n" in text else ">" if len(text) > _WIDTH - 16 else None
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text + "\n" if style else text, style=style
    )


def _represent_flow(dumper: yaml.SafeDumper, words: _Flow) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", words, flow_style=True)


# Every value in a script is text, so `yes` is written without quotes. The parser never reads it as
# a boolean.
_Dumper.yaml_implicit_resolvers = {}
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Flow, _represent_flow)


def serialize(script: Script) -> str:
    """Return the YAML of a script. It has no comments, because a `Script` does not hold the
    comments of the file from which it was read."""
    top = {
        "slug": script.slug,
        "language": script.language,
        "title": script.title,
        "purpose": script.purpose,
        "provenance": script.provenance,
        "licence": script.licence,
        "needs_native_reader": "yes" if script.needs_native_reader else "",
        "identification": script.identification,
        "fields": dict(script.fields),
        "main_question": script.main_question,
        "first_rating": script.first_rating,
        "second_rating": script.second_rating,
        "yes": {step_id: _Flow(keys) for step_id, keys in script.yes.items()},
        "needs_action": {step_id: _Flow(keys) for step_id, keys in script.needs_action.items()},
        "tags": {step_id: dict(tags) for step_id, tags in script.tags.items()},
        "text_message": script.text_message,
        "start": [_branch(branch) for branch in script.start],
    }
    return (
        "\n".join(
            [
                _dump(top),
                _list("steps", [_step(step) for step in script.steps]),
                _list("cards", [_card(card) for card in script.cards]),
                _list("practice", [_character(character) for character in script.practice]),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "title": step.title,
        "words": step.words,
        "guidance": step.guidance,
        "answer": step.answer,
        "low_label": step.low_label,
        "high_label": step.high_label,
        "choices": [
            _drop_empty({"key": choice.key, "label": choice.label, "goto": choice.goto})
            for choice in step.choices
        ],
        "branches": [_branch(branch) for branch in step.branches],
        "next": step.next,
        "outcome": step.outcome,
    }


def _branch(branch: Branch) -> dict[str, Any]:
    return _drop_empty(
        {
            "answer": _Flow(branch.choices),
            "scale": "" if branch.low is None else f"{branch.low}-{branch.high}",
            "field": branch.field,
            "is": branch.equals,
            "known": {True: "yes", False: "no", None: ""}[branch.known],
            "goto": branch.goto,
        }
    )


def _card(card: Card) -> dict[str, Any]:
    return {
        "id": card.id,
        "title": card.title,
        "words": card.words,
        "guidance": card.guidance,
        "outcome": card.outcome,
    }


def _character(character: Character) -> dict[str, Any]:
    return {
        "character": character.kind,
        "name": character.name,
        "about": character.about,
        "replies": dict(character.replies),
        "otherwise": character.otherwise,
    }


def _list(name: str, entries: list[dict[str, Any]]) -> str:
    """Write a list with a blank line between its entries, so that diffs are easy to read."""
    if not entries:
        return ""
    return f"{name}:\n" + "\n".join(indent(_dump([_drop_empty(e)]), "  ") for e in entries)


def _drop_empty(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without the empty ones, because an empty setting means the same as a
    missing one."""
    return {name: value for name, value in settings.items() if value not in (None, "", [], {})}


def _dump(value: Any) -> str:
    if isinstance(value, dict):
        value = _drop_empty(value)
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text
