"""The values that an undo restores in a contact and its household (the other contacts with the
called number), and the JSON form of these values.

`call.contact_before` stores a `ContactSnapshot`. An organiser may set a call aside (take it out of
every total). Then the table `set_aside_call` stores two `PeopleSnapshot`s: the states of the people
before and after that change.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from phonebank.models import Contact, ContactState

# A change of calling hours may change this column, so `matches` ignores it.
_MOVED_BY_HOURS = "callable_at"


@dataclass(frozen=True)
class ContactValues:
    """The values of the contact columns that an outcome may change. Times are aware."""

    state: ContactState
    tried: bool
    callable_at: datetime
    rested_at: datetime | None
    attempts: int
    attempts_that_day: int
    attempts_on: date | None
    last_outcome: str | None
    last_called_at: datetime | None
    callback_at: datetime | None
    callback_caller_id: int | None
    phone: str
    other_phones: tuple[str, ...]
    language: str

    @classmethod
    def of(cls, contact: Contact | Row[Any]) -> "ContactValues":
        """Return the current values of a contact, or of a query row that has the same columns."""
        values = {name: getattr(contact, name) for name in CONTACT_COLUMNS}
        values["state"] = ContactState(values["state"])
        return cls(**values | {"other_phones": tuple(contact.other_phones)})

    def restore(self, contact: Contact) -> None:
        """Write these values into the contact."""
        for name in CONTACT_COLUMNS:
            value = getattr(self, name)
            setattr(contact, name, list(value) if isinstance(value, tuple) else value)

    def to_sql(self) -> dict[str, Any]:
        """Return the values by column name, as parameters of an SQL statement."""
        values = {name: getattr(self, name) for name in CONTACT_COLUMNS}
        return values | {
            "state": self.state.value,
            "other_phones": json.dumps(self.other_phones),
        }

    def matches(self, contact: Contact) -> bool:
        """Whether the contact still has these values. `callable_at` may differ, because it changes
        when calling hours change."""
        present = ContactValues.of(contact)
        return all(
            getattr(self, name) == getattr(present, name)
            for name in CONTACT_COLUMNS
            if name != _MOVED_BY_HOURS
        )

    def to_json(self) -> dict[str, Any]:
        """Return the values by column name, with times and dates as ISO 8601 text."""
        values = {name: getattr(self, name) for name in CONTACT_COLUMNS}
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in values.items()
        } | {"other_phones": list(self.other_phones)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "ContactValues":
        """Return the values from the JSON that `to_json` returned. Other keys of `stored` are
        ignored."""
        values = {name: stored[name] for name in CONTACT_COLUMNS}
        for name in ("callable_at", "rested_at", "last_called_at", "callback_at"):
            values[name] = _moment(stored[name])
        values["state"] = ContactState(stored["state"])
        day = stored["attempts_on"]
        values["attempts_on"] = day and date.fromisoformat(day)
        values["other_phones"] = tuple(stored["other_phones"])
        return cls(**values)


CONTACT_COLUMNS = tuple(field.name for field in fields(ContactValues))


@dataclass(frozen=True)
class LeftValues:
    """A contact's values right after an outcome, in four columns that other calls and uploads may
    also change.

    A call to another contact with the same number can change these columns, and so can an upload of
    the list. A change of calling hours changes `callable_at` and `callback_at`, which are not among
    these columns. A change of calling hours also sets `rested_at`, but only if `rested_at` was
    None.
    """

    state: ContactState
    phone: str
    other_phones: tuple[str, ...]
    rested_at: datetime | None

    @classmethod
    def of(cls, contact: Contact | ContactValues) -> "LeftValues":
        """Return the current values of the contact."""
        return cls(contact.state, contact.phone, tuple(contact.other_phones), contact.rested_at)

    def to_json(self) -> dict[str, Any]:
        """Return the values by column name, with `rested_at` as ISO 8601 text."""
        return {
            "state": self.state,
            "phone": self.phone,
            "other_phones": list(self.other_phones),
            "rested_at": _text(self.rested_at),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "LeftValues":
        """Return the values from the JSON that `to_json` returned."""
        return cls(
            ContactState(stored["state"]),
            stored["phone"],
            tuple(stored["other_phones"]),
            _moment(stored["rested_at"]),
        )


@dataclass(frozen=True)
class DelayedContact:
    """A contact who was not called but has the called number, and so has to wait after the call.
    The times (aware) are those from before the call."""

    contact_id: int
    callable_at: datetime
    rested_at: datetime | None


@dataclass(frozen=True)
class NumberLoss:
    """A contact who was not called but lost the called number, because that number is not in
    service. `other_phones` are the contact's further numbers before the call."""

    contact_id: int
    other_phones: tuple[str, ...]


@dataclass(frozen=True)
class HouseholdChange:
    """The changes that an outcome made to the other contacts with the called number. `delayed`
    lists the contacts that have to wait. If there are more than `call_rows.OTHERS_AT_MOST`, the
    rest are not listed. `lost_number` lists the contacts that lost the number. `delayed_until`
    (aware) is when the delayed contacts become callable, or None if no contact is delayed."""

    delayed: tuple[DelayedContact, ...] = ()
    delayed_until: datetime | None = None
    lost_number: tuple[NumberLoss, ...] = ()

    @property
    def contact_ids(self) -> list[int]:
        """The ids of the contacts in `delayed` and `lost_number`, sorted."""
        return sorted(
            {delayed.contact_id for delayed in self.delayed}
            | {loss.contact_id for loss in self.lost_number}
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of `lost_number`. `delayed` is left out, because only PostgreSQL
        knows which contacts were delayed. The SQL statement that delays contacts stores `delayed`
        itself."""
        if not self.lost_number:
            return {}
        lost = [[other.contact_id, list(other.other_phones)] for other in self.lost_number]
        return {"lost_the_number": lost}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "HouseholdChange":
        """Return the change from the JSON in `call.contact_before`. Other keys of `stored` are
        ignored."""
        delayed = zip(stored.get("resting", ()), stored.get("had_rested", ()), strict=True)
        return cls(
            tuple(
                DelayedContact(contact_id, datetime.fromisoformat(callable_at), _moment(rested_at))
                for (contact_id, callable_at), rested_at in delayed
            ),
            _moment(stored.get("rest_until")),
            tuple(
                NumberLoss(contact_id, tuple(phones))
                for contact_id, phones in stored.get("lost_the_number", ())
            ),
        )


@dataclass(frozen=True)
class ContactSnapshot:
    """The values that an undo needs. `before` has the contact's values from before the outcome, and
    `left` has some of its values from right after the outcome. `household` has the changes that the
    outcome made to the other contacts with the called number."""

    before: ContactValues
    household: HouseholdChange
    left: LeftValues

    def has_changed_since(self, contact: Contact) -> bool:
        """Whether another call or an upload has changed the contact since the outcome, in one of
        the columns of `LeftValues`. In that case, restoring the contact would undo that change as
        well."""
        return LeftValues.of(contact) != self.left

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value for `call.contact_before`."""
        return self.before.to_json() | self.household.to_json() | {"left": self.left.to_json()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "ContactSnapshot":
        """Return the snapshot from the value that `to_json` returned."""
        return cls(
            ContactValues.from_json(stored),
            HouseholdChange.from_json(stored),
            LeftValues.from_json(stored["left"]),
        )


@dataclass(frozen=True)
class PeopleSnapshot:
    """The values of a call's contact, and of the other contacts that the call's outcome changed.
    `contact` is None if the call's contact must not be changed. `others` has the values by contact
    id."""

    contact: ContactValues | None
    others: dict[int, ContactValues]

    @classmethod
    def of(cls, contact: Contact | None, others: Iterable[Contact]) -> "PeopleSnapshot":
        """Return the current values of the contact and of the other contacts."""
        return cls(
            ContactValues.of(contact) if contact is not None else None,
            {other.id: ContactValues.of(other) for other in others},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value for `set_aside_call.before` or `set_aside_call.after`."""
        return {
            "person": self.contact.to_json() if self.contact else None,
            "others": {str(key): state.to_json() for key, state in self.others.items()},
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "PeopleSnapshot":
        """Return the snapshot from the value that `to_json` returned."""
        return cls(
            ContactValues.from_json(stored["person"]) if stored["person"] else None,
            {int(key): ContactValues.from_json(state) for key, state in stored["others"].items()},
        )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
