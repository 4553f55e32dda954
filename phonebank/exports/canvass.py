"""The canvass file: the results of calls, with the headings and result names of VAN, a database of
voters.

A call has one row for each answer, as in VAN's survey export, or one row if it has no answers.
"""

import json
from datetime import datetime
from typing import Any

from phonebank.exports.answer_words import AnswerWords, key_of
from phonebank.exports.calls import ANSWERS, CHANGED_SINCE
from phonebank.exports.cells import cell_text, copied_cells, copied_line, joined
from phonebank.exports.columns import FITS, steps_asked
from phonebank.exports.tables import Table
from phonebank.models import Campaign

HEADER = (
    "Voter File VANID",
    "Contact Name",
    "Phone",
    "Date Canvassed",
    "Result",
    "Contact Type",
    "Canvassed By",
    "Input Type Name",
    "Survey Question Name",
    "Survey Question Type",
    "Survey Response",
)
# VAN's name for each of our outcomes.
RESULTS = {
    "no_answer": "Not Home",
    "answerphone": "Not Home",
    "left_message": "Left Message",
    "busy": "Busy",
    "talked": "Canvassed",
    "partial": "Canvassed",
    "call_back": "Call Back",
    "bad_time": "Call Back",
    "hung_up": "Refused",
    "refused": "Refused",
    "language_barrier": "Language Barrier",
    "wrong_number": "Wrong Number",
    "disconnected": "Disconnected",
    "moved": "Moved",
    "line_fault": "Deliverability Error",
    "do_not_call": "Do Not Call",
    "deceased": "Deceased",
    "not_suitable": "Refused",
}
_QUESTION_TYPES = dict.fromkeys(FITS, "Other") | {
    "choice": "Multiple Choice",
    "several": "Multiple Choice",
    "scale": "Rating",
}
_RESULT = (
    "CASE call.outcome"
    + "".join(f" WHEN '{key}' THEN '{result}'" for key, result in RESULTS.items())
    + " END"
)
_OF_CAMPAIGN = f"""call.campaign_id = %(campaign_id)s AND call.recorded_at IS NOT NULL
    AND call.set_aside_at IS NULL AND call.outcome <> 'skipped' AND {CHANGED_SINCE}"""


def canvass_table(campaign: Campaign, since: datetime | None = None) -> Table:
    """Return the table for the campaign's canvass file, with one or more rows for each call whose
    outcome was recorded. With `since`, the file has only calls that changed at that moment or
    later. Calls with the outcome “skipped” are left out, and so are calls that an organiser has set
    aside (taken out of every total)."""
    asked = steps_asked(campaign)
    words = AnswerWords(campaign, asked)
    types = {
        step_id: _QUESTION_TYPES[versions[0].step.answer or "text"]
        for step_id, versions in asked.items()
    }

    order = {step_id: place for place, step_id in enumerate(types)}

    def in_order(answers: dict[str, Any]) -> list[tuple[str, Any]]:
        return sorted(answers.items(), key=lambda answer: order.get(answer[0], len(order)))

    def lines(row: str) -> str:
        cells, first_name, last_name, version_id, answers = row.rsplit("\t", 4)
        call = copied_line(cells)
        if not answers:
            return f"{call},,,"
        [caller] = copied_cells(cells)[6:7]
        [first], [last] = copied_cells(first_name), copied_cells(last_name)
        person = {"first_name": first, "last_name": last, "caller_name": caller}
        [plain] = copied_cells(answers)
        return "\r\n".join(
            f"{call},{joined(map(cell_text, (title, kind, response)))}"
            for title, kind, response in (
                (
                    words.title(version_id, step_id),
                    types.get(step_id, ""),
                    words.words(version_id, step_id, value, person) or cell_text(key_of(value)),
                )
                for step_id, value in in_order(json.loads(plain))
            )
        )

    return Table(
        header=HEADER,
        query=f"""
SELECT contact.external_id, concat_ws(' ', nullif(contact.first_name, ''),
       nullif(contact.last_name, '')), '''' || nullif(call.phone, ''),
       to_char(call.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), {_RESULT}, 'Phone',
       caller.first_name, 'Phonebank', contact.first_name, contact.last_name,
       call.script_version_id, {ANSWERS}
FROM call
JOIN contact ON contact.id = call.contact_id
LEFT JOIN caller ON caller.id = call.caller_id
WHERE {_OF_CAMPAIGN} ORDER BY call.recorded_at, call.id
""",  # noqa: S608
        count=f"SELECT count(*) FROM call WHERE {_OF_CAMPAIGN}",  # noqa: S608
        values={"campaign_id": campaign.id, "since": since},
        lines=lines,
    )
