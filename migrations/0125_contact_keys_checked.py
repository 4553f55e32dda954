"""Every contact's campaign is that of its list."""

from alembic import op

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE contact"
        " VALIDATE CONSTRAINT fk_contact_contact_list_id_campaign_id_contact_list"
    )


def downgrade() -> None:
    pass
