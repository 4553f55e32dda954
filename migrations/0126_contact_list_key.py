"""A contact no longer refers to its list by a key of its own."""

from alembic import op

revision = "0126"
down_revision = "0125"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("fk_contact_contact_list_id_contact_list"), "contact")


def downgrade() -> None:
    op.create_foreign_key(
        op.f("fk_contact_contact_list_id_contact_list"),
        "contact",
        "contact_list",
        ["contact_list_id"],
        ["id"],
        ondelete="CASCADE",
    )
