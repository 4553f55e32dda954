"""From the YAML tree to a `Script`: names, kinds, lengths and merge fields, each fault in place.

Whether the steps make a sound conversation is looked at afterwards, in `checks.py`.
"""

import re
from collections.abc import Iterator
from typing import cast, get_args

from scripts_library import merge_fields
from scripts_library.faults import FaultList
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
from scripts_library.yaml_source import Items, Node, Table, Text

MOST_STEPS = 100
MOST_CARDS = 40
MOST_CHOICES = 20
LONGEST_LINE = 200
LONGEST_WORDS = 3000

STEP_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
SLUG = re.compile(r"[a-z][a-z0-9-]{0,59}")
CHOICE_KEY = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

STEP_KINDS = get_args(StepKind)
ANSWER_KINDS = get_args(AnswerKind)
CHARACTER_KINDS = get_args(CharacterKind)
KINDS_WITH_ANSWER = {"question", "ask"}
KINDS_THAT_MAY_ANSWER = KINDS_WITH_ANSWER | {"listen"}

_HTML = re.compile(r"<[a-zA-Z/!]")

_SCRIPT_KEYS = {
    "slug",
    "language",
    "title",
    "purpose",
    "provenance",
    "licence",
    "needs_native_reader",
    "identification",
    "fields",
    "main_question",
    "first_rating",
    "second_rating",
    "yes",
    "start",
    "steps",
    "cards",
    "practice",
}
_STEP_KEYS = {
    "id",
    "kind",
    "title",
    "words",
    "guidance",
    "answer",
    "choices",
    "low_label",
    "high_label",
    "branches",
    "next",
}
_BRANCH_KEYS = {"answer", "scale", "field", "is", "known", "goto"}


def read_script(table: Table, faults: FaultList) -> Script | None:
    """The script in `table`, or None where too little of it can be read to go on.

    A script is also returned when faults were found, as whole as it could be read, so that the
    checks that follow can report theirs in the same go.
    """
    return _ScriptReader(table, faults).read()


class _ScriptReader:
    def __init__(self, table: Table, faults: FaultList) -> None:
        self.table = table
        self.faults = faults
        self.declared = self._declared_fields()
        self.used_fields: set[str] = set()

    def read(self) -> Script | None:
        table = self.table
        self._only_keys(table, _SCRIPT_KEYS, "a script")
        script = Script(
            slug=self._name(table, "slug", SLUG, "small letters, digits and hyphens"),
            language=self._name(table, "language", LANGUAGE, "a code such as en, cy or es-MX"),
            title=self._line(table, "title", plain=True),
            purpose=self._text(table, "purpose", LONGEST_WORDS),
            provenance=self._text(table, "provenance", LONGEST_WORDS),
            licence=self._line(table, "licence", plain=True),
            needs_native_reader=self._yes_or_no(table, "needs_native_reader") or False,
            identification=self._identification(),
            fields=self.declared,
            main_question=self._line(table, "main_question", plain=True),
            first_rating=self._line(table, "first_rating", plain=True, required=False) or None,
            second_rating=self._line(table, "second_rating", plain=True, required=False) or None,
            yes=self._yes(),
            start=self._branches(table, "start"),
            steps=tuple(self._steps()),
            cards=tuple(self._cards()),
            practice=tuple(self._practice()),
        )
        for name in self.declared.keys() - self.used_fields - {b.field for b in _branches(script)}:
            line = cast(Table, table.entries["fields"]).line_of(name)
            self.faults.warning(line, f"The field {name} is declared here and never used.")
        return script if script.steps else None

    # The parts of a script

    def _declared_fields(self) -> dict[str, str]:
        declared: dict[str, str] = {}
        for name, node, line in self._entries(self.table, "fields"):
            if not merge_fields.FIELD_NAME.fullmatch(name):
                self.faults.error(
                    line, f"The field name {name} may hold only small letters, digits and _."
                )
            elif name in BUILT_IN_FIELDS:
                self.faults.error(line, f"{name} is a built-in field; take it out of this list.")
            elif not isinstance(node, Text) or not node.value.strip():
                self.faults.error(line, f"Say in a few words what the field {name} holds.")
            else:
                declared[name] = node.value.strip()
        return declared

    def _identification(self) -> str:
        if "identification" not in self.table.entries:
            self.faults.error(
                self.table.line,
                "`identification` is missing: the line that tells people who is calling, such as"
                ' "This is {{ caller_name }}, for {{ on_behalf_of }}." No script goes without.',
            )
            return ""
        words = self._line(self.table, "identification", longest=500)
        named = {found.name for found in merge_fields.fields_in(words)}
        if words and not named & {"on_behalf_of", "campaign_name"}:
            self.faults.warning(
                self.table.line_of("identification"),
                "The line that says who is calling uses neither {{ on_behalf_of }} nor"
                " {{ campaign_name }}. Make sure that it names the organisation.",
            )
        return words

    def _yes(self) -> dict[str, tuple[str, ...]]:
        yes: dict[str, tuple[str, ...]] = {}
        for step_id, node, line in self._entries(self.table, "yes"):
            keys = self._keys(node)
            if not keys:
                self.faults.error(line, f"Name the answers to {step_id} that count as a yes.")
            yes[step_id] = keys
        return yes

    def _steps(self) -> Iterator[Step]:
        nodes = self._tables(self.table, "steps", required=True, most=MOST_STEPS)
        seen: dict[str, int] = {}
        for node in nodes:
            self.faults.step_id = None
            step_id = self._name(node, "id", STEP_ID, "small letters, digits and _")
            self.faults.step_id = step_id or None
            if step_id in seen:
                self.faults.error(
                    node.line,
                    f"Another step is called {step_id} (line {seen[step_id]}). Rename one.",
                )
                continue
            step = self._step(node, step_id)
            if step_id:
                seen[step_id] = node.line
                yield step
        self.faults.step_id = None

    def _step(self, node: Table, step_id: str) -> Step:
        self._only_keys(node, _STEP_KEYS, "a step")
        kind = cast(StepKind, self._one_of(node, "kind", STEP_KINDS) or "say")
        answer = cast(
            AnswerKind | None,
            self._one_of(node, "answer", ANSWER_KINDS, required=kind in KINDS_WITH_ANSWER),
        )
        if answer and kind not in KINDS_THAT_MAY_ANSWER:
            self.faults.error(
                node.line_of("answer"),
                f"A {kind} step takes no answer. Use a question, an ask or a listen step.",
            )
            answer = None
        if answer != "scale":
            self._not_here(node, ("low_label", "high_label"), "answer: scale")
        if answer not in ("choice", "several"):
            self._not_here(node, ("choices",), "answer: choice or answer: several")
        if kind == "close":
            for key in ("next", "branches"):
                if key in node.entries:
                    self.faults.error(
                        node.line_of(key), f"A close step ends the call; take out its `{key}`."
                    )
        ends = kind == "close"
        return Step(
            id=step_id,
            kind=kind,
            title=self._line(node, "title"),
            words=self._words(node, required=kind != "listen"),
            guidance=self._text(node, "guidance", LONGEST_WORDS, required=False),
            answer=answer,
            choices=self._choices(node) if answer in ("choice", "several") else (),
            low_label=self._line(node, "low_label", required=False),
            high_label=self._line(node, "high_label", required=False),
            branches=() if ends else self._branches(node, "branches"),
            next=None if ends else self._line(node, "next", plain=True, required=False) or None,
            line=node.line,
        )

    def _choices(self, step: Table) -> tuple[Choice, ...]:
        choices: dict[str, Choice] = {}
        for node in self._tables(step, "choices", required=True):
            self._only_keys(node, {"key", "label", "goto"}, "an answer")
            key = self._name(node, "key", CHOICE_KEY, "small letters, digits and _")
            label = self._line(node, "label")
            if key in choices:
                self.faults.error(node.line, f"Two answers here have the key {key}. Rename one.")
            goto = self._line(node, "goto", plain=True, required=False) or None
            choices.setdefault(key, Choice(key, label, goto))
        line = step.line_of("choices")
        if len(choices) > MOST_CHOICES:
            self.faults.error(
                line,
                f"{len(choices)} answers are too many to choose from on a phone during a call; the"
                f" most is {MOST_CHOICES}. Group them, or ask for text.",
            )
            return tuple(choices.values())[:MOST_CHOICES]
        if len(choices) > 9:
            self.faults.warning(line, "Only the first nine answers can be given by a digit key.")
        if len(choices) == 1:
            self.faults.warning(line, "Only one answer is offered. Is another missing?")
        return tuple(choices.values())

    def _branches(self, table: Table, key: str) -> tuple[Branch, ...]:
        return tuple(self._branch(node) for node in self._tables(table, key))

    def _branch(self, node: Table) -> Branch:
        self._only_keys(node, _BRANCH_KEYS, "a branch")
        low, high = self._scale_range(node)
        name = self._line(node, "field", plain=True, required=False) or None
        equals = self._line(node, "is", plain=True, required=False) or None
        known = self._yes_or_no(node, "known")
        choices = self._keys(node.entries.get("answer"))
        if not choices and low is None and name is None:
            self.faults.error(
                node.line,
                "This branch says no `answer`, `scale` or `field` to go by. For everything else,"
                " use the step's `next`.",
            )
        if name is None and (equals is not None or known is not None):
            self.faults.error(node.line, "`is` and `known` speak of a `field`; name it.")
        if name is not None:
            if (equals is None) == (known is None):
                self.faults.error(
                    node.line, f"Say either `is: a value` or `known: yes` (or no) of {name}."
                )
            if name not in BUILT_IN_FIELDS and name not in self.declared:
                self.faults.error(node.line_of("field"), self._unknown_field(name))
        return Branch(
            goto=self._line(node, "goto", plain=True),
            choices=choices,
            low=low,
            high=high,
            field=name,
            equals=equals,
            known=known,
            line=node.line,
        )

    def _scale_range(self, node: Table) -> tuple[int | None, int | None]:
        given = self._line(node, "scale", plain=True, required=False)
        if not given:
            return None, None
        match = re.fullmatch(r"([0-9]{1,2})(?: ?(?:-|–|to) ?([0-9]{1,2}))?", given)
        low = int(match[1]) if match else -1
        high = int(match[2] or match[1]) if match else -1
        if not match or low > high or high not in SCALE:
            self.faults.error(
                node.line_of("scale"), f"{given} is no part of the scale. Write it as 0-3, or 7."
            )
            return 0, 0
        return low, high

    def _cards(self) -> Iterator[Card]:
        seen: set[str] = set()
        for node in self._tables(self.table, "cards", most=MOST_CARDS):
            self._only_keys(node, {"id", "title", "words", "guidance"}, "a card")
            card_id = self._name(node, "id", STEP_ID, "small letters, digits and _")
            if card_id in seen:
                self.faults.error(node.line, f"Another card is called {card_id}. Rename one.")
                continue
            seen.add(card_id)
            yield Card(
                id=card_id,
                title=self._line(node, "title"),
                words=self._words(node),
                guidance=self._text(node, "guidance", LONGEST_WORDS, required=False),
                line=node.line,
            )

    def _practice(self) -> Iterator[Character]:
        seen: set[str] = set()
        keys = {"character", "name", "about", "replies", "otherwise"}
        for node in self._tables(self.table, "practice"):
            self._only_keys(node, keys, "a practice character")
            kind = self._one_of(node, "character", CHARACTER_KINDS)
            if kind and kind in seen:
                self.faults.error(node.line, f"The {kind} character is here twice. Keep one.")
                continue
            seen.add(kind or "")
            replies = {}
            for step_id, reply, line in self._entries(node, "replies"):
                if isinstance(reply, Text) and reply.value.strip():
                    replies[step_id] = reply.value.strip()
                else:
                    self.faults.error(line, f"Write what they say at {step_id}, as text.")
            yield Character(
                kind=cast(CharacterKind, kind),
                name=self._line(node, "name", plain=True),
                about=self._line(node, "about", plain=True, longest=500),
                replies=replies,
                otherwise=self._line(node, "otherwise", plain=True),
                line=node.line,
            )

    # Single settings

    def _words(self, node: Table, *, required: bool = True) -> str:
        return self._text(node, "words", LONGEST_WORDS, required=required)

    def _line(
        self,
        table: Table,
        key: str,
        *,
        plain: bool = False,
        required: bool = True,
        longest: int = LONGEST_LINE,
    ) -> str:
        """Text shown on one line; `plain` where merge fields have no meaning."""
        text = self._text(table, key, longest, required=required, plain=plain)
        return " ".join(text.split())

    def _text(
        self, table: Table, key: str, longest: int, *, required: bool = True, plain: bool = False
    ) -> str:
        node = table.entries.get(key)
        if node is None:
            if required:
                self.faults.error(table.line, f"`{key}` is missing.")
            return ""
        if not isinstance(node, Text):
            self.faults.error(table.line_of(key), f"`{key}` must be text, not a list or a table.")
            return ""
        if not node.value.strip():
            if required:
                self.faults.error(table.line_of(key), f"`{key}` is empty.")
            return ""
        if len(node.value) > longest:
            self.faults.error(
                table.line_of(key),
                f"`{key}` is {len(node.value)} characters long; the most is {longest}.",
            )
            return node.value[:longest]
        if not plain:
            self._look_at_words(node)
        return node.value.strip("\n").rstrip()

    def _look_at_words(self, node: Text) -> None:
        for offset in merge_fields.malformed_fields(node.value):
            snippet = node.value[offset : offset + 30].split("\n")[0]
            self.faults.error(
                node.line_of(offset),
                f"{snippet} is no merge field. Write {{{{ first_name }}}} or"
                " {{ first_name or 'there' }}: one name, nothing more.",
            )
        for found in merge_fields.fields_in(node.value):
            self.used_fields.add(found.name)
            line = node.line_of(found.offset)
            if found.name not in BUILT_IN_FIELDS and found.name not in self.declared:
                self.faults.error(line, self._unknown_field(found.name))
            elif found.fallback is None and found.name not in FIELDS_ALWAYS_KNOWN:
                self.faults.warning(
                    line,
                    f"Some contacts may have no {found.name}. Give a fallback:"
                    f" {{{{ {found.name} or 'something' }}}}.",
                )
        if html := _HTML.search(node.value):
            self.faults.warning(
                node.line_of(html.start()),
                "HTML is not used here: callers will see these characters as they are.",
            )

    def _unknown_field(self, name: str) -> str:
        return (
            f"{name} is not a known field. Known: {', '.join(sorted(BUILT_IN_FIELDS))}; declare"
            " others under `fields`."
        )

    def _name(self, table: Table, key: str, pattern: re.Pattern[str], says: str) -> str:
        value = self._line(table, key, plain=True)
        if value and not pattern.fullmatch(value):
            self.faults.error(table.line_of(key), f"`{key}: {value}` will not do: {says}.")
        return value

    def _one_of(
        self, table: Table, key: str, allowed: tuple[str, ...], *, required: bool = True
    ) -> str | None:
        value = self._line(table, key, plain=True, required=required)
        if value and value not in allowed:
            self.faults.error(
                table.line_of(key), f"`{key}: {value}` is not one of {', '.join(allowed)}."
            )
            return None
        return value or None

    def _yes_or_no(self, table: Table, key: str) -> bool | None:
        value = self._line(table, key, plain=True, required=False).casefold()
        if value in ("yes", "true"):
            return True
        if value in ("no", "false"):
            return False
        if value:
            self.faults.error(table.line_of(key), f"`{key}` is yes or no, not {value}.")
        return None

    # Shapes

    def _keys(self, node: Node | None) -> tuple[str, ...]:
        """One key, or a list of keys."""
        nodes = node.items if isinstance(node, Items) else (node,) if node else ()
        keys = [n.value.strip() for n in nodes if isinstance(n, Text) and n.value.strip()]
        if node is not None and len(keys) != len(nodes):
            self.faults.error(node.line, "Name one answer key, or several as [one, another].")
        return tuple(dict.fromkeys(keys))

    def _tables(
        self, table: Table, key: str, *, required: bool = False, most: int = 200
    ) -> list[Table]:
        """The tables listed under `key`; anything else there is a fault."""
        node = table.entries.get(key)
        if node is None or (isinstance(node, Text) and not node.value.strip()):
            if required:
                self.faults.error(table.line_of(key), f"`{key}` is missing.")
            return []
        if not isinstance(node, Items):
            self.faults.error(
                table.line_of(key), f"`{key}` must be a list: begin each entry with a hyphen."
            )
            return []
        for item in node.items:
            if not isinstance(item, Table):
                self.faults.error(item.line, f"Each entry of `{key}` is a table of settings.")
        tables = [item for item in node.items if isinstance(item, Table)]
        if len(tables) > most:
            self.faults.error(
                table.line_of(key), f"`{key}` has {len(tables)} entries; the most is {most}."
            )
        return tables[:most]

    def _entries(self, table: Table, key: str) -> list[tuple[str, Node, int]]:
        node = table.entries.get(key)
        if node is None or (isinstance(node, Text) and not node.value.strip()):
            return []
        if not isinstance(node, Table):
            self.faults.error(table.line_of(key), f"`{key}` must be a table: `name: value`.")
            return []
        return [(name, value, node.line_of(name)) for name, value in node.entries.items()]

    def _only_keys(self, table: Table, known: set[str], what: str) -> None:
        for key in table.entries.keys() - known:
            self.faults.error(
                table.line_of(key),
                f"`{key}` is not a setting of {what}. Known: {', '.join(sorted(known))}.",
            )

    def _not_here(self, node: Table, keys: tuple[str, ...], wanted: str) -> None:
        for key in keys:
            if key in node.entries:
                self.faults.error(node.line_of(key), f"`{key}` goes with {wanted}.")


def _branches(script: Script) -> Iterator[Branch]:
    yield from script.start
    for step in script.steps:
        yield from step.branches
