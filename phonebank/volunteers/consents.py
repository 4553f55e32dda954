"""The volunteers' consents: each lets one campaign keep a volunteer's calls under their e-mail
address. These functions do not commit."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Consent, Volunteer, now
from phonebank.volunteers.volunteers import stop_keeping_calls


def give(volunteer: Volunteer, campaign_id: int) -> None:
    """Record that the volunteer lets the campaign keep their calls, with the current date. If the
    volunteer has already given this consent and has not withdrawn it, the consent keeps its
    date."""
    db.session.execute(
        insert(Consent)
        .values(volunteer_id=volunteer.id, campaign_id=campaign_id)
        .on_conflict_do_nothing()
    )


def consents_of(volunteer: Volunteer) -> Sequence[Consent]:
    """Return the volunteer's consents that are not withdrawn, newest first."""
    return db.session.scalars(
        select(Consent)
        .where(Consent.volunteer_id == volunteer.id, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at.desc(), Consent.id.desc())
    ).all()


def withdraw(volunteer: Volunteer, consent_id: int) -> None:
    """Withdraw one consent. The calls in its campaign are then no longer kept under the volunteer.

    Raises NotFoundError if the volunteer has no such consent, or has already withdrawn it.
    """
    withdrawn = db.session.execute(
        update(Consent)
        .where(
            Consent.id == consent_id,
            Consent.volunteer_id == volunteer.id,
            Consent.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now())
        .returning(Consent.campaign_id)
    ).first()
    if withdrawn is None:
        raise NotFoundError("You've withdrawn this already.", "Reload the page.")
    stop_keeping_calls(volunteer, withdrawn.campaign_id)
