"""Paper sheets of call-outs."""

import sqlalchemy as sa
from alembic import op

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_out_sheet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_out_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_out_id"],
            ["call_out.id"],
            name=op.f("fk_call_out_sheet_call_out_id_call_out"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_out_sheet")),
        sa.UniqueConstraint(
            "call_out_id", "number", name=op.f("uq_call_out_sheet_call_out_id_number")
        ),
        sa.UniqueConstraint("token", name=op.f("uq_call_out_sheet_token")),
    )


def downgrade() -> None:
    op.drop_table("call_out_sheet")
