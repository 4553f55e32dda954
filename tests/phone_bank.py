"""A campaign with callers and people to call, for the tests of claims and outcomes."""

from dataclasses import dataclass, field

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.calls.hold import Hold
from phonebank.core.db import db
from phonebank.models import Account, Call, Caller, Campaign, Contact, ContactList, Party
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)


@dataclass
class PhoneBank:
    """One campaign, its list, a party with two callers, and the contacts in the list."""

    campaign: Campaign
    contact_list: ContactList
    host: Account
    party: Party
    sam: Caller
    priya: Caller
    contacts: list[Contact] = field(default_factory=list)


@pytest.fixture
def phone_bank(app_context: Flask) -> PhoneBank:
    campaign = create_campaign()
    contact_list = create_list(campaign)
    host = create_account("host")
    party = create_party(campaign, host)
    bank = PhoneBank(
        campaign,
        contact_list,
        host,
        party,
        create_caller(campaign, party, first_name="Sam"),
        create_caller(campaign, party, first_name="Priya"),
        [create_contact(contact_list) for _ in range(5)],
    )
    db.session.commit()
    return bank


def call_of(hold: Hold) -> Call:
    """The row of a hold's call."""
    return db.session.get_one(Call, hold.call.id)


def contact_of(hold: Hold) -> Contact:
    """The row of a hold's contact."""
    return db.session.get_one(Contact, hold.contact.id)


def come_in(client: FlaskClient, bank: PhoneBank, caller: Caller | None = None) -> Caller:
    """Make this browser the caller's device, as joining does. Without `caller` it becomes Sam's."""
    caller = caller or bank.sam
    with client.session_transaction() as session:
        session["caller"] = {"id": caller.id, "token": caller.device_token}
    return caller
