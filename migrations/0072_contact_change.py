"""What uploads changed about people who were in the campaign before them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_change",
        sa.Column("contact_list_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("before", JSONB(none_as_null=True), nullable=False),
        sa.Column("after", JSONB(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_contact_change_contact_list_id_contact_list"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_contact_change_contact_id_contact"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_list_id", "contact_id", name=op.f("pk_contact_change")),
    )
    op.create_index(op.f("ix_contact_change_contact_id"), "contact_change", ["contact_id"])


def downgrade() -> None:
    op.drop_table("contact_change")
