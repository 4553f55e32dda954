"""Which callers are the same volunteer."""

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volunteer_caller",
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("volunteer_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_volunteer_caller_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["volunteer_id"],
            ["volunteer.id"],
            name=op.f("fk_volunteer_caller_volunteer_id_volunteer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("caller_id", name=op.f("pk_volunteer_caller")),
    )
    op.create_index(op.f("ix_volunteer_caller_volunteer_id"), "volunteer_caller", ["volunteer_id"])


def downgrade() -> None:
    op.drop_table("volunteer_caller")
