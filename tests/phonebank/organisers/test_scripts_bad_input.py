"""Hostile input is refused with a reason, or shown letter for letter."""

import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from phonebank.core.db import db
from phonebank.scripts import drafts, versions
from scripts_library.library import source_of
from scripts_library.parser import parse
from scripts_library.script import Script
from scripts_library.serializer import serialize
from tests.phonebank.scripts.script_desk import SLUG, Desk, beside, draft, opened, send

SOURCE = source_of(SLUG, "en")
BOMB = "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nsteps: [*b, *b, *b, *b]\n"
HOSTILE = "</script><script>alert(1)</script><b onload='x'>\" onmouseover=\"alert(2)"


class Elements(HTMLParser):
    """Fails at an element or attribute that the page's own templates do not use."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "b", attrs
        assert tag != "script" or dict(attrs).get("src"), attrs
        names = [name for name, _ in attrs]
        assert not [name for name in names if name.startswith("on")], attrs


def look(page: str) -> None:
    parser = Elements()
    parser.feed(page)
    parser.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (BOMB, "alias"),
        (SOURCE + "# " + "x" * 300_000, "256 kB"),
        (SOURCE + "# " + "x" * 5_000_000, "larger than the 1 MB"),
        ("slug: [", "Error, line"),
        ("\tslug: x", "tab"),
    ],
    ids=["bomb", "300 kB", "five megabytes", "no YAML", "tab"],
)
def test_a_file_that_is_no_script_is_refused_and_nothing_kept(
    desk: Desk, source: str, message: str
) -> None:
    file = (io.BytesIO(source.encode()), "script.yaml")
    sent = {"file": file, "source": "", "seen": desk.seen("/text")}
    page = desk.client.post(desk.address("/text"), data=sent)
    assert page.status_code in (413, 422)
    assert message in page.text
    assert draft(desk) is None
    assert desk.client.get(desk.address("/edit")).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Voter identification", "title: One\ntitle: Two", "line"),
        ("    next: close_thanks", "    next: opening", "These steps go round in a loop"),
    ],
    ids=["repeated setting", "loop"],
)
def test_a_script_with_a_fault_is_told_where(desk: Desk, old: str, new: str, message: str) -> None:
    assert old in SOURCE
    sent = {"source": SOURCE.replace(old, new, 1), "seen": desk.seen("/text")}
    page = desk.client.post(desk.address("/text"), data=sent)
    assert page.status_code in (200, 422)
    assert "Error, line" in page.text
    assert message in page.text
    with desk.app.app_context():
        version = versions.published_version(desk.script())
        assert version is not None
        assert version.source == SOURCE, "callers keep what they have"


def everywhere(words: str) -> Script:
    """Return a script with `words` in every place for text."""
    script = parse(SOURCE, "test")
    return replace(
        script,
        title=words,
        purpose=words,
        provenance=words,
        licence=words,
        identification=f"{words} {{{{ on_behalf_of }}}}",
        fields={"candidate": words},
        steps=tuple(
            replace(
                step,
                title=words,
                words=f"{words} {{{{ candidate or 'x' }}}} <i title=\"{{{{ town or 'y' }}}}\">",
                guidance=words,
                low_label=words if step.answer == "scale" else "",
                choices=tuple(replace(choice, label=words) for choice in step.choices),
            )
            for step in script.steps
        ),
        cards=tuple(replace(c, title=words, words=words, guidance=words) for c in script.cards),
        practice=tuple(
            replace(
                one,
                name=words,
                about=words,
                otherwise=words,
                replies=dict.fromkeys(one.replies, words),
            )
            for one in script.practice
        ),
    )


@pytest.mark.parametrize(
    "words",
    [
        HOSTILE,
        "{{ caller_name }} %} {% {# {{ first_name or '\"><b>' }}",
        "שלום עולם مرحبا",
        "👩‍👩‍👧 🗳️ 🇬🇧",
    ],
    ids=["HTML", "templates", "right to left", "emoji"],
)
def test_words_are_inert_wherever_they_stand(desk: Desk, words: str) -> None:
    hostile = everywhere(words)
    with desk.app.app_context():
        script, campaign = desk.script(), desk.campaign()
        campaign.merge_values = {"candidate": HOSTILE, "town": HOSTILE}
        source = serialize(hostile)
        if "{%" in words:  # no merge field, so never published
            drafts.save_draft(script, source)
        else:
            versions.publish(script, versions.add_version(script, source, None))
            drafts.save_draft(script, source.replace("kind: ask", "kind: question"))
        script.name = words[:120]
        db.session.commit()
    for page in ("", "/edit", "/text", "/publish", "/versions", "/versions/1"):
        answer = desk.client.get(desk.address(page))
        assert answer.status_code == 200, page
        look(answer.text)
    form = opened(desk)
    for page in ("/edit/check", "/edit/preview"):
        look(desk.client.post(desk.address(page), data=form).text)
    # After opening and saving, every letter is the same.
    send(desk, form)
    kept = draft(desk)
    assert kept is not None
    assert {step.title for step in kept.steps} == {" ".join(words.split())}


def test_two_hundred_answers_are_a_fault_at_their_step(desk: Desk) -> None:
    form = opened(desk)
    for number in range(200):
        form |= {f"s0-c{number}-label": f"Answer {number}", f"s0-c{number}-goto": "close_thanks"}
    checked = desk.client.post(desk.address("/edit/check"), data=form)
    assert checked.status_code == 200
    assert "200 entries, and the most is 20" in beside(checked.text, "opening")
    page = send(desk, form)
    assert page.count("Counts as a yes") >= 200, "nothing that was typed is lost"
