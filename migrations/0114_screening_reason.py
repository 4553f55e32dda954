"""Why a list needn't be screened, as an organiser says."""

import sqlalchemy as sa
from alembic import op

revision = "0114"
down_revision = "0113"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "contact_list",
        sa.Column("screening_reason", sa.String(), server_default="", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("contact_list", "screening_reason")
