"""Changes of people by uploads are numbered in the order in which they were made.

The order of older changes is not known, so they have no number. A default that is added together
with the column would make PostgreSQL write the whole table again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0133"
down_revision = "0132"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_change", sa.Column("number", sa.BigInteger()))
    op.execute("CREATE SEQUENCE contact_change_number_seq AS bigint OWNED BY contact_change.number")
    op.alter_column(
        "contact_change",
        "number",
        server_default=sa.text("nextval('contact_change_number_seq'::regclass)"),
    )


def downgrade() -> None:
    op.drop_column("contact_change", "number")
