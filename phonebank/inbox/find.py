"""Looks through the recorded calls for answers that need action. A job does this some time after a
call is recorded, so recording a call writes nothing to the inbox. These functions do not commit."""

from datetime import datetime

from phonebank.calls.changed_calls import CHANGED_CALLS
from phonebank.core.db import db
from phonebank.models import InboxState
from phonebank.models.call import TAKEN_OVER
from phonebank.models.inbox_item import NEEDS_ACTION
from phonebank.models.state_column import state_text

# An answer that was taken over from an earlier call is left out, because it came into the inbox
# with that call.
_FIND = state_text(
    f"""
INSERT INTO inbox_item
    (campaign_id, contact_id, call_id, step_id, recorded_at, state, changed_at, note)
SELECT call.campaign_id, call.contact_id, call.id, answer.step_id, call.recorded_at, :open, :at, ''
FROM ({CHANGED_CALLS}) AS changed JOIN call USING (id)
JOIN script_version ON script_version.id = call.script_version_id
    AND script_version.needs_action <> '{{}}'
JOIN answer ON answer.call_id = call.id
JOIN contact ON contact.id = call.contact_id AND contact.phone <> ''  -- not erased
WHERE call.outcome IS NOT NULL
  AND call.set_aside_at IS NULL
  AND answer.seq IS DISTINCT FROM {TAKEN_OVER}
  AND {NEEDS_ACTION}
ORDER BY call.recorded_at
ON CONFLICT (call_id, step_id) DO NOTHING
""",  # noqa: S608
    open=InboxState.OPEN,
)


def find_items(campaign_id: int, since: datetime, at: datetime) -> None:
    """Look through the calls that were recorded or changed after `since` (aware). Add the answers
    that need action to the inbox, unless they are already there. `at` is the current moment."""
    db.session.execute(_FIND, {"campaign_id": campaign_id, "since": since, "at": at})
