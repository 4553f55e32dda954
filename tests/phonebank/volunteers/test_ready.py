"""Who is ready for which step: the rules, the evidence, and the invitation on their last page."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.accounts.roles import Scope, give_role
from phonebank.core.db import db
from phonebank.models import Account, Caller, Campaign, RoleName, Tally, VolunteerRole, now
from phonebank.parties.services import end_party
from phonebank.trainings.marks import give_mark
from phonebank.volunteers.ready import Step, next_step, ready_for
from phonebank.volunteers.roles import name_trainer
from phonebank.volunteers.volunteers import find_or_create, keep_calls
from tests.factories import create_account, create_caller, create_campaign, create_party
from tests.phone_bank import PhoneBank, come_in
from tests.signing_in import sign_in

EVENING = datetime(2026, 11, 3, 19, tzinfo=UTC)


def count(caller: Caller, hour: datetime, conversations: int) -> None:
    db.session.add(
        Tally(
            campaign_id=caller.campaign_id,
            party_id=caller.party_id,
            caller_id=caller.id,
            hour=hour,
            calls=conversations + 5,
            conversations=conversations,
        )
    )
    db.session.flush()


@pytest.mark.parametrize(
    ("hours", "conversations", "is_ready"),
    [((0, 168), 10, True), ((0, 168), 9, False), ((0, 2), 10, False), ((0, 168, 336), 7, True)],
)
def test_two_evenings_and_twenty_conversations_make_one_ready(
    phone_bank: PhoneBank, hours: tuple[int, ...], conversations: int, is_ready: bool
) -> None:
    volunteer = find_or_create("sam@example.org", "Sam")
    second = create_caller(phone_bank.campaign)
    for caller in (phone_bank.sam, second):
        keep_calls(volunteer, caller)
    for at, hour in enumerate(hours):  # on two phones in turn
        caller = (phone_bank.sam, second)[at % 2]
        count(caller, EVENING + timedelta(hours=hour), conversations)
        count(phone_bank.priya, EVENING + timedelta(hours=hour), 50)  # keeps no calls
    found = ready_for(Step.HOST, phone_bank.campaign)
    assert [one.volunteer for one in found] == [volunteer] * is_ready
    if is_ready:
        assert found[0].evenings == len(hours)
        assert found[0].conversations == conversations * len(hours)
        assert not found[0].is_trained
        phone_bank.sam.practised_at = now()
        give_mark(phone_bank.sam, phone_bank.host)
        [again] = ready_for(Step.HOST, phone_bank.campaign)
        assert (again.is_trained, again.conversations) == (True, found[0].conversations)


def test_who_is_ready_reads_it_on_the_last_page_until_they_host(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    volunteer = find_or_create("sam@example.org", "Sam")
    keep_calls(volunteer, phone_bank.sam)
    count(phone_bank.sam, EVENING, 12)
    end_party(phone_bank.party)
    db.session.commit()
    come_in(client, phone_bank)
    assert "You're ready to host" not in client.get("/calling").text
    count(phone_bank.sam, EVENING + timedelta(days=1), 12)
    db.session.commit()
    page = client.get("/calling").text
    assert "You're ready to host, Sam." in page
    assert "24 conversations on 2 days" in page
    phone_bank.host.email = "sam@example.org"
    phone_bank.campaign.hosts.append(phone_bank.host)
    db.session.commit()
    assert "You're ready to host" not in client.get("/calling").text


def hosted(bank: PhoneBank, host: Account, count_of: int) -> None:
    """Parties of this host, in which Priya had a conversation."""
    for number in range(count_of):
        party = create_party(bank.campaign, host)
        priya = create_caller(bank.campaign, party)
        count(priya, EVENING + timedelta(days=number), 1)
    create_party(bank.campaign, host)  # nobody had a conversation at this one


def test_a_trained_host_is_ready_to_train_and_a_trainer_to_organise(
    app: Flask, phone_bank: PhoneBank, client: FlaskClient
) -> None:
    campaign, host = phone_bank.campaign, phone_bank.host
    host.email = "sam@example.org"
    campaign.hosts.append(host)
    volunteer = find_or_create("sam@example.org", "Sam")
    keep_calls(volunteer, phone_bank.sam)
    hosted(phone_bank, host, 2)
    assert next_step(volunteer, campaign) is None  # Sam is not trained yet
    phone_bank.sam.practised_at = now()
    give_mark(phone_bank.sam, host)
    step = next_step(volunteer, campaign)
    assert step is not None
    assert (step.step, step.parties, step.marks_given) == (Step.TRAINER, 2, 1)

    trainer = name_trainer(campaign, "sam@example.org", "Sam")
    name_trainer(create_campaign(name="Another"), "sam@example.org", "Sam")
    hosted(phone_bank, host, 1)
    trained = [create_caller(campaign, practised_at=now()) for _ in range(9)]
    for caller in trained[:8]:
        give_mark(caller, None, trainer)
    one = find_or_create("one@example.org", "One")
    for caller in (trained[0], create_caller(campaign, practised_at=now())):  # two devices
        keep_calls(one, caller)
        give_mark(caller, None, trainer)
    assert next_step(volunteer, campaign) is None
    give_mark(trained[8], None, trainer)
    step = next_step(volunteer, campaign)
    assert step is not None
    assert (step.step, step.parties, step.marks_given) == (Step.ORGANISER, 3, 10)
    # An organiser of another campaign is none of this one, which is in no chapter.
    give_role(host, RoleName.ORGANISER, Scope(campaign_id=create_campaign().id), None)
    assert next_step(volunteer, campaign) == step
    give_role(host, RoleName.ORGANISER, Scope(campaign_id=campaign.id), None)
    assert next_step(volunteer, campaign) is None


def test_the_organiser_sees_the_evidence_and_decides(
    app: Flask, client: FlaskClient, clean_stores: None
) -> None:
    with app.app_context():
        campaign = create_campaign()
        host = create_account("host", email="sam@example.org", name="Sam")
        campaign.hosts.append(host)
        party = create_party(campaign, host)
        sam = create_caller(campaign, party, practised_at=now())
        volunteer = find_or_create("sam@example.org", "Sam")
        keep_calls(volunteer, sam)
        give_mark(sam, host)
        for number in range(3):
            count(
                create_caller(campaign, create_party(campaign, host)),
                EVENING + timedelta(days=number),
                1,
            )
        end_party(party)
        organiser = create_account("organiser")
        db.session.commit()
        ids = campaign.id, host.id, party.id, organiser.id, volunteer.id
    campaign_id, host_id, party_id, organiser_id, volunteer_id = ids
    hosts = app.test_client()
    sign_in(hosts, host_id)
    assert "You&#39;re ready to train" in hosts.get(f"/parties/{party_id}/summary").text.replace(
        "You're", "You&#39;re"
    )

    sign_in(client, organiser_id)
    parties = f"/campaigns/{campaign_id}/parties"
    assert "Ready to train" in client.get(parties).text
    chosen = {"kind": "trainer", "email": "sam@example.org", "first_name": "Sam"}
    with client.post(f"/campaigns/{campaign_id}/events/roles", data=chosen) as named:
        assert named.status_code == 303
    assert "Ready to" not in client.get(parties).text
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        trainer = db.session.query(VolunteerRole).one()
        for _ in range(9):
            give_mark(create_caller(campaign, practised_at=now()), None, trainer)
        db.session.commit()
    page = client.get(parties).text
    assert "Ready to organise" in page
    link = f"/people/invite?volunteer={volunteer_id}&amp;campaign={campaign_id}"
    assert link in page
    form = client.get(link.replace("&amp;", "&")).text
    assert 'value="sam@example.org"' in form
