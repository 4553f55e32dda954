"""The pages about scripts: choose, read, fill in, publish, restore and download."""

import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from phonebank.calls.claim import claim
from phonebank.core.db import db
from phonebank.experiments.services import NewArm, available_arm_scripts, create_experiment, start
from phonebank.models import Campaign, Script
from phonebank.scripts import drafts, versions
from scripts_library.library import ready_made, source_of
from scripts_library.parser import parse
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_script,
)
from tests.phonebank.scripts.form_of import form_of
from tests.phonebank.scripts.script_desk import SLUG, Desk, give_answers


def post(desk: Desk, address: str, status: int = 302, **data: object) -> str:
    response = desk.client.post(address, data=data)
    assert response.status_code == status, response.text
    return response.location or response.text


def publish(desk: Desk, status: int = 302, **data: object) -> str:
    """Open the page that reviews a draft, and press its button."""
    address = desk.address("/publish")
    return post(desk, address, status, seen=desk.seen("/publish"), **data)


def change(desk: Desk, old: str, new: str) -> None:
    """Make a draft with other words on the text page."""
    with desk.app.app_context():
        source = drafts.working_source(desk.script())
    assert old in source
    save_text(desk, source=source.replace(old, new))


def save_text(desk: Desk, status: int = 200, **data: object) -> str:
    """Open the text page, and send its form with these fields."""
    return post(desk, desk.address("/text"), status, seen=desk.seen("/text"), **data)


def restore(desk: Desk, number: int, status: int = 302) -> str:
    """Open the versions, and press the button that restores one."""
    seen = desk.seen("/versions")
    return post(desk, desk.address(f"/versions/{number}/restore"), status, seen=seen)


def test_the_library_is_there_to_choose_from(desk: Desk) -> None:
    page = desk.client.get(f"/campaigns/{desk.campaign_id}/scripts").text
    for script in ready_made():
        assert script.title in page or script.title.replace("'", "&#39;") in page
    assert "In use" in page

    read = desk.client.get(f"/campaigns/{desk.campaign_id}/scripts/library/deep-canvass/en").text
    assert "Where it comes from" in read
    unknown = desk.client.get(f"/campaigns/{desk.campaign_id}/scripts/library/deep-canvass/xx")
    assert unknown.status_code == 404


def test_a_second_script_is_added_without_replacing_the_one_that_callers_have(desk: Desk) -> None:
    """An experiment can be prepared while people call."""
    with desk.app.app_context():
        campaign = desk.campaign()
        create_contact(create_list(campaign))
        claim(create_caller(campaign))
        db.session.commit()
    address = f"/campaigns/{desk.campaign_id}/scripts/library"
    location = post(desk, address, slug="deep-canvass", language="en")
    page = desk.client.get(location).text
    assert (
        "Added to this campaign. Callers get this script once you press “Use this script”" in page
    )
    post(desk, address, 404, slug="nothing", language="en")

    asked = re.search(r'href="([^"]*/choose)">Use this script', page)
    assert asked
    page = desk.client.get(asked[1]).text
    assert "Callers will stop getting “Voter identification”" in page
    assert "1 caller is calling now. They will get this script with their next person." in page
    with desk.app.app_context():
        assert desk.campaign().script_id == desk.script_id, "asking changes nothing"
    post(desk, asked[1])
    with desk.app.app_context():
        chosen = db.session.get_one(Script, desk.campaign().script_id)
        assert parse(drafts.working_source(chosen), "test").slug == "deep-canvass"


def test_a_campaign_without_a_script_calls_with_the_first_one(desk: Desk) -> None:
    with desk.app.app_context():
        campaign = create_campaign()
        db.session.commit()
        campaign_id = campaign.id
    address = f"/campaigns/{campaign_id}/scripts/library"
    location = post(desk, address, slug="deep-canvass", language="en")
    assert "Callers will get this script with their next person." in desk.client.get(location).text
    with desk.app.app_context():
        assert db.session.get_one(Campaign, campaign_id).script_id is not None


def test_the_page_shows_where_each_answer_leads(desk: Desk) -> None:
    page = desk.client.get(desk.address()).text
    assert "3. How will they vote?" in page
    assert "“Undecided” → " in page
    assert "The call ends here." in page
    assert "Answers that count as a yes: Yes." in page


def test_filling_in_reaches_the_words(desk: Desk) -> None:
    post(
        desk,
        desk.address("/values"),
        302,
        **{"value-candidate": " Jo  Bloggs ", "value-other": "x"},
    )
    with desk.app.app_context():
        assert desk.campaign().merge_values == {"candidate": "Jo Bloggs"}
    assert 'value="Jo Bloggs"' in desk.client.get(desk.address()).text
    form = form_of(desk.client.get(desk.address("/edit")).text) | {"at": "voting_intention"}
    assert "Jo Bloggs" in post(desk, desk.address("/edit/check"), 200, **form)


def test_filling_in_leaves_what_a_colleague_filled_in_meanwhile(desk: Desk) -> None:
    def page() -> dict[str, str]:
        return form_of(desk.client.get(desk.address()).text, "values-form")

    def save(form: dict[str, str], **typed: str) -> dict[str, str]:
        sent = form | {f"value-{name}": value for name, value in typed.items()}
        post(desk, desk.address("/values"), 302, **sent)
        with desk.app.app_context():
            return dict(desk.campaign().merge_values)

    older = page()
    save(page(), candidate="Jo Bloggs")
    both = {"candidate": "Jo Bloggs", "contact_details": "1 High Street"}
    assert save(older, contact_details="1 High Street") == both

    change(desk, "fields:\n", "fields:\n  venue: Where it is\n")
    save(page(), venue="Town hall")
    assert save(older) == both | {"venue": "Town hall"}, "a field that its page did not have"
    assert save(page(), candidate="", venue=" ") == {"contact_details": "1 High Street"}


def test_a_draft_is_reviewed_and_published(desk: Desk) -> None:
    change(desk, "Who has answered?", "Who is it?")
    assert "This script has changes that callers" in desk.client.get(desk.address()).text
    page = desk.client.get(desk.address("/publish")).text
    assert "<del>" in page
    assert "<ins>" in page
    assert "Who is it?" in page

    publish(desk)
    assert "Version 2" in desk.client.get(desk.address()).text
    assert desk.client.get(desk.address("/publish")).status_code == 302, "nothing is left"


def test_who_publishes_is_told_whether_callers_get_it_now(desk: Desk) -> None:
    def publish_title(old: str, new: str) -> str:
        with desk.app.app_context():
            script = desk.script()
            drafts.save_draft(script, drafts.working_source(script).replace(old, new))
            db.session.commit()
        return desk.client.get(publish(desk)).text

    told = publish_title("Who has answered?", "Who is it?")
    assert "Published. Callers will get this script with their next person." in told
    with desk.app.app_context():
        create_script(desk.campaign(), source_of("deep-canvass", "en"))
        db.session.commit()
    told = publish_title("Who is it?", "Who is there?")
    assert "Published. Callers get this script once you press “Use this script”" in told
    with desk.app.app_context():
        campaign, held = desk.campaign(), desk.script().published_version_id
        older = [
            NewArm(words, 1)
            for words in available_arm_scripts(campaign)
            if words.script_version_id not in (None, held)
        ]
        start(campaign, create_experiment(campaign, "Which was better?", older))
        db.session.commit()
    told = desk.client.get(post(desk, desk.address("/choose"))).text
    assert "Callers get this script once you stop the experiment that is running." in told
    assert "After the experiment" in told
    page = desk.client.get(f"/campaigns/{desk.campaign_id}/scripts").text
    assert "After the experiment" in page
    assert ">In use<" not in page


def test_a_faulty_draft_has_no_button_to_publish_it(desk: Desk) -> None:
    change(desk, "goto: issue", "goto: nowhere")
    page = desk.client.get(desk.address("/publish")).text
    assert "Fix this first" in page
    assert ">Publish<" not in page
    publish(desk, 422)


def test_changing_what_an_answer_means_needs_a_word(desk: Desk) -> None:
    with desk.app.app_context():
        give_answers(desk.script(), [("voting_intention", "undecided")])
    change(desk, "label: Undecided", "label: Ours after all")
    change(desk, "title: How will they vote?", "title: Who wins?")

    page = desk.client.get(desk.address("/publish")).text
    assert "“Undecided” (1 call) would read “Ours after all”" in page
    assert "(1 call) would get the title “Who wins?”" in page
    assert "Tick the box to say that you have checked" in publish(desk, 422)
    with desk.app.app_context():
        assert len(versions.versions_of(desk.script())) == 1

    publish(desk, confirmed="yes")
    with desk.app.app_context():
        assert len(versions.versions_of(desk.script())) == 2


def test_only_what_was_reviewed_is_published(desk: Desk) -> None:
    change(desk, "Who has answered?", "Who is it?")
    mine = {"seen": desk.seen("/publish"), "confirmed": "yes"}
    change(desk, "Who is it?", "Theirs, half written")
    page = post(desk, desk.address("/publish"), 422, **mine)
    assert "Someone has changed this script" in page
    assert "Theirs, half written" in page, "the page shows the new draft, to review"
    assert "Who is it?" not in page
    with desk.app.app_context():
        assert len(versions.versions_of(desk.script())) == 1

    # The draft is unchanged, but publishing it would now change something else.
    mine["seen"] = desk.seen("/publish")
    with desk.app.app_context():
        script = desk.script()
        theirs = drafts.working_source(script).replace("Theirs, half written", "Theirs")
        versions.publish(script, versions.add_version(script, theirs, None))
        db.session.commit()
    page = post(desk, desk.address("/publish"), 422, **mine)
    assert "Someone has changed this script" in page

    publish(desk)
    page = desk.client.post(desk.address("/publish"), data=mine, follow_redirects=True).text
    assert "The draft was already published or discarded" in page, "the button pressed twice"
    with desk.app.app_context():
        assert len(versions.versions_of(desk.script())) == 3


def test_versions_are_read_compared_and_brought_back(desk: Desk) -> None:
    change(desk, "Who has answered?", "Who is it?")
    publish(desk)
    page = desk.client.get(desk.address("/versions")).text
    assert "1 part changed from version 1" in page
    assert "Restore version 1" in page

    old = desk.client.get(desk.address("/versions/1")).text
    assert "Who has answered?" in old
    assert desk.client.get(desk.address("/versions/9")).status_code == 404

    assert restore(desk, 1) == desk.address("/publish")
    publish(desk)
    with desk.app.app_context():
        assert [version.number for version in versions.versions_of(desk.script())] == [3, 2, 1]
    assert restore(desk, 3) == desk.address("/versions"), "restoring it changes nothing"
    assert "was discarded" not in desk.client.get(desk.address("/versions")).text
    change(desk, "Who has answered?", "Who is there?")
    button = desk.address("/versions/1/restore")  # which says the same as version 3
    sent = {"seen": desk.seen("/versions")}
    for said in ("The draft was discarded.", "nothing to publish"):  # also pressed twice
        answer = desk.client.post(button, data=sent, follow_redirects=True)
        assert answer.status_code == 200
        assert said in answer.text


def test_bringing_back_what_a_colleague_published_over_tells_what_to_look_at(desk: Desk) -> None:
    change(desk, "Who has answered?", "Who is it?")
    publish(desk)
    mine = {"seen": desk.seen("/versions")}
    change(desk, "Who is it?", "Who is there?")
    publish(desk)
    page = post(desk, desk.address("/versions/1/restore"), 422, **mine)
    assert "nothing was restored. Check what is there now, or press the button again" in page
    assert "draft" not in page, "there is no draft to review"
    again = re.search(r'name="seen" value="(\w+)"', page)
    assert again
    location = post(desk, desk.address("/versions/1/restore"), seen=again[1])
    assert location == desk.address("/publish")


def test_a_draft_can_be_discarded(desk: Desk) -> None:
    change(desk, "Who has answered?", "Who is it?")
    discard = desk.address("/discard")
    sent = {"seen": desk.seen("")}
    gone = desk.client.post(discard, data=sent, follow_redirects=True).text
    assert "Changes discarded" in gone
    with desk.app.app_context():
        assert desk.script().draft is None
    # The button was pressed twice, or someone published the draft, so callers have the words.
    again = desk.client.post(discard, data=sent, follow_redirects=True).text
    assert "nothing to discard" in again
    assert "Changes discarded" not in again


@pytest.mark.parametrize(
    ("form_on", "sent_to", "said", "data"),
    [
        ("/publish", "/publish", "nothing was published", {}),
        ("/text", "/text", "nothing is saved", {"source": source_of("deep-canvass", "en")}),
        ("", "/discard", "nothing was discarded", {}),
        ("/versions", "/versions/1/restore", "nothing was restored", {}),
        ("/versions/1", "/versions/1/restore", "nothing was restored", {}),
        ("/edit", "/edit", "nothing was saved", {}),
    ],
)
def test_what_someone_saves_at_the_same_moment_is_not_lost(
    desk: Desk, form_on: str, sent_to: str, said: str, data: dict[str, str]
) -> None:
    change(desk, "Who has answered?", "Who is it?")
    with desk.app.app_context():  # a second version, so that the first can be brought back
        script = desk.script()
        versions.publish(
            script, versions.add_version(script, source_of("deep-canvass", "en"), None)
        )
        db.session.commit()
    sent = {**data, "seen": desk.seen(form_on)}
    assert sent["seen"], "the form carries it"

    with desk.app.app_context(), ThreadPoolExecutor() as pool:
        script = desk.script()
        drafts.save_draft(script, drafts.working_source(script).replace("Who is it?", "Theirs"))
        db.session.flush()  # the other organiser's value is not committed yet
        answer = pool.submit(desk.client.post, desk.address(sent_to), data=sent)
        waits = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        with db.engine.connect() as looking:
            while not looking.scalar(waits) and not answer.done():
                looking.rollback()
        db.session.commit()
        page = answer.result()
    assert page.status_code == 422
    assert said in page.text
    with desk.app.app_context():
        script = desk.script()
        assert "title: Theirs" in (script.draft or "")
        assert len(versions.versions_of(script)) == 2
    if form_on == "/text":
        assert "Deep canvass" in page.text, "what was typed is not lost either"
        again = re.search(r'name="seen" value="(\w+)"', page.text)
        assert again
        post(desk, desk.address(sent_to), 200, **{**data, "seen": again[1]})


def test_the_text_form_names_faults_by_line_and_keeps_what_was_typed(desk: Desk) -> None:
    page = save_text(desk, 422, source="slug: x\nsteps: <b>none</b>\n")
    assert "Nothing was saved" in page
    assert "line 2" in page
    assert "&lt;b&gt;none&lt;/b&gt;" in page
    with desk.app.app_context():
        assert desk.script().draft is None


def test_a_script_goes_out_as_a_file_and_comes_in_again(desk: Desk) -> None:
    downloaded = desk.client.get(desk.address("/script.yaml?version=1"))
    assert downloaded.text == source_of(SLUG, "en")
    assert "attachment" in downloaded.headers["Content-Disposition"]

    other = source_of("deep-canvass", "en").encode()
    save_text(desk, file=(io.BytesIO(other), "script.yaml"), source="")
    with desk.app.app_context():
        assert parse(desk.script().draft, "test").slug == "deep-canvass"
    save_text(desk, 422, file=(io.BytesIO(b"\xff\xfe\x00"), "s.yaml"), source="")


def test_a_blank_page_leads_to_the_editor(desk: Desk) -> None:
    location = post(desk, f"/campaigns/{desk.campaign_id}/scripts/blank")
    page = desk.client.get(location)
    assert page.status_code == 200
    assert "What you call to ask" in page.text
