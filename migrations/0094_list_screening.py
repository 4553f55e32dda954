"""When a list was screened against the country's register, and since when a worker reads it."""

import sqlalchemy as sa
from alembic import op

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_list", sa.Column("screened_on", sa.Date(), nullable=True))
    for name in ("screening_not_needed", "screening_lapsed"):
        op.add_column(
            "contact_list", sa.Column(name, sa.Boolean(), nullable=False, server_default="false")
        )
    op.add_column(
        "contact_list", sa.Column("screened_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "contact_list", sa.Column("reading_since", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "contact_list",
        sa.Column("reading_from", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("contact_list", sa.Column("screened_by_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_contact_list_screened_by_id_account"),
        "contact_list",
        "account",
        ["screened_by_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_contact_list_screened_by_id_account"), "contact_list")
    for name in (
        "screened_by_id",
        "reading_from",
        "reading_since",
        "screened_at",
        "screening_lapsed",
        "screening_not_needed",
        "screened_on",
    ):
        op.drop_column("contact_list", name)
