"""Plain functions that make rows for tests. Each flushes, and the test commits.

Every number is from the ranges that are reserved for drama, so it is nobody's.
"""

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from phonebank.core.db import db
from phonebank.models import (
    Account,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    ListState,
    Party,
    Role,
    Script,
    ScriptVersion,
)
from phonebank.roster.pace import AT_ANY_PACE
from scripts_library.parser import parse_leniently

_counter = itertools.count(1)


def drama_number(index: int) -> str:
    """The `index`-th number of London's drama range, 020 7946 0000 to 0999."""
    return f"+442079460{index % 1000:03d}"


def own_number(index: int) -> str:
    """A number of Birmingham's drama range, 0121 496 0000 to 0999. No test names such a number, so
    a contact never shares a number with another by accident, whichever tests ran before."""
    return f"+441214960{index % 1000:03d}"


def _add(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def create_account(*roles: str, email: str | None = None, name: str = "Ada") -> Account:
    held = []
    for role_name in roles:
        role = db.session.query(Role).filter_by(name=role_name).one_or_none()
        held.append(role or _add(Role(name=role_name)))
    return _add(
        Account(
            email=email or f"person{next(_counter)}@example.org",
            name=name,
            fs_uniquifier=uuid.uuid4().hex,
            roles=held,
        )
    )


def create_campaign(**values: Any) -> Campaign:
    """Make a running campaign. It may call at any hour that the country permits, and at any pace,
    because tests call faster than people."""
    defaults: dict[str, Any] = {
        "name": "Kitchen Table",
        "on_behalf_of": "The Kitchen Table Campaign",
        "country": "GB",
        "state": CampaignState.RUNNING,
        "allow_drama_numbers": True,
        "controller": "The Kitchen Table Campaign",
        "lawful_basis": "legitimate_interests",
        "ends_on": datetime.now(UTC).date() + timedelta(days=60),
        "retention_days": 90,
    } | AT_ANY_PACE
    return _add(Campaign(**defaults | values))


def create_list(campaign: Campaign, **values: Any) -> ContactList:
    defaults: dict[str, Any] = {
        "campaign_id": campaign.id,
        "name": "Ward list",
        "filename": "ward.csv",
        "state": ListState.READY,
        "zone_keys": ["Europe/London"],
        "languages": [""],
    }
    return _add(ContactList(**defaults | values))


def create_contact(contact_list: ContactList, **values: Any) -> Contact:
    index = next(_counter)
    defaults: dict[str, Any] = {
        "campaign_id": contact_list.campaign_id,
        "contact_list_id": contact_list.id,
        "first_name": f"Voter{index}",
        "last_name": "Example",
        "name_key": f"voter{index} example",
        "phone": own_number(index),
        "zone_key": "Europe/London",
    }
    return _add(Contact(**defaults | values))


def create_caller(campaign: Campaign, party: Party | None = None, **values: Any) -> Caller:
    defaults: dict[str, Any] = {
        "campaign_id": campaign.id,
        "party_id": party.id if party else None,
        "first_name": f"Sam{next(_counter)}",
        "state": CallerState.ADMITTED,
    }
    return _add(Caller(**defaults | values))


def create_party(campaign: Campaign, host: Account, **values: Any) -> Party:
    defaults: dict[str, Any] = {
        "campaign_id": campaign.id,
        "host_id": host.id,
        "title": "Tuesday night",
    }
    return _add(Party(**defaults | values))


def create_script(campaign: Campaign, source: str, name: str = "Main script") -> ScriptVersion:
    """Publish a script and make it the campaign's script. Return its version."""
    parsed, _ = parse_leniently(source)
    script = _add(Script(campaign_id=campaign.id, name=name))
    version = _add(
        ScriptVersion(
            script_id=script.id,
            number=1,
            source=source,
            needs_action=parsed.needs_action if parsed else {},
            tags=parsed.tags if parsed else {},
        )
    )
    script.published_version_id = version.id
    campaign.script_id = script.id
    db.session.flush()
    return version
