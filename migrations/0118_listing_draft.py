"""Listings that their host has not shown to anybody yet."""

from alembic import op

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_listing_state"), "listing")
    op.create_check_constraint(
        op.f("ck_listing_state"),
        "listing",
        "state IN ('draft', 'waiting', 'shown', 'hidden', 'cancelled')",
    )


def downgrade() -> None:
    op.execute("DELETE FROM listing WHERE state = 'draft'")
    op.drop_constraint(op.f("ck_listing_state"), "listing")
    op.create_check_constraint(
        op.f("ck_listing_state"),
        "listing",
        "state IN ('waiting', 'shown', 'hidden', 'cancelled')",
    )
