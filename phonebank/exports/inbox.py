"""The inbox file: one row for each answer on the pages of the campaign's inbox, whether or not an
organiser has already acted on the answer."""

import json
from datetime import datetime

from phonebank.exports.answer_words import AnswerWords
from phonebank.exports.cells import copied_cells, copied_line, joined
from phonebank.exports.columns import steps_asked
from phonebank.exports.kept_columns import kept_columns
from phonebank.exports.tables import Column, Table, phone_sql, select_list, time_sql
from phonebank.models import Campaign
from phonebank.models.inbox_item import NEEDS_ACTION

INBOX_COLUMNS = (
    Column("inbox_id", "The ID of the answer in the inbox.", "inbox_item.id"),
    Column("contact_id", "The person's ID in Phonebank.", "contact.id"),
    Column(
        "external_id", "The person's ID in your own list, if it has one.", "contact.external_id"
    ),
    Column("first_name", "The person's first name.", "contact.first_name"),
    Column("last_name", "The person's last name.", "contact.last_name"),
    Column("phone", "The number that was called, with its country code.", phone_sql("call.phone")),
    Column("email", "The person's e-mail address.", "contact.email"),
    Column("postcode", "The person's postcode.", "contact.postcode"),
    Column("answered_at", "When the call was recorded, in UTC.", time_sql("call.recorded_at")),
    Column("caller", "The caller's first name, as they gave it.", "caller.first_name"),
    Column("call_note", "The caller's note.", "call.note"),
    Column(
        "text_sent_at",
        "When the caller sent the text after the call, in UTC. Empty if they did not.",
        time_sql("text_sent.sent_at"),
    ),
    Column("inbox_state", "open, claimed or done.", "inbox_item.state"),
    Column(
        "inbox_by",
        "The organiser who does it, or has done it.",
        "coalesce(nullif(account.name, ''), account.email)",
    ),
    Column("inbox_note", "The organisers' note.", "inbox_item.note"),
)
# The last two columns are in the words of the script version that the caller saw.
WORDS = {
    "question": "The title of the question.",
    "answer": "The words of the answer, as the caller saw them.",
}
_NAMES = [column.name for column in INBOX_COLUMNS]
_FIRST_NAME, _LAST_NAME, _CALLER = (
    _NAMES.index(name) for name in ("first_name", "last_name", "caller")
)
_FROM = f"""
FROM inbox_item
JOIN call ON call.id = inbox_item.call_id
JOIN script_version ON script_version.id = call.script_version_id
JOIN answer ON answer.call_id = call.id AND answer.step_id = inbox_item.step_id
JOIN contact ON contact.id = inbox_item.contact_id
JOIN contact_list ON contact_list.id = contact.contact_list_id
JOIN caller ON caller.id = call.caller_id
LEFT JOIN account ON account.id = inbox_item.claimed_by_id
LEFT JOIN text_sent ON text_sent.call_id = call.id
WHERE inbox_item.campaign_id = %(campaign_id)s
  AND call.outcome IS NOT NULL AND call.set_aside_at IS NULL AND {NEEDS_ACTION}
  AND (%(since)s::timestamptz IS NULL OR inbox_item.changed_at >= %(since)s::timestamptz)
"""


def inbox_table(campaign: Campaign, since: datetime | None = None) -> Table:
    """Return the table for a file of the answers in the campaign's inbox. The file leaves out the
    answers that the pages of the inbox leave out. These are answers that were corrected and no
    longer need action, and answers from calls that were undone or set aside (taken out of every
    total). With `since`, the file has only answers whose inbox entry was added or changed at that
    moment or later."""
    words = AnswerWords(campaign, steps_asked(campaign))
    columns = [*INBOX_COLUMNS, *kept_columns(campaign.id)]

    def lines(row: str) -> str:
        cells, version_id, step_id, answer = row.rsplit("\t", 3)
        own, [value] = copied_cells(cells), copied_cells(answer)
        person = {
            "first_name": own[_FIRST_NAME],
            "last_name": own[_LAST_NAME],
            "caller_name": own[_CALLER],
        }
        said = words.words(version_id, step_id, json.loads(value), person) or ""
        return f"{copied_line(cells)},{joined([words.title(version_id, step_id), said])}"

    return Table(
        header=[*(column.name for column in columns), *WORDS],
        query=f"SELECT {select_list(columns)}, call.script_version_id, inbox_item.step_id,"
        f" answer.value {_FROM} ORDER BY inbox_item.id",
        count=f"SELECT count(*) {_FROM}",
        values={"campaign_id": campaign.id, "since": since},
        lines=lines,
    )
