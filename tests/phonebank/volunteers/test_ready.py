"""Who is ready to host: the rule, the evidence, and the invitation on their last page."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Caller, Tally, now
from phonebank.parties.services import end_party
from phonebank.trainings.marks import give_mark
from phonebank.volunteers.ready import ready_to_host
from phonebank.volunteers.volunteers import find_or_create, keep_calls
from tests.factories import create_caller
from tests.phone_bank import PhoneBank, come_in

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
    found = ready_to_host(phone_bank.campaign)
    assert [one.volunteer for one in found] == [volunteer] * is_ready
    if is_ready:
        assert found[0].evenings == len(hours)
        assert found[0].conversations == conversations * len(hours)
        assert not found[0].is_trained
        phone_bank.sam.practised_at = now()
        give_mark(phone_bank.sam, phone_bank.host)
        [again] = ready_to_host(phone_bank.campaign)
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
    assert "You're ready" not in client.get("/calling").text
    count(phone_bank.sam, EVENING + timedelta(days=1), 12)
    db.session.commit()
    page = client.get("/calling").text
    assert "You're ready, Sam." in page
    assert "24 conversations on 2 evenings" in page
    phone_bank.host.email = "sam@example.org"
    phone_bank.campaign.hosts.append(phone_bank.host)
    db.session.commit()
    assert "You're ready" not in client.get("/calling").text
