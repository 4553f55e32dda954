"""Tests which contacts a caller may be given: by their languages, and by the lists that an
organiser limits them to."""

import re

import pytest
from flask.testing import FlaskClient

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import ContactState
from phonebank.roster import filters
from phonebank.rules.languages import LANGUAGES, UNKNOWN, language_name
from tests.factories import create_campaign, create_contact, create_list
from tests.phone_bank import PhoneBank, come_in, contact_of


def test_nothing_is_asked_if_everyone_speaks_the_campaigns_language(
    phone_bank: PhoneBank,
) -> None:
    for languages in ([""], ["en"], ["", "en"], []):
        phone_bank.contact_list.languages = languages
        db.session.commit()
        assert filters.offered_languages(phone_bank.campaign, phone_bank.sam) == {}


def test_the_lists_languages_are_offered_after_the_campaigns_own(phone_bank: PhoneBank) -> None:
    phone_bank.contact_list.languages = ["", "pl", "bn"]
    create_list(phone_bank.campaign, languages=["cy"], removed=True)
    create_list(create_campaign(), languages=["so"])
    db.session.commit()
    offered = filters.offered_languages(phone_bank.campaign, phone_bank.sam)
    assert list(offered.items()) == [("en", "English"), ("bn", "Bengali"), ("pl", "Polish")]


def test_a_language_once_chosen_stays_to_choose(phone_bank: PhoneBank) -> None:
    phone_bank.sam.languages = ["en", "cy"]
    db.session.commit()
    offered = filters.offered_languages(phone_bank.campaign, phone_bank.sam)
    assert list(offered) == ["en", "cy"]


@pytest.mark.parametrize(
    ("chosen", "kept", "spoken"),
    [
        (["pl", "en"], ["en", "pl"], ["en", "pl"]),
        (["pl"], ["pl"], ["pl"]),
        (["en"], [], ["en"]),
        ([], [], ["en"]),
    ],
)
def test_a_callers_choice_is_stored(
    phone_bank: PhoneBank, chosen: list[str], kept: list[str], spoken: list[str]
) -> None:
    phone_bank.contact_list.languages = ["", "pl"]
    db.session.commit()
    filters.set_languages(phone_bank.campaign, phone_bank.sam, chosen)
    assert phone_bank.sam.languages == kept
    assert filters.languages_spoken(phone_bank.campaign, phone_bank.sam) == spoken


def test_a_language_that_was_not_offered_is_refused(phone_bank: PhoneBank) -> None:
    phone_bank.contact_list.languages = ["", "pl"]
    db.session.commit()
    with pytest.raises(InvalidInputError, match="Nobody in this campaign's lists speaks “xx”"):
        filters.set_languages(phone_bank.campaign, phone_bank.sam, ["pl", "xx"])
    assert phone_bank.sam.languages == []


def test_a_contact_of_unknown_language_waits_for_a_caller_who_would_try(
    phone_bank: PhoneBank,
) -> None:
    hold = claim(phone_bank.sam)
    record(phone_bank.sam, hold.call.id, "language_barrier")
    contact_of(hold).callable_at = hold.call.started_at
    for contact in phone_bank.contacts:
        if contact.id != hold.contact.id:
            contact.state = ContactState.FINISHED
    db.session.commit()
    offered = filters.offered_languages(phone_bank.campaign, phone_bank.priya)
    assert offered[UNKNOWN] == "A language nobody recognised"
    filters.set_languages(phone_bank.campaign, phone_bank.priya, ["en", UNKNOWN])
    db.session.commit()
    assert claim(phone_bank.priya).contact.id == hold.contact.id


def test_a_caller_limited_to_lists_gets_no_other_contact(phone_bank: PhoneBank) -> None:
    other = create_list(phone_bank.campaign, priority=5)
    person = create_contact(other)
    filters.restrict_to_lists(phone_bank.campaign, phone_bank.sam, [other.id])
    db.session.commit()
    assert claim(phone_bank.sam).contact.id == person.id
    filters.restrict_to_lists(phone_bank.campaign, phone_bank.priya, [])
    db.session.commit()
    assert claim(phone_bank.priya).contact.contact_list_id == phone_bank.contact_list.id


def test_limits_leave_the_contact_on_the_screen(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    filters.restrict_to_lists(
        phone_bank.campaign, phone_bank.sam, [create_list(phone_bank.campaign).id]
    )
    db.session.commit()
    assert claim(phone_bank.sam).call.id == hold.call.id
    assert record(phone_bank.sam, hold.call.id, "talked").changed


def test_a_break_leads_to_where_languages_are_changed(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.contact_list.languages = ["", "pl"]
    db.session.commit()
    come_in(client, phone_bank)
    client.post("/calling/next", data={"choosing_languages": "yes", "language": ["en", "pl"]})
    call_id = claim(phone_bank.sam).call.id
    page = client.post(f"/calling/person/{call_id}/give-back", follow_redirects=True).text
    assert re.findall(r'name="language" value="(\w+)" form="begin"( checked)?', page) == [
        ("en", " checked"),
        ("pl", " checked"),
    ]


def test_a_list_of_another_campaign_is_refused(phone_bank: PhoneBank) -> None:
    elsewhere = create_list(create_campaign())
    with pytest.raises(InvalidInputError, match="isn't one of this campaign's"):
        filters.restrict_to_lists(
            phone_bank.campaign, phone_bank.sam, [phone_bank.contact_list.id, elsewhere.id]
        )
    assert phone_bank.sam.list_ids == []


def test_every_language_has_a_name() -> None:
    assert language_name("pl") == LANGUAGES["pl"] == "Polish"
    assert language_name("zu") == "Language “zu”"


def test_the_briefing_asks_for_languages_only_if_there_are_others(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, phone_bank)
    assert "Which languages do you speak?" not in client.get("/calling").text
    phone_bank.contact_list.languages = ["", "pl"]
    db.session.commit()
    page = client.get("/calling").text
    assert "Which languages do you speak?" in page
    assert re.findall(r'name="language" value="(\w+)" form="begin"( checked)?', page) == [
        ("en", " checked"),
        ("pl", ""),
    ]
    assert '<form method="post" action="/calling/next" id="begin">' in page


def test_the_tap_that_asks_for_a_person_stores_the_choice(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.contact_list.languages = ["", "pl"]
    polish = create_contact(phone_bank.contact_list, language="pl")
    for contact in phone_bank.contacts:
        contact.language = "en"
    phone_bank.contact_list.languages = ["en", "pl"]
    db.session.commit()
    come_in(client, phone_bank)
    choice = {"choosing_languages": "yes", "language": ["pl"]}
    page = client.post("/calling/next", data=choice, follow_redirects=True)
    assert polish.first_name in page.text
    db.session.refresh(phone_bank.sam)
    assert phone_bank.sam.languages == ["pl"]
    client.post("/calling/next")
    db.session.refresh(phone_bank.sam)
    assert phone_bank.sam.languages == ["pl"], "a page that did not ask changes nothing"
    client.post("/calling/next", data={"choosing_languages": "yes"})
    db.session.refresh(phone_bank.sam)
    assert phone_bank.sam.languages == []


def test_a_caller_who_waits_can_change_their_languages(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.contact_list.languages = ["", "pl"]
    for contact in phone_bank.contacts:
        contact.language = "en"
    db.session.commit()
    come_in(client, phone_bank)
    choice = {"choosing_languages": "yes", "language": "pl"}
    assert (
        "Change my languages"
        in client.post("/calling/next", data=choice, follow_redirects=True).text
    )
    refused = client.post("/calling/next", data={"choosing_languages": "yes", "language": "xx"})
    assert refused.status_code == 422
