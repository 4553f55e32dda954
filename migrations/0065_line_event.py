"""What providers told of telephone lines."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

_CAUSES = (
    "cause IN ('hung_up', 'busy', 'no_answer', 'no_such_number', 'cancelled', 'failed', 'lost')"
)


def upgrade() -> None:
    op.create_table(
        "line_event",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ringing', 'answered', 'joined', 'left', 'played', 'ended')",
            name=op.f("ck_line_event_kind"),
        ),
        sa.CheckConstraint(_CAUSES, name=op.f("ck_line_event_cause")),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["line.id"],
            name=op.f("fk_line_event_line_id_line"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("line_id", "sequence", "kind", name=op.f("pk_line_event")),
    )


def downgrade() -> None:
    op.drop_table("line_event")
