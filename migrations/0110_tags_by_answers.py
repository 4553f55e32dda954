"""Tags that answers and files give."""

import sqlalchemy as sa
from alembic import op

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("pk_contact_tag"), "contact_tag")
    op.add_column("contact_tag", sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True))
    op.create_primary_key(op.f("pk_contact_tag"), "contact_tag", ["id"])
    op.add_column("contact_tag", sa.Column("contact_list_id", sa.Integer()))
    op.add_column("contact_tag", sa.Column("call_id", sa.Uuid()))
    op.add_column(
        "contact_tag",
        sa.Column(
            "given_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.create_foreign_key(
        op.f("fk_contact_tag_contact_list_id_contact_list"),
        "contact_tag",
        "contact_list",
        ["contact_list_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        op.f("fk_contact_tag_call_id_call"),
        "contact_tag",
        "call",
        ["call_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "uq_contact_tag_source",
        "contact_tag",
        ["contact_id", "tag", "contact_list_id", "call_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_contact_tag_list",
        "contact_tag",
        ["contact_list_id"],
        postgresql_where=sa.text("contact_list_id IS NOT NULL"),
    )
    op.create_index(
        "ix_contact_tag_call",
        "contact_tag",
        ["call_id"],
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index(
        "ix_contact_tag_answered",
        "contact_tag",
        ["given_at"],
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DELETE FROM contact_tag WHERE contact_list_id IS NOT NULL OR call_id IS NOT NULL")
    for index in ("answered", "call", "list"):
        op.drop_index(f"ix_contact_tag_{index}", "contact_tag")
    op.drop_index("uq_contact_tag_source", "contact_tag")
    op.drop_constraint(op.f("pk_contact_tag"), "contact_tag")
    for column in ("given_at", "call_id", "contact_list_id", "id"):
        op.drop_column("contact_tag", column)
    op.create_primary_key(op.f("pk_contact_tag"), "contact_tag", ["contact_id", "tag"])
