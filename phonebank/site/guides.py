"""The guides: Markdown files in `docs/`, and the HTML that the site makes from these files.

The help pages are made from the documentation's own files, so both say the same.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup, escape

from phonebank.core.install_paths import ROOT

DOCS = ROOT / "docs"

# For each guide's name in an address under /help: the guide's file, and the words of a link to the
# guide.
GUIDES: Mapping[str, tuple[str, str]] = {
    "callers": ("for-callers.md", "For callers"),
    "hosts": ("for-hosts.md", "For hosts"),
    "organisers": ("for-organisers.md", "For organisers"),
    "roles": ("roles.md", "Who may do what"),
    "lists": ("lists.md", "Lists of people to call"),
    "calling-rules": ("calling-rules.md", "When people are called, and when again"),
    "experiments": ("experiments.md", "Comparing scripts"),
    "scripts": ("scripts.md", "Writing a script in YAML"),
    "api": ("api.md", "For other software: the API"),
    "glossary": ("glossary.md", "Glossary"),
}
_ADDRESSES = {file: f"/help/{name}" for name, (file, _) in GUIDES.items()}

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

# Opening hours, and words with a hyphen. A span keeps each of them on one line. A hyphen that
# allows no break would do so too, but then a search of the page for "do-not-call" finds nothing.
_ON_ONE_LINE = re.compile(r"\b\d\d:\d\d to \d\d:\d\d\b|\b\w+(?:-\w+)+\b")
# Longer words may break, because they would be too wide for a table's column.
LETTERS_ON_ONE_LINE = 16
# A guide with fewer headings needs no list of them.
HEADINGS_TO_LIST = 3

# A table or an example may be wider than a phone, so each of them scrolls by itself. People can
# also scroll it with the keyboard.
_SCROLLING = (
    ("<table>", '<div class="guide-wide" tabindex="0" role="group" aria-label="Table"><table>'),
    ("</table>", "</table></div>"),
    ("<pre>", '<pre tabindex="0">'),
)


def _render_text(_: Any, tokens: Sequence[Token], place: int, *rest: Any) -> str:
    """Return a text as HTML. Each part that _ON_ONE_LINE matches stays on one line, if it has at
    most LETTERS_ON_ONE_LINE characters."""
    return _ON_ONE_LINE.sub(
        lambda found: (
            f'<span class="on-one-line">{found[0]}</span>'
            if len(found[0]) <= LETTERS_ON_ONE_LINE
            else found[0]
        ),
        escapeHtml(tokens[place].content),
    )


_markdown.add_render_rule("text", _render_text)


@cache
def guide(name: str) -> tuple[str, Markup]:
    """Return a guide's title and its body as HTML. If the body has at least HEADINGS_TO_LIST
    headings of the second level, a list of these headings comes before the first of them. Raises
    KeyError for a name that is not in GUIDES."""
    file, _ = GUIDES[name]
    tokens = _markdown.parse((DOCS / file).read_text("utf-8"))
    # The page shows the first heading as its title.
    title = tokens[1].content
    body = tokens[3:]
    for token in body:
        _rewrite_links(token.children or [])
    _label_cells(body)
    headings = list(_name_headings(body))
    if len(headings) >= HEADINGS_TO_LIST:
        body.insert(headings[0][0], Token("html_block", "", 0, content=_list_headings(headings)))
    html = _markdown.renderer.render(body, _markdown.options, {})
    for tag, scrolling in _SCROLLING:
        html = html.replace(tag, scrolling)
    return title, Markup(html)  # noqa: S704  (our own files; `html` is off)


def _name_headings(tokens: Sequence[Token]) -> Iterator[tuple[int, str, str]]:
    """Give each heading of the second level the same id that GitHub gives it. Yield the heading's
    place in `tokens`, its id and its words. Unlike on GitHub, headings with the same words get the
    same id."""
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            words = _words(tokens[place + 1])
            name = re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-")
            token.attrSet("id", name)
            yield place, name, words


def _list_headings(headings: Sequence[tuple[int, str, str]]) -> str:
    links = "".join(
        f'<li><a href="#{name}">{escape(words)}</a></li>' for _, name, words in headings
    )
    return (
        '<nav class="guide-contents" aria-labelledby="contents"><p id="contents">On this page</p>'
        f"<ul>{links}</ul></nav>\n"
    )


def _label_cells(tokens: Sequence[Token]) -> None:
    """Give each cell of a table the name of its column. A phone shows a row as lines, and each line
    begins with this name."""
    columns: list[str] = []
    column = 0
    for place, token in enumerate(tokens):
        if token.type == "thead_open":
            columns = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            columns.append(_words(tokens[place + 1]))
        elif token.type == "td_open":
            token.attrSet("data-label", columns[column])
            column += 1


def _words(inline: Token) -> str:
    return "".join(token.content for token in inline.children or [])


def _rewrite_links(tokens: list[Token]) -> None:
    """Turn links between guides into links between pages. A link that begins with https:// stays as
    it is. Every other link becomes plain text, because most of these links lead to files that the
    site does not serve."""
    inside_no_link = False
    for token in tokens:
        if token.type == "link_open":
            target, _, place = str(token.attrs.get("href", "")).partition("#")
            if target in _ADDRESSES:
                token.attrs["href"] = _ADDRESSES[target] + (f"#{place}" if place else "")
            elif not target.startswith("https://"):
                inside_no_link = True
        if inside_no_link and token.type in ("link_open", "link_close"):
            inside_no_link = token.type == "link_open"
            token.type, token.tag, token.nesting, token.attrs = "text", "", 0, {}
