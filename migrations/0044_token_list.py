"""The contact list of the people whom a token has added."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_token", sa.Column("contact_list_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_api_token_contact_list_id_contact_list"),
        "api_token",
        "contact_list",
        ["contact_list_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_column("api_token", "contact_list_id")
