"""The guides as pages: the words of the files, and links that lead to pages."""

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.contact_queue.status_counts import BUCKETS
from phonebank.core.db import db
from phonebank.models import RoleName
from phonebank.scripts.labels import STEP_KIND_OPTIONS
from phonebank.site.guides import DOCS, GUIDES, guide
from tests.claims import DOCUMENTS, ROOT
from tests.factories import create_account
from tests.signing_in import sign_in

# The product's own terms, and every figure that a page or a board shows.
WORDS = {
    "campaign", "contact list", "contact", "suppression", "caller", "hold", "call", "outcome",
    "conversation", "script", "version", "step", "answer", "party", "board", "tally",
    "organiser", "host", "callback", "draft", "card", "merge field", "reached", "yes", "late",
    "attempt", "calls", "answered", "conversations", "said yes", "goal", "calling now",
    "last ten minutes",
}  # fmt: skip


def plain(html: str) -> str:
    """The text that a reader sees, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_says_what_its_file_says(name: str) -> None:
    title, body = guide(name)
    source = (DOCS / GUIDES[name][0]).read_text("utf-8")
    assert source.startswith(f"# {title}\n")
    shown = plain(body)
    for paragraph in re.findall(r"(?m)^[A-Z][^\n|`*\[\]]{40,}$", source):
        assert paragraph in shown, paragraph
    assert "<h1" not in body
    assert not re.search(r"(?m)^\s*#+ ", shown), "Markdown that was not understood"


def test_a_guide_lists_its_headings() -> None:
    _, body = guide("lists")
    _, before, after = re.split(r'<nav class="guide-contents"|</nav>', body)
    listed = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', before)
    headings = re.findall(r'<h2 id="([^"]+)">(.+?)</h2>', after)
    assert listed == [(place, plain(words)) for place, words in headings]
    assert ("screening", "Screening") in listed
    assert "guide-contents" not in guide("roles")[1], "too short"


def test_a_cell_has_its_columns_name() -> None:
    _, body = guide("calling-rules")
    assert '<td data-label="country">Germany</td>\n<td data-label="permitted Monday' in body
    assert '<td data-label="maximum further tries"></td>' in body


def test_short_words_with_a_hyphen_stay_on_one_line() -> None:
    _, body = guide("lists")
    assert '<span class="on-one-line">do-not-call</span>' in body
    _, body = guide("scripts")
    assert "on-one-line" not in "".join(re.findall(r"(?s)<pre.*?</pre>|<code>.*?</code>", body))


@pytest.mark.parametrize("name", GUIDES)
def test_links_lead_to_pages_that_are_there(client: FlaskClient, name: str) -> None:
    page = client.get(f"/help/{name}")
    assert page.status_code == 200
    _, body = guide(name)
    for address in re.findall(r'href="([^"]+)"', body):
        if not address.startswith("https://"):
            path, _, place = address.partition("#")
            there = client.get(path or page.request.path)
            assert there.status_code == 200, address
            assert not place or f'id="{place}"' in there.text, address
    assert ".md" not in body


def test_the_glossary_has_every_word_the_product_uses() -> None:
    source = (DOCS / "glossary.md").read_text("utf-8")
    defined = {word.lower() for word in re.findall(r"(?m)^- \*\*([^*]+)\*\*:", source)}
    assert defined >= WORDS
    assert defined >= {label.lower() for label in BUCKETS.values()}
    steps = source.split("- **Step**:")[1].split("- **")[0]
    assert set(re.findall(r"\*(\w+)\*", steps)) == set(STEP_KIND_OPTIONS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_guide_names_are_there(document: str) -> None:
    named = re.findall(
        r"`(?:sudo )?([\w*-]+/[\w*/-]+\.(?:py|yaml|md|sh))", (ROOT / document).read_text("utf-8")
    )
    assert [path for path in named if not list(ROOT.glob(path))] == []


def test_an_unknown_guide_is_not_found(client: FlaskClient) -> None:
    for name in ("nothing", "operations", "..%2fREADME", "for-hosts.md"):
        assert client.get(f"/help/{name}").status_code == 404


@pytest.mark.parametrize(
    ("role", "guide_name"), [(RoleName.ORGANISER, "organisers"), (RoleName.HOST, "hosts")]
)
def test_help_leads_each_to_their_own(
    app: Flask, clean_stores: None, role: str, guide_name: str
) -> None:
    with app.app_context():
        account_id = create_account(role).id
        db.session.commit()
    client = app.test_client()
    assert 'href="/help"' in client.get("/help/glossary").text
    sign_in(client, account_id)
    assert f'href="/help/{guide_name}">Help' in client.get("/help/glossary").text
    assert client.get("/help").status_code == 200, "the callers' page stays theirs"
