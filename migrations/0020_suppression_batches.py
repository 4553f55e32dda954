"""A row for each upload or do-not-call file that entered numbers, so that it can be taken back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppression_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_list_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_reason", sa.String(length=40), nullable=False),
        sa.Column("lifted_numbers", sa.Integer(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'entered', 'lifting', 'lifted')",
            name=op.f("ck_suppression_batch_state"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_suppression_batch_contact_list_id_contact_list"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_suppression_batch_account_id_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by_id"],
            ["account.id"],
            name=op.f("fk_suppression_batch_lifted_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_batch")),
        sa.UniqueConstraint("contact_list_id", name=op.f("uq_suppression_batch_contact_list_id")),
    )


def downgrade() -> None:
    op.drop_table("suppression_batch")
