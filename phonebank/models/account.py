"""People who sign in: organisers, viewers and hosts. Callers are not accounts (see `caller.py`)."""

from datetime import datetime
from enum import StrEnum

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, text
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_type


class RoleName(StrEnum):
    """The names of the roles, which say what an account may do.

    A role is valid in the whole installation (a row of `account_role`), or only in one chapter or
    campaign (a row of `scoped_role`). A role in a chapter or campaign is always ORGANISER or
    VIEWER.
    """

    ORGANISER = "organiser"
    VIEWER = "viewer"
    HOST = "host"


account_role = Table(
    "account_role",
    Base.metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base, RoleMixin):
    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)


class ScopedRole(Base):
    """The role of an account in one campaign, or in one chapter and therefore in all its campaigns.

    A role in the whole installation is stored in `account_role` instead.
    """

    __tablename__ = "scoped_role"
    __table_args__ = (
        CheckConstraint(f"role IN {(str(RoleName.ORGANISER), str(RoleName.VIEWER))}", name="role"),
        CheckConstraint("num_nonnulls(chapter_id, campaign_id) = 1", name="one_scope"),
        Index(
            "uq_scoped_role_chapter",
            "account_id",
            "chapter_id",
            unique=True,
            postgresql_where=text("chapter_id IS NOT NULL"),
        ),
        Index(
            "uq_scoped_role_campaign",
            "account_id",
            "campaign_id",
            unique=True,
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    role: Mapped[RoleName] = mapped_column(state_type(RoleName))
    chapter_id: Mapped[int | None] = mapped_column(
        ForeignKey("chapter.id", ondelete="CASCADE"), index=True
    )
    campaign_id: Mapped[int | None] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)


class Account(Base, UserMixin):
    """A person who signs in with an e-mail address. Flask-Security requires most of these
    columns."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    us_totp_secrets: Mapped[str | None]
    us_phone_number: Mapped[str | None] = mapped_column(String(128), unique=True)
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    tf_phone_number: Mapped[str | None] = mapped_column(String(128))
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    # Sign-in links issued up to this moment no longer work.
    links_spent_until: Mapped[datetime | None]
    # The number of the 30-second step of the last used authenticator code, so that no code works
    # twice.
    totp_step_used: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    roles: Mapped[list[Role]] = relationship(secondary=account_role)  # type: ignore[assignment]

    # The account's roles that are each valid in only one chapter or campaign.
    scoped_roles: Mapped[list[ScopedRole]] = relationship()

    @property
    def is_organiser(self) -> bool:
        """Whether the account organises the whole installation."""
        return self.has_role(RoleName.ORGANISER)

    @property
    def organises_something(self) -> bool:
        """Whether the account organises the whole installation, a chapter or a campaign."""
        return self.is_organiser or any(
            scoped.role == RoleName.ORGANISER for scoped in self.scoped_roles
        )

    @property
    def views_something(self) -> bool:
        """Whether the account is an organiser or viewer of the whole installation, a chapter or a
        campaign."""
        return self.is_organiser or self.has_role(RoleName.VIEWER) or bool(self.scoped_roles)

    @property
    def is_host(self) -> bool:
        return self.has_role(RoleName.HOST)

    def check_tf_required(
        self, tf_setup_methods: list[tuple[str, str]], tf_fresh: bool
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Return whether the account needs a second factor now, and the methods that may be used
        for this. Flask-Security calls this method at sign-in.

        An account that has added a second factor needs it. If SECURITY_TWO_FACTOR_REQUIRED is set,
        an organiser who has not added one needs one too. This includes an organiser of only one
        chapter or campaign.
        """
        if not self.organises_something and not tf_setup_methods:
            return False, []
        return super().check_tf_required(tf_setup_methods, tf_fresh)

    def check_tf_required_setup(self) -> bool:
        """Whether the account must keep its second factor. Flask-Security calls this method on the
        page on which people set up their second factor."""
        return self.organises_something and super().check_tf_required_setup()
