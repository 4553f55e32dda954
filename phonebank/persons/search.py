"""Finds people by number, by name, or by external ID. The external ID is the ID that the uploaded
list gives a person. These functions do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Campaign, Contact
from phonebank.models.contact import SORT_NAME
from phonebank.phones.e164 import InvalidPhoneNumberError, read_number

SHOWN_AT_MOST = 50
CHARACTERS_AT_LEAST = 2
CHARACTERS_AT_MOST = 120
# A name with more words than this is looked up only as it was typed.
WORDS_IN_ANY_ORDER = 4
_AFTER_ALL_OTHERS = "\U0010ffff"  # the highest character

# Each part reads a few rows along one index, whatever the number of people. A name is found by its
# beginning, as a range of the index, so no character has a special meaning. The operators with `~`
# compare bytes, as the index does.
_FIND = text(f"""
SELECT id FROM contact WHERE phone = ANY(:phones) AND campaign_id = ANY(:campaigns)
UNION
SELECT has.id FROM unnest(CAST(:phones AS text[])) AS number(phone)
CROSS JOIN LATERAL (
    SELECT id, campaign_id FROM contact
    WHERE other_phones <> '[]' AND other_phones @> jsonb_build_array(number.phone)
    OFFSET 0
) AS has
WHERE has.campaign_id = ANY(:campaigns)
UNION
SELECT own.id FROM unnest(CAST(:campaigns AS integer[])) AS chosen(id)
CROSS JOIN LATERAL (
    SELECT id FROM contact
    WHERE campaign_id = chosen.id AND external_id = :typed LIMIT :most
) AS own
UNION
SELECT named.id FROM unnest(CAST(:campaigns AS integer[])) AS chosen(id)
CROSS JOIN unnest(CAST(:names AS text[])) AS name(begins)
CROSS JOIN LATERAL (
    SELECT id FROM contact
    WHERE campaign_id = chosen.id
      AND {SORT_NAME} ~>=~ name.begins AND {SORT_NAME} ~<~ (name.begins || :after)
    ORDER BY {SORT_NAME} USING ~<~ LIMIT :most
) AS named
""")  # noqa: S608


@dataclass(frozen=True)
class FoundPeople:
    """Up to SHOWN_AT_MOST people whom a search found, sorted by last name. `more` says whether the
    search found more people."""

    people: Sequence[Contact]
    more: bool


def find_people(typed: str, campaigns: Sequence[Campaign]) -> FoundPeople:
    """Return up to SHOWN_AT_MOST people of these campaigns. The search finds people by the typed
    number, by the typed external ID, or by a name that begins with the typed words. The last name
    may be typed first or last. If there are more than WORDS_IN_ANY_ORDER words, the last name must
    be typed first.

    Raises InvalidInputError for a text that is too short or too long.
    """
    typed = " ".join(typed.split())
    if not CHARACTERS_AT_LEAST <= len(typed) <= CHARACTERS_AT_MOST:
        raise InvalidInputError(
            f"Type {CHARACTERS_AT_LEAST} to {CHARACTERS_AT_MOST} characters: a phone number, a "
            "name, or the ID from your own list."
        )
    values = {
        "typed": typed,
        "phones": _numbers(typed, campaigns),
        "campaigns": [campaign.id for campaign in campaigns],
        "names": _names(typed),
        "after": _AFTER_ALL_OTHERS,
        "most": SHOWN_AT_MOST + 1,
    }
    ids = db.session.scalars(_FIND, values).all()
    people = db.session.scalars(
        select(Contact)
        .where(Contact.id.in_(ids))
        .order_by(text(SORT_NAME), Contact.id)
        .limit(SHOWN_AT_MOST + 1)
    ).all()
    return FoundPeople(people[:SHOWN_AT_MOST], len(people) > SHOWN_AT_MOST)


def _numbers(typed: str, campaigns: Sequence[Campaign]) -> list[str]:
    """Read the text as a number of each campaign's country, and return the resulting numbers
    (E.164). If the text is not a valid number of a country, this country adds nothing to the
    result."""
    numbers = set()
    for country in {campaign.country for campaign in campaigns}:
        try:
            numbers.add(read_number(typed, country, allow_drama=True))
        except InvalidPhoneNumberError:
            continue
    return sorted(numbers)


def _names(typed: str) -> list[str]:
    """Return the texts to look for at the beginning of stored names, in lower case. These are the
    typed words, and the same words rotated, so that each word comes first once. For example, "Ann
    Lee" gives "ann lee" and "lee ann". More than WORDS_IN_ANY_ORDER words are not rotated."""
    words = typed.replace(",", " ").lower().split()
    turns = range(len(words)) if len(words) <= WORDS_IN_ANY_ORDER else range(1)
    return sorted({" ".join(words[turn:] + words[:turn]) for turn in turns})
