"""Who else may run a party: up to two co-hosts, whom its host or an organiser names by e-mail.

A co-host may do at this party what its host may, save naming others; at every other it is a
stranger. The caller commits.
"""

from phonebank.accounts.services import create_account, invite
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Party, RoleName

# The host and two others: enough for a door, a board and a kitchen, and few enough to know by name.
COHOSTS_AT_MOST = 2


def may_name(account: Account, party: Party) -> bool:
    """Whether this account may name and remove co-hosts."""
    return account.is_organiser or party.host_id == account.id


def invite_cohost(account: Account, party: Party, email: str) -> Account:
    """Let the person of this address run the party too, and send them a link to begin.

    Whoever is a co-host already gets another link. Raises NotAllowedError for a co-host,
    InvalidInputError for what is no address or the host's own, ConflictError for a third, a
    deactivated account or a party that is over; mail.MailNotSentError.
    """
    _check(account, party)
    invited = create_account(email, "", [RoleName.HOST])
    _refuse(party, invited)
    # Before the party is locked: a mail server takes its time, and people want to come in.
    invite(
        invited,
        f"{account.name or account.email} has invited you to help run a phone party:\n"
        f"“{party.title}”. You can let people in and keep an eye on the board.",
        f"/parties/{party.id}",
    )
    # Somebody else may have invited another meanwhile, or ended the party.
    lock_row(party)
    _check(account, party)
    _refuse(party, invited)
    if invited not in party.cohosts:
        party.cohosts.append(invited)
        db.session.flush()
    return invited


def remove_cohost(account: Account, party: Party, cohost_id: int) -> None:
    """Let a co-host run the party no more. Raises NotAllowedError for a co-host, NotFoundError."""
    lock_row(party)
    _check(account, party)
    cohost = next((one for one in party.cohosts if one.id == cohost_id), None)
    if cohost is None:
        raise NotFoundError("This person isn't a co-host of this party.", "Reload the page.")
    party.cohosts.remove(cohost)


def _refuse(party: Party, invited: Account) -> None:
    """Raises ConflictError or InvalidInputError unless the account may become a co-host of the
    party."""
    if party.is_over:
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
    if not may_name(account, party):
        raise NotAllowedError(
            "Only the host or an organiser can add or remove co-hosts.", "Ask one of them to do it."
        )
