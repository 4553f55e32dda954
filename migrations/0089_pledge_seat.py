"""Places that were taken at pledged parties."""

import sqlalchemy as sa
from alembic import op

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pledge_seat",
        sa.Column("pledge_id", sa.BigInteger(), nullable=False),
        sa.Column("sign_up_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["pledge_id"],
            ["pledge.id"],
            name=op.f("fk_pledge_seat_pledge_id_pledge"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sign_up_id"],
            ["call_out_sign_up.id"],
            name=op.f("fk_pledge_seat_sign_up_id_call_out_sign_up"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pledge_id", "sign_up_id", name=op.f("pk_pledge_seat")),
    )
    op.create_index(op.f("ix_pledge_seat_sign_up_id"), "pledge_seat", ["sign_up_id"])


def downgrade() -> None:
    op.drop_table("pledge_seat")
