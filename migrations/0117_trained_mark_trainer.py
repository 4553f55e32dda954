"""The trainer who gave a mark."""

import sqlalchemy as sa
from alembic import op

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trained_mark", sa.Column("given_by_trainer_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_trained_mark_given_by_trainer_id_volunteer_role"),
        "trained_mark",
        "volunteer_role",
        ["given_by_trainer_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        op.f("ix_trained_mark_given_by_trainer_id"), "trained_mark", ["given_by_trainer_id"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_trained_mark_given_by_trainer_id"), "trained_mark")
    op.drop_constraint(op.f("fk_trained_mark_given_by_trainer_id_volunteer_role"), "trained_mark")
    op.drop_column("trained_mark", "given_by_trainer_id")
