"""A contact refers to its list and its campaign by one key. The next migration checks the contacts
that are there, without locking out writers."""

from alembic import op

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE contact ADD CONSTRAINT fk_contact_contact_list_id_campaign_id_contact_list"
        " FOREIGN KEY (contact_list_id, campaign_id) REFERENCES contact_list (id, campaign_id)"
        " ON DELETE CASCADE NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_contact_contact_list_id_campaign_id_contact_list"), "contact")
