"""Roles in one chapter or one campaign.

An account that was an organiser before stays an organiser of the whole installation.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scoped_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("chapter_id", sa.Integer(), nullable=True),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('organiser', 'viewer')", name=op.f("ck_scoped_role_role")),
        sa.CheckConstraint(
            "num_nonnulls(chapter_id, campaign_id) = 1", name=op.f("ck_scoped_role_one_scope")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_scoped_role_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["chapter_id"],
            ["chapter.id"],
            name=op.f("fk_scoped_role_chapter_id_chapter"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_scoped_role_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scoped_role")),
    )
    op.create_index(op.f("ix_scoped_role_chapter_id"), "scoped_role", ["chapter_id"])
    op.create_index(op.f("ix_scoped_role_campaign_id"), "scoped_role", ["campaign_id"])
    for scope in ("chapter", "campaign"):
        op.create_index(
            f"uq_scoped_role_{scope}",
            "scoped_role",
            ["account_id", f"{scope}_id"],
            unique=True,
            postgresql_where=sa.text(f"{scope}_id IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_table("scoped_role")
