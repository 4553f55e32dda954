"""Whether another campaign has some of a campaign's numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign",
        sa.Column("shares_numbers", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    # The contacts that are in the lanes by now were not looked at.
    op.execute(
        "UPDATE campaign SET shares_numbers = true WHERE (SELECT count(*) > 1 FROM campaign)"
    )


def downgrade() -> None:
    op.drop_column("campaign", "shares_numbers")
