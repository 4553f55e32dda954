"""Area editors and trainers: people whom an organiser has asked to do more than call. An area
editor checks a campaign's events around a place. These functions do not commit."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.models import Campaign, Place, Volunteer, VolunteerRole, VolunteerRoleKind, now
from phonebank.parties.display_names import clean_name
from phonebank.places.find import describe_place

# How far around a place an editor's area may reach, in kilometres.
REACHES = (10, 30, 60, 200)


def name_editor(
    campaign: Campaign, email: str, first_name: str, place: Place, km: int
) -> VolunteerRole:
    """Let the person with this e-mail address check the campaign's events within `km` kilometres of
    a place. `km` is one of REACHES. If the person already checks events around this place, only
    `km` and the first name change. Raises InvalidInputError for a name, an address or a `km` that
    cannot be used."""
    if km not in REACHES:
        raise InvalidInputError("Choose how far the area reaches.")
    area = describe_place(place)[:200]
    return _give(
        campaign,
        email,
        first_name,
        VolunteerRoleKind.EDITOR,
        area=area,
        latitude=place.latitude,
        longitude=place.longitude,
        km=km,
    )


def name_trainer(campaign: Campaign, email: str, first_name: str) -> VolunteerRole:
    """Let the person with this e-mail address run the campaign's trainings and check its events.
    Raises InvalidInputError for a name or an address that cannot be used. If the person is already
    a trainer, only the first name changes."""
    return _give(campaign, email, first_name, VolunteerRoleKind.TRAINER)


def roles_in(campaign: Campaign) -> Sequence[VolunteerRole]:
    """Return the campaign's editors and trainers, sorted by kind and name."""
    return db.session.scalars(
        select(VolunteerRole)
        .where(VolunteerRole.campaign_id == campaign.id)
        .order_by(VolunteerRole.kind, VolunteerRole.first_name, VolunteerRole.id)
    ).all()


def roles_of(volunteer: Volunteer) -> Sequence[VolunteerRole]:
    """Return the volunteer's roles, except those in campaigns whose personal data has been erased
    or is being erased."""
    return db.session.scalars(
        select(VolunteerRole)
        .join(Campaign, Campaign.id == VolunteerRole.campaign_id)
        .where(VolunteerRole.email == volunteer.email, Campaign.erasing_since.is_(None))
        .order_by(Campaign.name, VolunteerRole.kind, VolunteerRole.id)
    ).all()


def take_role(campaign: Campaign, role_id: int) -> VolunteerRole:
    """Delete a role that a person has in this campaign, and return the role. Raises NotFoundError
    if the campaign has no such role."""
    role = db.session.get(VolunteerRole, role_id)
    if role is None or role.campaign_id != campaign.id:
        raise NotFoundError("This person doesn't have this role any more.", "Reload the page.")
    db.session.delete(role)
    return role


def give_role_up(volunteer: Volunteer, role_id: int) -> None:
    """Delete a role that the volunteer does not want any more. Raises NotFoundError if the
    volunteer has no such role."""
    role = db.session.get(VolunteerRole, role_id)
    if role is None or role.email != volunteer.email:
        raise NotFoundError("You don't have this role any more.", "Reload the page.")
    db.session.delete(role)


def name_with_role(email: str) -> str | None:
    """Return the first name of the person with this e-mail address if the person has a role in any
    campaign. Otherwise, return None. `email` is an address that `normalise_email` has returned."""
    query = select(VolunteerRole.first_name).where(VolunteerRole.email == email)
    return db.session.scalars(query.limit(1)).first()


def _give(
    campaign: Campaign, email: str, first_name: str, kind: VolunteerRoleKind, **area: object
) -> VolunteerRole:
    values = {
        "campaign_id": campaign.id,
        "email": normalise_email(email),
        "first_name": clean_name(first_name, "first name"),
        "kind": kind,
        "area": "",
        "latitude": 0.0,
        "longitude": 0.0,
        "given_at": now(),
    } | area
    statement = insert(VolunteerRole).values(values)
    return db.session.scalars(
        statement.on_conflict_do_update(
            index_elements=["campaign_id", "email", "kind", "area"],
            set_={"km": statement.excluded.km, "first_name": statement.excluded.first_name},
        ).returning(VolunteerRole),
        execution_options={"populate_existing": True},
    ).one()
