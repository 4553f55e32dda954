"""What an upload is for, and which columns it updates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def _columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("purpose", sa.String(10), nullable=False, server_default="call"),
        sa.Column("reason", sa.String(20), nullable=False, server_default=""),
        sa.Column("update_targets", JSONB(), nullable=False, server_default="[]"),
        sa.Column("update_empties", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("rows_updated", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("rows_unknown", sa.Integer(), nullable=False, server_default="0"),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column("contact_list", column)
    op.create_check_constraint(
        op.f("ck_contact_list_purpose"), "contact_list", "purpose IN ('call', 'take_out')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_contact_list_purpose"), "contact_list")
    for column in _columns():
        op.drop_column("contact_list", column.name)
