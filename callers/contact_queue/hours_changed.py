"""After a change of calling hours: nobody waits for an hour that no longer applies."""

from datetime import timedelta

from sqlalchemy import select

from callers.calling_hours import zones_from
from callers.contact_queue.hours import hours_of, rules_of
from callers.decision import callable_again
from callers.retry_rules import RetryRules
from phonebank.models import Campaign, Contact, now
from phonebank.models.contact import CALLABLE
from phonebank.stores import db

# Contacts a transaction: callers wait for none of them longer than a blink.
AT_ONCE = 500
# Once more a round later: an outcome on its way may have been decided by the old hours.
ROUNDS = 2
# Where no hour is open at all, they are looked at again then, or when the hours change.
FAR_AWAY = timedelta(days=60)


def settle(campaign: Campaign) -> int:
    """Work out anew when those who wait become callable, if the hours have changed since that was
    done; how many moved. Commits. May be killed and run again."""
    settled = campaign.hours_settled or {}
    same = settled.get("hours") == campaign.hours
    if same and settled["rounds"] >= ROUNDS:
        return 0
    done = {"hours": dict(campaign.hours), "rounds": settled["rounds"] + 1 if same else 1}
    moved = _look_again(campaign)
    campaign.hours_settled = done
    db.session.commit()
    return moved


def _look_again(campaign: Campaign) -> int:
    hours, country = hours_of(campaign), rules_of(campaign)
    retries = RetryRules.parse(campaign.retry_rules).retries
    campaign_id, after, moved = campaign.id, 0, 0
    while True:
        # Whoever is locked is being rung or recorded; never waiting, this can lock nobody out.
        some = db.session.scalars(
            select(Contact)
            .where(
                Contact.campaign_id == campaign_id,
                Contact.id > after,
                Contact.state == CALLABLE,
                Contact.rested_at.is_not(None),
                Contact.callable_at > now(),
            )
            .order_by(Contact.id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True, key_share=True)
            .execution_options(populate_existing=True)
        ).all()
        if not some:
            return moved
        after = some[-1].id
        for contact in some:
            rule = retries.get(contact.last_outcome or "")
            elsewhen = contact.last_called_at if rule and rule.another_time_of_day else None
            promised = contact.callback_at == contact.callable_at
            assert contact.rested_at is not None  # noqa: S101  (asked for above)
            again = callable_again(
                contact.rested_at,
                None if promised else elsewhen,
                zones_from(contact.zone_key),
                hours,
                country,
            )
            again = again or now() + FAR_AWAY
            moved += again != contact.callable_at
            contact.callable_at = again
            if promised:
                contact.callback_at = again
        db.session.commit()
