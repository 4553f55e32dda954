"""The time at which an e-mail that the mail server did not take is tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0130"
down_revision = "0129"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "guest_mail", sa.Column("put_off_until", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("guest_mail", "put_off_until")
