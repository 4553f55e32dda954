"""Erases a campaign's people when the campaign's retention period is over.

A wrong clock must not erase anyone early. So the erasure is announced first, and starts at least a
day later. The erasure starts only if the clocks of both the server and PostgreSQL then say that the
erasure is due. After the erasure has begun, the clocks are not checked again. The calling code
commits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from phonebank.audit.record import record_audit
from phonebank.campaigns.data_protection import earliest_date_in, kept_until
from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.exports.files import erase_files_of
from phonebank.lists.uploads import discard
from phonebank.models import (
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    ListState,
    RefusedRow,
    UploadChunk,
    now,
)
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS
from phonebank.privacy.erase import erase_contacts
from phonebank.privacy.stored_files import erase_from_snapshots

# The time from the announcement on the campaign's page to the erasure.
ANNOUNCED_FOR = timedelta(days=1)
# One transaction erases this many people, which takes about a hundredth of a second.
AT_ONCE = 100

_STOPPED = "This campaign may not keep people's details any longer, so the import stopped."


def moment() -> datetime:
    """Return the current moment (aware) by the server's clock or by PostgreSQL's clock, whichever
    is earlier."""
    return min(now(), db.session.scalar(select(func.clock_timestamp())) or now())


def is_due(campaign: Campaign, at: datetime) -> bool:
    """Whether the campaign may no longer keep its people's data at `at` (aware). The campaign may
    keep the data until the day `kept_until` is over in every time zone of the campaign's country.
    False if there is no such day."""
    until = kept_until(campaign)
    return until is not None and earliest_date_in(campaign, at) > until


def look_for_due_campaigns() -> None:
    """Announce the erasure for campaigns that may no longer keep their people's data. Start the
    erasures that were announced at least ANNOUNCED_FOR ago.

    An announcement is cancelled if the campaign may now keep the data longer. If a wrong clock has
    dated an announcement in the future, the announcement gets the current time instead.
    """
    at = moment()
    undecided = select(Campaign).where(
        Campaign.erasing_since.is_(None),
        Campaign.ends_on.is_not(None) | Campaign.erasure_due_at.is_not(None),
    )
    for campaign in db.session.scalars(undecided.order_by(Campaign.id)).all():
        announced = campaign.erasure_due_at
        if is_due(campaign, at) == (announced is not None) and (announced or at) <= at:
            if announced is not None and at - announced >= ANNOUNCED_FOR:
                _begin(campaign, at)
            continue
        lock_row(campaign)
        campaign.erasure_due_at = at if is_due(campaign, at) else None


def campaigns_being_erased() -> Sequence[int]:
    """Return the ids of campaigns whose people are being erased."""
    query = select(Campaign.id).where(
        Campaign.erasing_since.is_not(None), Campaign.erased_at.is_(None)
    )
    return db.session.scalars(query.order_by(Campaign.id)).all()


def erase_some(campaign_id: int) -> bool:
    """Erase up to AT_ONCE people of a campaign, and return True. If nobody is left, erase the
    campaign's remaining data, and return False.

    The remaining data is the campaign's files for download, its uploads and its refused rows.
    Phonebank also keeps data about people for undoing calls to others. For erased people, this data
    is erased too.
    """
    ids = db.session.scalars(
        select(Contact.id)
        .where(Contact.campaign_id == campaign_id, Contact.phone > "")
        .limit(AT_ONCE)
    ).all()
    if ids:
        erase_contacts(ids, ends_calls=True)
        return True
    campaign = db.session.get_one(Campaign, campaign_id)
    lock_row(campaign)
    lists = select(ContactList.id).where(ContactList.campaign_id == campaign_id)
    # An upload that began before the erasure may have ended after the erasure began.
    db.session.execute(delete(UploadChunk).where(UploadChunk.contact_list_id.in_(lists)))
    db.session.execute(delete(RefusedRow).where(RefusedRow.contact_list_id.in_(lists)))
    erase_files_of(campaign_id)
    erase_from_snapshots()
    if campaign.erased_at is None:
        campaign.erased_at = now()
        record_audit("erased a campaign's people", account=None, campaign=campaign)
    return False


def _begin(campaign: Campaign, at: datetime) -> None:
    """Start to erase a campaign's people: end the campaign, delete its stored uploads, and stop its
    imports.

    An organiser may be giving the campaign more time at this moment, so the campaign's row is
    locked and read again. If the erasure is then no longer due, or has already begun, nothing
    changes.
    """
    lock_row(campaign)
    if campaign.erasing_since is not None or not is_due(campaign, at):
        return
    campaign.erasing_since = at
    campaign.state = CampaignState.ENDED
    record_audit(
        "began to erase a campaign's people",
        account=None,
        campaign=campaign,
        after={"kept_until": str(kept_until(campaign))},
    )
    for contact_list in db.session.scalars(
        select(ContactList)
        .where(ContactList.campaign_id == campaign.id)
        .order_by(ContactList.id)
        .with_for_update(key_share=True)
    ).all():
        discard(contact_list.id)
        contact_list.mark_counts = {}
        if contact_list.state in (ListState.UPLOADED, *LIST_STATES_IN_PROGRESS):
            contact_list.state, contact_list.fault = ListState.FAILED, _STOPPED
            contact_list.finished_at = at
