"""Applies an outcome to its contact. `retry_policy.decide` decides the new state, and this module
writes it.

All of it is part of the transaction that records or undoes the call.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.core.db import db
from phonebank.models import Call, Campaign, Contact, ContactState
from phonebank.rules.calling_hours import contact_date, zones_in_key
from phonebank.rules.languages import UNKNOWN
from phonebank.rules.outcomes import NextState, outcome_of
from phonebank.rules.retry_policy import FAR_AWAY, Decision
from phonebank.suppressions.dead_numbers import dead_among


def apply_decision(
    contact: Contact,
    call: Call,
    decision: Decision,
    outcome_key: str,
    at: datetime,
    only_me: bool,
    language: str,
) -> None:
    """Give the contact the state that the decision says. `at` (aware) is when the outcome was
    recorded; `only_me` reserves a callback for the caller; `language` is a BCP 47 code or ""."""
    campaign = db.session.get_one(Campaign, call.campaign_id)
    today = contact_date(zones_in_key(contact.zone_key), at, rules_of(campaign))
    contact.last_outcome = outcome_key
    contact.last_called_at = at
    if decision.counted:
        contact.tried = True
        contact.attempts += 1
        contact.attempts_that_day = (
            contact.attempts_that_day + 1 if contact.attempts_on == today else 1
        )
        contact.attempts_on = today
    callable_at = decision.callable_at or at + FAR_AWAY
    contact.callback_at = callable_at if decision.promised else None
    if not decision.promised or not only_me:
        contact.callback_caller_id = None
    elif outcome_of(outcome_key).counts_as_attempt:
        contact.callback_caller_id = call.caller_id
    if decision.state == NextState.CALLABLE:
        contact.callable_at = callable_at
        contact.rested_at = decision.rested_at
    elif decision.state == NextState.UNUSABLE:
        # A late outcome may be about a number that the contact has lost already.
        if contact.phone == call.phone:
            take_next_number(contact)
    elif decision.state == NextState.FINISHED:
        contact.state = ContactState.FINISHED
    if decision.tag_language:
        _set_language(contact, language or UNKNOWN)


def take_next_number(contact: Contact) -> None:
    """Switch to the contact's next number that is not known to be dead. A contact without such a
    number becomes unusable.

    The next number may be suppressed. The contact then cannot be called until the number comes off
    the do-not-call list.
    """
    dead = dead_among(contact.other_phones)
    following, *further = [phone for phone in contact.other_phones if phone not in dead] or [None]
    if following is None:
        contact.state = ContactState.UNUSABLE
        return
    if not set_number(contact, following, further):
        contact.state = ContactState.UNUSABLE


def set_number(contact: Contact, phone: str, further: list[str]) -> bool:
    """Make the contact callable on this number (E.164), with the further ones after it. This
    flushes.

    Return False and change nothing if the campaign has the same person again with that number.
    """
    try:
        with db.session.begin_nested():
            contact.phone, contact.other_phones = phone, further
            contact.state = ContactState.CALLABLE
            db.session.flush()
    except IntegrityError:
        return False
    return True


def _set_language(contact: Contact, language: str) -> None:
    """Keep the contact for callers who speak the language, and have refills look for it."""
    contact.language = language
    db.session.execute(
        text("""
            UPDATE contact_list SET languages = languages || to_jsonb(CAST(:language AS text))
            WHERE id = :list_id AND NOT jsonb_exists(languages, :language)
        """),
        {"language": language, "list_id": contact.contact_list_id},
    )
