"""A line event can say that the information message has begun."""

from alembic import op

revision = "0131"
down_revision = "0130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_line_event_kind"), "line_event")
    # The rows that are there keep the narrower rule. Checking them would lock out the dialler.
    op.execute("""
        ALTER TABLE line_event ADD CONSTRAINT ck_line_event_kind CHECK (
            kind IN ('ringing', 'answered', 'joined', 'left', 'playing', 'played', 'ended')
        ) NOT VALID
    """)


def downgrade() -> None:
    op.execute("DELETE FROM line_event WHERE kind = 'playing'")
    op.drop_constraint(op.f("ck_line_event_kind"), "line_event")
    op.create_check_constraint(
        op.f("ck_line_event_kind"),
        "line_event",
        "kind IN ('ringing', 'answered', 'joined', 'left', 'played', 'ended')",
    )
