"""Builds a `Script` from parsed YAML, and checks the script's names, kinds, lengths and merge
fields.

Each diagnostic has the line of the setting, or of the whole entry (such as a step), that it is
about. Afterwards `graph.py` and `checks.py` check whether the steps make sense together.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import cast, get_args

from phonebank.rules.outcomes import OUTCOMES
from phonebank.rules.tags import LONGEST_TAG, split_values
from scripts_library import merge_fields
from scripts_library.diagnostics import DiagnosticList
from scripts_library.script import (
    BUILT_IN_FIELDS,
    FIELDS_ALWAYS_KNOWN,
    SCALE,
    AnswerKind,
    Branch,
    Card,
    Character,
    CharacterKind,
    Choice,
    Script,
    Step,
    StepKind,
)
from scripts_library.yaml_fields import FieldReader
from scripts_library.yaml_source import Table, Text

MAX_STEPS = 100
MAX_CARDS = 40
MAX_CHOICES = 20
MAX_BRANCHES = 40
MAX_WORDS_LENGTH = 3000
# An English text of this length, with a name filled in, fits into four text messages.
MAX_TEXT_MESSAGE_LENGTH = 500
DIGIT_KEYS = 9

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")
CHOICE_KEY = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
SLUG = re.compile(r"[a-z][a-z0-9-]{0,59}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

KINDS_THAT_ASK = {"question", "ask"}
KINDS_THAT_MAY_ANSWER = {*KINDS_THAT_ASK, "listen"}
KINDS_THAT_MAY_BE_WORDLESS = {"listen", "story"}

_LETTERS = "small letters, digits and _"
_HTML = re.compile(r"<[a-zA-Z/!]")


def build_script(table: Table, diagnostics: DiagnosticList) -> Script | None:
    """Return the script in `table`, or None if no step of the script could be read.

    A script with errors is built as far as possible, so that the later checks can add their
    diagnostics to the same list.
    """
    return _ScriptBuilder(table, diagnostics).build()


class _ScriptBuilder:
    def __init__(self, table: Table, diagnostics: DiagnosticList) -> None:
        self.diagnostics = diagnostics
        self.top = FieldReader(table, diagnostics, "a script", _settings_of(Script))
        self.declared = self._declared_fields()
        self.used: set[str] = set()

    def build(self) -> Script | None:
        top = self.top
        script = Script(
            slug=top.name("slug", SLUG, "small letters, digits and hyphens"),
            language=top.name("language", LANGUAGE, "a code such as en, cy or es-MX"),
            title=top.one_line("title"),
            purpose=top.one_line("purpose", max_length=MAX_WORDS_LENGTH),
            provenance=top.one_line("provenance", max_length=MAX_WORDS_LENGTH),
            licence=top.one_line("licence"),
            needs_native_reader=top.yes_or_no("needs_native_reader") or False,
            identification=self._identification(),
            fields=self.declared,
            main_question=top.one_line("main_question"),
            first_rating=top.one_line("first_rating", required=False) or None,
            second_rating=top.one_line("second_rating", required=False) or None,
            yes=self._keys_by_step("yes"),
            needs_action=self._keys_by_step("needs_action"),
            tags=self._tags(),
            text_message=top.text(
                "text_message", MAX_TEXT_MESSAGE_LENGTH, required=False, check=self._check_words
            ),
            start=self._branches(top, "start"),
            steps=tuple(self._steps()),
            cards=tuple(self._cards()),
            practice=tuple(self._practice()),
        )
        for name in self.declared.keys() - self.used:
            line = top.inside("fields").line_of(name)
            self.diagnostics.warning(line, f"The field {name} is declared here but never used.")
        return script if script.steps else None

    def _keys_by_step(self, setting: str) -> dict[str, tuple[str, ...]]:
        keys = self.top.inside(setting)
        return {step_id: keys.keys(step_id) for step_id in self.top.entries(setting)}

    def _tags(self) -> dict[str, dict[str, str]]:
        steps = self.top.inside("tags")
        found = {}
        for step_id in self.top.entries("tags"):
            answers = steps.inside(step_id)
            found[step_id] = {key: self._tag(answers, key) for key in steps.entries(step_id)}
        return found

    def _tag(self, answers: FieldReader, key: str) -> str:
        words = answers.one_line(key)
        said = split_values(words)
        is_tag = len(said) == 1 and len(said[0]) <= LONGEST_TAG
        if words and not is_tag:
            self.diagnostics.error(
                answers.line_of(key),
                f"“{words}” is not a tag. A tag has 1 to {LONGEST_TAG} characters, and no comma,"
                " semicolon or bar.",
            )
        return said[0] if is_tag else words

    def _declared_fields(self) -> dict[str, str]:
        declared: dict[str, str] = {}
        fields = self.top.inside("fields")
        for name in self.top.entries("fields"):
            line = fields.line_of(name)
            if not IDENTIFIER.fullmatch(name):
                self.diagnostics.error(line, f"The field name {name} is not valid. Use {_LETTERS}.")
            elif name in BUILT_IN_FIELDS:
                self.diagnostics.error(
                    line, f"{name} is a built-in field. Remove it from this list."
                )
            elif not fields.has(name):
                self.diagnostics.error(line, f"Say in a few words what the field {name} holds.")
            else:
                declared[name] = fields.one_line(name)
        return declared

    def _identification(self) -> str:
        if not self.top.has("identification"):
            self.diagnostics.error(
                self.top.line_of("identification"),
                "`identification` is missing. It is the line that tells people who is calling, such"
                ' as "This is {{ caller_name }}, for {{ on_behalf_of }}." Every script needs one.',
            )
            return ""
        words = self.top.one_line("identification", max_length=500, check=self._check_words)
        named = {found.name for found in merge_fields.fields_in(words)}
        if words and not named & {"on_behalf_of", "campaign_name"}:
            self.diagnostics.warning(
                self.top.line_of("identification"),
                "The line that says who is calling uses neither {{ on_behalf_of }} nor"
                " {{ campaign_name }}. Make sure that it names the organisation.",
            )
        return words

    def _steps(self) -> Iterator[Step]:
        seen: dict[str, int] = {}
        for table in self.top.tables("steps", required=True, max_count=MAX_STEPS):
            self.diagnostics.step_id = None
            settings = FieldReader(table, self.diagnostics, "a step", _settings_of(Step))
            step_id = settings.name("id", IDENTIFIER, _LETTERS)
            self.diagnostics.step_id = step_id or None
            step = self._step(settings, step_id)
            if step_id in seen:
                self.diagnostics.error(
                    table.line,
                    f"Another step is called {step_id} (line {seen[step_id]}). Rename one.",
                )
            elif step_id:
                seen[step_id] = table.line
                yield step
        self.diagnostics.step_id = None

    def _step(self, settings: FieldReader, step_id: str) -> Step:
        kind = settings.one_of("kind", get_args(StepKind))
        answer = settings.one_of("answer", get_args(AnswerKind), required=kind in KINDS_THAT_ASK)
        if answer and kind and kind not in KINDS_THAT_MAY_ANSWER:
            self.diagnostics.error(
                settings.line_of("answer"),
                f"A {kind} step takes no answer. Use a question, an ask or a listen step.",
            )
            answer = None
        self._check_unsuitable_settings(settings, kind, answer)
        words = settings.text(
            "words",
            MAX_WORDS_LENGTH,
            required=kind not in KINDS_THAT_MAY_BE_WORDLESS,
            check=self._check_words,
        )
        guidance = self._guidance(settings)
        if kind in KINDS_THAT_MAY_BE_WORDLESS and not words and not guidance:
            self.diagnostics.error(settings.line, "This step has no `words` and no `guidance`.")
        ends = kind == "close"
        return Step(
            id=step_id,
            kind=cast(StepKind, kind or "say"),
            title=self._label(settings, "title"),
            words=words,
            guidance=guidance,
            answer=cast(AnswerKind | None, answer),
            choices=self._choices(settings) if answer in ("choice", "several") else (),
            low_label=self._label(settings, "low_label", required=False),
            high_label=self._label(settings, "high_label", required=False),
            branches=() if ends else self._branches(settings, "branches"),
            next=None if ends else settings.one_line("next", required=False) or None,
            outcome=settings.one_of("outcome", OUTCOMES, required=False) if ends else None,
            line=settings.line,
        )

    def _check_unsuitable_settings(
        self, settings: FieldReader, kind: str | None, answer: str | None
    ) -> None:
        needs: dict[str, str] = {}
        if answer != "scale":
            needs |= dict.fromkeys(("low_label", "high_label"), "only works with answer: scale")
        if answer not in ("choice", "several"):
            needs["choices"] = "only works with answer: choice or answer: several"
        if kind == "close":
            needs |= dict.fromkeys(
                ("next", "branches"), "does not belong in a step that ends a call"
            )
        elif kind:
            needs["outcome"] = "only works in a step that ends a call, or in a card"
        for key, why in needs.items():
            if settings.has(key):
                self.diagnostics.error(settings.line_of(key), f"`{key}` {why}. Remove it.")

    def _choices(self, step: FieldReader) -> tuple[Choice, ...]:
        choices: dict[str, Choice] = {}
        tables = step.tables("choices", required=True, max_count=MAX_CHOICES)
        for table in tables:
            settings = FieldReader(table, self.diagnostics, "an answer", _settings_of(Choice))
            key = settings.name("key", CHOICE_KEY, _LETTERS)
            if key in choices:
                self.diagnostics.error(
                    table.line, f"Two answers here have the key {key}. Rename one."
                )
            goto = settings.one_line("goto", required=False) or None
            choice = Choice(key, self._label(settings, "label"), goto, line=table.line)
            choices.setdefault(key, choice)
        if len(choices) > DIGIT_KEYS:
            self.diagnostics.warning(
                step.line_of("choices"),
                f"Only the first {DIGIT_KEYS} answers can be chosen with a number key.",
            )
        elif len(tables) == 1:
            self.diagnostics.warning(
                step.line_of("choices"), "There is only one answer to choose. Is another missing?"
            )
        return tuple(choices.values())

    def _branches(self, settings: FieldReader, key: str) -> tuple[Branch, ...]:
        return tuple(self._branch(table) for table in settings.tables(key, max_count=MAX_BRANCHES))

    def _branch(self, table: Table) -> Branch:
        keys = ("answer", "scale", "field", "is", "known", "goto")
        settings = FieldReader(table, self.diagnostics, "a branch", keys)
        low, high = self._scale_range(settings)
        name = settings.one_line("field", required=False) or None
        equals = settings.one_line("is", required=False) or None
        known = settings.yes_or_no("known")
        choices = settings.keys("answer")
        if not choices and low is None and name is None:
            self.diagnostics.error(
                table.line,
                "This branch has no `answer`, `scale` or `field`, so it has no condition. For"
                " everything else, use the step's `next`.",
            )
        if name is None and (equals is not None or known is not None):
            self.diagnostics.error(table.line, "`is` and `known` need a `field`. Name it.")
        if name is not None:
            self._check_field_name(name, settings.line_of("field"))
            if (equals is None) == (known is None):
                self.diagnostics.error(
                    table.line, f"Give either `is: a value` or `known: yes` (or no) for {name}."
                )
        goto = settings.one_line("goto")
        return Branch(goto, choices, low, high, name, equals, known, line=table.line)

    def _scale_range(self, settings: FieldReader) -> tuple[int | None, int | None]:
        given = settings.one_line("scale", required=False)
        if not given:
            return None, None
        match = re.fullmatch(r"([0-9]{1,2})(?: ?[-–] ?([0-9]{1,2}))?", given)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high or high not in SCALE:
            self.diagnostics.error(
                settings.line_of("scale"),
                f"{given} is not part of a scale from 0 to 10. Write something like 0-3, or 7.",
            )
            return 0, 0
        return low, high

    def _cards(self) -> Iterator[Card]:
        seen: set[str] = set()
        for table in self.top.tables("cards", max_count=MAX_CARDS):
            settings = FieldReader(table, self.diagnostics, "a card", _settings_of(Card))
            card_id = settings.name("id", IDENTIFIER, _LETTERS)
            if card_id in seen:
                self.diagnostics.error(table.line, f"Another card is called {card_id}. Rename one.")
            seen.add(card_id)
            title = self._label(settings, "title")
            words = settings.text("words", MAX_WORDS_LENGTH, check=self._check_words)
            yield Card(
                card_id,
                title,
                words,
                self._guidance(settings),
                settings.one_of("outcome", OUTCOMES, required=False),
                line=table.line,
            )

    def _practice(self) -> Iterator[Character]:
        kinds = get_args(CharacterKind)
        keys = ("character", "name", "about", "replies", "otherwise")
        seen: set[str] = set()
        for table in self.top.tables("practice", max_count=len(kinds)):
            settings = FieldReader(table, self.diagnostics, "a practice character", keys)
            kind = settings.one_of("character", kinds) or ""
            if kind and kind in seen:
                self.diagnostics.error(
                    table.line, f"The {kind} character is listed twice. Keep one."
                )
            seen.add(kind)
            replies = settings.inside("replies")
            yield Character(
                kind=cast(CharacterKind, kind),
                name=settings.one_line("name"),
                about=settings.one_line("about", max_length=500),
                replies={
                    step_id: replies.one_line(step_id, max_length=500)
                    for step_id in settings.entries("replies")
                },
                otherwise=settings.one_line("otherwise"),
                line=table.line,
                reply_lines=replies.table.key_lines,
            )

    def _label(self, settings: FieldReader, key: str, *, required: bool = True) -> str:
        return settings.one_line(key, required=required, check=self._check_words)

    def _guidance(self, settings: FieldReader) -> str:
        return settings.text("guidance", MAX_WORDS_LENGTH, required=False, check=self._check_words)

    def _check_words(self, node: Text) -> None:
        """Report merge fields that cannot be filled in, and merge fields that should have a
        fallback but have none. Also report HTML, because callers would see the HTML tags."""
        for offset in merge_fields.malformed_fields(node.value):
            snippet = node.value[offset : offset + 30].split("\n")[0]
            self.diagnostics.error(
                node.line_of(offset),
                f"{snippet} is not a merge field. Write {{{{ first_name }}}} or"
                " {{ first_name or 'there' }}: one name, on one line, and nothing else.",
            )
        for found in merge_fields.fields_in(node.value):
            line = node.line_of(found.offset)
            self._check_field_name(found.name, line)
            if found.fallback is None and found.name not in FIELDS_ALWAYS_KNOWN:
                self.diagnostics.warning(
                    line,
                    f"Some contacts may have no {found.name}. Give a fallback:"
                    f" {{{{ {found.name} or 'something' }}}}.",
                )
        if html := _HTML.search(node.value):
            self.diagnostics.warning(
                node.line_of(html.start()),
                "HTML does not work here. Callers will see these characters as they are.",
            )

    def _check_field_name(self, name: str, line: int) -> None:
        self.used.add(name)
        if name not in BUILT_IN_FIELDS and name not in self.declared:
            self.diagnostics.error(
                line,
                f"{name} is not a known field. Known fields: {', '.join(sorted(BUILT_IN_FIELDS))}."
                " Declare others under `fields`.",
            )


def _settings_of(cls: type[Script | Step | Choice | Card]) -> set[str]:
    """Return the names of the settings that a YAML mapping for this class may have. They are the
    names of all the class's fields except those with `compare=False`."""
    return {field.name for field in dataclasses.fields(cls) if field.compare}
