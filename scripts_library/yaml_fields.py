"""Read single settings out of a YAML table: text, names, yes or no, lists and tables.

Whatever is not as it should be goes into the diagnostic list with its line, and reading goes on
with an empty value, so that a writer sees every diagnostic at once.
"""

import re
from collections.abc import Callable, Collection

from scripts_library.diagnostics import DiagnosticList
from scripts_library.yaml_source import Items, Node, Table, Text

MAX_LINE_LENGTH = 200


class FieldReader:
    """The settings of one table. `what` names the table in messages, as in "a step"."""

    def __init__(
        self, table: Table, diagnostics: DiagnosticList, what: str, known: Collection[str] = ()
    ) -> None:
        self.table = table
        self.diagnostics = diagnostics
        for key in table.entries.keys() - set(known) if known else ():
            diagnostics.error(
                table.line_of(key),
                f"`{key}` is not a setting of {what}. Known settings: {', '.join(sorted(known))}.",
            )

    @property
    def line(self) -> int:
        return self.table.line

    def line_of(self, key: str) -> int:
        return self.table.line_of(key)

    def has(self, key: str) -> bool:
        """Whether `key` is there and holds something: `next:` with nothing after it does not."""
        node = self.table.entries.get(key)
        return node is not None and not (isinstance(node, Text) and not node.value.strip())

    def text(
        self,
        key: str,
        longest: int,
        *,
        required: bool = True,
        look: Callable[[Text], None] | None = None,
    ) -> str:
        """Text of one or many lines, at most `longest` characters; `look` may find more
        diagnostics."""
        node = self.table.entries.get(key)
        if node is None or not self.has(key):
            if required:
                what = "missing" if node is None else "empty"
                self.diagnostics.error(self.line_of(key), f"`{key}` is {what}.")
            return ""
        if not isinstance(node, Text):
            self.diagnostics.error(
                self.line_of(key), f"`{key}` must be text, not a list or a table."
            )
            return ""
        # A block of YAML ends in a line end that nobody typed.
        length = len(node.value.strip("\n"))
        if length > longest:
            self.diagnostics.error(
                self.line_of(key),
                f"`{key}` is {length} characters long, and the most is {longest}. Shorten it.",
            )
        elif look:
            look(node)
        return node.value.strip("\n").rstrip()

    def one_line(
        self,
        key: str,
        *,
        required: bool = True,
        longest: int = MAX_LINE_LENGTH,
        look: Callable[[Text], None] | None = None,
    ) -> str:
        """Text that is shown on one line: line ends and runs of spaces become one space."""
        return " ".join(self.text(key, longest, required=required, look=look).split())

    def name(self, key: str, pattern: re.Pattern[str], allowed: str) -> str:
        """An identifier; `allowed` says in words what `pattern` says in signs."""
        value = self.one_line(key)
        if value and not pattern.fullmatch(value):
            self.diagnostics.error(
                self.line_of(key), f"`{key}: {value}` is not valid. Use {allowed}."
            )
        return value

    def one_of(self, key: str, allowed: Collection[str], *, required: bool = True) -> str | None:
        value = self.one_line(key, required=required)
        if value and value not in allowed:
            self.diagnostics.error(
                self.line_of(key), f"`{key}: {value}` is not one of {', '.join(allowed)}."
            )
            return None
        return value or None

    def yes_or_no(self, key: str) -> bool | None:
        """True, False, or None where the setting is not given."""
        value = self.one_line(key, required=False).casefold()
        if value and value not in ("yes", "true", "no", "false"):
            self.diagnostics.error(self.line_of(key), f"`{key}` must be yes or no, not {value}.")
        return value in ("yes", "true") if value else None

    def keys(self, key: str) -> tuple[str, ...]:
        """One word, or a list of words such as `[yes, maybe]`."""
        node = self.table.entries.get(key) if self.has(key) else None
        nodes = node.items if isinstance(node, Items) else (node,) if node else ()
        words = [n.value.strip() for n in nodes if isinstance(n, Text) and n.value.strip()]
        if len(words) != len(nodes):
            self.diagnostics.error(
                self.line_of(key), f"`{key}` must name one answer, or several: [one, another]."
            )
        return tuple(dict.fromkeys(words))

    def tables(self, key: str, *, most: int, required: bool = False) -> list[Table]:
        """The tables listed under `key`, at most `most`."""
        if not self.has(key):
            if required:
                self.diagnostics.error(self.line_of(key), f"`{key}` is missing.")
            return []
        node = self.table.entries[key]
        if not isinstance(node, Items):
            self.diagnostics.error(
                self.line_of(key), f"`{key}` must be a list: begin each entry with a hyphen."
            )
            return []
        for item in node.items:
            if not isinstance(item, Table):
                self.diagnostics.error(
                    item.line, f"Each entry of `{key}` must be a table of settings."
                )
        tables = [item for item in node.items if isinstance(item, Table)]
        if len(tables) > most:
            self.diagnostics.error(
                self.line_of(key), f"`{key}` has {len(tables)} entries, and the most is {most}."
            )
        return tables[:most]

    def entries(self, key: str) -> dict[str, Node]:
        """The names and values of the table under `key`."""
        node = self.table.entries.get(key) if self.has(key) else None
        if node is not None and not isinstance(node, Table):
            self.diagnostics.error(self.line_of(key), f"`{key}` must be a table: `name: value`.")
        return node.entries if isinstance(node, Table) else {}

    def inside(self, key: str) -> "FieldReader":
        """The settings of the table under `key`; none where there is no such table."""
        node = self.table.entries.get(key)
        if not isinstance(node, Table):
            node = Table({}, {}, self.line_of(key))
        return FieldReader(node, self.diagnostics, key)
