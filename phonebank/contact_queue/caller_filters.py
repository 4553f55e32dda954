"""Decides which contacts a caller may get. This depends on the caller's lists, languages and
filter, and on whether a callback is reserved for another caller."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from phonebank.contact_queue.redis_queue import CALLBACK_RESERVED_SECONDS
from phonebank.core.db import db
from phonebank.models import Caller, CallerState, Campaign, Contact
from phonebank.models.state_column import state_text

_LANGUAGES_SPOKEN = state_text(
    """
SELECT DISTINCT jsonb_array_elements_text(languages) FROM caller
WHERE campaign_id = :campaign_id AND state = :admitted
""",
    admitted=CallerState.ADMITTED,
)


def languages_for(campaign: Campaign, chosen: Sequence[str] = ()) -> list[str]:
    """Return the languages of the contacts that a caller may get: the languages that the caller
    chose, or the campaign's language if the caller chose none. The first item of the result is
    always "", which stands for contacts whose language is not known."""
    return ["", *(chosen or [campaign.language])]


def other_languages_spoken(campaign: Campaign) -> list[str]:
    """Return the languages that admitted callers have chosen, without the campaign's own
    language."""
    return [
        language
        for language in db.session.scalars(_LANGUAGES_SPOKEN, {"campaign_id": campaign.id})
        if language not in languages_for(campaign)
    ]


def filter_of(caller: Caller) -> int | None:
    """Return the id of the filter that chooses people for this caller. This is the caller's own
    filter or, without one, the party's filter. Return None if there is neither."""
    if caller.filter_id is not None:
        return caller.filter_id
    return caller.party.filter_id if caller.party else None


def lane_limits(list_ids: Iterable[int], filter_id: int | None) -> list[int | str]:
    """Return the words with which the names of a caller's lanes begin. (A lane is a list of the
    next contacts, in Redis.) Without a filter, these words are the ids of the lists to which the
    caller is limited. For a caller without any limit, return an empty list.

    With a filter, each word begins with "filter", so no word is the id of a list. `take.lua` gives
    callers the callbacks that they promised themselves. It gives any other callback only to callers
    without a limit, and to callers whose words include the id of the callback's list. So a caller
    with a filter gets no other callbacks. This is intended, because Redis does not know which
    people a filter chooses.
    """
    if filter_id is None:
        return list(list_ids)
    return [f"filter{filter_id}", *(f"filter{filter_id}list{one}" for one in list_ids)]


def may_get(
    caller: Caller, contact: Contact | Row[*tuple[Any, ...]], campaign: Campaign, at: datetime
) -> bool:
    """Whether the caller may get this contact at `at` (aware). This depends on the caller's lists
    and languages, and on whether a callback is reserved for another caller. Redis has already
    checked this, but the data in Redis may be out of date."""
    if contact.callback_caller_id == caller.id:
        return True
    if contact.callback_caller_id is not None and contact.callback_at is not None:
        reserved_until = contact.callback_at + timedelta(seconds=CALLBACK_RESERVED_SECONDS)
        if at < reserved_until:
            return False
    in_lists = not caller.list_ids or contact.contact_list_id in caller.list_ids
    return in_lists and contact.language in languages_for(campaign, caller.languages)
