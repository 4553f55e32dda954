"""Finds the answers that need action in the recorded calls, so that recording a call writes nothing
for the inbox. These functions do not commit."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import InboxState, now
from phonebank.models.call import TAKEN_OVER
from phonebank.models.state_column import state_text

# Calls of the last minutes are read again, because the servers' clocks differ and a transaction may
# commit later than one that began after it.
READ_AGAIN = timedelta(minutes=10)
BEFORE_ALL_CALLS = timedelta(days=3650)

# Whether an answer is one that its script marks. A question with several answers stores a list.
NEEDS_ACTION = """EXISTS (
    SELECT FROM jsonb_array_elements(
        CASE jsonb_typeof(answer.value) WHEN 'array' THEN answer.value
             ELSE jsonb_build_array(answer.value) END) AS given(key)
    WHERE script_version.needs_action -> answer.step_id @> given.key
)"""
_CAMPAIGNS = text("""
SELECT DISTINCT campaign_id FROM script JOIN script_version ON script_version.script_id = script.id
WHERE script_version.needs_action <> '{}'
""")
_READ_TO = text("SELECT read_to FROM inbox_mark WHERE campaign_id = :campaign_id")
# An answer that was taken over from an earlier call is left out, because it came into the inbox
# with that call.
_FIND_WORDS = f"""
INSERT INTO inbox_item
    (campaign_id, contact_id, call_id, step_id, recorded_at, state, changed_at, note)
SELECT call.campaign_id, call.contact_id, call.id, answer.step_id, call.recorded_at, :open, :at, ''
FROM call
JOIN script_version ON script_version.id = call.script_version_id
    AND script_version.needs_action <> '{{}}'
JOIN answer ON answer.call_id = call.id
JOIN contact ON contact.id = call.contact_id AND contact.phone <> ''  -- not erased
WHERE call.campaign_id = :campaign_id AND call.outcome IS NOT NULL
  AND call.recorded_at IS NOT NULL AND %s
  AND call.set_aside_at IS NULL
  AND answer.seq IS DISTINCT FROM {TAKEN_OVER}
  AND {NEEDS_ACTION}
ORDER BY call.recorded_at
ON CONFLICT (call_id, step_id) DO NOTHING
"""  # noqa: S608
_FIND = (
    state_text(_FIND_WORDS % "call.recorded_at > :since", open=InboxState.OPEN),
    # An organiser may have corrected an answer of an older call.
    state_text(
        _FIND_WORDS % "call.id IN (SELECT call_id FROM call_correction WHERE at > :since)",
        open=InboxState.OPEN,
    ),
)
_MARK = text("""
INSERT INTO inbox_mark (campaign_id, read_to) VALUES (:campaign_id, :at)
ON CONFLICT (campaign_id) DO UPDATE SET read_to = greatest(inbox_mark.read_to, excluded.read_to)
""")


def campaigns_with_inbox() -> list[int]:
    """Return the ids of the campaigns that have ever had a script with such answers."""
    return list(db.session.scalars(_CAMPAIGNS))


def find_items(campaign_id: int) -> None:
    """Add the answers that need action from calls that were recorded or corrected since the last
    run."""
    at = now()
    read_to: datetime | None = db.session.scalar(_READ_TO, {"campaign_id": campaign_id})
    # The clock may have been set back since the last run.
    since = min(read_to, at) - READ_AGAIN if read_to else at - BEFORE_ALL_CALLS
    for find in _FIND:
        db.session.execute(find, {"campaign_id": campaign_id, "since": since, "at": at})
    db.session.execute(_MARK, {"campaign_id": campaign_id, "at": at})
