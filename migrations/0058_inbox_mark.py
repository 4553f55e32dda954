"""How far a campaign's calls have been read for its inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbox_mark",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("read_to", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_inbox_mark_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_inbox_mark")),
    )


def downgrade() -> None:
    op.drop_table("inbox_mark")
