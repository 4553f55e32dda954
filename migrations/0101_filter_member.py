"""The people who fit a filter."""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "filter_member",
        sa.Column("filter_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["filter_id"],
            ["people_filter.id"],
            name=op.f("fk_filter_member_filter_id_people_filter"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_filter_member_contact_id_contact"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("filter_id", "contact_id", name=op.f("pk_filter_member")),
    )
    op.create_index(op.f("ix_filter_member_contact_id"), "filter_member", ["contact_id"])


def downgrade() -> None:
    op.drop_table("filter_member")
