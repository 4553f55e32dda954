"""A list with its campaign as a key, so that a contact can refer to both at once."""

from alembic import op

revision = "0123"
down_revision = "0122"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_unique_constraint(
        op.f("uq_contact_list_id_campaign_id"), "contact_list", ["id", "campaign_id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("uq_contact_list_id_campaign_id"), "contact_list")
