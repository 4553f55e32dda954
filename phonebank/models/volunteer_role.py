"""What a volunteer does for a campaign besides calling: checking events or training people."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.campaign import Campaign
from phonebank.models.state_column import state_check, state_type


class VolunteerRoleKind(StrEnum):
    """The kinds of role that a volunteer can have."""

    EDITOR = "editor"  # checks the events of an area
    TRAINER = "trainer"  # runs trainings, and checks the campaign's events


class VolunteerRole(Base):
    """A role that an organiser gave to an e-mail address. The role belongs to the volunteer who has
    confirmed this address. The volunteer may do that before or after the organiser gives the
    role."""

    __tablename__ = "volunteer_role"
    __table_args__ = (
        state_check(VolunteerRoleKind, "kind"),
        CheckConstraint("(kind = 'editor') = (km IS NOT NULL)", name="editors_have_an_area"),
        Index(
            "uq_volunteer_role",
            "campaign_id",
            "email",
            "kind",
            "area",
            unique=True,
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(255), index=True)
    first_name: Mapped[str] = mapped_column(String(40))
    kind: Mapped[VolunteerRoleKind] = mapped_column(state_type(VolunteerRoleKind))
    # An editor's area: the name and the centre of a place, and the area's radius in kilometres. A
    # trainer has the name "" and no radius.
    area: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float] = mapped_column(default=0.0)
    longitude: Mapped[float] = mapped_column(default=0.0)
    km: Mapped[int | None]
    given_at: Mapped[datetime] = mapped_column(default=now)
    # When the volunteer last got an e-mail that events wait for a check.
    told_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship()
