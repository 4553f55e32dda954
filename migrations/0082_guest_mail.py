"""The e-mails that guests get."""

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "guest_mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("guest_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=10),
            nullable=False,
        ),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("was_sent", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('accepted', 'refused', 'queued', 'changed', 'cancelled', 'day_before', "
            "'soon', 'thanks')",
            name=op.f("ck_guest_mail_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["guest_id"],
            ["guest.id"],
            name=op.f("fk_guest_mail_guest_id_guest"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_mail")),
        sa.UniqueConstraint(
            "guest_id", "kind", "sequence", name=op.f("uq_guest_mail_guest_id_kind_sequence")
        ),
    )
    op.create_index(
        "ix_guest_mail_due",
        "guest_mail",
        ["due_at"],
        postgresql_where=sa.text("done_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("guest_mail")
