"""Volunteers, and which callers belong to each volunteer. These functions do not commit."""

import hmac
import secrets
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.models import (
    Caller,
    Campaign,
    Consent,
    EmailConfirmation,
    Volunteer,
    VolunteerCaller,
    VolunteerRole,
)

# The key of the volunteer in the session cookie.
COOKIE_KEY = "volunteer"


def find_or_create(email: str, first_name: str) -> Volunteer:
    """Return the volunteer with this e-mail address. If there is none, store a new volunteer with
    this address and first name. A volunteer who already exists keeps their own first name. The
    calling code must have confirmed the address: somebody has just used a link that was mailed to
    it."""
    db.session.execute(
        insert(Volunteer)
        .values(email=email, first_name=first_name)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    return db.session.scalars(select(Volunteer).where(Volunteer.email == email)).one()


def volunteer_with(email: str) -> Volunteer | None:
    """Return the volunteer with this e-mail address, or None."""
    return db.session.scalar(select(Volunteer).where(Volunteer.email == email))


def keep_calls(volunteer: Volunteer, caller: Caller) -> None:
    """Record that this caller belongs to this volunteer, so that the caller's calls are kept under
    the volunteer. If the caller already belongs to a volunteer, nothing changes."""
    db.session.execute(
        insert(VolunteerCaller)
        .values(caller_id=caller.id, volunteer_id=volunteer.id)
        .on_conflict_do_nothing(index_elements=["caller_id"])
    )


def volunteer_of(caller: Caller) -> Volunteer | None:
    """Return the volunteer to whom this caller belongs, or None."""
    return db.session.scalar(
        select(Volunteer)
        .join(VolunteerCaller, VolunteerCaller.volunteer_id == Volunteer.id)
        .where(VolunteerCaller.caller_id == caller.id)
    )


def cookie_for(volunteer: Volunteer) -> dict[str, Any]:
    """Return the value that signs this volunteer in on a device. It must be stored under COOKIE_KEY
    in the device's session cookie."""
    return {"id": volunteer.id, "token": volunteer.device_token}


def volunteer_of_cookie(known: object) -> Volunteer | None:
    """Return the volunteer who is signed in on a device. `known` is the value for COOKIE_KEY in the
    device's session cookie. Return None if `known` does not come from `cookie_for`, if the
    volunteer no longer exists, or if the volunteer has since signed out everywhere."""
    if not isinstance(known, dict) or type(known.get("id")) is not int:
        return None
    volunteer = db.session.get(Volunteer, known["id"])
    if volunteer is None:
        return None
    is_same = hmac.compare_digest(volunteer.device_token, str(known.get("token")))
    return volunteer if is_same else None


def keep_calls_of_device(known: object, caller: Caller) -> None:
    """Keep a caller's calls under the volunteer who is signed in on the caller's device. This is
    for a caller who has just joined. Nothing changes if no volunteer is signed in, or if the
    volunteer has not agreed that the caller's campaign keeps their calls. `known` is the value for
    COOKIE_KEY in the device's session cookie."""
    volunteer = volunteer_of_cookie(known)
    if volunteer is None:
        return
    agreed = exists().where(
        Consent.volunteer_id == volunteer.id,
        Consent.campaign_id == caller.campaign_id,
        Consent.withdrawn_at.is_(None),
    )
    if db.session.scalar(select(agreed)):
        keep_calls(volunteer, caller)


def stop_keeping_calls(volunteer: Volunteer, campaign_id: int) -> None:
    """Record that the volunteer's callers in one campaign no longer belong to the volunteer, so
    that their calls are no longer kept under the volunteer. The calls are not deleted: they stay
    under the callers' first names."""
    callers = select(Caller.id).where(Caller.campaign_id == campaign_id)
    db.session.execute(
        delete(VolunteerCaller).where(
            VolunteerCaller.volunteer_id == volunteer.id, VolunteerCaller.caller_id.in_(callers)
        )
    )


def sign_out_everywhere(volunteer: Volunteer) -> None:
    """Make the volunteer's cookies on all devices invalid. Raises NotFoundError if another
    transaction has deleted the volunteer."""
    lock_row(volunteer)
    volunteer.device_token = secrets.token_urlsafe(24)


def forget(volunteer: Volunteer) -> None:
    """Delete the volunteer, their consents, their roles, and the unused links that were mailed to
    their address. The calls are not deleted: they stay under the callers' first names."""
    db.session.execute(delete(EmailConfirmation).where(EmailConfirmation.email == volunteer.email))
    db.session.execute(delete(VolunteerRole).where(VolunteerRole.email == volunteer.email))
    db.session.execute(delete(Volunteer).where(Volunteer.id == volunteer.id))


def forget_after_campaigns() -> None:
    """Remove the links between volunteers and each campaign whose personal data has been erased or
    is being erased. Such a campaign's callers no longer belong to volunteers, and its consents and
    roles are deleted. Then delete the volunteers who have no role left, and no consent or only
    withdrawn consents."""
    over = select(Campaign.id).where(Campaign.erasing_since.is_not(None))
    callers = select(Caller.id).where(Caller.campaign_id.in_(over))
    db.session.execute(delete(VolunteerCaller).where(VolunteerCaller.caller_id.in_(callers)))
    db.session.execute(delete(Consent).where(Consent.campaign_id.in_(over)))
    db.session.execute(delete(VolunteerRole).where(VolunteerRole.campaign_id.in_(over)))
    db.session.execute(
        delete(Volunteer).where(
            ~exists().where(Consent.volunteer_id == Volunteer.id, Consent.withdrawn_at.is_(None)),
            ~exists().where(VolunteerRole.email == Volunteer.email),
        )
    )
