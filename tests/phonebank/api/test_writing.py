"""Other software adds and changes people, and puts numbers on the do-not-call list."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.calls.claim import claim
from phonebank.core.db import db
from phonebank.lists import undo
from phonebank.models import (
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    ContactState,
    DeadNumber,
    RoleName,
    Scope,
    ScopedRole,
    SuppressionBatch,
    SuppressionOrigin,
    now,
)
from phonebank.suppressions.batches import begin_lifting, lift_some
from phonebank.suppressions.entries import is_suppressed, suppress
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    drama_number,
)
from tests.phone_bank import contact_of
from tests.phonebank.api.clients import ApiClient, api_client

ANN = {
    "external_id": "A1",
    "first_name": "Ann",
    "last_name": "Lee",
    "phones": ["020 7946 0001", "020 7946 0002"],
    "fields": {"ward": "North"},
}


@pytest.fixture
def software(app_context: Flask) -> ApiClient:
    """A client that may do everything in campaign 1."""
    return api_client(app_context, create_campaign())


def send(software: ApiClient, *people: dict[str, Any]) -> list[dict[str, Any]]:
    answer = software.post("/contacts", {"contacts": people})
    assert answer.status_code == 200, answer.text
    db.session.expire_all()
    results: list[dict[str, Any]] = answer.json["results"]
    return results


def results_of(software: ApiClient, *people: dict[str, Any]) -> list[str]:
    return [one["result"] for one in send(software, *people)]


def test_a_new_person_is_stored_and_callers_get_them(software: ApiClient) -> None:
    [created] = send(software, ANN)
    ann = db.session.get_one(Contact, created["contact_id"])
    assert (created["result"], ann.phone, ann.other_phones) == (
        "created",
        drama_number(1),
        [drama_number(2)],
    )
    assert (ann.fields, ann.zone_key) == ({"ward": "North"}, "Europe/London")
    own = db.session.get_one(ContactList, ann.contact_list_id)
    assert (own.name, own.rows_stored) == ("Our database", 1)
    caller = create_caller(_campaign())
    db.session.commit()
    hold = claim(caller)
    assert hold is not None
    assert contact_of(hold) is ann


def test_the_same_request_again_changes_nothing(software: ApiClient) -> None:
    bea = ANN | {"external_id": None, "first_name": "Bea"}
    assert results_of(software, ANN, bea) == ["created", "created"]
    version = db.session.execute(select(Contact.id, Contact.callable_at)).all()
    assert results_of(software, ANN, bea) == ["unchanged", "unchanged"]
    assert db.session.execute(select(Contact.id, Contact.callable_at)).all() == version


def test_a_person_is_changed_by_the_senders_id_and_keeps_their_list(software: ApiClient) -> None:
    contact_list = create_list(_campaign(), name="Upload")
    stored = create_contact(contact_list, external_id="A1", state=ContactState.UNUSABLE)
    db.session.commit()
    moved = ANN | {"phones": ["020 7946 0003"], "language": "cy"}
    [changed] = send(software, moved)
    assert (changed["result"], changed["contact_id"]) == ("updated", stored.id)
    assert (stored.first_name, stored.phone, stored.contact_list_id) == (
        "Ann",
        drama_number(3),
        contact_list.id,
    )
    assert stored.state == ContactState.CALLABLE, "their new number may work"
    assert contact_list.languages == ["", "cy"], "a refill looks for their language"
    [plain] = send(software, {"external_id": "A1", "phones": ["020 7946 0003"]})
    assert plain["result"] == "updated"
    assert (stored.first_name, stored.fields) == ("", {}), "what was left out is emptied"


def test_each_refusal_says_where_and_why(software: ApiClient) -> None:
    create_contact(create_list(_campaign()), external_id="B", first_name="Bea", last_name="Lee",
                   name_key="bea lee", phone=drama_number(5))  # fmt: skip
    create_contact(create_list(_campaign()), external_id="C")
    suppress(drama_number(9), SuppressionOrigin.ORGANISER)
    db.session.add(DeadNumber(phone=drama_number(7), reported_at=now()))
    db.session.commit()
    bea = {"first_name": "Bea", "last_name": "Lee", "phones": ["020 7946 0005"]}
    found = send(
        software,
        ANN,
        ANN | {"phones": ["020 7946 0006"]},
        {"phones": ["ex-directory"]},
        {"phones": ["020 7946 0004"], "postcode": "P" * 30},
        bea | {"external_id": "C"},
        {"phones": ["020 7946 0010", "020 7946 0009"]},
        {"phones": ["020 7946 0007"]},
    )
    assert [
        (one["result"], (one["where"] or "").removeprefix("body.contacts.")) for one in found
    ] == [
        ("created", ""),
        ("refused", "1"),
        ("refused", "2.phones.0"),
        ("refused", "3.postcode"),
        ("refused", "4"),
        ("do_not_call", "5"),
        ("created", ""),
    ]
    assert all(one["message"] for one in found if one["where"])
    dead = db.session.get_one(Contact, found[-1]["contact_id"])
    assert dead.state == ContactState.UNUSABLE
    [other_id] = send(software, bea | {"external_id": "D"})
    assert (other_id["result"], other_id["where"]) == ("refused", "body.contacts.0.external_id")


def test_an_organiser_takes_back_what_a_token_added(software: ApiClient) -> None:
    [created] = send(software, ANN)
    own = db.session.get_one(ContactList, 1)
    undo.begin_undo(own)
    assert undo.delete_uncalled_contacts(own.id) == 1
    db.session.commit()
    assert db.session.get(Contact, created["contact_id"]) is None
    [again] = send(software, ANN)
    assert again["result"] == "created"
    assert db.session.get_one(Contact, again["contact_id"]).contact_list_id != own.id


def test_an_ended_campaign_takes_nobody(software: ApiClient) -> None:
    _campaign().state = CampaignState.ENDED
    db.session.commit()
    refused = software.post("/contacts", {"contacts": [ANN]})
    assert (refused.status_code, refused.json["detail"]) == (409, "This campaign has ended.")


def test_do_not_call_holds_at_once_and_is_taken_back_as_one(software: ApiClient) -> None:
    other = create_contact(create_list(create_campaign()), phone=drama_number(1))
    db.session.commit()
    for number in ("020 7946 0001", "+442079460002"):
        answer = software.post("/do-not-call", {"numbers": [number, "none"]})
        assert answer.json["entered"] == 1
        assert answer.json["refused"][0]["where"] == "body.numbers.1"
    db.session.expire_all()
    assert other.suppressed_at is not None
    [batch] = db.session.scalars(select(SuppressionBatch))
    assert (batch.filename, batch.numbers) == ("Other software: Our database", 2)
    begin_lifting(batch.id, "wrong_numbers", None)
    lift_some(batch.id)
    assert not is_suppressed(drama_number(1))


def test_a_program_gone_wrong_reaches_few_people(
    software: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phonebank.suppressions.by_token.NUMBERS_A_DAY", 3)
    numbers = [drama_number(at) for at in range(2)]
    assert software.post("/do-not-call", {"numbers": numbers}).status_code == 200
    refused = software.post("/do-not-call", {"numbers": numbers, "reason": "deceased"})
    assert refused.status_code == 429
    assert "do-not-call file" in refused.json["what_to_do"]


def test_only_the_whole_installations_organisers_give_the_do_not_call_list_away(
    app_context: Flask,
) -> None:
    campaign = create_campaign()
    ada = create_account(RoleName.ORGANISER)
    software = api_client(app_context, campaign, account=ada)
    ada.roles = []
    ada.scoped_roles = [ScopedRole(role=RoleName.ORGANISER, campaign_id=campaign.id)]
    db.session.commit()
    assert software.post("/contacts", {"contacts": [ANN]}).status_code == 200
    refused = software.post("/do-not-call", {"numbers": ["020 7946 0001"]})
    assert (refused.status_code, "all campaigns" in refused.json["detail"]) == (403, True)


def test_a_null_character_is_refused_in_words(software: ApiClient) -> None:
    for more in ({"first_name": "A\0"}, {"fields": {"ward": "A\0"}}, {"phones": ["\0"]}):
        answer = software.post("/contacts", {"contacts": [ANN | more]})
        assert answer.status_code == 422
        (fault,) = answer.json["errors"]
        assert fault["where"].startswith(f"body.contacts.0.{next(iter(more))}")
        assert fault["message"] == "This has a null character (U+0000), which cannot be stored."
    answer = software.post("/do-not-call", {"numbers": ["020\0"]})
    assert "null character" in answer.json["errors"][0]["message"]


def test_reading_allows_no_writing(app_context: Flask) -> None:
    reader = api_client(app_context, create_campaign(), [Scope.READ_CONTACTS])
    for address, scope in (("/contacts", "contacts:write"), ("/do-not-call", "do-not-call:add")):
        refused = reader.post(address, {})
        assert (refused.status_code, scope in refused.json["detail"]) == (403, True)


def _campaign() -> Campaign:
    return db.session.get_one(Campaign, 1)
