"""Sets which contacts a caller gets: by list, by language and by filter.

The functions of this module do not commit. A change takes effect when the caller next gets a
contact. A contact who is already on a caller's screen stays there.
"""

from collections.abc import Iterable

from sqlalchemy import text

from phonebank.contact_queue.caller_filters import languages_for
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.lists.services import lists_in_calling_order
from phonebank.models import Caller, Campaign, Party
from phonebank.roster.people_filters import filter_in
from phonebank.rules.languages import language_name

_LANGUAGES_IN_LISTS = text("""
SELECT DISTINCT jsonb_array_elements_text(languages) FROM contact_list
WHERE campaign_id = :campaign_id AND NOT removed
""")


def offered_languages(campaign: Campaign, caller: Caller) -> dict[str, str]:
    """Return the languages that a caller may choose from, as names by language code.

    The campaign's own language comes first. The other languages follow, sorted by name. These are
    the languages of the contacts on the campaign's lists (except paused lists), and the languages
    that the caller has chosen. The result is empty if there is no language besides the campaign's
    own.
    """
    in_lists = db.session.scalars(_LANGUAGES_IN_LISTS, {"campaign_id": campaign.id})
    own = campaign.language
    others = {*in_lists, *caller.languages} - {"", own}
    if not others:
        return {}
    return {code: language_name(code) for code in [own, *sorted(others, key=language_name)]}


def set_languages(campaign: Campaign, caller: Caller, codes: Iterable[str]) -> None:
    """Give the caller only contacts whose language is one of `codes` or is unknown.

    If `codes` is empty or has only the campaign's own language, the caller gets the same contacts
    as a new caller. The language of these contacts is the campaign's own, or is unknown. In every
    case, the caller still gets the callbacks that the caller promised. Raises InvalidInputError for
    a language that was not offered.
    """
    offered = offered_languages(campaign, caller)
    chosen = set(codes)
    for code in sorted(chosen - {*offered, campaign.language}):
        raise InvalidInputError(
            f"Nobody in this campaign's lists speaks “{code}”.", "Choose from those shown."
        )
    chosen -= {campaign.language} if chosen == {campaign.language} else set()
    lock_row(caller)
    caller.languages = [code for code in offered if code in chosen]


def languages_spoken(campaign: Campaign, caller: Caller) -> list[str]:
    """Return the codes of the languages that a caller has chosen. If the caller has not chosen any
    language, return the code of the campaign's own language."""
    return languages_for(campaign, caller.languages)[1:]


def choose_people(campaign: Campaign, caller: Caller, filter_id: int | None) -> None:
    """Give the caller only the people whom a filter chooses. If `filter_id` is None, the filter of
    the caller's party applies to the caller. If there is no such party or filter, no filter
    applies.

    The caller still gets the callbacks that the caller promised. Raises NotFoundError for a filter
    of another campaign, or if there is no such filter.
    """
    lock_row(caller)
    caller.filter_id = filter_in(campaign, filter_id).id if filter_id is not None else None


def choose_people_for_party(campaign: Campaign, party: Party, filter_id: int | None) -> None:
    """Give a party's callers only the people whom a filter chooses, and the callbacks that they
    promised. If `filter_id` is None, the party has no filter. A caller who has a filter of their
    own keeps that filter in both cases. Raises NotFoundError for a filter of another campaign, or
    if there is no such filter."""
    lock_row(party)
    party.filter_id = filter_in(campaign, filter_id).id if filter_id is not None else None


def restrict_to_lists(campaign: Campaign, caller: Caller, list_ids: Iterable[int]) -> None:
    """Give the caller only contacts on these lists. If `list_ids` is empty, the caller gets
    contacts from every list.

    The caller still gets the callbacks that the caller promised. Raises InvalidInputError if one of
    the lists is not one of the campaign's lists of people to call.
    """
    chosen = set(list_ids)
    if chosen - {contact_list.id for contact_list in lists_in_calling_order(campaign)}:
        raise InvalidInputError("That list isn't one of this campaign's.", "Reload the page.")
    lock_row(caller)
    caller.list_ids = sorted(chosen)
