"""Reads the values in a YAML mapping: text, names, lists, nested mappings, and yes or no (which may
also be written true or false).

If a setting has an error, `FieldReader` adds a diagnostic with the setting's line and continues. So
the script's writer sees the errors of all settings at once.
"""

import re
from collections.abc import Callable, Collection

from scripts_library.diagnostics import DiagnosticList
from scripts_library.yaml_source import Items, Node, Table, Text

MAX_LINE_LENGTH = 200
# A line break inside a paragraph. It does not match a hard break of Markdown, which is a line break
# after two spaces or a backslash, or a line break before a list item.
_WRAPPED = re.compile(r"(?<=[^\s\\])[ ]?\n[ ]*(?=[^\s])(?![-*+] |\d{1,9}[.)] )")


def unwrap_lines(text: str) -> str:
    """Join the lines of each paragraph and each list item into one line. Hard line breaks of
    Markdown stay."""
    return _WRAPPED.sub(" ", text)


class FieldReader:
    """Reads the settings in one mapping. `what` is the name of the mapping in error messages: "a
    step", for example. If `known` is not empty, a setting that is not in `known` is an error."""

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
        """Whether `key` has a value. A bare `next:` with nothing after it has no value."""
        node = self.table.entries.get(key)
        return node is not None and not (isinstance(node, Text) and not node.value.strip())

    def text(
        self,
        key: str,
        max_length: int,
        *,
        required: bool = True,
        check: Callable[[Text], None] | None = None,
    ) -> str:
        """Read text of one or more lines and at most `max_length` characters.

        Lines of the same paragraph are joined. If the setting is missing or empty, return "", and
        add an error if `required` is true. If the setting is not text, return "" and add an error.
        If the text is too long, add an error and return the text all the same. If the text is not
        too long, it is passed to `check` (if given), which may add more diagnostics.
        """
        node = self.table.entries.get(key)
        if node is None or not self.has(key):
            if required:
                what = "missing" if node is None else "empty"
                self.diagnostics.error(self.line_of(key), f"`{key}` is {what}.")
            return ""
        if not isinstance(node, Text):
            self.diagnostics.error(
                self.line_of(key), f"`{key}` must be text, not a list or more settings."
            )
            return ""
        # A YAML block ends with a line break that the writer did not type.
        length = len(node.value.strip("\n"))
        if length > max_length:
            self.diagnostics.error(
                self.line_of(key),
                f"`{key}` is {length} characters long, and the most is {max_length}. Shorten it.",
            )
        elif check:
            check(node)
        return unwrap_lines(node.value.strip("\n").rstrip())

    def one_line(
        self,
        key: str,
        *,
        required: bool = True,
        max_length: int = MAX_LINE_LENGTH,
        check: Callable[[Text], None] | None = None,
    ) -> str:
        """Read text as `text` does, and return it on one line. Line breaks and repeated spaces
        become one space."""
        return " ".join(self.text(key, max_length, required=required, check=check).split())

    def name(self, key: str, pattern: re.Pattern[str], allowed: str) -> str:
        """Read an identifier. If the identifier does not match `pattern`, add an error and return
        it all the same. `allowed` describes `pattern` in words."""
        value = self.one_line(key)
        if value and not pattern.fullmatch(value):
            self.diagnostics.error(
                self.line_of(key), f"`{key}: {value}` is not valid. Use {allowed}."
            )
        return value

    def one_of(self, key: str, allowed: Collection[str], *, required: bool = True) -> str | None:
        """Return the value of `key` if it is one of `allowed`. Otherwise return None and add an
        error. A setting that is not required may be missing or empty without an error."""
        value = self.one_line(key, required=required)
        if value and value not in allowed:
            self.diagnostics.error(
                self.line_of(key), f"`{key}: {value}` is not one of {', '.join(allowed)}."
            )
            return None
        return value or None

    def yes_or_no(self, key: str) -> bool | None:
        """Return True for yes or true, False for no or false, and None if the setting is missing or
        empty. For any other text, add an error and return False. For a list or a mapping, add an
        error and return None."""
        value = self.one_line(key, required=False).casefold()
        if value and value not in ("yes", "true", "no", "false"):
            self.diagnostics.error(self.line_of(key), f"`{key}` must be yes or no, not {value}.")
        return value in ("yes", "true") if value else None

    def keys(self, key: str) -> tuple[str, ...]:
        """Read one key, or a list of keys such as `[yes, maybe]`, and return each key once. An
        entry that is empty or is not text is an error and is left out."""
        node = self.table.entries.get(key) if self.has(key) else None
        nodes = node.items if isinstance(node, Items) else (node,) if node else ()
        words = [n.value.strip() for n in nodes if isinstance(n, Text) and n.value.strip()]
        if len(words) != len(nodes):
            self.diagnostics.error(
                self.line_of(key), f"`{key}` must name one answer, or several: [one, another]."
            )
        return tuple(dict.fromkeys(words))

    def tables(self, key: str, *, max_count: int, required: bool = False) -> list[Table]:
        """Read the list of mappings under `key`. If `key` has no value, return an empty list, and
        add an error if `required` is true. If the value is not a list, return an empty list and add
        an error. An entry that is not a mapping is an error and is left out. If there are more
        mappings than `max_count`, add an error and return only the first `max_count`."""
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
                    item.line,
                    f"Each entry of `{key}` must consist of settings such as `name: value`.",
                )
        tables = [item for item in node.items if isinstance(item, Table)]
        if len(tables) > max_count:
            self.diagnostics.error(
                self.line_of(key),
                f"`{key}` has {len(tables)} entries, and the most is {max_count}.",
            )
        return tables[:max_count]

    def entries(self, key: str) -> dict[str, Node]:
        """Return the mapping under `key`, from each name to its value's node. Return an empty
        mapping if `key` has no value. Also return an empty mapping, and add an error, if the value
        is not a mapping."""
        node = self.table.entries.get(key) if self.has(key) else None
        if node is not None and not isinstance(node, Table):
            self.diagnostics.error(
                self.line_of(key), f"`{key}` must consist of settings such as `name: value`."
            )
        return node.entries if isinstance(node, Table) else {}

    def inside(self, key: str) -> "FieldReader":
        """Return a reader for the mapping under `key`. If there is no mapping under `key`, the
        reader has an empty one."""
        node = self.table.entries.get(key)
        if not isinstance(node, Table):
            node = Table({}, {}, self.line_of(key))
        return FieldReader(node, self.diagnostics, key)
