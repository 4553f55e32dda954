"""What the merge fields of a call stand for."""

from phonebank.models import Caller, Campaign, Contact


def fields_for(contact: Contact, caller: Caller, campaign: Campaign) -> dict[str, str | None]:
    """The merge fields of a call; a contact's own value comes before the campaign's."""
    own = {name: str(value) for name, value in contact.fields.items() if str(value or "").strip()}
    return (
        shared_fields(caller, campaign)
        | own
        | {
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            **said_by(caller, campaign),
        }
    )


def shared_fields(caller: Caller, campaign: Campaign) -> dict[str, str | None]:
    """The merge fields that are the same for everybody this caller rings."""
    values = {name: str(value) for name, value in campaign.merge_values.items()}
    return values | said_by(caller, campaign)


def said_by(caller: Caller, campaign: Campaign) -> dict[str, str | None]:
    """Who is calling, and for whom: no list and no campaign value may overwrite it."""
    return {
        "caller_name": caller.first_name,
        "campaign_name": campaign.name,
        "on_behalf_of": campaign.on_behalf_of,
    }
