"""The calls file: one row for each call. The database stores a call when a caller is given a person
to call. If a machine dials before a caller is free, the database stores the call when the person is
chosen, even if no caller is connected later."""

from datetime import datetime

from phonebank.exports.answer_words import AnswerWords
from phonebank.exports.cells import copied_cells, copied_line, joined
from phonebank.exports.columns import COLUMNS, answer_columns, steps_asked
from phonebank.exports.kept_columns import kept_columns
from phonebank.exports.tables import Table, select_list
from phonebank.models import Campaign

# The answers of a call by step, as JSON.
ANSWERS = """(SELECT jsonb_object_agg(answer.step_id, answer.value)
        FROM answer WHERE answer.call_id = call.id)"""
_JOINS = """
FROM call
JOIN contact ON contact.id = call.contact_id
JOIN contact_list ON contact_list.id = contact.contact_list_id
LEFT JOIN caller ON caller.id = call.caller_id
LEFT JOIN party ON party.id = call.party_id
LEFT JOIN script_version ON script_version.id = call.script_version_id
LEFT JOIN script ON script.id = script_version.script_id
LEFT JOIN experiment_arm ON experiment_arm.id = call.experiment_arm_id
"""
# A call changes when it begins, when it ends, and when its outcome is undone. It also changes when
# an organiser corrects it, sets it aside or brings it back.
CHANGED_SINCE = """(%(since)s::timestamptz IS NULL
    OR greatest(call.started_at, call.ended_at, call.reopened_at, call.organiser_changed_at)
        >= %(since)s::timestamptz)"""
_OF_CAMPAIGN = f"call.campaign_id = %(campaign_id)s AND {CHANGED_SINCE}"

_NAMES = [column.name for column in COLUMNS]
_FIRST_NAME = _NAMES.index("contact_first_name")
_LAST_NAME = _NAMES.index("contact_last_name")
_CALLER = _NAMES.index("caller")


def calls_table(campaign: Campaign, since: datetime | None = None) -> Table:
    """Return the table for a file of all calls in the campaign. With `since`, the file has only
    calls that changed at that moment or later.

    Recorded calls come first. After them come calls that ended without an outcome, and calls that
    have not ended. The column `ending` says how a call ended.
    """
    asked = steps_asked(campaign)
    words = AnswerWords(campaign, asked)
    columns = [*COLUMNS, *kept_columns(campaign.id)]
    no_answers = "," * words.columns

    def lines(row: str) -> str:
        cells, version_id, answers = row.rsplit("\t", 2)
        if not answers:
            return copied_line(cells) + no_answers
        [plain] = copied_cells(answers)
        own = copied_cells(cells)
        person = {
            "first_name": own[_FIRST_NAME],
            "last_name": own[_LAST_NAME],
            "caller_name": own[_CALLER],
        }
        return f"{copied_line(cells)},{joined(words.cells(version_id, plain, person))}"

    select = f"SELECT {select_list(columns)}, call.script_version_id, {ANSWERS} {_JOINS}"
    return Table(
        header=[
            *(column.name for column in columns),
            *(n for n, _ in answer_columns(campaign, asked)),
        ],
        # Recorded calls come in the order of an index, so PostgreSQL sorts nothing and sends the
        # first row at once. The few calls without an outcome follow.
        query=f"""
({select} WHERE {_OF_CAMPAIGN} AND call.recorded_at IS NOT NULL ORDER BY call.recorded_at, call.id)
UNION ALL
({select} WHERE {_OF_CAMPAIGN} AND call.recorded_at IS NULL ORDER BY call.started_at, call.id)
""",
        count=f"SELECT count(*) FROM call WHERE {_OF_CAMPAIGN}",  # noqa: S608
        values={"campaign_id": campaign.id, "since": since},
        lines=lines if asked else lambda row: copied_line(row.rsplit("\t", 2)[0]),
    )
