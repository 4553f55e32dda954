"""What every ready-made script must have."""

from pathlib import Path

import pytest

from scripts_library import library
from scripts_library.engine import path
from scripts_library.merge_fields import fields_without_fallback, render_html, render_text
from scripts_library.parser import diagnose
from scripts_library.script import Script, Step

FILES = sorted((Path(library.__file__).parent / "scripts").glob("*.yaml"))
EVERY_SCRIPT = pytest.mark.parametrize("script", library.ready_made(), ids=lambda s: _name(s))

ENGLISH = {
    "persuasive-conversation",
    "deep-canvass",
    "voter-identification",
    "get-out-the-vote",
    "phone-party-recruitment",
    "local-campaign",
}
TRANSLATED = {"deep-canvass", "get-out-the-vote"}
CHARACTERS = {"cheerful", "undecided", "hostile", "wrong person", "answerphone"}

NOTHING_KNOWN = {
    "caller_name": "Sam",
    "campaign_name": "The campaign",
    "on_behalf_of": "The organisation",
}


def _name(script: Script) -> str:
    return f"{script.slug}.{script.language}"


def test_the_library_holds_what_it_promises():
    have = {_name(script) for script in library.ready_made()}
    wanted = {f"{slug}.en" for slug in ENGLISH}
    wanted |= {f"{slug}.{lang}" for slug in TRANSLATED for lang in ("cy", "es", "de", "fr")}

    assert have >= wanted


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_no_ready_made_script_has_a_fault_or_a_warning(file):
    assert diagnose(file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_file_is_named_after_its_script_and_language(file):
    script = next(s for s in library.ready_made() if _name(s) == file.stem)

    assert library.source_of(script.slug, script.language) == file.read_text("utf-8")


@EVERY_SCRIPT
def test_translations_share_every_id_and_every_target_with_the_english(script):
    english = next(s for s in library.ready_made() if s.slug == script.slug and s.language == "en")

    assert _bones(script) == _bones(english)


@EVERY_SCRIPT
def test_translations_ask_for_a_native_reader(script):
    assert script.needs_native_reader == (script.language != "en")


@EVERY_SCRIPT
def test_a_script_can_be_read_out_when_nothing_is_known_of_the_contact(script):
    assert fields_without_fallback(script) == []
    for step in script.steps:
        assert "<mark>" not in render_html(step.words, NOTHING_KNOWN)
        assert "{{" not in render_text(step.words, NOTHING_KNOWN)


@EVERY_SCRIPT
def test_a_script_can_be_practised_with_every_character(script):
    assert {character.kind for character in script.practice} == CHARACTERS
    for character in script.practice:
        assert script.steps[0].id in character.replies


@EVERY_SCRIPT
def test_a_script_lets_people_out_and_says_where_it_comes_from(script):
    cards = {card.id for card in script.cards}

    assert {"who_are_you", "do_not_call", "busy"} <= cards
    assert script.licence == "CC0-1.0"
    assert len(script.provenance) > 50
    assert path(script, {}, {})[0].id == "opening"


@EVERY_SCRIPT
def test_the_organisation_is_named_before_anything_is_asked_for(script):
    """PECR regulation 24, and courtesy: people hear who is calling before the first question."""
    before_main = []
    for step in script.steps:
        if step.id == script.main_question:
            break
        before_main.append(step.words)

    assert "{{ on_behalf_of }}" in " ".join(before_main)


def test_an_unknown_script_is_refused_and_no_other_file_can_be_reached():
    for slug, language in (("no-such", "en"), ("../format", "py"), ("deep-canvass", "../en")):
        with pytest.raises(library.UnknownScriptError):
            library.source_of(slug, language)


def _bones(script: Script) -> dict[str, object]:
    """Return a script's structure: its ids, targets and settings, without its words."""
    return {
        "steps": [
            (step.id, step.kind, step.answer, step.next, step.branches, _choices(step))
            for step in script.steps
        ],
        "cards": [card.id for card in script.cards],
        "special": (script.main_question, script.first_rating, script.second_rating, script.yes),
        "fields": set(script.fields),
        "practice": {c.kind: set(c.replies) for c in script.practice},
    }


def _choices(step: Step) -> list[tuple[str, str | None]]:
    return [(choice.key, choice.goto) for choice in step.choices]


@EVERY_SCRIPT
def test_each_goodbye_and_each_wish_not_to_be_called_saves_the_call(script):
    outcomes = {step.id: step.outcome for step in script.steps if step.is_end}
    assert None not in outcomes.values()
    assert outcomes["close_wrong_person"] == "wrong_number"
    cards = {card.id: card.outcome for card in script.cards}
    assert (cards["do_not_call"], cards["busy"]) == ("do_not_call", "call_back")
