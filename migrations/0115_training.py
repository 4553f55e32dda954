"""The rooms of trainings."""

import sqlalchemy as sa
from alembic import op

revision = "0115"
down_revision = "0114"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "training",
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("trainer_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["listing.id"],
            name=op.f("fk_training_listing_id_listing"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trainer_id"],
            ["volunteer_role.id"],
            name=op.f("fk_training_trainer_id_volunteer_role"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_training")),
        sa.UniqueConstraint("code", name=op.f("uq_training_code")),
    )
    op.create_index(op.f("ix_training_trainer_id"), "training", ["trainer_id"])


def downgrade() -> None:
    op.drop_table("training")
