"""A contact no longer refers to its campaign by a key of its own."""

from alembic import op

revision = "0127"
down_revision = "0126"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("fk_contact_campaign_id_campaign"), "contact")


def downgrade() -> None:
    op.create_foreign_key(
        op.f("fk_contact_campaign_id_campaign"),
        "contact",
        "campaign",
        ["campaign_id"],
        ["id"],
        ondelete="CASCADE",
    )
