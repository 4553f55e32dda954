"""Conditions on contacts that several queries of the queue share, as SQL text.

Each function takes the table's name or alias in the query. The partial index `ix_contact_callable`
has the same text as `is_callable`, because PostgreSQL uses the index only if the conditions match.
"""

from sqlalchemy import and_

from phonebank.models import Contact, ContactState

# The same as `is_callable`, for queries that SQLAlchemy builds.
CONTACT_IS_CALLABLE = and_(Contact.state == ContactState.CALLABLE, Contact.suppressed_at.is_(None))

# Each contact list `l` with each time zone key `zone.key` and language `lang.code` of its people.
# If a query reads one index range for each of these, its cost follows what it returns, not how many
# contacts a list has.
LIST_GROUPS = """contact_list l
CROSS JOIN LATERAL jsonb_array_elements_text(l.zone_keys) AS zone(key)
CROSS JOIN LATERAL jsonb_array_elements_text(l.languages) AS lang(code)"""


def is_callable(contact: str) -> str:
    """Return the condition that the contact is still to be called in its campaign and is not
    suppressed. The columns `callable_at` and `callback_at` say when it can be called."""
    return f"{contact}.state = '{ContactState.CALLABLE}' AND {contact}.suppressed_at IS NULL"


def has_no_open_call(contact: str) -> str:
    """Return the condition that no open call, in any campaign, has this contact's number."""
    return (
        "NOT EXISTS (SELECT FROM call"
        f" WHERE call.phone = {contact}.phone AND call.ended_at IS NULL)"
    )


def is_in_lists(contact_list: str) -> str:
    """Return the condition that the contact list is one of `:list_ids`, or that `:list_ids` is an
    empty array, which means every list."""
    return (
        "(CAST(:list_ids AS integer[]) = '{}'"
        f" OR {contact_list}.id = ANY (CAST(:list_ids AS integer[])))"
    )


def is_in_languages(column: str) -> str:
    """Return the condition that the column's language is one of `:languages`."""
    return f"{column} = ANY (CAST(:languages AS text[]))"
