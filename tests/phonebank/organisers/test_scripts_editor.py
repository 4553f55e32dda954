"""The editor's form, as a browser reads it and sends it back."""

import re

import pytest
from flask import Flask
from markupsafe import escape

from phonebank.core.db import db
from phonebank.models import RoleName
from phonebank.scripts import campaign_scripts, drafts, versions
from phonebank.scripts.cleanup import resolve_next_below
from phonebank.scripts.edit_actions import apply_action
from scripts_library.library import ready_made, source_of
from scripts_library.parser import parse, parse_leniently
from scripts_library.script import Script
from scripts_library.serializer import serialize
from tests.factories import create_account
from tests.phonebank.scripts.form_of import form_of
from tests.phonebank.scripts.script_desk import (
    Desk,
    beside,
    draft,
    give_answers,
    opened,
    send,
)
from tests.phonebank.scripts.test_edit_actions import IDENTIFY
from tests.signing_in import sign_in

PAGE_AT_MOST, COMPRESSED_AT_MOST, FIRST_LOAD_AT_MOST = 200_000, 30_000, 100_000  # bytes


@pytest.mark.parametrize("script", ready_made(), ids=lambda s: f"{s.slug}.{s.language}")
def test_opening_and_saving_changes_nothing(desk: Desk, script: Script) -> None:
    with desk.app.app_context():
        used = campaign_scripts.use_ready_made(desk.campaign(), script.slug, script.language, None)
        db.session.commit()
        desk.script_id = used.id

    send(desk, opened(desk))
    assert draft(desk) is None


def test_what_is_typed_is_kept_as_a_draft_and_callers_do_not_get_it(desk: Desk) -> None:
    form = opened(desk) | {"s0-title": "Who is it?", "s0-c0-label": "The right one"}
    page = send(desk, form)
    assert "Who is it?" in page

    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].title == "Who is it?"
    assert kept.steps[0].choices[0].key == "speaking", "a key stays when its words change"
    with desk.app.app_context():
        version = versions.published_version(desk.script())
        assert version is not None
        assert "Who is it?" not in version.source


def test_faults_stand_by_their_step_and_the_draft_is_kept_all_the_same(desk: Desk) -> None:
    page = send(desk, opened(desk) | {"s0-words": "", "s1-c0-goto": ""})
    assert "“Words to say” is missing" in beside(page, "opening")
    assert "Set “Leads to”" in beside(page, "introduction")
    assert "No step leads here" in beside(page, "voting_intention")
    assert "fault" not in beside(page, "issue"), "fixing the step before fixes this one"
    assert "3 errors to fix" in page
    assert draft(desk) is not None


def test_a_step_is_added_named_and_led_to(desk: Desk) -> None:
    form = form_of(send(desk, opened(desk), "add-step:issue"))
    number = next(name[1:-3] for name, value in form.items() if value == "new_1" and "-id" in name)
    form |= {
        f"s{number}-title": "How many at home?",
        f"s{number}-words": "How many of you are there?",
        f"s{number}-kind": "question",
        f"s{number}-answer": "choice",
    }
    form = form_of(send(desk, form, "add-choice:new_1"))
    assert form[f"s{number}-id"] == "how_many_at_home"
    form = form_of(send(desk, form, "add-choice:how_many_at_home"))
    form |= {
        f"s{number}-c0-label": "Just me",
        f"s{number}-c0-yes": "yes",
        f"s{number}-c1-label": "Two or more",
    }
    send(desk, form)

    kept = draft(desk)
    assert kept is not None
    step = kept.step("how_many_at_home")
    assert [(choice.key, choice.label) for choice in step.choices] == [
        ("just_me", "Just me"),
        ("two_or_more", "Two or more"),
    ]
    assert kept.yes["how_many_at_home"] == ("just_me",)
    assert kept.step("issue").next == "how_many_at_home"
    assert step.next == "ring_again_ask"


def test_nothing_new_gets_a_name_that_answers_are_kept_under(desk: Desk) -> None:
    with desk.app.app_context():  # answers were given to these, and both are gone since
        script = desk.script()
        first = parse(drafts.working_source(script), "test")
        gone = apply_action(
            apply_action(first, "delete-choice:voting_intention:2"), "delete-step:issue"
        )
        versions.publish(
            script, versions.add_version(script, serialize(resolve_next_below(gone)), None)
        )
        db.session.commit()
    answers = first.step("voting_intention").choices
    assert answers[2].key == "undecided"

    form = form_of(send(desk, opened(desk), "add-choice:voting_intention"))
    row = f"s2-c{len(answers) - 1}"
    form |= {f"{row}-label": "Undecided?", f"{row}-goto": "close_thanks"}
    form = form_of(send(desk, form, "add-step:opening"))
    send(desk, form | {"s1-title": "Issue"})

    kept = draft(desk)
    assert kept is not None
    assert kept.step("voting_intention").choices[-1].key == "undecided_2"
    assert kept.steps[1].id == "issue_2"


def test_an_answer_deleted_by_mistake_is_put_back(desk: Desk) -> None:
    with desk.app.app_context():
        give_answers(desk.script(), [("voting_intention", "undecided")] * 3)
    before = opened(desk)
    assert before["s2-c2-key"] == "undecided"
    form = form_of(send(desk, before, "delete-choice:voting_intention:2"))
    page = desk.client.get(desk.address("/publish")).text
    assert "“Undecided” (3 calls) would no longer be offered" in page

    form = form_of(send(desk, form, "add-choice:voting_intention"))
    last = f"s2-c{len(IDENTIFY.step('voting_intention').choices) - 1}"
    form |= {f"{last}-label": " Undecided ", f"{last}-goto": before["s2-c2-goto"]}
    send(desk, form, "publish", status=302)
    kept = draft(desk)
    assert kept is not None, "the step is the last now"
    assert kept.step("voting_intention").choices[-1] in IDENTIFY.step("voting_intention").choices
    assert "(3 calls)" not in desk.client.get(desk.address("/publish")).text


def test_a_kind_chosen_by_mistake_loses_no_answers(desk: Desk) -> None:
    form = form_of(send(desk, opened(desk) | {"s0-kind": "say"}))
    send(desk, form | {"s0-kind": "question"})
    kept = draft(desk)
    assert kept is None, "everything is as it was published"


def test_hidden_characters_and_tabs_never_reach_the_draft(desk: Desk) -> None:
    send(desk, opened(desk) | {"s0-words": "A\tB\u202e\x00C\u200d <script>alert(1)</script>"})
    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].words == "A BC\u200d <script>alert(1)</script>"
    assert "<script>alert(1)" not in desk.client.get(desk.address("/edit")).text


def test_two_at_once_do_not_overwrite_each_other_unseen(desk: Desk) -> None:
    mine, theirs = opened(desk), opened(desk)
    send(desk, theirs | {"s0-title": "Theirs"})
    page = send(desk, mine | {"s0-title": "Mine"}, status=422)
    assert "Someone has changed this script" in page
    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].title == "Theirs"

    send(desk, form_of(page))
    kept = draft(desk)
    assert kept is not None
    assert kept.steps[0].title == "Mine"


@pytest.mark.parametrize("button", ["save", "publish"])
@pytest.mark.parametrize("title", ["Once more", None], ids=["a draft", "as published"])
def test_the_same_save_once_more_is_no_other_change(
    desk: Desk, title: str | None, button: str
) -> None:
    """A browser sends a form twice if the response was lost."""
    form = opened(desk)
    send(desk, form | {"s0-title": "First"})
    if title is None:  # back to the published words, so no draft is left
        again = opened(desk) | {"s0-title": form["s0-title"]}
    else:  # with a new step and a new answer, which get their ids now
        again = form_of(send(desk, opened(desk), "add-step:opening"))
        again |= {"s1-title": title, "s1-words": "", "s1-kind": "question"}
    send(desk, again)
    before = draft(desk)
    assert (before is None) == (title is None)

    response = desk.client.post(desk.address("/edit"), data=again | {"do": button})
    assert response.status_code in (200, 302)
    assert draft(desk) == before
    assert "Someone has changed" in send(desk, again | {"s0-title": "Other"}, button, status=422)
    assert "Someone has changed" in send(desk, again, "delete-step:opening", status=422)
    assert draft(desk) == before


def test_a_button_without_its_form_saves_and_draws_nothing(desk: Desk) -> None:
    """A browser sends the button of a disabled form, but not its fields."""
    form = opened(desk)
    for sent in ({}, {"seen": form["seen"]}, {"s0-id": "opening"}):
        page = send(desk, sent, "publish", status=422)
        assert "nothing was saved" in page
        assert "script-form" not in page, "an editor of nothing could be saved"
        for address in ("/edit/check", "/edit/preview"):
            assert desk.client.post(desk.address(address), data=sent).status_code == 204
    assert draft(desk) is None


def test_publish_leads_on_only_without_errors(desk: Desk) -> None:
    form = opened(desk)
    send(desk, form | {"s0-words": ""}, "publish")
    form = opened(desk) | {"s0-words": "Hello?"}
    response = desk.client.post(desk.address("/edit"), data=form | {"do": "publish"})
    assert response.status_code == 302
    assert response.location == desk.address("/publish")


def test_a_check_says_what_is_wrong_and_keeps_nothing(desk: Desk) -> None:
    form = opened(desk) | {"s0-title": "", "at": "introduction"}
    checked = desk.client.post(desk.address("/edit/check"), data=form).text
    assert "<html" not in checked
    assert "“Title” is missing" in beside(checked, "opening")
    assert "Say who you are" in checked, "the preview is where they type"
    assert draft(desk) is None


def test_the_preview_walks_as_a_caller_would(desk: Desk) -> None:
    form = opened(desk)

    def walk(**pressed: str) -> str:
        return desk.client.post(desk.address("/edit/preview"), data=form | pressed).text

    assert "could I speak to" in walk()
    assert "Priya" in walk()
    assert "Say who you are" in walk(step_id="opening", answer="speaking")
    assert "I&#39;ll try another time" in walk(step_id="opening", answer="not_here") or (
        "I'll try another time" in walk(step_id="opening", answer="not_here")
    )
    assert "Choose an answer" in walk(step_id="opening", answer="")
    assert "The call has ended" in walk(step_id="close_thanks")
    assert "could I speak to" in walk(step_id="close_thanks", again="yes")


def test_the_preview_of_a_broken_script_says_so(desk: Desk) -> None:
    form = opened(desk)
    gone = {name: value for name, value in form.items() if not name.startswith("s1-")}
    page = desk.client.post(
        desk.address("/edit/preview"), data=gone | {"step_id": "opening", "answer": "speaking"}
    )
    assert page.status_code == 200
    assert "a step that does not exist" in page.text


def test_a_form_that_no_browser_sent_is_met_without_a_crash(desk: Desk) -> None:
    seen = opened(desk)["seen"]
    for form in (
        {},
        {"s0-id": "a b", "s0-kind": "fly"},
        {"s0-id": "x", "s1-id": "x", "s1-b0-low": "999", "s1-b0-goto": "y"},
        {"s0-c0-key": "k", "s0-c0-yes": "yes"},
        {"f0-name": "a.b", "f0-about": "x", "k0-words": "x"},
        {"s0-words": "{{ a.b }} {% raw %}"},
    ):
        response = desk.client.post(desk.address("/edit/check"), data=form | {"seen": seen})
        assert response.status_code in (200, 204)
        response = desk.client.post(desk.address("/edit"), data=form | {"seen": seen})
        assert response.status_code in (200, 422)


def test_only_organisers_edit(app: Flask, desk: Desk) -> None:
    with app.app_context():
        host_id = create_account(RoleName.HOST).id
        db.session.commit()
    host = app.test_client()
    sign_in(host, host_id)
    for page in ("/edit", "", "/publish", "/versions", "/text", "/script.yaml"):
        assert host.get(desk.address(page)).status_code == 403


def test_a_script_of_another_campaign_is_not_found(desk: Desk) -> None:
    assert desk.client.get(f"/campaigns/{desk.campaign_id}/scripts/999/edit").status_code == 404


def test_a_source_that_is_not_ours_reads_the_same(desk: Desk) -> None:
    """The editor writes the YAML in its own format, and all words stay as in the file."""
    send(desk, opened(desk) | {"title": "Another title"})
    kept, original = draft(desk), parse_leniently(source_of("voter-identification", "en"))[0]
    assert kept is not None
    assert original is not None
    assert kept.steps == original.steps
    assert kept.practice == original.practice


@pytest.fixture
def longest(desk: Desk) -> Script:
    """The ready-made script with the largest page, which the desk has open."""
    with desk.app.app_context():
        campaign = desk.campaign()
        script = campaign_scripts.use_ready_made(campaign, "persuasive-conversation", "en", None)
        db.session.commit()
        desk.script_id = script.id
        return drafts.working_script(script)[0]


def test_the_editor_loads_with_few_bytes_and_repeats_nothing_of_the_request(
    desk: Desk, longest: Script
) -> None:
    gzip = {"Accept-Encoding": "gzip"}
    page = desk.client.get(desk.address("/edit"))
    assert len(page.data) < PAGE_AT_MOST
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    loaded = [desk.client.get(path, headers=gzip) for path in (desk.address("/edit"), *files)]
    assert [answer.status_code for answer in loaded] == [200] * len(loaded)
    assert len(loaded[0].data) < COMPRESSED_AT_MOST
    assert sum(len(answer.data) for answer in loaded) < FIRST_LOAD_AT_MOST
    # What a compressed page may not do: docs/decisions/0030-callers-pages-are-compressed.md.
    guess = "gue55"
    query = (
        f"?step_id={guess}&answer={guess}&again={guess}&practice={guess}&menus={guess}&at={guess}"
    )
    answer = desk.client.get(
        desk.address("/edit") + query, headers={"Referer": f"http://localhost/{guess}"}
    )
    assert answer.status_code == 200
    assert guess not in answer.text


def test_the_page_is_whole_without_javascript(desk: Desk, longest: Script) -> None:
    """A browser fills the menus of the short page from one list of the steps."""
    page = desk.client.get(desk.address("/edit"))
    for step in longest.steps:
        assert page.text.count(f'aria-label="Add a step below {escape(step.title)}"') == 1
    # A browser without JavaScript asks for every menu, and keeps them from then on.
    whole_address = re.search(
        r'<noscript><meta http-equiv="refresh" content="0; url=([^"]+)"', page.text
    )
    assert whole_address
    form = form_of(desk.client.get(whole_address[1]).text)
    for whole in (desk.client.get(whole_address[1]).text, send(desk, form)):
        assert "data-menu" not in whole
        assert "Move down: They&#39;re not here" in whole
        menu = whole.split('id="s0-c0-goto"')[1].split("</select>")[0]
        assert menu.count("<option") == len(longest.steps)
    # What the small page leaves out stays as it was.
    small = form_of(desk.client.get(desk.address("/edit")).text)
    assert "has_practice" not in small
    send(desk, small)
    with desk.app.app_context():
        assert drafts.working_script(desk.script())[0] == longest
