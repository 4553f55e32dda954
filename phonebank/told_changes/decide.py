"""Changes in a person's data that the person told a caller about. Organisers read these changes,
accept or refuse them, and undo such decisions. These functions do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, func, select, text
from sqlalchemy.exc import IntegrityError

from phonebank.contact_queue.number_rest import mark_shared_number
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.models import (
    Account,
    Call,
    Caller,
    Campaign,
    Contact,
    ContactState,
    ToldChange,
    ToldKind,
    ToldState,
    now,
)
from phonebank.phones.number_places import time_zones_of
from phonebank.phones.postcodes import time_zones_of_postcode
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.outcomes import OUTCOMES
from phonebank.rules.time_zones import zones_key
from phonebank.suppressions.entries import is_suppressed

SHOWN_AT_MOST = 50
# For this long, the page offers to undo a decision.
TAKEN_BACK_WITHIN = timedelta(days=30)

_OFFER_ZONE = text("""
UPDATE contact_list SET zone_keys = zone_keys || to_jsonb(CAST(:zone_key AS text))
WHERE id = :list_id AND NOT jsonb_exists(zone_keys, :zone_key)
""")


@dataclass(frozen=True)
class Told:
    """A change in a person's data, as the person told it to a caller. `outcome` is the call's
    outcome (None if the call has no outcome), and `caller` is the caller's first name. `decided_by`
    is the account that accepted or refused the change, or None if there is no such account."""

    change: ToldChange
    contact: Contact
    outcome: str | None
    caller: str
    decided_by: Account | None


def undecided_count(campaign: Campaign) -> int:
    """Return the number of changes that no organiser has accepted or refused yet."""
    query = select(func.count()).where(
        ToldChange.campaign_id == campaign.id, ToldChange.state == ToldState.TOLD
    )
    return db.session.scalar(query) or 0


def undecided(campaign: Campaign) -> list[Told]:
    """Return up to SHOWN_AT_MOST changes that no organiser has accepted or refused yet, oldest
    first."""
    return _read(campaign, ToldChange.state == ToldState.TOLD, ToldChange.id)


def decided(campaign: Campaign) -> list[Told]:
    """Return up to SHOWN_AT_MOST changes that were accepted or refused less than TAKEN_BACK_WITHIN
    ago, newest decision first."""
    lately = ToldChange.decided_at > now() - TAKEN_BACK_WITHIN
    return _read(campaign, lately, ToldChange.decided_at.desc())


def accept(campaign: Campaign, change_id: int, account: Account) -> ToldChange:
    """Change the contact as the person said.

    A new number becomes the first number to call. With the new number, a person without a working
    number can be called again. Raises NotFoundError if there is no such change or the person was
    erased. Raises ConflictError if the change has already been accepted or refused, if the person
    is in an open call, or if the campaign has another person with this name and number. For a new
    number, also raises ConflictError if the person or the number is on the do-not-call list, or if
    another transaction has locked this campaign or another campaign that has the number.
    """
    change, contact = _locked(campaign, change_id, ToldState.TOLD)
    call = db.session.get_one(Call, change.call_id)
    if change.kind == ToldKind.NUMBER:
        after = _with_number(contact, change.said["number"], call)
    elif change.kind == ToldKind.NAME:
        after = _with_name(contact, change.said)
    else:
        after = _moved(contact, change.said, campaign)
    change.before, change.after = {key: _json(contact, key) for key in after}, after
    _write(contact, after)
    if change.kind == ToldKind.NUMBER and not mark_shared_number(campaign, contact.id):
        raise ConflictError("Somebody is changing a campaign right now.", "Try again in a moment.")
    _decide(change, ToldState.ACCEPTED, account)
    return change


def refuse(campaign: Campaign, change_id: int, account: Account) -> ToldChange:
    """Refuse the change, and leave the contact unchanged. Raises NotFoundError if there is no such
    change, and ConflictError if the change has already been accepted or refused."""
    change = _locked_change(campaign, change_id, ToldState.TOLD)
    _decide(change, ToldState.REFUSED, account)
    return change


def take_back(campaign: Campaign, change_id: int, account: Account) -> ToldChange:
    """Undo an organiser's decision, so that the change can be accepted or refused again.

    Raises NotFoundError if there is no such change or the person was erased. Raises ConflictError
    if nobody has accepted or refused the change. For an accepted change, also raises ConflictError
    if the person is in an open call, or if one of the values that `accept` stored has changed since
    then. ConflictError is also raised if the campaign now has another person with the earlier name
    and number.
    """
    change = _locked_change(campaign, change_id, ToldState.ACCEPTED, ToldState.REFUSED)
    if change.state == ToldState.ACCEPTED:
        contact = _locked_contact(change)
        after = change.after or {}
        if any(_json(contact, key) != value for key, value in after.items()):
            raise ConflictError(
                "This person's record has changed since then, so you can't take that back.",
                "Open the person's page instead.",
            )
        _write(contact, change.before or {})
    change.before = change.after = None
    _decide(change, ToldState.TOLD, None)
    return change


def _read(campaign: Campaign, which: Any, order: Any) -> list[Told]:
    query = (
        select(ToldChange, Contact, Call.outcome, Caller.first_name, Account)
        .join(Contact, Contact.id == ToldChange.contact_id)
        .join(Call, Call.id == ToldChange.call_id)
        .join(Caller, Caller.id == Call.caller_id)
        .outerjoin(Account, Account.id == ToldChange.decided_by_id)
        .where(ToldChange.campaign_id == campaign.id, which)
        .order_by(order)
        .limit(SHOWN_AT_MOST)
    )
    return [Told(*row) for row in db.session.execute(query)]


def _locked_change(campaign: Campaign, change_id: int, *states: ToldState) -> ToldChange:
    change = db.session.scalar(
        select(ToldChange)
        .where(ToldChange.id == change_id, ToldChange.campaign_id == campaign.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if change is None:
        raise NotFoundError("There is no such change.", "Reload the page.")
    if change.state not in states:
        raise ConflictError("This change is no longer as your page shows it.", "Reload the page.")
    return change


def _locked(campaign: Campaign, change_id: int, *states: ToldState) -> tuple[ToldChange, Contact]:
    change = _locked_change(campaign, change_id, *states)
    return change, _locked_contact(change)


def _locked_contact(change: ToldChange) -> Contact:
    contact = db.session.scalar(
        select(Contact)
        .where(Contact.id == change.contact_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if contact is None:
        raise NotFoundError("This person's data was erased.", "Reload the page.")
    # A claim skips a locked contact, so nobody gets this one before the commit.
    on_screen = select(exists().where(Call.contact_id == contact.id, Call.ended_at.is_(None)))
    if db.session.scalar(on_screen):
        raise ConflictError(
            "This person is on a caller's screen or is being called now.",
            "Try again after the call.",
        )
    return contact


def _with_number(contact: Contact, number: str, call: Call) -> dict[str, Any]:
    if contact.suppressed_at is not None or is_suppressed(number):
        raise ConflictError(
            "This number or this person is on the do-not-call list.",
            "Refuse the change. Nobody will call them again.",
        )
    outcome = OUTCOMES.get(call.outcome or "")
    wrong = {number} | ({call.phone} if outcome and outcome.number_dead else set())
    if contact.state == ContactState.UNUSABLE:
        wrong.add(contact.phone)
    after: dict[str, Any] = {
        "phone": number,
        "other_phones": [
            each for each in (contact.phone, *contact.other_phones) if each not in wrong
        ],
        "phone_original": number,
        "zone_key": _with_zones(contact, time_zones_of(number)),
    }
    if contact.state == ContactState.UNUSABLE:
        # The earlier attempts do not count, because they were calls to somebody else's phone.
        after |= {"state": ContactState.CALLABLE.value, "attempts": 0, "attempts_that_day": 0}
    return after


def _with_name(contact: Contact, said: dict[str, Any]) -> dict[str, Any]:
    first = said["first_name"] or contact.first_name
    last = said["last_name"] or contact.last_name
    return {"first_name": first, "last_name": last, "name_key": f"{first} {last}".casefold()}


def _moved(contact: Contact, said: dict[str, Any], campaign: Campaign) -> dict[str, Any]:
    old = {key: value for key, value in contact.fields.items() if key not in ("town", "address")}
    postcode = said.get("postcode")
    if postcode:
        zones = time_zones_of_postcode(postcode, campaign.country)
        return {"postcode": postcode, "fields": old, "zone_key": zones_key(zones)}
    # A town's name does not show its time zone, so calling hours must be open in all zones of the
    # country.
    return {"postcode": None, "fields": old | {"town": said["town"]}, "zone_key": ""}


def _with_zones(contact: Contact, zones: Sequence[str]) -> str:
    """Return the contact's time zones together with those of a new number. A call must be inside
    calling hours in all of these zones. Return "" if the zones of the contact or of the number are
    not known.

    A postcode shows the zone better than a number does, so the zones of a contact with a postcode
    do not change.
    """
    if contact.postcode or not contact.zone_key:
        return contact.zone_key
    return zones_key((*zones_in_key(contact.zone_key), *zones)) if zones else ""


def _json(contact: Contact, column: str) -> Any:
    value = getattr(contact, column)
    return value.value if isinstance(value, ContactState) else value


def _write(contact: Contact, values: dict[str, Any]) -> None:
    try:
        with db.session.begin_nested():
            for column, value in values.items():
                setattr(contact, column, ContactState(value) if column == "state" else value)
            db.session.flush()
    except IntegrityError:
        raise ConflictError(
            "The campaign has another person with this name and this number.",
            "Refuse the change, so that nobody is called twice.",
        ) from None
    if "zone_key" in values:
        # A refill looks for a list's contacts in the list's time zones only.
        db.session.execute(
            _OFFER_ZONE, {"zone_key": contact.zone_key, "list_id": contact.contact_list_id}
        )


def _decide(change: ToldChange, state: ToldState, account: Account | None) -> None:
    change.state = state
    change.decided_at = now() if account else None
    change.decided_by_id = account.id if account else None
    db.session.flush()
