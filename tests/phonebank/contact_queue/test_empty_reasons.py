"""Why there is nobody for a caller: the true reason, in words."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import release_hold
from phonebank.contact_queue.empty_reasons import MESSAGES, EmptyReason
from phonebank.core.db import db
from phonebank.models import Caller, ContactState, ListState, now
from tests.factories import create_contact, create_list
from tests.phone_bank import PhoneBank, come_in


def why(caller: Caller) -> tuple[EmptyReason, bool]:
    """The reason, and whether it says when the next person comes."""
    with pytest.raises(NobodyToCallError) as nobody:
        claim(caller)
    db.session.rollback()
    assert nobody.value.message == MESSAGES[nobody.value.why][0]
    return nobody.value.why, nobody.value.next_at is not None


@pytest.fixture
def last_one(phone_bank: PhoneBank) -> PhoneBank:
    """One person is left to call."""
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    return phone_bank


def test_they_are_on_somebody_elses_screen(last_one: PhoneBank) -> None:
    held = claim(last_one.sam).call.id
    db.session.commit()
    assert why(last_one.priya) == (EmptyReason.ON_SCREENS, False)
    release_hold(last_one.sam, held)
    db.session.commit()
    assert claim(last_one.priya).contact.id == last_one.contacts[0].id


def test_the_page_of_the_one_who_waits_tries_again_by_itself(
    last_one: PhoneBank, client: FlaskClient
) -> None:
    claim(last_one.sam)
    db.session.commit()
    come_in(client, last_one, last_one.priya)
    page = client.post("/calling/next", follow_redirects=True).text
    assert "on another caller&#39;s screen" in page
    assert "data-retry" in page
    assert "Everyone on the list has been called" not in page
    answer = client.get("/calling/wait", headers={"Accept": "application/json"}).json
    assert (answer["reason"], answer["next_at"]) == ("on_screens", None)


def test_the_rest_of_a_household_waits_for_the_one_on_the_phone(last_one: PhoneBank) -> None:
    create_contact(last_one.contact_list, phone=last_one.contacts[0].phone, first_name="Zoe")
    db.session.commit()
    claim(last_one.sam)
    db.session.commit()
    assert why(last_one.priya) == (EmptyReason.ON_SCREENS, False)


def test_they_rest(last_one: PhoneBank) -> None:
    last_one.contacts[0].callable_at = now() + timedelta(hours=2)
    db.session.commit()
    assert why(last_one.sam)[0] == EmptyReason.RESTING


def test_it_is_too_late_where_they_are(last_one: PhoneBank) -> None:
    shut = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    last_one.campaign.allow_drama_numbers = False
    last_one.campaign.hours = shut | {day_after_tomorrow(): ["10:00", "20:00"]}
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.OUT_OF_HOURS, True)


def day_after_tomorrow() -> str:
    return (now() + timedelta(days=2)).strftime("%a").lower()


def test_they_speak_another_language(last_one: PhoneBank) -> None:
    last_one.contacts[0].language = "cy"
    last_one.contact_list.languages = ["", "cy"]
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.LANGUAGE, False)


def test_they_are_in_a_list_that_the_caller_was_not_given(last_one: PhoneBank) -> None:
    other = create_list(last_one.campaign)
    last_one.sam.list_ids = [other.id]
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.OTHER_LISTS, False)


def test_their_list_is_paused(last_one: PhoneBank) -> None:
    last_one.contact_list.removed = True
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.PAUSED, False)


def test_a_list_is_still_being_read(last_one: PhoneBank) -> None:
    last_one.contacts[0].state = ContactState.FINISHED
    create_list(last_one.campaign, state=ListState.IMPORTING)
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.BEING_READ, False)


def test_all_have_been_called(last_one: PhoneBank) -> None:
    last_one.contacts[0].state = ContactState.FINISHED
    last_one.contact_list.rows_stored = 5
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.DONE, False)


def test_nobody_was_ever_uploaded(last_one: PhoneBank) -> None:
    last_one.contacts[0].state = ContactState.FINISHED
    last_one.contact_list.rows_stored = 0
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.EMPTY, False)
