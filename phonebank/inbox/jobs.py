"""The job that reads the marked answers in recorded calls: answers that need action or give a tag.
It does no harm if the job runs twice, runs late, or runs at the same time as another run."""

from phonebank.calls.changed_calls import campaigns_with_marked_answers, mark_read, read_since
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.inbox.find import find_items
from phonebank.models import now
from phonebank.persons.answer_tags import tag_by_answers


@job(CHORES, timeout=10 * 60)
def read_marked_answers() -> None:
    """Fill the inboxes and tag people, campaign by campaign."""
    for campaign_id in campaigns_with_marked_answers():
        at = now()
        since = read_since(campaign_id, at)
        find_items(campaign_id, since, at)
        tag_by_answers(campaign_id, since, at)
        mark_read(campaign_id, at)
        db.session.commit()
