"""What an upload would do, counted before its columns are confirmed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upload_check",
        sa.Column("contact_list_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(16), nullable=False),
        sa.Column("plan", JSONB(none_as_null=True), nullable=False),
        sa.Column("choices", JSONB(none_as_null=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("found", JSONB(none_as_null=True), nullable=False, server_default="{}"),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_upload_check_contact_list_id_contact_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_list_id", name=op.f("pk_upload_check")),
    )


def downgrade() -> None:
    op.drop_table("upload_check")
