"""The values that replace the merge fields (placeholders) in the script of a call."""

from collections.abc import Mapping
from typing import Any, Protocol

from phonebank.models import Caller, Campaign


class HasName(Protocol):
    """The attributes that merge fields need from a contact, or from a query row that has columns
    with these names."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, Any] | None: ...


def fields_for(contact: HasName, caller: Caller, campaign: Campaign) -> dict[str, str | None]:
    """Return the values of the merge fields (placeholders in a script) for a call, by name. If the
    contact and the campaign both have a value for a field, the contact's value is used. Nothing
    replaces a value that `fields_of_caller` returns."""
    own = {
        name: str(value)
        for name, value in (contact.fields or {}).items()
        if str(value or "").strip()
    }
    return (
        shared_fields(caller, campaign)
        | own
        | {
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            **fields_of_caller(caller, campaign),
        }
    )


def shared_fields(caller: Caller, campaign: Campaign) -> dict[str, str | None]:
    """Return the values of the merge fields that do not come from a contact: the campaign's merge
    values, and the values from `fields_of_caller`."""
    values = {name: str(value) for name, value in campaign.merge_values.items()}
    return values | fields_of_caller(caller, campaign)


def fields_of_caller(caller: Caller, campaign: Campaign) -> dict[str, str | None]:
    """Return the values of the merge fields (placeholders) that say who is calling, and for which
    organisation. Neither a list nor the campaign's own merge values can replace these values."""
    return {
        "caller_name": caller.first_name,
        "campaign_name": campaign.name,
        "on_behalf_of": campaign.on_behalf_of,
    }
