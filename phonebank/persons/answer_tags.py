"""Tags people by their answers. A job reads the answers from the recorded calls. So recording a
call does not itself write tags. These functions do not commit.

For each question, only the person's newest answer counts. So a tag is taken away if none of the
person's newest answers gives this tag any more. This can happen after another call, or after a
correction. It can also happen if the call with the answer that gave the tag is undone or set aside
(taken out of every total). This module takes away only tags that came from answers.
"""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.calls.changed_calls import CHANGED_CALLS
from phonebank.core.db import db

# A caller may undo a call for half a day (`calls.undo`). Tags that are older than this cannot go
# because of an undo.
UNDONE_WITHIN = timedelta(hours=13)

_HAS_TAGS = text("""
SELECT EXISTS (
    SELECT FROM script JOIN script_version ON script_version.script_id = script.id
    WHERE script.campaign_id = :campaign_id AND script_version.tags <> '{}'
)
""")
# The people whose calls have changed. An undone call is open again, or its tag is recent.
_TAG = text(f"""
WITH changed AS ({CHANGED_CALLS}
    UNION
    SELECT id FROM call
    WHERE campaign_id = :campaign_id AND ended_at IS NULL AND reopened_at IS NOT NULL
    UNION
    SELECT call.id FROM contact_tag JOIN call ON call.id = contact_tag.call_id
    WHERE contact_tag.call_id IS NOT NULL AND contact_tag.given_at > :undone_since
      AND call.campaign_id = :campaign_id AND call.outcome IS NULL
), people AS MATERIALIZED (
    SELECT DISTINCT contact_id FROM call WHERE id IN (SELECT id FROM changed)
), newest AS (
    SELECT DISTINCT ON (call.contact_id, answer.step_id)
        call.contact_id, call.id AS call_id, call.script_version_id, answer.step_id, answer.value
    FROM people JOIN call USING (contact_id)
    JOIN answer ON answer.call_id = call.id AND answer.value <> 'null'
    WHERE call.outcome IS NOT NULL AND call.set_aside_at IS NULL
    ORDER BY call.contact_id, answer.step_id, call.recorded_no DESC
), wanted AS (
    SELECT DISTINCT newest.contact_id, newest.call_id, given.tag
    FROM newest JOIN script_version ON script_version.id = newest.script_version_id
    CROSS JOIN LATERAL jsonb_each_text(script_version.tags -> newest.step_id) AS given(key, tag)
    WHERE newest.value @> to_jsonb(given.key)
), present AS (
    SELECT contact_id, call_id, tag FROM people JOIN contact_tag USING (contact_id)
    WHERE call_id IS NOT NULL
), taken AS (
    DELETE FROM contact_tag USING (SELECT * FROM present EXCEPT SELECT * FROM wanted) AS gone
    WHERE contact_tag.contact_id = gone.contact_id AND contact_tag.call_id = gone.call_id
      AND contact_tag.tag = gone.tag
)
INSERT INTO contact_tag (contact_id, tag, call_id, given_at)
SELECT contact.id, added.tag, added.call_id, :at
FROM (SELECT * FROM wanted EXCEPT SELECT * FROM present) AS added
JOIN contact ON contact.id = added.contact_id AND contact.phone <> ''  -- not erased
ORDER BY contact.id
FOR KEY SHARE OF contact
ON CONFLICT DO NOTHING
""")  # noqa: S608


def tag_by_answers(campaign_id: int, since: datetime, at: datetime) -> None:
    """Update the tags of people whose calls have changed: add the tags of their newest answers, and
    remove tags that no answer gives any more. If no script of the campaign gives tags, change
    nothing. `since` (aware) is the result of `read_since`: calls that changed later are read. `at`
    is the current moment."""
    values = {"campaign_id": campaign_id}
    if db.session.scalar(_HAS_TAGS, values):
        moments = {"since": since, "at": at, "undone_since": at - UNDONE_WITHIN}
        db.session.execute(_TAG, values | moments)
