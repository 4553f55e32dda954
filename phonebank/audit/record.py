"""Adds entries to the permanent record of what organisers, jobs and volunteers did. The calling
code commits."""

from typing import Any

from phonebank.core.db import db
from phonebank.models import Account, AuditEntry, Campaign


def record_audit(
    action: str,
    *,
    account: Account | None,
    campaign: Campaign | None = None,
    subject_kind: str | None = None,
    subject_id: object = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add an entry about one action to the permanent record, in the same transaction as the action.

    `action` says what was done, in up to 40 characters. `account` is None if a job or a volunteer
    acted. `before` and `after` are the values before and after the action, as JSON.

    An entry can never be changed or deleted, so `before` and `after` must not contain the name or
    number of a person who is called. So the calling code must not pass any text in which an
    organiser may have mentioned a called person, for example a message or a reason.
    """
    db.session.add(
        AuditEntry(
            action=action,
            account_id=account.id if account is not None else None,
            campaign_id=campaign.id if campaign is not None else None,
            subject_kind=subject_kind,
            subject_id=None if subject_id is None else str(subject_id),
            before=before,
            after=after,
        )
    )
