"""SQL conditions for contacts. Several queries of the queue share these conditions.

Each function takes a name from the query (of a table, an alias or a column), and returns SQL text.
PostgreSQL uses a partial index only if the query's condition implies the index's condition. So the
index `ix_contact_callable` has the same condition as `is_callable`.
"""

from sqlalchemy import and_

from phonebank.models import Contact, ContactState

# The same condition as `is_callable`, for queries that are built with SQLAlchemy.
CONTACT_IS_CALLABLE = and_(Contact.state == ContactState.CALLABLE, Contact.suppressed_at.is_(None))

# One row for each contact list `l`, each time zone key `zone.key` and each language `lang.code` of
# its contacts. If a query reads one index range for each of these rows, its time depends on how
# large its result is, and not on how many contacts the lists have.
LIST_GROUPS = """contact_list l
CROSS JOIN LATERAL jsonb_array_elements_text(l.zone_keys) AS zone(key)
CROSS JOIN LATERAL jsonb_array_elements_text(l.languages) AS lang(code)"""


def is_callable(contact: str) -> str:
    """Return the condition that the contact still has to be called and is not suppressed (marked as
    not to be called). The condition does not check the time: the columns `callable_at` and
    `callback_at` say when the contact can be called."""
    return f"{contact}.state = '{ContactState.CALLABLE}' AND {contact}.suppressed_at IS NULL"


def has_no_open_call(contact: str) -> str:
    """Return the condition that no open call, in any campaign, has this contact's number. This
    condition is for queries that look at many contacts: PostgreSQL first collects the numbers of
    all open calls, and then looks each contact's number up among them.

    PostgreSQL could join the open calls to the contacts if the condition were NOT EXISTS. Its
    statistics seldom know of the open calls, which are few among millions of calls, and last
    minutes. So it would compare each contact with each open call, which takes a second with 2,000
    callers.
    """
    open_calls = "SELECT call.phone FROM call WHERE call.ended_at IS NULL"
    return f"{contact}.phone NOT IN ({open_calls})"


def one_has_no_open_call(contact: str) -> str:
    """Return the same condition as `has_no_open_call`, for queries that look at one contact:
    PostgreSQL looks up this contact's number in the index of open calls."""
    return (
        "NOT EXISTS (SELECT FROM call"
        f" WHERE call.phone = {contact}.phone AND call.ended_at IS NULL)"
    )


def is_in_lists(contact_list: str) -> str:
    """Return the condition that the contact list is one of `:list_ids`. If `:list_ids` is an empty
    array, every list meets the condition."""
    return (
        "(CAST(:list_ids AS integer[]) = '{}'"
        f" OR {contact_list}.id = ANY (CAST(:list_ids AS integer[])))"
    )


def is_in_languages(column: str) -> str:
    """Return the condition that the language in this column is one of `:languages`."""
    return f"{column} = ANY (CAST(:languages AS text[]))"
