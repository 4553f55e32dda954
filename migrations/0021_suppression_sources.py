"""Which upload or do-not-call file named which number."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppression_source",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["suppression_batch.id"],
            name=op.f("fk_suppression_source_batch_id_suppression_batch"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["phone"],
            ["suppression.phone"],
            name=op.f("fk_suppression_source_phone_suppression"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "phone", name=op.f("pk_suppression_source")),
    )
    op.create_index(op.f("ix_suppression_source_phone"), "suppression_source", ["phone"])


def downgrade() -> None:
    op.drop_table("suppression_source")
