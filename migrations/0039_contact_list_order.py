"""The order in which the API reads a list's people.

The index also does what the index of the list alone did.
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_contact_list_order", "contact", ["contact_list_id", "id"])
    op.drop_index("ix_contact_contact_list_id", table_name="contact")


def downgrade() -> None:
    op.create_index("ix_contact_contact_list_id", "contact", ["contact_list_id"])
    op.drop_index("ix_contact_list_order", table_name="contact")
