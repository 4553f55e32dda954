"""Whom a caller may be given: the languages they serve, the lists an organiser keeps them to.

The verbs do not commit. They hold from the next hand-out on: whoever is on a screen stays there.
"""

from collections.abc import Iterable

from sqlalchemy import text

from phonebank.contact_queue.refill import served
from phonebank.core.db import db
from phonebank.core.errors import BadInput
from phonebank.core.locks import lock_row
from phonebank.lists.services import in_calling_order
from phonebank.models import Caller, Campaign
from phonebank.rules.languages import language_name

_LANGUAGES_IN_LISTS = text("""
SELECT DISTINCT jsonb_array_elements_text(languages) FROM contact_list
WHERE campaign_id = :campaign_id AND NOT removed
""")


def languages_to_choose_from(campaign: Campaign, caller: Caller) -> dict[str, str]:
    """The languages a caller may say they speak, code → name: the campaign's own first, then those
    of people in its lists. Empty where the lists hold people of no other language."""
    in_lists = db.session.scalars(_LANGUAGES_IN_LISTS, {"campaign_id": campaign.id})
    own = campaign.language
    others = {*in_lists, *caller.languages} - {"", own}
    if not others:
        return {}
    return {code: language_name(code) for code in [own, *sorted(others, key=language_name)]}


def choose_languages(campaign: Campaign, caller: Caller, codes: Iterable[str]) -> None:
    """Give the caller only people of these languages, and those whose language is unknown.

    None, or the campaign's own alone, is what a caller begins with. Raises BadInput for a language
    that was not to choose from.
    """
    offered = languages_to_choose_from(campaign, caller)
    chosen = set(codes)
    for code in sorted(chosen - {*offered, campaign.language}):
        raise BadInput(
            f"Nobody in this campaign's lists speaks “{code}”.", "Choose from those shown."
        )
    chosen -= {campaign.language} if chosen == {campaign.language} else set()
    lock_row(caller)
    caller.languages = [code for code in offered if code in chosen]


def languages_spoken(campaign: Campaign, caller: Caller) -> list[str]:
    """The codes of the languages a caller serves, the campaign's own where they named none."""
    return served(campaign, caller.languages)[1:]


def keep_to_lists(campaign: Campaign, caller: Caller, list_ids: Iterable[int]) -> None:
    """Give the caller only people of these lists; of any for none. A callback that they promised
    stays theirs. Raises BadInput for a list of another campaign."""
    chosen = set(list_ids)
    if chosen - {contact_list.id for contact_list in in_calling_order(campaign)}:
        raise BadInput("That list isn't one of this campaign's.", "Reload the page.")
    lock_row(caller)
    caller.list_ids = sorted(chosen)
