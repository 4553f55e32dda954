"""Stores what a person told a caller in a call: the person's correct number, name or place. These
functions do not commit."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from phonebank.calls.eligibility import NotAdmittedError
from phonebank.calls.hold import own_call
from phonebank.calls.undo import UNDO_WITHIN
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, InvalidInputError
from phonebank.csv_input.cells import tidy, tidy_postcode
from phonebank.lists.normalise import LONGEST
from phonebank.lists.person_names import read_name
from phonebank.models import Caller, Campaign, ToldChange, ToldKind, ToldState, now
from phonebank.phones.drama_numbers import is_drama_number
from phonebank.phones.e164 import REASONS, InvalidPhoneNumberError, read_number
from phonebank.phones.number_places import is_of_country
from phonebank.phones.postcodes import time_zones_of_postcode


def tell(caller: Caller, call_id: uuid.UUID, told: Mapping[str, Any]) -> None:
    """Store what the called person said. The contact itself does not change.

    `told` has `number`, `first_name`, `last_name` and `place`, each possibly blank or missing.

    If the caller sends the form again for the same call, the new number, name or place replaces the
    earlier one. If an organiser has already accepted or refused the earlier one, it is not
    replaced.

    Raises InvalidInputError if everything is blank, if something is too long, or if the number
    cannot be read or is not allowed in this campaign (for example, a number of another country).
    Raises NotFoundError if the caller has no such call or the person was erased, and GoneError for
    a call that started more than UNDO_WITHIN ago. Raises NotAdmittedError if the caller may not
    call, and ConflictError if an organiser has already accepted or refused what the caller sent
    before.
    """
    if not caller.may_call:
        raise NotAdmittedError()
    call = own_call(caller, call_id)
    if call.started_at < now() - UNDO_WITHIN:
        raise GoneError("This call was too long ago.", "Tell an organiser what changed.")
    changes = _read(told, caller.campaign)
    if not changes:
        raise InvalidInputError("Nothing is filled in.", "Fill in what the person told you.")
    for kind, said in changes.items():
        values = {
            "campaign_id": call.campaign_id,
            "contact_id": call.contact_id,
            "call_id": call.id,
            "kind": kind,
            "said": said,
            "state": ToldState.TOLD,
            "told_at": now(),
        }
        new = insert(ToldChange).values(values)
        stored = new.on_conflict_do_update(
            index_elements=["call_id", "kind"],
            set_={name: new.excluded[name] for name in ("contact_id", "said", "told_at")},
            where=ToldChange.state == ToldState.TOLD,
        ).returning(ToldChange.id)
        if db.session.scalar(stored) is None:
            raise ConflictError(
                "An organiser has already read what you sent before.",
                "Tell them about the rest.",
            )


def _read(told: Mapping[str, Any], campaign: Campaign) -> dict[ToldKind, dict[str, str]]:
    changes: dict[ToldKind, dict[str, str]] = {}
    if number := _cell(told, "number", 40):
        changes[ToldKind.NUMBER] = {"number": _number(number, campaign)}
    names = {key: read_name(_cell(told, key, LONGEST[key])) for key in ("first_name", "last_name")}
    if any(names.values()):
        changes[ToldKind.NAME] = names
    if place := _cell(told, "place", 80):
        postcode = tidy_postcode(place, campaign.country)
        is_postcode = len(postcode) <= LONGEST["postcode"] and (
            any(map(str.isdigit, postcode))
            or bool(time_zones_of_postcode(postcode, campaign.country))
        )
        changes[ToldKind.MOVED] = {"postcode": postcode} if is_postcode else {"town": place}
    return changes


def _cell(told: Mapping[str, Any], name: str, longest: int) -> str:
    value = tidy(str(told.get(name) or ""))
    if len(value) > longest:
        raise InvalidInputError(
            f"That is longer than {longest} characters.", "Write only what changed."
        )
    return value


def _number(typed: str, campaign: Campaign) -> str:
    try:
        number = read_number(typed, campaign.country, campaign.allow_drama_numbers)
    except InvalidPhoneNumberError as refused:
        raise InvalidInputError(f"We can't read this number. {refused.message}") from None
    if campaign.allow_drama_numbers and not is_drama_number(number):
        raise InvalidInputError(REASONS["somebodys_number"])
    if not campaign.allow_drama_numbers and not is_of_country(number, campaign.country):
        raise InvalidInputError(REASONS["another_country"])
    return number
