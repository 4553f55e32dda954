"""Confirms e-mail addresses by mailed links. These functions do not commit.

A person becomes a volunteer only when they use the link in their own mailbox. If nobody uses the
link within a day, a job deletes the link and the address that was stored with it.
"""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError
from phonebank.models import Caller, EmailConfirmation, Volunteer, now
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words
from phonebank.volunteers import consents, volunteers

LIVES_FOR = timedelta(days=1)


class LinkOverError(GoneError):
    """The error for a link that was used, is too old or is forged. The message does not say which
    of the three is the reason."""

    def __init__(self) -> None:
        super().__init__("This link has been used or has expired.", "Ask for a new one.")


def create_confirmation(email: str, first_name: str, caller: Caller | None = None) -> str:
    """Store a new link for an e-mail address, and return the link's token. `email` is an address
    that `normalise_email` has returned.

    With `caller`, the caller's calls are kept under the address once the link is used. Raises
    InvalidInputError for a name that `clean_name` or `refuse_bad_words` refuses.
    """
    name = clean_name(first_name)
    refuse_bad_words(name)
    token = secrets.token_urlsafe(24)
    db.session.add(
        EmailConfirmation(
            token_hash=_hash(token),
            email=email,
            first_name=name,
            caller_id=caller.id if caller else None,
        )
    )
    db.session.flush()
    return token


def read(token: str) -> EmailConfirmation:
    """Return the e-mail address, first name and caller that were stored for the link, without using
    the link up. Raises LinkOverError if the link was used, is too old or is forged."""
    found = db.session.scalar(
        select(EmailConfirmation).where(
            EmailConfirmation.token_hash == _hash(token),
            EmailConfirmation.created_at > now() - LIVES_FOR,
        )
    )
    if found is None:
        raise LinkOverError
    return found


def confirm(token: str) -> Volunteer:
    """Use the link up, and return the volunteer with the address that the link was mailed to. If no
    volunteer has this address, a new volunteer is stored. If the link is for a caller, all calls of
    this caller are now kept under the volunteer, and the volunteer's consent to this is stored.

    Raises LinkOverError if the link is not valid, for example because another request has just used
    it. Raises ConflictError if the caller's calls are already kept under another address.
    """
    used = db.session.execute(
        delete(EmailConfirmation)
        .where(
            EmailConfirmation.token_hash == _hash(token),
            EmailConfirmation.created_at > now() - LIVES_FOR,
        )
        .returning(
            EmailConfirmation.email, EmailConfirmation.first_name, EmailConfirmation.caller_id
        )
    ).first()
    if used is None:
        raise LinkOverError
    volunteer = volunteers.find_or_create(used.email, used.first_name)
    caller = db.session.get(Caller, used.caller_id) if used.caller_id else None
    if caller is not None:
        volunteers.keep_calls(volunteer, caller)
        if volunteers.volunteer_of(caller) != volunteer:
            raise ConflictError(
                "These calls are kept under another e-mail address already.",
                "Open your page with that address.",
            )
        consents.give(volunteer, caller.campaign_id)
    return volunteer


def forget_old_confirmations() -> None:
    """Delete the links that nobody used within a day, and the addresses stored with these links."""
    db.session.execute(
        delete(EmailConfirmation).where(EmailConfirmation.created_at <= now() - LIVES_FOR)
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
