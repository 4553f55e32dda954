"""The job that fills the inboxes. It may run twice, late, or at the same time as another."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.inbox.find import campaigns_with_inbox, find_items


@job(CHORES, timeout=10 * 60)
def fill_inboxes() -> None:
    """Find the new answers that need action, campaign by campaign."""
    for campaign_id in campaigns_with_inbox():
        find_items(campaign_id)
        db.session.commit()
