"""Area editors and trainers."""

import sqlalchemy as sa
from alembic import op

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volunteer_role",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("first_name", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("area", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("km", sa.Integer(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('editor', 'trainer')", name=op.f("ck_volunteer_role_kind")),
        sa.CheckConstraint(
            "(kind = 'editor') = (km IS NOT NULL)",
            name=op.f("ck_volunteer_role_editors_have_an_area"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_volunteer_role_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer_role")),
    )
    op.create_index(op.f("ix_volunteer_role_email"), "volunteer_role", ["email"])
    op.create_index(
        "uq_volunteer_role",
        "volunteer_role",
        ["campaign_id", "email", "kind", "area"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("volunteer_role")
