"""The calls file: one row for each time a person was on a caller's screen."""

from collections.abc import Iterator

from sqlalchemy import text

from phonebank.exports.cells import csv_chunks
from phonebank.exports.columns import COLUMNS, answer_columns, steps_asked
from phonebank.exports.row_stream import stream_rows
from phonebank.models import Campaign

_CALLS = """
SELECT call.id AS call_id, call.started_at, call.ended_at, call.ending, call.recorded_at,
       call.outcome,
       call.reached, call.conversation, call.yes, call.counted, call.late,
       call.set_aside_at IS NOT NULL AS set_aside, call.note,
       call.script_version_id, jsonb_array_length(call.household) AS household,
       call.phone AS contact_phone,
       caller.first_name AS caller, party.title AS party, contact_list.name AS list,
       contact.external_id AS contact_external_id, contact.first_name AS contact_first_name,
       contact.last_name AS contact_last_name, contact.postcode AS contact_postcode,
       script.name AS script, script_version.number AS script_version,
       experiment_arm.label AS experiment_arm,
       (SELECT jsonb_object_agg(answer.step_id, answer.value)
        FROM answer WHERE answer.call_id = call.id) AS answers
FROM call
JOIN contact ON contact.id = call.contact_id
JOIN contact_list ON contact_list.id = contact.contact_list_id
JOIN caller ON caller.id = call.caller_id
LEFT JOIN party ON party.id = call.party_id
LEFT JOIN script_version ON script_version.id = call.script_version_id
LEFT JOIN script ON script.id = script_version.script_id
LEFT JOIN experiment_arm ON experiment_arm.id = call.experiment_arm_id
WHERE call.campaign_id = :campaign_id
"""
# Recorded calls come first, in the order of an index, so PostgreSQL sorts nothing and sends the
# first row at once. The few calls without an outcome follow.
_SIGHTS = text(f"""
({_CALLS} AND call.recorded_at IS NOT NULL ORDER BY call.recorded_at, call.id)
UNION ALL
({_CALLS} AND call.recorded_at IS NULL ORDER BY call.started_at, call.id)
""")


def calls_file(campaign: Campaign, mark: bool = False) -> Iterator[str]:
    """Return every call of the campaign as pieces of CSV text; `csv_chunks` explains `mark`.

    Recorded calls come first. Then come calls that were released, expired or withdrawn, and calls
    on a screen now. The column `ending` tells them apart.

    The rows come through a cursor on the server. So memory use stays constant, and the file shows
    one moment of the database, even if the download takes long.
    """
    columns = list(COLUMNS)
    for step_id, versions in steps_asked(campaign).items():
        columns += answer_columns(campaign, step_id, versions)
    calls = stream_rows(_SIGHTS, campaign_id=campaign.id)
    rows = ([column.value(call) for column in columns] for call in calls)
    return csv_chunks([column.name for column in columns], rows, mark)
