"""The guides: Markdown files in `docs/`, and the HTML that the site makes from these files.

The help pages and the documentation have the same source, so they cannot differ.
"""

from collections.abc import Mapping
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

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

# A table or an example may be wider than a phone, so each of them scrolls by itself. People can
# also scroll it with the keyboard.
_SCROLLING = (
    ("<table>", '<div class="guide-wide" tabindex="0" role="group" aria-label="Table"><table>'),
    ("</table>", "</table></div>"),
    ("<pre>", '<pre tabindex="0">'),
)


@cache
def guide(name: str) -> tuple[str, Markup]:
    """Return a guide's title and its body as HTML. Raises KeyError for a name that is not in
    GUIDES."""
    file, _ = GUIDES[name]
    tokens = _markdown.parse((DOCS / file).read_text("utf-8"))
    # The page shows the first heading as its title.
    title = tokens[1].content
    body = tokens[3:]
    for token in body:
        _rewrite_links(token.children or [])
    html = _markdown.renderer.render(body, _markdown.options, {})
    for tag, scrolling in _SCROLLING:
        html = html.replace(tag, scrolling)
    return title, Markup(html)  # noqa: S704  (our own files; `html` is off)


def _rewrite_links(tokens: list[Token]) -> None:
    """Turn links between guides into links between pages. Links to other files become plain text,
    because the site does not serve those files.
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
