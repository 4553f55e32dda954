"""Parses YAML from an untrusted source, and keeps the line of every node.

Only plain YAML is accepted: mappings, lists and text. Every value stays text, so an answer called
`no` or `1.0` does not become a boolean or a number. Anchors, aliases, tags, tabs, hidden
characters, repeated keys, second documents, deep nesting and large files are refused. (With
aliases, a small file can expand to gigabytes.)
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from scripts_library.diagnostics import DiagnosticList

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8

# Control characters, line separators, private-use and surrogate code points, and direction
# overrides, which make text look different from what it is ("Trojan Source", CVE-2021-42574).
# Left-to-right marks, joiners and emoji are allowed, because real text needs them.
HIDDEN_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\ue000-\uf8ff\ud800-\udfff\U000f0000-\U0010ffff]"
)

# libyaml is faster, if the wheel has it. Speed matters, because the editor parses the script while
# the organiser types.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Text:
    """A YAML text value. `style` is "|" or ">" if the text is written as a block, a quotation mark
    if it is written in quotation marks, and otherwise ""."""

    value: str
    line: int
    style: str = ""

    def line_of(self, offset: int) -> int:
        """Return the line of the character at `offset`. The line is exact in a `|` block. For all
        other text, return the line on which the text begins."""
        if self.style == "|":
            return self.line + 1 + self.value.count("\n", 0, offset)
        return self.line + 1 if self.style == ">" else self.line


@dataclass(frozen=True)
class Items:
    """A YAML list."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True)
class Table:
    """A YAML mapping, with the line of each key."""

    entries: dict[str, "Node"]
    key_lines: dict[str, int]
    line: int

    def line_of(self, key: str) -> int:
        """Return the line of a key, or the line of the mapping if the mapping has no such key."""
        return self.key_lines.get(key, self.line)


Node = Text | Items | Table


class _ReadError(Exception):
    """The error that stops the parser. The code that raises it first adds a diagnostic."""


def parse_yaml(text: str, diagnostics: DiagnosticList) -> Table | None:
    """Return the mapping in `text`. If the text cannot be read or is not a mapping, return None and
    add the reason to `diagnostics`."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not _is_parsable(text, diagnostics):
        return None
    try:
        root = _build(yaml.parse(text, Loader=_Loader), diagnostics)
    except _ReadError:
        return None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        diagnostics.error(
            line,
            f"This is not readable YAML: {error.problem}. Check the indentation and the colons. Put"
            " quotes around text that has a colon followed by a space.",
        )
        return None
    except yaml.YAMLError as error:
        diagnostics.error(1, f"This is not readable YAML: {error}")
        return None
    if not isinstance(root, Table):
        diagnostics.error(
            1, "A script consists of settings such as `slug: my-script`, and this text has none."
        )
        return None
    return root


def _is_parsable(text: str, diagnostics: DiagnosticList) -> bool:
    parsable = True
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        diagnostics.error(
            1,
            f"The script is {math.ceil(size / 1024)} kB, and the most is {MAX_BYTES // 1024} kB."
            " Shorten it.",
        )
        return False
    for number, line in enumerate(text.split("\n"), start=1):
        if "\t" in line:
            diagnostics.error(number, "This line has a tab. YAML needs spaces, so replace the tab.")
            parsable = False
        if hidden := HIDDEN_CHARACTERS.search(line):
            diagnostics.error(number, _hidden_character_message(hidden.group()))
            parsable = False
    return parsable


def _hidden_character_message(character: str) -> str:
    return f"This line has a hidden character (U+{ord(character):04X}). Delete and retype it."


class _OpenNode:
    """A list or mapping whose end the parser has not reached yet."""

    def __init__(self, line: int, is_table: bool) -> None:
        self.line = line
        self.is_table = is_table
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.key_lines: dict[str, int] = {}
        self.key: Text | None = None

    def add(self, node: Node, diagnostics: DiagnosticList) -> None:
        if not self.is_table:
            self.items.append(node)
        elif self.key is None:
            if not isinstance(node, Text):
                diagnostics.error(
                    node.line,
                    "A setting's name must be a word, not a list or more settings. Put quotes"
                    " around text that begins with {{ or [.",
                )
                raise _ReadError
            if node.value in self.entries:
                diagnostics.error(
                    node.line,
                    f"`{node.value}` is set twice (first on line"
                    f" {self.key_lines[node.value]}). Keep one of them.",
                )
                raise _ReadError
            self.key = node
        else:
            self.entries[self.key.value] = node
            self.key_lines[self.key.value] = self.key.line
            self.key = None

    def close(self) -> Node:
        if self.is_table:
            return Table(self.entries, self.key_lines, self.line)
        return Items(tuple(self.items), self.line)


def _build(events: Iterator[yaml.Event], diagnostics: DiagnosticList) -> Node | None:
    """Build the tree of nodes from the parser's events, and return its root. Return None if there
    is no node. The function uses a list of open nodes instead of recursion, so that no YAML can
    exhaust the call stack here."""
    open_nodes: list[_OpenNode] = []
    root: Node | None = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        _refuse_unsupported(event, documents, len(open_nodes), diagnostics)
        line = _line(event)
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            open_nodes.append(_OpenNode(line, isinstance(event, yaml.MappingStartEvent)))
            continue
        node: Node
        if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            node = open_nodes.pop().close()
        elif isinstance(event, yaml.ScalarEvent):
            node = Text(event.value, line, event.style or "")
        else:
            continue
        if open_nodes:
            open_nodes[-1].add(node, diagnostics)
        else:
            root = node
    return root


def _refuse_unsupported(
    event: yaml.Event, documents: int, depth: int, diagnostics: DiagnosticList
) -> None:
    """Add a diagnostic and raise _ReadError if the event is something that is not accepted, such as
    an alias or a second document."""
    problem = None
    if documents > 1:
        problem = "A second document starts here (`---`). A file can have only one script."
    elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        problem = "Anchors (&name) and aliases (*name) are not allowed. Write the text out."
    elif getattr(event, "tag", None):
        problem = "YAML tags (such as !!python) are not allowed. Write plain text."
    elif isinstance(event, yaml.CollectionStartEvent) and depth >= MAX_DEPTH:
        problem = f"This is nested more than {MAX_DEPTH} levels deep."
    elif isinstance(event, yaml.ScalarEvent):
        hidden = re.search(f"\t|{HIDDEN_CHARACTERS.pattern}", event.value)
        problem = _hidden_character_message(hidden.group()) if hidden else None
    if problem:
        diagnostics.error(_line(event), problem)
        raise _ReadError


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
