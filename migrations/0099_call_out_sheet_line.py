"""Lines of paper sheets."""

import sqlalchemy as sa
from alembic import op

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_out_sheet_line",
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("new", "known", "unreadable", name="sheetlinestate", native_enum=False),
            nullable=False,
        ),
        sa.Column("sign_up_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('new', 'known', 'unreadable')", name=op.f("ck_call_out_sheet_line_state")
        ),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["call_out_sheet.id"],
            name=op.f("fk_call_out_sheet_line_sheet_id_call_out_sheet"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sign_up_id"],
            ["call_out_sign_up.id"],
            name=op.f("fk_call_out_sheet_line_sign_up_id_call_out_sign_up"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("sheet_id", "number", name=op.f("pk_call_out_sheet_line")),
    )
    op.create_index(
        op.f("ix_call_out_sheet_line_sign_up_id"), "call_out_sheet_line", ["sign_up_id"]
    )


def downgrade() -> None:
    op.drop_table("call_out_sheet_line")
