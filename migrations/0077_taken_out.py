"""The state of people whom a file has taken out of calling."""

from alembic import op

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

_NAME = "ck_contact_state"
# Every row that is there satisfies the new rule too, so PostgreSQL need not read them all.
_ADD = "ALTER TABLE contact ADD CONSTRAINT ck_contact_state CHECK (state IN ({})) NOT VALID"


def upgrade() -> None:
    op.execute(f"ALTER TABLE contact DROP CONSTRAINT {_NAME}")
    op.execute(_ADD.format("'callable', 'finished', 'unusable', 'taken_out'"))


def downgrade() -> None:
    op.execute("UPDATE contact SET state = 'finished' WHERE state = 'taken_out'")
    op.execute(f"ALTER TABLE contact DROP CONSTRAINT {_NAME}")
    op.execute(_ADD.format("'callable', 'finished', 'unusable'"))
