"""Promises to host a party."""

import sqlalchemy as sa
from alembic import op

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pledge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_out_id", sa.Integer(), nullable=False),
        sa.Column("sign_up_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("area", sa.String(length=340), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("chairs", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=True),
        sa.Column("kit_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("chairs BETWEEN 1 AND 100", name=op.f("ck_pledge_chairs")),
        sa.ForeignKeyConstraint(
            ["call_out_id"],
            ["call_out.id"],
            name=op.f("fk_pledge_call_out_id_call_out"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["party.id"], name=op.f("fk_pledge_party_id_party"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["sign_up_id"],
            ["call_out_sign_up.id"],
            name=op.f("fk_pledge_sign_up_id_call_out_sign_up"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge")),
        sa.UniqueConstraint("sign_up_id", name=op.f("uq_pledge_sign_up_id")),
    )
    op.create_index(op.f("ix_pledge_call_out_id"), "pledge", ["call_out_id"])
    op.create_index(op.f("ix_pledge_party_id"), "pledge", ["party_id"])


def downgrade() -> None:
    op.drop_table("pledge")
