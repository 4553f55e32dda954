"""The demonstration: a campaign with invented people, whose telephone numbers nobody has.

`make run` loads the demonstration into an empty database, so that a person who tries Phonebank sees
at once how Phonebank works. The invented people's numbers are reserved by Ofcom for radio and
television drama. libphonenumber considers some of these numbers invalid. Only a campaign with
`Campaign.allow_drama_numbers` may call these numbers, and this is such a campaign. It calls at any
hour, because its calls reach nobody.
"""

import itertools
import random
import uuid
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from phonebank.accounts.accounts import create_account
from phonebank.callouts.areas import Area
from phonebank.callouts.call_outs import create_call_out
from phonebank.callouts.pledges import pledge
from phonebank.callouts.sign_ups import Reach, sign_up
from phonebank.core.db import db
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    ListState,
    Party,
    RoleName,
    Script,
    ScriptVersion,
    now,
)
from phonebank.rules.countries import rules_for
from phonebank.rules.time_zones import zones_key
from scripts_library.library import source_of

PEOPLE = 400
# Each entry has the area code and first digits of 1,000 reserved numbers (Ofcom, "Telephone numbers
# for use in TV and radio drama programmes"), and the town that such a number suggests.
RANGES = (
    ("+442079460", "London"),
    ("+441134960", "Leeds"),
    ("+441174960", "Bristol"),
    ("+441614960", "Manchester"),
    ("+442920180", "Cardiff"),
)
FIRST_NAMES = (
    "Amina Aled Beatriz Callum Carys Chidi Danuta Dev Eilidh Ewan Farah Fergus Grace Gwen "
    "Hamza Harriet Idris Imogen Jamal Jess Kofi Kirsty Layla Lewis Maeve Marek Nadia Niall "
    "Oluwa Orla Pawel Priti Rhys Rosa Sabine Samir Tegan Tomos Ursula Viktor Winnie Yusuf "
    "Zara Zofia"
)
LAST_NAMES = (
    "Abara Ashdown Bellweather Brook Carrow Dalgleish Eastlake Fairweather Garrick Hollis "
    "Idowu Jessop Kettle Lindqvist Marchbank Nowak Okonkwo Penhallow Quill Rahman Sandhu "
    "Tregenza Unwin Varga Wetherby Yardley Zielinski"
)
BRIEFING = """\
Thank you for giving us an evening.

- You will call people who may not have made up their minds. **Listen more than you talk.**
- If they ask not to be called again, tap **Do not call**. Nobody here will call them again.
- Everyone in this demonstration is made up, and nobody has these numbers.
"""


def is_empty() -> bool:
    """Whether the database has no campaign and no account yet."""
    return not db.session.scalar(select(func.count()).select_from(Campaign)) and not (
        db.session.scalar(select(func.count()).select_from(Account))
    )


def load() -> Campaign:
    """Store the demonstration: an organiser, a host, a running campaign, a call-out, and a party
    that anyone with its code may join. The calling code must commit."""
    organiser = create_account("organiser@example.org", "Olive", [RoleName.ORGANISER])
    host = create_account("host@example.org", "Hari", [RoleName.HOST])
    campaign = Campaign(
        name="Riverside demonstration",
        on_behalf_of="the Riverside Neighbours campaign",
        country="GB",
        state=CampaignState.RUNNING,
        briefing=BRIEFING,
        merge_values={"candidate": "Sam Rivers"},
        door_open=True,
        allow_drama_numbers=True,
        # Nobody dials in the demonstration, so a person who tries it is faster than a caller. These
        # limits still stop a program.
        people_an_hour=240,
        people_a_minute=15,
        controller="the Riverside Neighbours campaign",
        lawful_basis="legitimate_interests",
        lawful_basis_note="Everyone in the demonstration is made up.",
        ends_on=now().date() + timedelta(days=365),
        retention_days=rules_for("GB").retention_days.value,
        created_by_id=organiser.id,
    )
    campaign.hosts.append(host)
    db.session.add(campaign)
    db.session.flush()
    _add_script(campaign, organiser)
    _add_people(campaign, organiser)
    _add_call_out(campaign, organiser)
    db.session.add(
        Party(
            campaign_id=campaign.id,
            host_id=host.id,
            title="Kitchen table party",
            goal=20,
            door_open=True,
        )
    )
    db.session.flush()
    return campaign


def _add_call_out(campaign: Campaign, organiser: Account) -> None:
    """Add a call-out. At such an event, people meet in a hall and pledge to host parties. Eight
    people have already signed in, and four of them have pledged."""
    call_out = create_call_out(campaign, organiser, "Riverside call-out", None, "Europe/London")
    areas = (
        Area("GB", "SW9 (Brixton)", 51.47, -0.11),
        Area("GB", "SE1 (Southwark)", 51.50, -0.09),
        Area("GB", "M14 (Manchester)", 53.45, -2.22),
        Area("GB", "LS6 (Leeds)", 53.82, -1.57),
    )
    for index, name in enumerate(("Ana", "Ben", "Cleo", "Dev", "Efe", "Fay", "Gus", "Hana")):
        area = areas[index % len(areas)]
        reach = Reach(email=f"{name.lower()}@example.org")
        person, _ = sign_up(call_out, uuid.uuid4(), name, reach, area)
        if index < len(areas):
            pledge(call_out, person, now() + timedelta(days=5 + index), area, 6 + index)


def _add_script(campaign: Campaign, organiser: Account) -> None:
    script = Script(campaign_id=campaign.id, name="Persuasive conversation")
    db.session.add(script)
    db.session.flush()
    version = ScriptVersion(
        script_id=script.id,
        number=1,
        source=source_of("persuasive-conversation", "en"),
        created_by_id=organiser.id,
    )
    db.session.add(version)
    db.session.flush()
    script.published_version_id = version.id
    campaign.script_id = script.id


def _add_people(campaign: Campaign, organiser: Account) -> None:
    zone = zones_key(["Europe/London"])
    contact_list = ContactList(
        campaign_id=campaign.id,
        name="Invented neighbours",
        filename="invented.csv",
        state=ListState.READY,
        zone_keys=[zone],
        languages=[""],
        rows_read=PEOPLE,
        rows_stored=PEOPLE,
        created_by_id=organiser.id,
        finished_at=now(),
    )
    db.session.add(contact_list)
    db.session.flush()
    # With this seed the invented people are the same on every machine, so that two people who try
    # the demonstration can compare notes.
    choice = random.Random(2016)  # noqa: S311 (invented names, not secrets)
    first_names, last_names = FIRST_NAMES.split(), LAST_NAMES.split()
    ranges = itertools.cycle(RANGES)
    rows = []
    for index in range(PEOPLE):
        prefix, town = next(ranges)
        first, last = choice.choice(first_names), choice.choice(last_names)
        rows.append(
            {
                "campaign_id": campaign.id,
                "contact_list_id": contact_list.id,
                "external_id": f"R{index + 1:04d}",
                "first_name": first,
                "last_name": last,
                "name_key": f"{first} {last}".lower(),
                "phone": f"{prefix}{index:03d}",
                "zone_key": zone,
                "fields": {"town": town},
            }
        )
    db.session.execute(insert(Contact), rows)
