"""The chapter of a campaign; none for the campaigns that there are."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("chapter_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_campaign_chapter_id"), "campaign", ["chapter_id"])
    op.create_foreign_key(
        op.f("fk_campaign_chapter_id_chapter"), "campaign", "chapter", ["chapter_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_campaign_chapter_id_chapter"), "campaign", type_="foreignkey")
    op.drop_index(op.f("ix_campaign_chapter_id"), "campaign")
    op.drop_column("campaign", "chapter_id")
