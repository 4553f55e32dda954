"""The people file: one row for each person of the campaign, with their status."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from phonebank.contact_queue.number_rest import RESTING_NUMBERS, resting_numbers
from phonebank.exports.kept_columns import kept_columns
from phonebank.exports.tables import Column, Table, phone_sql, select_list, time_sql
from phonebank.models import CallerState, Campaign, ContactState, now
from phonebank.models.state_column import state_sql

# If several words fit a person, the first of them is used, as in `status_counts.BUCKETS`.
_STATUS = """CASE
    WHEN EXISTS (SELECT FROM call WHERE contact_id = contact.id AND ended_at IS NULL)
        THEN 'on_screen'
    WHEN contact.suppressed_at IS NOT NULL THEN 'do_not_call'
    WHEN contact_list.removed THEN 'list_paused'
    WHEN contact.state <> :callable THEN contact.state
    WHEN contact.language <> ''
        AND contact.language <> (SELECT language FROM campaign WHERE id = contact.campaign_id)
        AND NOT EXISTS (
            SELECT FROM caller
            WHERE caller.campaign_id = contact.campaign_id AND caller.state = :admitted
                AND caller.languages @> to_jsonb(contact.language)) THEN 'no_speaker'
    WHEN contact.callback_at > now() THEN 'call_back'
    WHEN {elsewhere} THEN 'called_elsewhere'
    WHEN contact.rested_at > now() THEN 'resting'
    WHEN contact.callable_at > now() THEN 'outside_hours'
    ELSE 'ready' END"""


def status_sql(elsewhere: str = "false") -> str:
    """Return SQL text for a person's status. `elsewhere` is an SQL condition that is true if the
    person must wait because another campaign has called the person's number."""
    return state_sql(
        _STATUS.format(elsewhere=elsewhere),
        callable=ContactState.CALLABLE,
        admitted=CallerState.ADMITTED,
    )


# If another campaign has called recently, the file also looks for numbers that rest because of
# that.
_RESTING = "WITH " + re.sub(r":(\w+)", r"%(\1)s", RESTING_NUMBERS)
_JOIN_RESTING = (
    " LEFT JOIN resting ON resting.phone = contact.phone AND contact.callback_at IS NULL"
)

PEOPLE_COLUMNS = (
    Column("contact_id", "The person's ID in Phonebank.", "contact.id"),
    Column(
        "external_id", "The person's ID in your own list, if it has one.", "contact.external_id"
    ),
    Column("first_name", "The person's first name.", "contact.first_name"),
    Column("last_name", "The person's last name.", "contact.last_name"),
    Column(
        "phone",
        "The number to call, with its country code. The apostrophe in front tells spreadsheets that"
        " it is text.",
        phone_sql("contact.phone"),
    ),
    Column(
        "other_phones",
        "Further numbers, in the order in which callers try them.",
        "(SELECT string_agg('''' || number, ' | ' ORDER BY position) FROM"
        " jsonb_array_elements_text(contact.other_phones) WITH ORDINALITY AS n(number, position))",
    ),
    Column("postcode", "The person's postcode.", "contact.postcode"),
    Column("email", "The person's e-mail address.", "contact.email"),
    Column("language", "The person's language, if it is not the script's.", "contact.language"),
    Column(
        "tags",
        "The person's tags, in order. Organisers, lists and answers give them.",
        "(SELECT string_agg(DISTINCT tag, ' | ' ORDER BY tag) FROM contact_tag"
        " WHERE contact_tag.contact_id = contact.id)",
    ),
    Column("list", "The contact list that the person is on.", "contact_list.name"),
    Column(
        "status",
        "on_screen: a caller has them now. do_not_call: nobody calls them again. list_paused: their"
        " list is paused. finished: nothing more to ask. taken_out: a file took them out of"
        " calling. unusable: no number works. no_speaker: no caller speaks their language."
        " call_back: at the time in callback_at. called_elsewhere: a wait because another campaign"
        " has called their number. resting: a wait after the last try. outside_hours: calling"
        " hours open later. ready: the next caller may get them.",
        status_sql(),
    ),
    Column(
        "last_outcome", "How the last call ended. Empty if nobody called.", "contact.last_outcome"
    ),
    Column("attempts", "How often the person's phone rang.", "contact.attempts"),
    Column(
        "last_called_at", "When the last call ended, in UTC.", time_sql("contact.last_called_at")
    ),
    Column("callback_at", "When to call back, in UTC.", time_sql("contact.callback_at")),
    Column(
        "added_at",
        "When the person came into the campaign, in UTC.",
        time_sql("contact.created_at"),
    ),
)
# These are all the times of change that the table has.
CHANGED_SINCE = """(%(since)s::timestamptz IS NULL
    OR greatest(contact.created_at, contact.last_called_at, contact.suppressed_at)
        >= %(since)s::timestamptz)"""
# An erased person has only a row without a number.
_OF_CAMPAIGN = f"contact.campaign_id = %(campaign_id)s AND contact.phone <> '' AND {CHANGED_SINCE}"


def people_table(campaign: Campaign, since: datetime | None = None) -> Table:
    """Return the table for a file of every person of the campaign, except erased people. With
    `since`, the file has only people who were added, called or put on the do-not-call list at that
    moment or later."""
    columns = [*PEOPLE_COLUMNS, *kept_columns(campaign.id)]
    numbers = resting_numbers(campaign, now())
    head, join = "", ""
    values: dict[str, Any] = {"campaign_id": campaign.id, "since": since}
    if numbers is not None:
        head, join = _RESTING, _JOIN_RESTING
        values |= {**numbers._asdict(), "now": now()}
        columns = [
            replace(column, sql=status_sql("resting.phone IS NOT NULL"))
            if column.name == "status"
            else column
            for column in columns
        ]
    return Table(
        header=[column.name for column in columns],
        query=f"{head} SELECT {select_list(columns)} FROM contact"  # noqa: S608
        f" JOIN contact_list ON contact_list.id = contact.contact_list_id{join}"
        f" WHERE {_OF_CAMPAIGN} ORDER BY contact.id",
        count=f"SELECT count(*) FROM contact WHERE {_OF_CAMPAIGN}",  # noqa: S608
        values=values,
    )
