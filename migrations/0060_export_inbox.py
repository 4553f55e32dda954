"""Files of the inbox."""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE export DROP CONSTRAINT ck_export_kind,
            ADD CONSTRAINT ck_export_kind CHECK (kind IN ('calls', 'people', 'canvass', 'inbox'))
    """)


def downgrade() -> None:
    op.execute("DELETE FROM export WHERE kind = 'inbox'")
    op.execute("""
        ALTER TABLE export DROP CONSTRAINT ck_export_kind,
            ADD CONSTRAINT ck_export_kind CHECK (kind IN ('calls', 'people', 'canvass'))
    """)
