"""People who signed in at a call-out."""

import sqlalchemy as sa
from alembic import op

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_out_sign_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_out_id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("area", sa.String(length=340), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(email, phone) >= 1", name=op.f("ck_call_out_sign_up_reachable")
        ),
        sa.ForeignKeyConstraint(
            ["call_out_id"],
            ["call_out.id"],
            name=op.f("fk_call_out_sign_up_call_out_id_call_out"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_call_out_sign_up_caller_id_caller"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_out_sign_up")),
    )
    op.create_index(
        op.f("ix_call_out_sign_up_caller_id"), "call_out_sign_up", ["caller_id"], unique=False
    )
    op.create_index(
        "uq_call_out_sign_up_email",
        "call_out_sign_up",
        ["call_out_id", "email"],
        unique=True,
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "uq_call_out_sign_up_phone",
        "call_out_sign_up",
        ["call_out_id", "phone"],
        unique=True,
        postgresql_where=sa.text("phone IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("call_out_sign_up")
