"""Whom a caller gets."""

import sqlalchemy as sa
from alembic import op

revision = "0103"
down_revision = "0102"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("caller", sa.Column("filter_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_caller_filter_id_people_filter"),
        "caller",
        "people_filter",
        ["filter_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_caller_filter_id_people_filter"), "caller")
    op.drop_column("caller", "filter_id")
