"""What volunteers agreed to. Each consent has its own date. These functions do not commit."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Consent, ConsentKind, Volunteer, now
from phonebank.volunteers.volunteers import stop_keeping_calls

# What each consent means, in the words that the volunteer reads.
IN_WORDS = {
    ConsentKind.CALLS: "Your calls are kept under your e-mail address.",
    ConsentKind.PARTY: "You get e-mails about this party.",
    ConsentKind.NEWS: "You get news by e-mail.",
}


def give(
    volunteer: Volunteer, kind: ConsentKind, campaign_id: int, party_id: int | None = None
) -> None:
    """Store a consent of the volunteer, with the current date. The consent is of this kind, for
    this campaign and, if `party_id` is given, for this party. If the volunteer has already given
    the same consent and has not withdrawn it, the consent keeps its date."""
    db.session.execute(
        insert(Consent)
        .values(volunteer_id=volunteer.id, kind=kind, campaign_id=campaign_id, party_id=party_id)
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
    """Withdraw one consent. If this consent let a campaign keep the volunteer's calls, the calls in
    that campaign are no longer kept under the volunteer.

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
        .returning(Consent.kind, Consent.campaign_id)
    ).first()
    if withdrawn is None:
        raise NotFoundError("You've withdrawn this already.", "Reload the page.")
    if withdrawn.kind == ConsentKind.CALLS:
        stop_keeping_calls(volunteer, withdrawn.campaign_id)
