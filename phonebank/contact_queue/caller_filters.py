"""Decides which contacts a caller may get, by the caller's lists, languages and filter, and by
whether a callback is reserved for another caller."""

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
    chose, or the campaign's language if the caller chose none. The list always begins with "",
    which stands for contacts whose language is not known."""
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
    """Return the id of the filter that chooses the people whom a caller gets: the caller's own
    filter, otherwise the party's filter, or None if the caller may get everyone."""
    if caller.filter_id is not None:
        return caller.filter_id
    return caller.party.filter_id if caller.party else None


def lane_limits(list_ids: Iterable[int], filter_id: int | None) -> list[int | str]:
    """Return the parts of lane names for a caller who is limited to some contact lists or to a
    filter. (A lane is a list of contacts in Redis.) If the caller has no such limit, there are no
    parts.

    If there is a filter, none of these parts is just the id of a list. So `take.lua` takes no
    callbacks except those that this caller promised. This is needed because Redis does not know
    which people a filter chooses.
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
