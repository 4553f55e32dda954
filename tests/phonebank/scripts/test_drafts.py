"""Drafts and versions: what stays, what callers get, and what must not change silently."""

import threading

import pytest
from flask import Flask

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.models import Campaign, ContactList, Script, ScriptVersion
from phonebank.scripts import campaign_scripts, drafts
from phonebank.scripts import versions as script_versions
from phonebank.scripts.versions import published_version_id
from scripts_library.parser import parse
from tests.factories import create_caller, create_contact, create_list
from tests.phonebank.scripts.ready_made import SLUG, reworded


def test_a_ready_made_script_becomes_the_campaigns_own_and_is_published(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    [version] = script_versions.versions_of(script)
    assert campaign.script_id == script.id
    assert published_version_id(campaign) == version.id
    assert (version.number, script.name) == (1, "Voter identification")
    assert campaign_scripts.ready_made_scripts()[0].steps, "the library itself is untouched"


def test_an_unknown_ready_made_script_is_not_found(campaign: Campaign) -> None:
    for slug, language in (("nothing", "en"), (SLUG, "xx"), ("../library", "en")):
        with pytest.raises(NotFoundError):
            campaign_scripts.use_ready_made(campaign, slug, language, None)


def test_callers_do_not_get_a_draft_until_it_is_published(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    before = published_version_id(campaign)
    drafts.save_draft(script, reworded(script, "Who has answered?", "Who is it?"))
    assert published_version_id(campaign) == before

    version = drafts.publish_draft(campaign, script, None)
    assert published_version_id(campaign) == version.id
    assert (version.number, script.draft) == (2, None)


def test_a_faulty_draft_is_kept_and_cannot_be_published(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    drafts.save_draft(script, reworded(script, "goto: issue", "goto: nowhere"))
    with pytest.raises(script_versions.FaultyScriptError) as refused:
        drafts.publish_draft(campaign, script, None)
    assert any("no such step" in diagnostic.message for diagnostic in refused.value.diagnostics)
    assert refused.value.status == 422
    assert script.draft is not None
    assert len(script_versions.versions_of(script)) == 1


@pytest.mark.parametrize("source", ["", "a: [", "slug: x", "\t", "a" * 300_000, "&a [*a]"])
def test_what_no_editor_could_open_is_refused(script: Script, source: str) -> None:
    with pytest.raises(InvalidInputError):
        drafts.save_draft(script, source)
    assert script.draft is None
    with pytest.raises(InvalidInputError):
        script_versions.add_version(script, source, None)


def test_a_draft_that_says_what_is_published_is_no_draft(script: Script) -> None:
    drafts.save_draft(script, reworded(script, "Who has answered?", "Who is it?"))
    assert script.draft is not None
    assert script.name == "Voter identification"
    drafts.save_draft(script, "# a remark\n" + script_versions.published_version(script).source)
    assert script.draft is None


def test_discarding_a_draft_restores_the_published_words(script: Script) -> None:
    drafts.save_draft(script, reworded(script, "title: Voter identification", "title: Other"))
    assert script.name == "Other"
    drafts.discard_draft(script)
    assert (script.draft, script.name) == (None, "Voter identification")


def test_a_blank_page_is_a_draft_until_published_and_then_the_campaigns_script(
    campaign: Campaign,
) -> None:
    script = campaign_scripts.start_blank(campaign)
    parse(drafts.working_source(script), "the blank page")  # fit for calls as it stands
    assert campaign.script_id is None
    with pytest.raises(ConflictError):
        campaign_scripts.choose(campaign, script)
    with pytest.raises(ConflictError):
        drafts.discard_draft(script)

    drafts.publish_draft(campaign, script, None)
    assert campaign.script_id == script.id


def test_a_blank_page_beside_a_script_in_use_does_not_take_its_place(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    blank = campaign_scripts.start_blank(campaign)
    drafts.publish_draft(campaign, blank, None)
    assert campaign.script_id == script.id
    campaign_scripts.choose(campaign, blank)
    assert campaign.script_id == blank.id


def test_an_old_version_comes_back_as_a_version_of_its_own(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    first = script_versions.version_for(script, 1)
    drafts.save_draft(script, reworded(script, "Who has answered?", "Who is it?"))
    drafts.publish_draft(campaign, script, None)

    drafts.restore(script, first)
    assert drafts.publish_draft(campaign, script, None).number == 3
    assert script_versions.published_version(script).source == first.source
    assert [version.number for version in script_versions.versions_of(script)] == [3, 2, 1]


def test_a_call_that_has_begun_keeps_its_words(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    create_contact(create_list(campaign))
    create_contact(db.session.query(ContactList).one())
    caller = create_caller(campaign)
    db.session.commit()
    first = claim(caller)
    db.session.commit()

    drafts.save_draft(script, reworded(script, "key: speaking", "key: it_is_them"))
    version = drafts.publish_draft(campaign, script, None)
    db.session.commit()

    assert first.call.script_version_id != version.id
    save_answer(caller, first.call.id, "opening", "speaking")
    record(caller, first.call.id, "talked")
    db.session.commit()
    assert claim(caller).call.script_version_id == version.id


def test_two_who_publish_at_once_both_get_a_number(app: Flask, script: Script) -> None:
    script_id, source = script.id, drafts.working_source(script)
    db.session.commit()

    def add() -> None:
        with app.app_context():
            script_versions.add_version(db.session.get_one(Script, script_id), source, None)
            db.session.commit()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = db.session.query(ScriptVersion.number).filter_by(script_id=script_id).all()
    assert sorted(number for (number,) in numbers) == [1, 2, 3, 4, 5]
