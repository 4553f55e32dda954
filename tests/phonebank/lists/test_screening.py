"""When a list was screened against the country's register, and what follows from it."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.contact_queue.campaign_hours import date_in_first_zone
from phonebank.contact_queue.empty_reasons import EmptyReason
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.jobs import enqueue
from phonebank.lists import screening, services, undo
from phonebank.lists.jobs import pause_lists_of_old_screening, undo_import
from phonebank.lists.screening import ScreeningState, attest, screening_of
from phonebank.lists.uploads import store_upload
from phonebank.models import (
    Account,
    AuditEntry,
    Caller,
    Campaign,
    Contact,
    ContactList,
    ListState,
    RoleName,
)
from phonebank.rules.countries import rules_for
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
)
from tests.phonebank.api.clients import ApiClient, api_client
from tests.phonebank.lists.upload_desk import Desk
from tests.signing_in import sign_in

WARD = "First name,Phone\nAda,020 7219 3000\n"
FORM = {"name": "Ward", "priority": "0", "column_0": "first_name", "column_1": "phone"}


@pytest.fixture(autouse=True)
def calling_hours() -> Iterator[None]:
    """Let every test begin on a Wednesday noon. In the evening of a Sunday nobody may be called."""
    with time_machine.travel(datetime(2027, 7, 7, 12, tzinfo=UTC), tick=True):
        yield


def screened(app: Flask, country: str = "GB", days_ago: int | None = 0) -> tuple[int, int]:
    with app.app_context():
        campaign = create_campaign(country=country, allow_drama_numbers=False)
        people = create_list(campaign)
        create_contact(people)
        account = create_account(RoleName.ORGANISER)
        if days_ago is not None:
            attest(
                people, campaign, date_in_first_zone(campaign) - timedelta(days=days_ago), account
            )
        db.session.commit()
        return campaign.id, people.id


@pytest.mark.parametrize(
    ("days_ago", "state"),
    [(0, "fresh"), (20, "fresh"), (21, "ends_soon"), (28, "ends_soon"), (None, "unsaid")],
)
def test_an_organiser_is_warned_in_the_last_week(
    app: Flask, clean_stores: None, days_ago: int | None, state: str
) -> None:
    campaign_id, list_id = screened(app, days_ago=days_ago)
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        found = screening_of(db.session.get_one(ContactList, list_id), campaign)
    assert (found.state, found.register, found.days) == (state, "the TPS and the CTPS", 28)


def test_calls_stop_28_days_after_the_screening_until_there_is_another(
    app: Flask, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, list_id = screened(app)

    def paused() -> bool:
        pause_lists_of_old_screening()
        db.session.expire_all()
        return db.session.get_one(ContactList, list_id).removed

    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        people = db.session.get_one(ContactList, list_id)
        today = date_in_first_zone(campaign)

        def on(days: int) -> None:
            monkeypatch.setattr(
                screening, "date_in_first_zone", lambda _: today + timedelta(days=days)
            )

        on(28)
        assert not paused()
        on(29)
        assert paused()
        caller = create_caller(campaign)
        db.session.commit()
        with pytest.raises(Exception, match="An organiser must first say"):
            claim(caller)
        db.session.rollback()
        with pytest.raises(ConflictError, match="more than 28 days ago"):
            services.resume(people)
        db.session.rollback()

        account = db.session.query(Account).first()
        for wrong in (today + timedelta(days=30), today):
            with pytest.raises(InvalidInputError):
                attest(people, campaign, wrong, account)
        db.session.rollback()
        attest(people, campaign, today + timedelta(days=29), account)
        db.session.commit()
        assert not paused()
        assert claim(caller).contact
        entries = [entry.after for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]
        assert entries == [{"screened": str(today + timedelta(days=n))} for n in (0, 29)]


def test_a_list_of_people_who_agreed_need_not_be_screened(
    app: Flask, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, list_id = screened(app)
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        people = db.session.get_one(ContactList, list_id)
        with pytest.raises(InvalidInputError, match="Say why"):
            attest(people, campaign, None, db.session.query(Account).first(), " ")
        attest(people, campaign, None, db.session.query(Account).first(), "Our members")
        db.session.commit()
        assert screening_of(people, campaign).state is ScreeningState.NOT_NEEDED
        monkeypatch.setattr(screening, "date_in_first_zone", lambda _: date(2100, 1, 1))
        assert screening.pause_old_screenings() == 0


def test_only_british_law_stops_the_calls(app: Flask, clean_stores: None) -> None:
    blocks = {
        country: (rule.register, rule.blocks)
        for country in ("GB", "US", "CA", "IE", "DE")
        if (rule := rules_for(country).screening)
    }
    assert [country for country, (_, stops) in blocks.items() if stops] == ["GB"]
    assert "DE" not in blocks
    screened(app, "US", days_ago=400)
    with app.app_context():
        assert screening.pause_old_screenings() == 0


def test_the_list_s_page_asks_and_the_lists_page_warns(
    app: Flask, client: FlaskClient, clean_stores: None
) -> None:
    campaign_id, list_id = screened(app, days_ago=None)
    with app.app_context():
        account_id = db.session.query(Account).one().id
    sign_in(client, account_id)
    page = f"/campaigns/{campaign_id}/lists/{list_id}"
    assert "Nobody has said whether this list was screened" in client.get(page).text
    with app.app_context():
        today = date_in_first_zone(db.session.get_one(Campaign, campaign_id))

    def say(**values: str) -> str:
        return client.post(f"{page}/screening", data=values, follow_redirects=True).text

    assert "Enter the day on which" in say(how="screened")
    assert "Choose whether the list was screened" in say(screened_on=today.isoformat())
    long = say(how="not_needed", reason="x" * 201)
    assert "Say why this list doesn&#39;t need to be screened. Use at most 200 characters." in long
    old = (today - timedelta(days=29)).isoformat()
    assert "A screening counts for 28 days" in say(how="screened", screened_on=old)
    late = (today - timedelta(days=25)).isoformat()
    assert f"Screened against the TPS and the CTPS on {late}" in say(
        how="screened", screened_on=late
    )
    words = "nobody on this list will be called until you screen it again and enter the day"
    assert words in client.get(page).text
    history = client.get(f"/campaigns/{campaign_id}/lists").text
    assert f"is valid until {today + timedelta(days=3)}" in history
    not_needed = say(how="not_needed", reason="Our members")
    assert "The reason: Our members" in not_needed
    assert "until you screen it again" not in not_needed


def test_british_lists_wait_until_somebody_says_when_they_were_screened(
    app: Flask, client: FlaskClient, clean_stores: None
) -> None:
    """A list is paused from its upload on, callers and organisers are told why, and an organiser
    can answer before the import."""
    with app.app_context():
        campaign = create_campaign(allow_drama_numbers=False)
        account = create_account(RoleName.ORGANISER)
        uploads = [
            store_upload(campaign, account.id, "ward.csv", io.BytesIO(WARD.encode()))
            for _ in range(2)
        ]
        other = create_list(campaign, removed=False)  # an older list, which nobody asked about
        create_contact(other)
        caller = create_caller(campaign)
        db.session.commit()
        campaign_id, caller_id, (first, second) = campaign.id, caller.id, [u.id for u in uploads]
        account_id = account.id
        pause_lists_of_old_screening()
        with pytest.raises(NobodyToCallError) as nobody:
            claim(db.session.get_one(Caller, caller_id))
        assert nobody.value.why is EmptyReason.SCREENING
        db.session.rollback()
        assert db.session.get_one(ContactList, first).removed
        with pytest.raises(ConflictError, match="Nobody has said when"):
            services.resume(db.session.get_one(ContactList, first))
        db.session.rollback()
    sign_in(client, account_id)
    lists = f"/campaigns/{campaign_id}/lists"
    assert "because nobody has said when they were screened" in " ".join(
        client.get(f"/campaigns/{campaign_id}").text.split()
    ).replace("it was", "they were")
    assert "Callers get nobody from" in client.get(lists).text

    def confirm(list_id: int, **answer: str) -> TestResponse:
        page = client.get(f"{lists}/{list_id}/columns")
        assert "compared their numbers with the TPS and the CTPS" in page.text
        sent = dict(FORM, checked=re.findall(r'name="checked" value="(\w+)"', page.text)[0])
        return client.post(
            f"{lists}/{list_id}/columns",
            data=sent | {f"screening-{k}": v for k, v in answer.items()},
        )

    wrong = confirm(first, how="not_needed", reason=" ")
    assert wrong.status_code == 422
    assert "Say why this list doesn" in wrong.text
    assert confirm(first, how="not_needed", reason="They are our members.").status_code == 302
    assert confirm(second, how="later").status_code == 302
    with app.app_context():
        one, two = (db.session.get_one(ContactList, id_) for id_ in (first, second))
        assert (one.removed, one.screening_reason) == (False, "They are our members.")
        assert (two.removed, two.state) == (True, ListState.QUEUED)
        entry = db.session.query(AuditEntry).filter_by(action="list screening stated").one()
        assert entry.after == {"screened": "not needed", "reason": "changed"}


def test_invented_people_need_no_screening(app: Flask, clean_stores: None) -> None:
    with app.app_context():
        campaign = create_campaign(allow_drama_numbers=True)
        people = store_upload(
            campaign, create_account(RoleName.ORGANISER).id, "w.csv", io.BytesIO(WARD.encode())
        )
        create_list(campaign)
        assert not people.removed
        assert screening.pause_old_screenings() == 0


def send(client: ApiClient, **person: Any) -> str:
    body = {"contacts": [{"first_name": "Ada", "phones": ["020 7219 3000"]} | person]}
    answer = client.post("/contacts", body)
    assert answer.status_code == 200, answer.text
    db.session.expire_all()
    return str(answer.json["results"][0]["result"])


def test_people_from_other_software_are_not_called_on_an_older_screening(
    app_context: Flask,
) -> None:
    """New people and new numbers go on one list that waits. Its undo puts the old number back."""
    campaign = create_campaign(allow_drama_numbers=False)
    account = create_account(RoleName.ORGANISER)
    software = api_client(app_context, campaign)
    today = date_in_first_zone(campaign)
    ada = {"external_id": "1"}
    assert send(software, **ada) == "created"
    first = db.session.query(ContactList).one()
    attest(first, campaign, today, account)
    db.session.commit()

    assert send(software, **ada) == "unchanged"
    assert send(software, **ada, last_name="Lee") == "updated"
    assert db.session.query(ContactList).count() == 1
    for number in ("3001", "3002"):
        assert send(software, first_name="Bo", phones=[f"020 7219 {number}"]) == "created"
    second = db.session.query(ContactList).order_by(ContactList.id.desc()).first()
    assert second
    assert db.session.query(ContactList).count() == 2
    assert (first.removed, first.rows_stored) == (False, 1)
    assert (second.removed, second.screening_lapsed, second.rows_stored) == (True, True, 2)
    assert second.name == f"{first.name} 2"

    person = db.session.query(Contact).filter_by(external_id="1").one()
    for numbers in (["020 7219 3009"], ["020 7219 3008", "020 7219 3009"]):
        assert send(software, **ada, phones=numbers) == "updated"
        assert (person.phone[-1], person.contact_list_id) == (numbers[0][-1], second.id)
    with pytest.raises(NobodyToCallError):
        claim(create_caller(campaign))
    db.session.rollback()
    assert undo.preview_undo(second) == (2, 0, 1)
    undo.begin_undo(second)
    db.session.commit()
    undo_import(second.id)
    db.session.expire_all()
    assert [(one.phone, one.contact_list_id) for one in db.session.query(Contact)] == [
        ("+442072193000", first.id)
    ]

    assert send(software, **ada, phones=["020 7219 3005"]) == "updated"
    third = db.session.get_one(ContactList, person.contact_list_id)
    assert third.removed
    assert third.name == f"{first.name} 3"
    attest(third, campaign, None, account, "They agreed to our calls")
    db.session.commit()
    assert send(software, first_name="Cy", phones=["020 7219 3007"]) == "created"
    assert (third.removed, third.rows_stored) == (False, 1)
    assert claim(create_caller(campaign)).contact


def test_a_file_s_new_number_waits_for_the_file_s_screening(desk: Desk) -> None:
    with desk.app.app_context():
        campaign = db.session.get_one(Campaign, desk.campaign_id)
        campaign.allow_drama_numbers = False
        db.session.commit()
    head = "ID,First name,Phone,Town\n"
    first = desk.bring(f"{head}1,Ada,020 7219 3000,Ely\n2,Bo,020 7219 3001,Ely\n")["id"]
    second = desk.upload(f"{head}1,Ada,020 7219 3009,Leeds\n2,Bo,020 7219 3001,Leeds\n")
    desk.confirm(second, update_targets=["phone", "town"])
    desk.work()

    def lists() -> list[tuple[str, int]]:
        return [(one.phone[-4:], one.contact_list_id) for one in desk.contacts()]

    assert sorted(lists()) == [("3001", first), ("3009", second)]
    with desk.app.app_context():
        sent = db.session.get_one(ContactList, second)
        assert sent.removed
        assert undo.preview_undo(sent) == (0, 0, 2)
        undo.begin_undo(sent)
        db.session.commit()
        enqueue(undo_import, second)
    desk.work()
    assert sorted(lists()) == [("3000", first), ("3001", first)]
