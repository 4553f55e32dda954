"""Whom a party gets."""

import sqlalchemy as sa
from alembic import op

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("party", sa.Column("filter_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_party_filter_id_people_filter"),
        "party",
        "people_filter",
        ["filter_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_party_filter_id_people_filter"), "party")
    op.drop_column("party", "filter_id")
