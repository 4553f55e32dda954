"""Which token of the API has entered a batch of do-not-call numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("suppression_batch", sa.Column("api_token_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_suppression_batch_api_token_id_api_token"),
        "suppression_batch",
        "api_token",
        ["api_token_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        op.f("ix_suppression_batch_api_token_id"), "suppression_batch", ["api_token_id"]
    )


def downgrade() -> None:
    op.drop_column("suppression_batch", "api_token_id")
