"""Reads what the README and the guides claim, and `docs/claims.md` with each claim's tests."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from phonebank.site.guides import DOCS, GUIDES

ROOT = DOCS.parent
CLAIMS = DOCS / "claims.md"
# The documents in which every sentence is a claim, as paths in the repository.
DOCUMENTS = ("README.md", *(f"docs/{file}" for file, _ in GUIDES.values()))

# This marks a sentence that no test can check: it asks people to do something, or gives a reason.
NO_CLAIM = "—"

_END_OF_SENTENCE = re.compile(r"""(?<=[.!?:])["”*)]*\s+(?=["“(*`\[]*[A-Z*`])""")
_LIST_ITEM = re.compile(r"(?m)^\s*(?:[-*]|[0-9]+\.)\s+")


def sentences_of(document: str) -> list[str]:
    """Return the sentences in a document's text, list items and table rows. Each comes once, on one
    line.

    Headings, code and the headings of tables are left out.
    """
    text = (ROOT / document).read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    found: dict[str, None] = {}
    for block in re.split(r"\n\s*\n", text):
        if block.startswith("#"):
            continue
        if block.startswith("|"):
            found |= dict.fromkeys(row.strip("| ") for row in block.splitlines()[2:])
            continue
        for item in _LIST_ITEM.split(block):
            found |= dict.fromkeys(_END_OF_SENTENCE.split(" ".join(item.split())))
    return [sentence for sentence in found if sentence]


def claims() -> Iterator[tuple[str, str, list[str]]]:
    """Return the rows of `docs/claims.md`: the document, a sentence of it, and the tests that check
    the sentence.

    A document is a heading. Below it each row is "- sentence" and then, indented, "→ tests" with
    spaces between them, or "→ —" if no test can check it.
    """
    document = sentence = ""
    for line in CLAIMS.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            document = line.removeprefix("## ")
        elif line.startswith("- "):
            sentence = line.removeprefix("- ")
        elif line.startswith("  → "):
            yield document, sentence, line.removeprefix("  → ").split()


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests and of the state machines' rules in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
