"""Scripts and their versions: what stays, what callers get, what may not change silently."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from flask import Flask

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.models import Campaign, Contact, ContactList, Script, ScriptVersion
from phonebank.scripts import campaign_scripts, drafts
from phonebank.scripts import versions as script_versions
from phonebank.scripts.answer_compat import changed_meanings
from phonebank.scripts.cleanup import resolve_next_below
from phonebank.scripts.edit_actions import apply_action
from phonebank.scripts.missing_fields import missing_field_warnings
from phonebank.scripts.versions import published_version_id
from scripts_library.parser import parse
from scripts_library.serializer import serialize
from tests.factories import create_caller, create_campaign, create_contact, create_list

SLUG = "voter-identification"


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    campaign = create_campaign()
    db.session.commit()
    return campaign


@pytest.fixture
def script(campaign: Campaign) -> Script:
    script = campaign_scripts.use_ready_made(campaign, SLUG, "en", None)
    db.session.commit()
    return script


def reworded(script: Script, old: str, new: str) -> str:
    source = drafts.working_source(script)
    assert old in source
    return source.replace(old, new)


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


def test_a_draft_reaches_nobody_until_it_is_published(script: Script) -> None:
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


def test_throwing_a_draft_away_brings_the_published_words_back(script: Script) -> None:
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


def test_a_call_under_way_keeps_its_words(script: Script) -> None:
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


def give_answers(script: Script, answers: Sequence[tuple[str, object]]) -> None:
    """A call for each, with that answer."""
    campaign = db.session.get_one(Campaign, script.campaign_id)
    people = create_list(campaign)
    for _ in answers:
        create_contact(people)
    caller = create_caller(campaign)
    db.session.commit()
    for step_id, answer in answers:
        hold = claim(caller)
        save_answer(caller, hold.call.id, step_id, answer)
        record(caller, hold.call.id, "talked")
        db.session.commit()


def test_rewording_or_dropping_an_answer_already_given_is_named(script: Script) -> None:
    give_answers(
        script,
        [("voting_intention", "undecided")] * 2
        + [("voting_intention", "other"), ("opening", "not_here")],
    )
    source = reworded(script, "label: Undecided", "label: Leaning our way after all")
    source = source.replace("      - key: other\n", "      - key: elsewhere\n")
    new = parse(source.replace("label: It's them", "label: That's them"), "test")

    found = changed_meanings(script, new)
    assert [(c.part, c.old, c.new, c.calls) for c in found] == [
        ("answer", "Someone else", None, 1),
        ("answer", "Undecided", "Leaning our way after all", 2),
    ], "an answer nobody has given may be reworded freely"


def test_several_answers_at_one_step_are_each_looked_at(script: Script) -> None:
    source = reworded(script, "answer: choice\n    choices:\n      - key: cost_of_living",
                      "answer: several\n    choices:\n      - key: cost_of_living")  # fmt: skip
    script_versions.publish(script, script_versions.add_version(script, source, None))
    db.session.commit()
    give_answers(script, [("issue", ["health", "housing"]), ("issue", ["housing"])])

    new = parse(source.replace("label: Housing", "label: Rents"), "test")
    [change] = changed_meanings(script, new)
    assert (change.old, change.new, change.calls) == ("Housing", "Rents", 2)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("someone else, or haven't", "someone else, or have", "words"),
        ("title: How will they vote?", "title: How did they vote?", "title"),
        ("title: How will they vote?", "title: how  will they *vote*", None),
        ("Thank you. If it were", "Thank you! If it were", None),
    ],
)
def test_another_question_with_the_same_answers_is_named(
    script: Script, old: str, new: str, part: str | None
) -> None:
    give_answers(script, [("voting_intention", "undecided"), ("voting_intention", "other")])
    source = reworded(script, old, new)
    source = source.replace("What will decide it?", "What made them vote?")  # asked nobody yet
    found = changed_meanings(script, parse(source, "test"))
    assert [(c.part, c.calls) for c in found] == ([(part, 2)] if part else [])


def test_a_scale_is_neither_turned_round_nor_made_into_another_answer_unseen(
    campaign: Campaign,
) -> None:
    script = campaign_scripts.use_ready_made(campaign, "deep-canvass", "en", None)
    give_answers(script, [("rating_before", 8)])
    source = drafts.working_source(script)
    turned = source.replace("low_label: Completely against", "low_label: X")
    turned = turned.replace("high_label: Completely for", "high_label: Completely against")
    turned = turned.replace("low_label: X", "low_label: Completely for")
    found = changed_meanings(script, parse(turned, "test"))
    assert [(c.part, c.old, c.new, c.calls) for c in found] == [
        ("low", "Completely against", "Completely for", 1),
        ("high", "Completely for", "Completely against", 1),
    ]

    asked = parse(source, "test")
    steps = (replace(s, answer="number") if s.id == "rating_before" else s for s in asked.steps)
    [change] = changed_meanings(script, replace(asked, steps=tuple(steps)))
    assert (change.part, change.old, change.new) == ("kind", "scale", "number")


def test_what_was_left_out_for_a_while_comes_back_as_it_was_or_is_named(script: Script) -> None:
    give_answers(script, [("voting_intention", "undecided"), ("issue", "health")])
    first = parse(drafts.working_source(script), "test")
    gone = resolve_next_below(
        apply_action(apply_action(first, "delete-step:issue"), "delete-choice:voting_intention:2")
    )
    told = {(c.old, c.new) for c in changed_meanings(script, gone)}
    assert told == {("Undecided", None), ("Health and care", None)}
    script_versions.publish(script, script_versions.add_version(script, serialize(gone), None))
    db.session.commit()
    assert changed_meanings(script, replace(gone, title="Again")) == [], "told once"

    assert changed_meanings(script, first) == []
    other = serialize(first).replace("label: Undecided", "label: Will not say")
    other = other.replace("one thing that will decide it", "one thing that put you off")
    found = changed_meanings(script, parse(other, "test"))
    assert [(c.part, c.old[:9], c.calls) for c in found] == [
        ("answer", "Undecided", 1),
        ("words", "What's th", 1),
    ]


def test_people_who_lack_a_field_are_counted(script: Script) -> None:
    campaign = db.session.get_one(Campaign, script.campaign_id)
    people = create_list(campaign)
    create_contact(people, first_name="Ann", fields={"town": "Leeds"})
    create_contact(people, first_name="", fields={"town": " "})
    create_contact(people, first_name=" ")
    assert db.session.query(Contact).count() == 3
    source = reworded(script, "{{ first_name or 'someone in the house who can vote' }}",
                      "{{ first_name }} of {{ town }}")  # fmt: skip

    messages = [
        diagnostic.message for diagnostic in missing_field_warnings(campaign, parse(source, "test"))
    ]
    assert any("2 contacts have no first_name" in message for message in messages)
    assert any("2 contacts have no town" in message for message in messages)

    campaign.merge_values = {"town": "Leeds"}
    messages = [
        diagnostic.message for diagnostic in missing_field_warnings(campaign, parse(source, "test"))
    ]
    assert not any("town" in message for message in messages)
