"""Finds a person in the tables, and recognises the rows of a file that are about the person."""

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, literal_column, or_, select

from phonebank.core.db import db
from phonebank.models import Campaign, Contact
from phonebank.phones.e164 import InvalidPhoneNumberError, read_numbers

# A text is examined further only if it contains this many last digits of a number.
TAIL = 7
_NO_DIGIT = re.compile(r"\D")


@dataclass(frozen=True)
class Person:
    """A person, who may be a contact in several campaigns.

    A contact is this person if its name is `name_key` (in lower case) and one of its numbers is in
    `phones` (E.164). Only the campaigns in `campaign_ids` are searched for the person.
    """

    phones: tuple[str, ...]
    name_key: str
    campaign_ids: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the person as a dict that can be stored as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Person":
        """Return the person that `to_json` stored in this dict."""
        return cls(tuple(stored["phones"]), stored["name_key"], tuple(stored["campaign_ids"]))

    @property
    def tails(self) -> tuple[str, ...]:
        """The last TAIL digits of each of the person's numbers."""
        return tuple(phone[-TAIL:] for phone in self.phones)

    def may_be_in(self, text: str) -> bool:
        """Whether the digits of a text contain the last TAIL digits of one of the person's numbers.
        This check is quick, and `is_in` then checks exactly."""
        digits = _NO_DIGIT.sub("", text)
        return any(tail in digits for tail in self.tails)

    def is_in(self, cells: Sequence[str], country: str) -> bool:
        """Whether a row of a file is about the person. One cell must have one of the person's
        numbers. A number without a country code counts as a number of `country`. The cells together
        must have every word of the person's name."""
        folded = " ".join(cells).casefold()
        if not self.may_be_in(folded):
            return False
        if not all(word in folded for word in self.name_key.split()):
            return False
        return any(not _numbers_in(cell, country).isdisjoint(self.phones) for cell in cells)


def with_number(phone: str) -> ColumnElement[bool]:
    """Return the SQL condition that one of a contact's numbers is this number (E.164)."""
    # The first part is the condition of the index on further numbers.
    has_further: ColumnElement[bool] = literal_column("contact.other_phones <> '[]'", Boolean)
    return or_(Contact.phone == phone, has_further & Contact.other_phones.contains([phone]))


def contacts_with(phone: str, within: ColumnElement[bool]) -> Sequence[Contact]:
    """Return all contacts with this number (E.164) in the campaigns that meet the condition
    `within`, sorted by name and campaign."""
    query = select(Contact).join(Campaign, Campaign.id == Contact.campaign_id)
    query = query.where(within, with_number(phone))
    return db.session.scalars(query.order_by(Contact.name_key, Contact.campaign_id)).all()


def person_of(contact: Contact, within: ColumnElement[bool]) -> tuple[Person, Sequence[Contact]]:
    """Return the person whom this contact describes, and the person's contacts in the campaigns
    that meet the condition `within`.

    Another contact belongs to the same person if it has the same name, and shares a number with
    this contact or with a further contact of the person. If this contact has no name, the other
    contact must also have no name, and must share a number with this contact itself. Without this
    stricter rule, one number that many people share would link strangers whose own numbers differ.
    """
    phones = {contact.phone, *contact.other_phones}
    while True:
        contacts = _named_with_one_of(contact.name_key, phones, within)
        found = phones.union(*((one.phone, *one.other_phones) for one in contacts))
        is_last = found == phones or not contact.name_key
        phones = found
        if is_last:
            break
    campaign_ids = db.session.scalars(select(Campaign.id).where(within).order_by(Campaign.id))
    return Person(tuple(sorted(phones)), contact.name_key, tuple(campaign_ids)), contacts


def _named_with_one_of(
    name_key: str, phones: Collection[str], within: ColumnElement[bool]
) -> Sequence[Contact]:
    query = select(Contact).join(Campaign, Campaign.id == Contact.campaign_id)
    has_one = or_(*(with_number(phone) for phone in sorted(phones)))
    query = query.where(within, Contact.name_key == name_key, has_one)
    return db.session.scalars(query.order_by(Contact.id)).all()


def _numbers_in(cell: str, country: str) -> set[str]:
    try:
        return set(read_numbers(cell, country, allow_drama=True, others_too=True))
    except InvalidPhoneNumberError:
        return set()
