"""The campaign that calls people who pledged at a call-out."""

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_out", sa.Column("follow_up_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_call_out_follow_up_id_campaign"),
        "call_out",
        "campaign",
        ["follow_up_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_column("call_out", "follow_up_id")
