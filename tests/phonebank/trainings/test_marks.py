"""Trained marks: who gives them, what proves them, and what requires them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.calls.claim import claim
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotAllowedError
from phonebank.models import Account, AuditEntry, Call, Party, TrainingFor, now
from phonebank.trainings import marks
from phonebank.volunteers.volunteers import find_or_create, keep_calls
from tests.factories import create_account, create_caller, create_campaign, create_party
from tests.phone_bank import PhoneBank, come_in
from tests.signing_in import sign_in

JSON = {"Accept": "application/json"}
SCREEN = {"Accept": "text/html", "X-Phonebank-Screen": "1"}
PAGE = {"Accept": "text/html"}


def test_a_mark_is_given_after_a_practice_call_and_its_link_proves_it(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    sam, host = phone_bank.sam, phone_bank.host
    with pytest.raises(ConflictError, match="hasn't finished a practice call"):
        marks.give_mark(sam, host)
    sam.practised_at = now()
    for _ in range(2):
        marks.give_mark(sam, host)
    db.session.commit()
    mark = marks.mark_of(sam)
    assert [trainee.mark for trainee in marks.callers_of(phone_bank.party)].count(mark) == 1
    address = f"/trained/{mark.token}"
    page = client.get(address).text
    assert "Sam is trained" in page
    assert f"by {host.name}" in page
    assert address in page.split("Anyone can check this certificate")[1]
    come_in(client, phone_bank)
    assert address in client.get("/calling/mine").text
    assert client.get("/trained/forged").status_code == 410
    for _ in range(2):  # the second tap records nothing
        marks.take_mark_back(sam, host)
    [recorded] = db.session.scalars(select(AuditEntry))
    assert (recorded.action, recorded.account_id) == ("trained mark taken back", host.id)
    db.session.commit()
    taken = client.get(address)
    assert taken.status_code == 410
    assert "taken back" in taken.text
    assert marks.mark_of(sam) is None


def test_a_campaign_that_requires_it_gives_untrained_callers_nobody(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.campaign.training_for = TrainingFor.CALLERS
    phone_bank.sam.promised_at = now()
    db.session.commit()
    with pytest.raises(marks.TrainingRequiredError):
        claim(phone_bank.sam)
    db.session.rollback()
    come_in(client, phone_bank)
    refused = client.post("/calling/next", headers=JSON)
    assert refused.status_code == 403
    assert "be trained first" in refused.json["error"]["message"]
    page = client.post("/calling/next", follow_redirects=True)
    assert page.status_code == 200
    assert "be trained first" in page.text
    assert client.get("/calling/practice").status_code == 200
    phone_bank.sam.practised_at = now()
    marks.give_mark(phone_bank.sam, phone_bank.host)
    db.session.commit()
    assert claim(phone_bank.sam).call is not None
    db.session.commit()


@pytest.mark.parametrize("how", [PAGE, SCREEN, JSON])
def test_who_has_to_be_trained_from_now_on_keeps_their_last_call_and_is_told_what_to_do(
    phone_bank: PhoneBank, client: FlaskClient, how: dict[str, str]
) -> None:
    phone_bank.sam.promised_at = now()
    db.session.commit()
    come_in(client, phone_bank)
    client.post("/calling/next")
    call = db.session.scalars(select(Call)).one()
    phone_bank.campaign.training_for = TrainingFor.CALLERS
    db.session.commit()
    said = {"outcome": "no_answer"}
    answer = client.post(
        f"/calling/person/{call.id}/outcome?turn=0", data=said, headers=how, follow_redirects=True
    )
    assert answer.status_code == 200
    assert db.session.scalars(
        select(Call.outcome).execution_options(populate_existing=True)
    ).all() == ["no_answer"]
    if how is JSON:
        assert (answer.json["outcome"], answer.json["changed"]) == ("no_answer", True)
        assert answer.json["person"] is None
        assert "be trained first" in answer.json["message"]
        return
    if how is SCREEN:
        assert answer.headers["X-Phonebank-Call"] == f"{call.id} saved"
    assert "Recorded: No answer." in answer.text
    assert '<h1 tabindex="-1" autofocus>A training first</h1>' in answer.text
    assert "Ask your host or an organiser for the next training." in answer.text
    assert "has marked you as trained, this page will show you the next person" in answer.text
    phone_bank.sam.practised_at = now()
    marks.give_mark(phone_bank.sam, phone_bank.host)
    db.session.commit()
    assert client.get("/calling/wait").location == "/calling/person"


def test_a_volunteers_mark_counts_on_their_other_phones_in_that_campaign_only(
    phone_bank: PhoneBank,
) -> None:
    volunteer = find_or_create("sam@example.org", "Sam")
    second = create_caller(phone_bank.campaign)
    elsewhere = create_caller(create_campaign(name="Elsewhere"))
    phone_bank.sam.practised_at = now()
    marks.give_mark(phone_bank.sam, phone_bank.host)
    assert marks.mark_of(second) is None
    for caller in (phone_bank.sam, second, elsewhere):
        keep_calls(volunteer, caller)
    assert marks.mark_of(second) == marks.mark_of(phone_bank.sam)
    assert marks.mark_of(elsewhere) is None
    assert marks.marks_of(volunteer) == [marks.mark_of(second)]


def test_a_campaign_may_require_it_of_hosts_whom_strangers_find(phone_bank: PhoneBank) -> None:
    campaign, host = phone_bank.campaign, phone_bank.host
    marks.refuse_untrained_host(campaign, host)
    campaign.training_for = TrainingFor.HOSTS
    db.session.flush()
    marks.refuse_untrained(phone_bank.sam)
    with pytest.raises(NotAllowedError, match="asks hosts to be trained"):
        marks.refuse_untrained_host(campaign, host)
    phone_bank.sam.practised_at = now()
    marks.give_mark(phone_bank.sam, create_account("host"))
    keep_calls(find_or_create(host.email, "Hari"), phone_bank.sam)
    marks.refuse_untrained_host(campaign, host)


def test_the_trainer_is_who_runs_the_party(app: Flask, clean_stores: None) -> None:
    with app.app_context():
        host, other = create_account("host"), create_account("host")
        campaign = create_campaign(hosts=[host, other])
        party = create_party(campaign, host)
        practised = create_caller(campaign, party, first_name="Ana", practised_at=now())
        fresh = create_caller(campaign, party, first_name="Ben")
        db.session.commit()
        ids = (host.id, other.id, party.id, practised.id, fresh.id)
    host_id, other_id, party_id, practised_id, fresh_id = ids
    trainer, stranger = app.test_client(), app.test_client()
    sign_in(trainer, host_id)
    sign_in(stranger, other_id)
    address = f"/parties/{party_id}/training"
    assert stranger.get(address).status_code == 404
    assert stranger.post(f"/parties/{party_id}/callers/{practised_id}/trained").status_code == 404
    trainer.post(f"/parties/{party_id}/callers/{fresh_id}/trained")
    assert "Ben hasn&#39;t finished a practice call" in trainer.get(address).text
    trainer.post(f"/parties/{party_id}/callers/{practised_id}/trained")
    page = trainer.get(address).text
    assert page.count("Certificate") == 1
    with app.app_context():
        [given] = [
            trainee.mark for trainee in marks.callers_of(db.session.get_one(Party, party_id))
            if trainee.mark
        ]  # fmt: skip
        assert db.session.get_one(Account, given.given_by_id).id == host_id
    trainer.post(f"/parties/{party_id}/callers/{practised_id}/untrained")
    assert "Certificate" not in trainer.get(address).text
