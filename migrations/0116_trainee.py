"""Who came to a training."""

import sqlalchemy as sa
from alembic import op

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trainee",
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["training.listing_id"],
            name=op.f("fk_trainee_listing_id_training"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_trainee_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("listing_id", "caller_id", name=op.f("pk_trainee")),
    )
    op.create_index(op.f("ix_trainee_caller_id"), "trainee", ["caller_id"])


def downgrade() -> None:
    op.drop_table("trainee")
