"""Creates parties that somebody has promised to host, and e-mails the host a sign-in link to the
party. The functions of this module do not commit."""

from datetime import date, datetime, time, timedelta

from phonebank.accounts.accounts import create_account
from phonebank.accounts.invitations import INVITATION_LIVES_FOR, make_host
from phonebank.accounts.sign_in_mail import sign_in_link
from phonebank.core import mail
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.links import path_to
from phonebank.models import Account, Campaign, Party, now
from phonebank.parties.services import create_party
from phonebank.rules.local_moments import NoSuchTimeError, describe_moment, moment_at
from phonebank.rules.time_zones import time_zone

# A party can be promised this far ahead. Nobody plans further.
AHEAD_AT_MOST = timedelta(days=120)
# A party's goal is five conversations for each chair.
CONVERSATIONS_A_CHAIR = 5


def read_start(day: date | None, at: time | None, zone: str) -> datetime:
    """Return when a promised party starts, as a time in UTC. `zone` is the IANA name of the time
    zone in which the day and time are given. If the clocks show this time twice on that day, return
    the first of the two.

    Raises InvalidInputError if the day or time is missing. Also raises InvalidInputError if the
    start is in the past, is more than AHEAD_AT_MOST away, or is skipped when the clocks change.
    """
    if day is None or at is None:
        raise InvalidInputError("Choose a day and a time.")
    try:
        moment = moment_at(day, at, time_zone(zone))
    except NoSuchTimeError:
        raise InvalidInputError(
            "The clocks change that night, and this time does not exist.", "Choose another time."
        ) from None
    if moment <= now():
        raise InvalidInputError("This time has passed.", "Choose a later one.")
    if moment > now() + AHEAD_AT_MOST:
        raise InvalidInputError("This day is too far away.", "Choose one within four months.")
    return moment


def keep_promise(
    campaign: Campaign,
    email: str,
    first_name: str,
    chairs: int,
    starts_at: datetime,
    zone: str,
    by: Account | None,
) -> Party:
    """Make a person a host of the campaign, and create and return the party that the person
    promised to host. If the person has no account, create one. `by` is the account that gives the
    person the role of host, or None if no account does. Raises the same errors as `create_account`,
    `make_host` and `create_party`."""
    account = create_account(email, first_name, [])
    make_host(campaign, account, by)
    title = f"At {first_name}’s"[:40]
    goal = chairs * CONVERSATIONS_A_CHAIR
    return create_party(account, campaign.id, title, goal, starts_at, zone)


def send_kit(party: Party, first_name: str, thanks: str, where: str, page: str, to_do: str) -> None:
    """Send the host of a promised party an e-mail with a sign-in link to a page of the party.

    `thanks` and `to_do` are sentences, `where` describes the place, and `page` is the endpoint that
    the link leads to. Raises mail.MailNotSentError if a mail server is set but does not take the
    e-mail.
    """
    account = db.session.get_one(Account, party.host_id)
    link = sign_in_link(account, path_to(page, party_id=party.id), lives_for=INVITATION_LIVES_FOR)
    days = INVITATION_LIVES_FOR // timedelta(days=1)
    mail.deliver(
        account.email,
        "Your phone party: what you need",
        f"Hello {first_name},\n\n"
        f"{thanks} We've set your party up:\n\n"
        f"{describe_moment(party.starts_at, party.time_zone)}, {where}\n\n"
        f"{to_do}\n\n{link}\n\n"
        "On your party's pages you can change the day and invite your friends. About half of those "
        "who say yes will come, so invite twice as many people as you have chairs.\n"
        f"The link works once, within {days} days. After that, sign in with this e-mail address.\n",
    )
