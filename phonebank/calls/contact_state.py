"""Applies the outcome of a call to the contact who was called. `retry_policy.decide` makes the
decision, and this module calculates the contact's resulting state.

These functions do not commit.
"""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from phonebank.calls.contact_snapshot import ContactValues
from phonebank.core.db import db
from phonebank.models import Contact, ContactState
from phonebank.rules.languages import UNKNOWN
from phonebank.rules.outcomes import NextState, Outcome
from phonebank.rules.retry_policy import FAR_AWAY, Decision
from phonebank.suppressions.dead_numbers import dead_among


def apply_decision(
    before: ContactValues,
    decision: Decision,
    *,
    outcome: Outcome,
    at: datetime,
    today: date,
    called_phone: str,
    caller_id: int,
    only_me: bool,
    language: str,
    dead: frozenset[str],
) -> ContactValues:
    """Return the contact's state after the outcome, according to this decision. The contact itself
    is not changed.

    `at` (aware) is when the outcome was recorded. `today` is the date at that moment in the
    contact's time zone. `only_me` reserves a promised callback for the caller, if the outcome
    counts as an attempt. `language` is the language that the contact speaks (a BCP 47 code), or ""
    if the caller named none. `dead` contains those of the contact's further numbers that are out of
    service.
    """
    after = replace(before, last_outcome=outcome.key, last_called_at=at)
    if decision.counted:
        is_first_today = before.attempts_on != today
        after = replace(
            after,
            tried=True,
            attempts=before.attempts + 1,
            attempts_that_day=1 if is_first_today else before.attempts_that_day + 1,
            attempts_on=today,
        )
    callable_at = decision.callable_at or at + FAR_AWAY
    after = replace(after, callback_at=callable_at if decision.promised else None)
    if not decision.promised or not only_me:
        after = replace(after, callback_caller_id=None)
    elif outcome.counts_as_attempt:
        after = replace(after, callback_caller_id=caller_id)
    if decision.state == NextState.CALLABLE:
        after = replace(after, callable_at=callable_at, rested_at=decision.rested_at)
    elif decision.state == NextState.UNUSABLE:
        # If the outcome is late, the contact may have lost the called number already.
        if before.phone == called_phone:
            after = with_next_number(after, dead)
            # A file may have taken the person out during the call.
            if before.state == ContactState.TAKEN_OUT and after.state == ContactState.CALLABLE:
                after = replace(after, state=ContactState.TAKEN_OUT)
    elif decision.state == NextState.FINISHED:
        after = replace(after, state=ContactState.FINISHED)
    if decision.tag_language:
        after = replace(after, language=language or UNKNOWN)
    return after


def with_next_number(contact: ContactValues, dead: frozenset[str]) -> ContactValues:
    """Return the contact's values after a switch to its next number, with the state CALLABLE.
    Numbers in `dead` are skipped. If no other number is left, return the values with the state
    UNUSABLE. The contact itself is not changed.

    The next number may be on the do-not-call list. In that case, the contact cannot be called until
    the number is taken off the list.
    """
    in_service = tuple(phone for phone in contact.other_phones if phone not in dead)
    if not in_service:
        return replace(contact, state=ContactState.UNUSABLE)
    return replace(
        contact, state=ContactState.CALLABLE, phone=in_service[0], other_phones=in_service[1:]
    )


def take_next_number(contact: Contact) -> None:
    """Switch the contact to its next number, but skip numbers that are known to be out of service
    (see `with_next_number`).

    The contact becomes unusable if no number is left. It also becomes unusable if the campaign
    already has another contact with the same name and the next number.
    """
    after = with_next_number(ContactValues.of(contact), dead_among(contact.other_phones))
    if after.state == ContactState.UNUSABLE or not set_number(
        contact, after.phone, list(after.other_phones)
    ):
        contact.state = ContactState.UNUSABLE


def set_number(contact: Contact, phone: str, further: list[str]) -> bool:
    """Make the contact callable on this number (E.164), with `further` as its other numbers.

    This function flushes the session. Return False and change nothing if the campaign has another
    contact with the same name and that number.
    """
    try:
        with db.session.begin_nested():
            contact.phone, contact.other_phones = phone, further
            contact.state = ContactState.CALLABLE
            db.session.flush()
    except IntegrityError:
        return False
    return True


def offer_language(contact_list_id: int, language: str) -> None:
    """Add a language (a BCP 47 code, or "" for an unknown language) to the languages of a list.
    From then on, refills of the queue also look for contacts on the list who speak that
    language."""
    db.session.execute(
        text("""
            UPDATE contact_list SET languages = languages || to_jsonb(CAST(:language AS text))
            WHERE id = :list_id AND NOT jsonb_exists(languages, :language)
        """),
        {"language": language or UNKNOWN, "list_id": contact_list_id},
    )
