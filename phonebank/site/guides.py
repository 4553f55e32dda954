"""The guides: Markdown in `docs/`, and the HTML that the site makes of it.

One source for both, so that what a page says cannot differ from what the documentation says.
"""

from collections.abc import Mapping
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from phonebank.core.shipped_files import ROOT

DOCS = ROOT / "docs"

# The address under /help → the file, and how other pages call it.
GUIDES: Mapping[str, tuple[str, str]] = {
    "callers": ("for-callers.md", "For callers"),
    "hosts": ("for-hosts.md", "For hosts"),
    "organisers": ("for-organisers.md", "For organisers"),
    "lists": ("lists.md", "Lists of people to call"),
    "calling-rules": ("calling-rules.md", "When people are called, and when again"),
    "experiments": ("experiments.md", "Comparing scripts"),
    "scripts": ("scripts.md", "Writing a script in YAML"),
    "glossary": ("glossary.md", "Glossary"),
}
_ADDRESSES = {file: f"/help/{name}" for name, (file, _) in GUIDES.items()}

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

# What may be wider than a phone scrolls in a box of its own, also by the keyboard.
_ROOM = (
    ("<table>", '<div class="guide-wide" tabindex="0" role="group" aria-label="Table"><table>'),
    ("</table>", "</table></div>"),
    ("<pre>", '<pre tabindex="0">'),
)


@cache
def guide(name: str) -> tuple[str, Markup]:
    """A guide's title and its body as HTML. Raises KeyError for a name that is not in GUIDES."""
    file, _ = GUIDES[name]
    tokens = _markdown.parse((DOCS / file).read_text("utf-8"))
    # The first heading is the page's.
    title = tokens[1].content
    body = tokens[3:]
    for token in body:
        _lead_to_pages(token.children or [])
    html = _markdown.renderer.render(body, _markdown.options, {})
    for tag, with_room in _ROOM:
        html = html.replace(tag, with_room)
    return title, Markup(html)  # noqa: S704  (our own files; `html` is off)


def _lead_to_pages(tokens: list[Token]) -> None:
    """Links between guides become links between pages; those to other files keep their words only.

    Nobody on the site has the other files.
    """
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
