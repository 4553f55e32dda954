"""Manages a party's co-hosts: up to two people whom its host or an organiser adds by e-mail
address.

A co-host may do everything in this party that the host may do, except add and remove co-hosts.
Being a co-host of one party gives a person no rights in other parties. The functions of this module
do not commit.
"""

from phonebank.accounts.accounts import create_account
from phonebank.accounts.invitations import send_invitation
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Party, RoleName
from phonebank.parties.services import organises

# With the host these are three people: enough for the door, the board and the kitchen.
COHOSTS_AT_MOST = 2


def may_add_cohosts(account: Account, party: Party) -> bool:
    """Whether this account may add and remove co-hosts."""
    return party.host_id == account.id or organises(account, party)


def invite_cohost(account: Account, party: Party, email: str) -> Account:
    """Add the person with this address as a co-host, and send the person a sign-in link.

    If the address has no account, create one. The account also gets the role of host, unless it
    organises the whole installation. Somebody who is already a co-host gets another link.

    Raises NotAllowedError if `account` is neither the host nor an organiser, and InvalidInputError
    if the address is malformed or is the host's own. Raises ConflictError if the party already has
    two co-hosts or has ended, or if the person's account is deactivated. Raises
    mail.MailNotSentError if a mail server is set but does not take the e-mail.
    """
    _check(account, party)
    invited = create_account(email, "", [RoleName.HOST], account)
    _check_invited(party, invited)
    # The mail is sent before the party is locked. A mail server is slow, and callers could not join
    # meanwhile.
    send_invitation(
        invited,
        f"{account.name or account.email} has invited you to help run a phone party:\n"
        f"“{party.title}”. You can let people in and keep an eye on the board.",
        f"/parties/{party.id}",
    )
    # Another person may have added a co-host meanwhile, or ended the party.
    lock_row(party)
    _check(account, party)
    _check_invited(party, invited)
    if invited not in party.cohosts:
        party.cohosts.append(invited)
        db.session.flush()
    return invited


def remove_cohost(account: Account, party: Party, cohost_id: int) -> None:
    """Remove a co-host. Raises NotAllowedError if `account` is neither the host nor an organiser,
    and NotFoundError if the party has no such co-host."""
    lock_row(party)
    _check(account, party)
    cohost = next((one for one in party.cohosts if one.id == cohost_id), None)
    if cohost is None:
        raise NotFoundError("This person isn't a co-host of this party.", "Reload the page.")
    party.cohosts.remove(cohost)


def _check_invited(party: Party, invited: Account) -> None:
    """Raise ConflictError or InvalidInputError unless `invited` may become a co-host of the
    party."""
    if party.has_ended:
        raise ConflictError("This party has ended.", "Start a new one.")
    if invited.id == party.host_id:
        raise InvalidInputError(
            "That person is already the host of this party.", "Type another person's address."
        )
    if invited not in party.cohosts and len(party.cohosts) >= COHOSTS_AT_MOST:
        raise ConflictError(
            f"A party can have up to {COHOSTS_AT_MOST} co-hosts.", "Remove one of them first."
        )


def _check(account: Account, party: Party) -> None:
    if not may_add_cohosts(account, party):
        raise NotAllowedError(
            "Only the host or an organiser can add or remove co-hosts.", "Ask one of them to do it."
        )
